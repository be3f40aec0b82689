/*
 * The vectors' reader. JSON libraries turn numbers into doubles; here every number keeps its text, so what a case
 * says reaches the library, and is compared, digit for digit.
 */
#ifndef SESSILE_TESTS_JSON_H
#define SESSILE_TESTS_JSON_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

typedef struct json {
    json_kind kind;
    /* The value as any writer of JSON writes it: without white space, only what must be escaped escaped. */
    const char *raw;
    size_t raw_len;
    /* A string, unescaped, with a NUL after it. */
    char *text;
    size_t text_len;
    /* A member's name, unescaped. */
    char *name;
    size_t name_len;
    /* An array's elements, an object's members. */
    struct json *first;
    struct json *next;
    /* Of the value that json_read gave: what all `raw` point into. */
    char *written;
} json;

/* Reads one value. NULL: not JSON. */
json *json_read(const char *text, size_t len);
void json_free(json *value);

/* An object's member; NULL: it has none of that name, or `object` is NULL or no object. */
const json *json_member(const json *object, const char *name);
const json *json_member_of(const json *object, const char *name, size_t len);
/* A string's text; NULL for anything else. */
const char *json_text(const json *value);
bool json_is_true(const json *value);
/* Elements or members. */
size_t json_count(const json *value);

#ifdef __cplusplus
}
#endif
#endif
