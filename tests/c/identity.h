/*
 * The calls on proofs: verified, revoked, counted.
 */
#ifndef SESSILE_TESTS_IDENTITY_H
#define SESSILE_TESTS_IDENTITY_H

#include "call.h"

/* Makes a call; false: it is none of these. */
bool call_identity(sessile_store_t *store, const kept *kept, const char *verb, const json *call, outcome *o);

#endif
