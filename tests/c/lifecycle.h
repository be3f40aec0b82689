/*
 * The calls on a store's configurations and on its users' sessions.
 */
#ifndef SESSILE_TESTS_LIFECYCLE_H
#define SESSILE_TESTS_LIFECYCLE_H

#include "call.h"

/* Makes a call; false: it is none of these. */
bool call_lifecycle(sessile_store_t *store, const kept *kept, const char *verb, const json *call, outcome *o);

/* Whether a call gives a document whose texts are kept: a started session, or a page. */
bool gives_texts(const char *verb);

#endif
