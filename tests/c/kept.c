#define _DEFAULT_SOURCE
#include "kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An execution or a text. */
struct kept_thing {
    char *name;
    sessile_execution_t *run;
    char *text;
    size_t text_len;
};

static void keep(kept *kept, struct kept_thing thing)
{
    if (kept->count == kept->room) {
        kept->room = kept->room ? kept->room * 2 : 16;
        kept->all = realloc(kept->all, kept->room * sizeof *kept->all);
    }
    if (!kept->all || !thing.name)
        abort();
    kept->all[kept->count++] = thing;
}

static struct kept_thing text_thing(char *name, const char *text, size_t len)
{
    struct kept_thing thing = {name, NULL, malloc(len + 1), len};
    if (!thing.text)
        abort();
    memcpy(thing.text, text, len);
    return thing;
}

void keep_run(kept *kept, const json *call, sessile_execution_t *run)
{
    const char *name = json_text(json_member(call, "as"));
    if (run && name)
        keep(kept, (struct kept_thing){strdup(name), run, NULL, 0});
    else
        sessile_execution_free(run);
}

void keep_text(kept *kept, const json *call, sessile_buffer_t *text)
{
    const char *name = json_text(json_member(call, "as"));
    if (text && name)
        keep(kept, text_thing(strdup(name), text->ptr, text->len));
    sessile_buffer_free(text);
}

void keep_members(kept *kept, const json *call, const sessile_buffer_t *result)
{
    const char *as = json_text(json_member(call, "as"));
    if (!as || !result)
        return;
    json *all = json_read(result->ptr, result->len);
    for (const json *member = all ? all->first : NULL; member; member = member->next) {
        if (!json_text(member))
            continue;
        size_t size = strlen(as) + member->name_len + 2;
        char *name = malloc(size);
        if (name)
            snprintf(name, size, "%s.%.*s", as, (int)member->name_len, member->name);
        keep(kept, text_thing(name, member->text, member->text_len));
    }
    json_free(all);
}

static bool is_named(const struct kept_thing *thing, const char *name, size_t len)
{
    return strlen(thing->name) == len && memcmp(thing->name, name, len) == 0;
}

sessile_execution_t *kept_run(const kept *kept, const char *name, size_t len)
{
    for (size_t i = kept->count; i-- > 0;)
        if (kept->all[i].run && is_named(&kept->all[i], name, len))
            return kept->all[i].run;
    return NULL;
}

static bool find_text(const void *all, const char *name, size_t len, const char **text, size_t *text_len)
{
    const kept *kept = all;
    for (size_t i = kept->count; i-- > 0;) {
        const struct kept_thing *thing = &kept->all[i];
        if (thing->text && is_named(thing, name, len)) {
            *text = thing->text;
            *text_len = thing->text_len;
            return true;
        }
    }
    return false;
}

kept_texts texts_of(const kept *kept)
{
    return (kept_texts){find_text, kept};
}

void kept_free(kept *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        free(kept->all[i].name);
        sessile_execution_free(kept->all[i].run);
        free(kept->all[i].text);
    }
    free(kept->all);
}
