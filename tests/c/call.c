#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ── arguments ── */

sessile_str_t slice(const char *ptr, size_t len)
{
    return (sessile_str_t){ptr, len};
}

sessile_str_t text_of(const json *call, const char *name)
{
    const json *value = json_member(call, name);
    return json_text(value) ? slice(value->text, value->text_len) : SESSILE_NONE;
}

sessile_str_t raw_of(const json *call, const char *name)
{
    const json *value = json_member(call, name);
    return value ? slice(value->raw, value->raw_len) : SESSILE_NONE;
}

sessile_str_t text_or_raw(const json *call, const char *text, const char *raw)
{
    return json_member(call, text) ? text_of(call, text) : raw_of(call, raw);
}

sessile_str_t kept_or_text(const kept *kept, const json *call, const char *name)
{
    const kept_texts texts = texts_of(kept);
    sessile_str_t text = text_of(call, name);
    if (text.len > 1 && text.ptr[0] == '$')
        texts.find(kept, text.ptr + 1, text.len - 1, &text.ptr, &text.len);
    return text;
}

sessile_str_t raw_with_kept(const kept *kept, const json *call, const char *name, char room[512])
{
    const kept_texts texts = texts_of(kept);
    const sessile_str_t given = raw_of(call, name);
    const char *text = NULL;
    size_t text_len = 0;
    for (size_t start = 0; start + 2 < given.len; start++) {
        if (given.ptr[start] != '"' || given.ptr[start + 1] != '$')
            continue;
        const char *named = given.ptr + start + 2;
        const char *end = memchr(named, '"', given.len - start - 2);
        if (!end || !texts.find(kept, named, (size_t)(end - named), &text, &text_len))
            return given;
        int length = snprintf(room, 512, "%.*s\"%.*s%.*s", (int)start, given.ptr, (int)text_len, text,
                              (int)(given.ptr + given.len - end), end);
        return length > 0 && length < 512 ? slice(room, (size_t)length) : given;
    }
    return given;
}

bool flag_of(const json *call, const char *name)
{
    return json_is_true(json_member(call, name));
}

uint64_t number_of(const json *call, const char *name, uint64_t missing)
{
    const json *number = json_member(call, name);
    return number && number->kind == JSON_NUMBER ? strtoull(number->raw, NULL, 10) : missing;
}

uint64_t ttl_of(const json *call)
{
    return number_of(call, "ttl", SESSILE_NO_TTL);
}

names names_of(const json *call)
{
    const json *given = json_member(call, "names");
    names list = {calloc(json_count(given) + 1, sizeof(sessile_str_t)), 0};
    for (const json *name = given ? given->first : NULL; name; name = name->next)
        list.all[list.count++] = slice(name->text, name->text_len);
    return list;
}

/* ── outcomes ── */

void give_buffer(outcome *o)
{
    o->kind = o->buffer ? VALUE : ABSENT;
}

void give_text(outcome *o)
{
    o->kind = o->buffer ? TEXT : ABSENT;
}

void give_count(outcome *o, uint64_t count)
{
    o->kind = VALUE;
    snprintf(o->plain, sizeof o->plain, "%llu", (unsigned long long)count);
}

void give_bool(outcome *o, bool value)
{
    o->kind = VALUE;
    snprintf(o->plain, sizeof o->plain, "%s", value ? "true" : "false");
}
