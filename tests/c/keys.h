/*
 * The calls on keys: those of a store, and those of the keyring's file in `folder`.
 */
#ifndef SESSILE_TESTS_KEYS_H
#define SESSILE_TESTS_KEYS_H

#include "call.h"

/* Makes a call; false: it is none of these. */
bool call_keys(sessile_store_t *store, const kept *kept, const char *folder, const char *verb, const json *call, outcome *o);

#endif
