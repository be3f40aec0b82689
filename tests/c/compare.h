/*
 * Whether JSON is what a case wants. A string "$name" that is wanted stands for the text that the case kept under that
 * name; where nothing is, it stands for itself.
 */
#ifndef SESSILE_TESTS_COMPARE_H
#define SESSILE_TESTS_COMPARE_H

#include "json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The texts that a case has kept. */
typedef struct {
    /* Finds what is kept under a name; false: nothing. */
    bool (*find)(const void *kept, const char *name, size_t name_len, const char **text, size_t *text_len);
    const void *kept;
} kept_texts;

/* Equal as JSON: member order aside; integers by their digits, other numbers as doubles. `texts` may be NULL. */
bool json_equal(const json *value, const json *wanted, const kept_texts *texts);
/* At least what is wanted: as equal, but objects at any depth may have more members. */
bool json_covers(const json *value, const json *wanted, const kept_texts *texts);

#ifdef __cplusplus
}
#endif
#endif
