/*
 * What the calls of a case leave under the name in their `as`: executions, to call; texts, for "$name" to stand for.
 */
#ifndef SESSILE_TESTS_KEPT_H
#define SESSILE_TESTS_KEPT_H

#include "compare.h"
#include "sessile.h"

typedef struct {
    struct kept_thing *all;
    size_t count, room;
} kept;

/* Each takes over what it is given, also from a call without a name. */
void keep_run(kept *kept, const json *call, sessile_execution_t *run);
void keep_text(kept *kept, const json *call, sessile_buffer_t *text);
/* The texts of a result, as "name.token", "name.sessionId", "name.nextCursor". */
void keep_members(kept *kept, const json *call, const sessile_buffer_t *result);

/* What was kept last under a name; NULL: nothing. */
sessile_execution_t *kept_run(const kept *kept, const char *name, size_t len);
/* How values are compared with what is kept. */
kept_texts texts_of(const kept *kept);

void kept_free(kept *kept);

#endif
