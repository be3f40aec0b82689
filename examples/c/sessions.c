/*
 * The sessions of a product's users: a configuration, then one session from its start to its end.
 *
 *     cc sessions.c $(pkg-config --cflags --libs sessile) -o sessions
 *     ./sessions                                     in memory
 *     ./sessions sqlite:./sessions.db keyring.json   in a file that other processes share; makes the keyring
 */
#include <sessile.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every call of this program must succeed: else says why, and ends. */
static void must(int32_t status, sessile_error_t **err, const char *what)
{
    if (status == SESSILE_OK)
        return;
    fprintf(stderr, "%s: %s: %s %s\n", what, sessile_error_name(*err), sessile_error_message(*err),
            sessile_error_details(*err));
    sessile_error_free(*err);
    exit(EXIT_FAILURE);
}

/* A call that may find its work done already: by this program's last run, or by another process. */
static void must_be_there(int32_t status, sessile_error_t **err, const char *what)
{
    if (status != SESSILE_ALREADY_EXISTS) {
        must(status, err, what);
        return;
    }
    sessile_error_free(*err);
    *err = NULL;
}

static void print(const char *what, sessile_buffer_t *json)
{
    printf("%s %s\n", what, json->ptr);
    sessile_buffer_free(json);
}

/* A text in what start and refresh give, cut out of their JSON. Real programs use a JSON library; the texts that are
 * asked for here have no escapes. */
static sessile_str_t member(const sessile_buffer_t *started, const char *name)
{
    char opening[64];
    snprintf(opening, sizeof opening, "\"%s\":\"", name);
    const char *found = strstr(started->ptr, opening);
    if (!found) {
        fprintf(stderr, "no %s in what was started\n", name);
        exit(EXIT_FAILURE);
    }
    sessile_str_t text = {found + strlen(opening), 0};
    text.len = strcspn(text.ptr, "\"");
    return text;
}

/* Secrets never ride in the options' JSON: the keyring has a door of its own. */
static sessile_store_t *open_store(const char *url, const char *keyring)
{
    sessile_error_t *err = NULL;
    sessile_options_t *options;
    sessile_store_t *store;
    char json[4096];
    snprintf(json, sizeof json, "{\"url\":\"%s\",\"product\":\"shop\"}", url);
    must(sessile_options_new(sessile_str(json), &options, &err), &err, "options");
    if (keyring) {
        must_be_there(sessile_keyring_generate(sessile_str(keyring), &err), &err, "make a keyring");
        must(sessile_options_set_keyring_file(options, sessile_str(keyring), &err), &err, "keyring");
    }
    must(sessile_store_open(options, &store, &err), &err, "open");
    sessile_options_free(options);
    return store;
}

#define SCHEMA "{\"userId\":\"string\",\"email\":\"string\",\"role\":\"string\"}"

/* The form of a configuration, filled in once for the product. */
static void configure(sessile_store_t *store)
{
    sessile_error_t *err = NULL;
    sessile_buffer_t *options, *config;
    must(sessile_selector_options(SESSILE_STR(SCHEMA), &options, &err), &err, "selector options");
    print("a user may be told by", options);
    sessile_str_t definition = SESSILE_STR("{\"name\":\"User session\",\"tag\":\"user_session\","
                                           "\"description\":\"Who is signed in to the shop\","
                                           "\"expiry\":7,\"period\":\"Months\","
                                           "\"schema\":" SCHEMA ",\"selector\":\"$Session{userId}\"}");
    must_be_there(sessile_configs_create(store, definition, NULL, &err), &err, "create");
    must(sessile_configs_get(store, SESSILE_STR("user_session"), &config, &err), &err, "get");
    print("configured", config);
}

/* Whether a token opens its session, and what is in that. */
static void verify(sessile_store_t *store, sessile_str_t token, const char *when)
{
    sessile_error_t *err = NULL;
    sessile_buffer_t *verification;
    must(sessile_sessions_verify(store, token, &verification, &err), &err, "verify");
    print(when, verification);
}

/* The session of one sign-in. */
static void live(sessile_store_t *store)
{
    sessile_error_t *err = NULL;
    sessile_buffer_t *started, *next, *list;
    sessile_str_t tag = SESSILE_STR("user_session"), user = SESSILE_STR("\"ada\"");
    sessile_str_t data = SESSILE_STR("{\"userId\":\"ada\",\"email\":\"ada@example.com\",\"role\":\"admin\"}");
    must(sessile_sessions_start(store, tag, data, SESSILE_NO_TTL, &started, &err), &err, "start");
    verify(store, member(started, "token"), "started");

    /* The refresh token gives the next pair of the same session; each is used once. */
    must(sessile_sessions_refresh(store, member(started, "refreshToken"), &next, &err), &err, "refresh");
    verify(store, member(next, "token"), "refreshed");
    must(sessile_sessions_list(store, tag, user, SESSILE_NONE, &list, &err), &err, "list");
    print("ada has", list);

    /* Signed out: no token that was given for this session opens it any more, in any process. */
    must(sessile_sessions_revoke(store, member(next, "sessionId"), &err), &err, "revoke");
    verify(store, member(next, "token"), "revoked");
    sessile_buffer_free(started);
    sessile_buffer_free(next);
}

int main(int argc, char **argv)
{
    sessile_error_t *err = NULL;
    sessile_store_t *store = open_store(argc > 1 ? argv[1] : "memory:", argc > 2 ? argv[2] : NULL);
    configure(store);
    live(store);
    must(sessile_store_close(store, &err), &err, "close");
    sessile_store_free(store);
    return EXIT_SUCCESS;
}
