#include "call.h"

#include <stdio.h>
#include <stdlib.h>

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
