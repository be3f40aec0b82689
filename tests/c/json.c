#include "json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *at;
    const char *end;
    /* Where the value is written again; never longer than what was read. */
    char *out;
} reader;

static json *read_value(reader *r);

static void skip_space(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(reader *r, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return false;
    r->at += len;
    return true;
}

static void write_bytes(reader *r, const char *bytes, size_t len)
{
    memcpy(r->out, bytes, len);
    r->out += len;
}

static bool take_digits(reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start;
}

static bool skip_number(reader *r)
{
    take(r, "-");
    if (!take(r, "0") && !take_digits(r))
        return false;
    if (take(r, ".") && !take_digits(r))
        return false;
    if (take(r, "e") || take(r, "E")) {
        if (!take(r, "+"))
            take(r, "-");
        return take_digits(r);
    }
    return true;
}

static bool take_hex4(reader *r, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->end ? *r->at : 0;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A' + 10);
        else
            return false;
        *unit = *unit << 4 | digit;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

static bool read_escape(reader *r, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return false;
    char c = *r->at++;
    const char *simple = c ? strchr(from, c) : NULL;
    if (simple) {
        *(*to)++ = into[simple - from];
        return true;
    }
    uint32_t unit, low;
    if (c != 'u' || !take_hex4(r, &unit))
        return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        reader ahead = *r;
        if (take(&ahead, "\\u") && take_hex4(&ahead, &low) && low >= 0xdc00 && low < 0xe000) {
            *r = ahead;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    *to = put_utf8(*to, unit);
    return true;
}

/* How long a string is as written, up to its closing quote: unescaped it is never longer. */
static size_t written_len(const reader *r)
{
    const char *at = r->at;
    while (at < r->end && *at != '"')
        at += *at == '\\' && at + 1 < r->end ? 2 : 1;
    return (size_t)(at - r->at);
}

/* What no UTF-8 has: put_utf8 makes it of an escape that stands alone, which only an escape can say. */
static bool has_lone_surrogate(const char *text, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++)
        if ((unsigned char)text[i] == 0xed && (unsigned char)text[i + 1] >= 0xa0)
            return true;
    return false;
}

static void write_string(reader *r, const char *text, size_t len)
{
    static const char from[] = "\"\\\b\f\n\r\t", into[] = "\"\\bfnrt";
    *r->out++ = '"';
    for (size_t i = 0; i < len; i++) {
        const char *simple = text[i] ? strchr(from, text[i]) : NULL;
        if (simple) {
            *r->out++ = '\\';
            *r->out++ = into[simple - from];
        } else if ((unsigned char)text[i] < 0x20) {
            static const char hex[] = "0123456789abcdef";
            write_bytes(r, "\\u00", 4);
            *r->out++ = hex[text[i] >> 4];
            *r->out++ = hex[text[i] & 15];
        } else {
            *r->out++ = text[i];
        }
    }
    *r->out++ = '"';
}

static char *read_string(reader *r, size_t *len)
{
    const char *start = r->at;
    if (!take(r, "\""))
        return NULL;
    char *text = malloc(written_len(r) + 1), *to = text;
    if (!text)
        abort();
    while (r->at < r->end && *r->at != '"') {
        if ((unsigned char)*r->at < 0x20)
            break;
        if (*r->at != '\\')
            *to++ = *r->at++;
        else if (r->at++, !read_escape(r, &to))
            break;
    }
    if (!take(r, "\"")) {
        free(text);
        return NULL;
    }
    *to = 0;
    *len = (size_t)(to - text);
    if (has_lone_surrogate(text, *len))
        write_bytes(r, start, (size_t)(r->at - start));
    else
        write_string(r, text, *len);
    return text;
}

static bool read_children(reader *r, json *parent, const char *close)
{
    json **last = &parent->first;
    skip_space(r);
    if (take(r, close)) {
        write_bytes(r, close, 1);
        return true;
    }
    for (;;) {
        char *name = NULL;
        size_t name_len = 0;
        skip_space(r);
        if (parent->kind == JSON_OBJECT) {
            name = read_string(r, &name_len);
            skip_space(r);
            if (!name || !take(r, ":")) {
                free(name);
                return false;
            }
            *r->out++ = ':';
        }
        json *child = read_value(r);
        if (!child) {
            free(name);
            return false;
        }
        child->name = name;
        child->name_len = name_len;
        *last = child;
        last = &child->next;
        skip_space(r);
        if (take(r, close)) {
            write_bytes(r, close, 1);
            return true;
        }
        if (!take(r, ","))
            return false;
        *r->out++ = ',';
    }
}

static bool read_word(reader *r, json *value, json_kind kind, const char *word)
{
    if (!take(r, word))
        return false;
    value->kind = kind;
    write_bytes(r, word, strlen(word));
    return true;
}

static bool read_number(reader *r, json *value)
{
    const char *start = r->at;
    value->kind = JSON_NUMBER;
    if (!skip_number(r))
        return false;
    write_bytes(r, start, (size_t)(r->at - start));
    return true;
}

static bool read_into(reader *r, json *value)
{
    if (read_word(r, value, JSON_NULL, "null") || read_word(r, value, JSON_FALSE, "false") ||
        read_word(r, value, JSON_TRUE, "true"))
        return true;
    if (read_word(r, value, JSON_ARRAY, "["))
        return read_children(r, value, "]");
    if (read_word(r, value, JSON_OBJECT, "{"))
        return read_children(r, value, "}");
    if (r->at < r->end && *r->at == '"') {
        value->kind = JSON_STRING;
        value->text = read_string(r, &value->text_len);
        return value->text != NULL;
    }
    return read_number(r, value);
}

static json *read_value(reader *r)
{
    json *value = calloc(1, sizeof *value);
    if (!value)
        abort();
    skip_space(r);
    value->raw = r->out;
    if (!read_into(r, value)) {
        json_free(value);
        return NULL;
    }
    value->raw_len = (size_t)(r->out - value->raw);
    return value;
}

json *json_read(const char *text, size_t len)
{
    char *written = calloc(len + 1, 1);
    if (!written)
        abort();
    reader r = {text, text + len, written};
    json *value = read_value(&r);
    skip_space(&r);
    if (!value || r.at != r.end) {
        json_free(value);
        free(written);
        return NULL;
    }
    value->written = written;
    return value;
}

void json_free(json *value)
{
    while (value) {
        json *next = value->next;
        json_free(value->first);
        free(value->text);
        free(value->name);
        free(value->written);
        free(value);
        value = next;
    }
}

const json *json_member_of(const json *object, const char *name, size_t len)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const json *member = object->first; member; member = member->next)
        if (member->name_len == len && memcmp(member->name, name, len) == 0)
            return member;
    return NULL;
}

const json *json_member(const json *object, const char *name)
{
    return json_member_of(object, name, strlen(name));
}

const char *json_text(const json *value)
{
    return value && value->kind == JSON_STRING ? value->text : NULL;
}

bool json_is_true(const json *value)
{
    return value && value->kind == JSON_TRUE;
}

size_t json_count(const json *value)
{
    size_t count = 0;
    for (const json *child = value ? value->first : NULL; child; child = child->next)
        count++;
    return count;
}
