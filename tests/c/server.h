/*
 * The server on which cases without a URL of their own run, if the environment names one: SESSILE_VECTORS_URL,
 * SESSILE_VECTORS_KEYRING, SESSILE_VECTORS_EMPTY. See tests/vectors/README.md.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL: there is none, cases run in memory. */
const char *server_url(void);

/* The path of the keyring for it. */
const char *server_keyring(void);

/* Has everything on it removed; whether it was. */
bool server_empty(void);

#ifdef __cplusplus
}
#endif

#endif
