/*
 * A call of a case: its arguments, and what it came to.
 */
#ifndef SESSILE_TESTS_CALL_H
#define SESSILE_TESTS_CALL_H

#include "json.h"
#include "kept.h"
#include "sessile.h"

sessile_str_t slice(const char *ptr, size_t len);

/* A string argument as it is; absent if it is not there or null. */
sessile_str_t text_of(const json *call, const char *name);
/* An argument's JSON text. */
sessile_str_t raw_of(const json *call, const char *name);
/* An argument that is text under one name, or JSON under another. */
sessile_str_t text_or_raw(const json *call, const char *text, const char *raw);
/* A string argument, or what "$name" stands for. */
sessile_str_t kept_or_text(const kept *kept, const json *call, const char *name);
/* An argument's JSON text, with what "$name" stands for in the place of one string that names something kept. The text
 * is in `room`, or the argument's own. */
sessile_str_t raw_with_kept(const kept *kept, const json *call, const char *name, char room[512]);
/* Whether an argument is there and true. */
bool flag_of(const json *call, const char *name);
/* A number; `missing` where there is none. */
uint64_t number_of(const json *call, const char *name, uint64_t missing);
uint64_t ttl_of(const json *call);

typedef struct {
    sessile_str_t *all;
    size_t count;
} names;

/* The strings in `names`; `all` is the caller's to free. */
names names_of(const json *call);

/* What a call came to: an error, or one of the kinds of result. */
typedef struct {
    int32_t status;
    sessile_error_t *err;
    enum { NOTHING, ABSENT, VALUE, TEXT } kind;
    sessile_buffer_t *buffer;
    /* A VALUE that is a count or a boolean. */
    char plain[32];
} outcome;

/* What is in the buffer is JSON, or text to be compared byte for byte; without a buffer nothing was found. */
void give_buffer(outcome *o);
void give_text(outcome *o);
void give_count(outcome *o, uint64_t count);
void give_bool(outcome *o, bool value);

#endif
