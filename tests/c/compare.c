#include "compare.h"

#include <stdlib.h>
#include <string.h>

/* How values are compared: whether objects may have more members than is wanted, and what names stand for. */
typedef struct {
    bool covers;
    const kept_texts *texts;
} comparison;

static bool is_integer(const json *number)
{
    for (size_t i = 0; i < number->raw_len; i++)
        if (strchr(".eE", number->raw[i]))
            return false;
    return true;
}

static bool equal_numbers(const json *a, const json *b)
{
    if (a->raw_len == b->raw_len && memcmp(a->raw, b->raw, a->raw_len) == 0)
        return true;
    if (is_integer(a) && is_integer(b))
        return false;
    return strtod(a->raw, NULL) == strtod(b->raw, NULL);
}

static bool equal_texts(const json *value, const json *wanted, const kept_texts *texts)
{
    const char *text = wanted->text;
    size_t len = wanted->text_len;
    if (texts && len > 1 && text[0] == '$')
        texts->find(texts->kept, wanted->text + 1, wanted->text_len - 1, &text, &len);
    return value->text_len == len && memcmp(value->text, text, len) == 0;
}

static bool matches(const json *value, const json *wanted, const comparison *how)
{
    if (value->kind != wanted->kind)
        return false;
    const json *a, *b;
    switch (value->kind) {
    case JSON_NUMBER:
        return equal_numbers(value, wanted);
    case JSON_STRING:
        return equal_texts(value, wanted, how->texts);
    case JSON_ARRAY:
        for (a = value->first, b = wanted->first; a && b; a = a->next, b = b->next)
            if (!matches(a, b, how))
                return false;
        return !a && !b;
    case JSON_OBJECT:
        for (b = wanted->first; b; b = b->next) {
            a = json_member_of(value, b->name, b->name_len);
            if (!a || !matches(a, b, how))
                return false;
        }
        return how->covers || json_count(value) == json_count(wanted);
    default:
        return true;
    }
}

bool json_equal(const json *value, const json *wanted, const kept_texts *texts)
{
    const comparison how = {false, texts};
    return value && wanted && matches(value, wanted, &how);
}

bool json_covers(const json *value, const json *wanted, const kept_texts *texts)
{
    const comparison how = {true, texts};
    return value && wanted && matches(value, wanted, &how);
}
