/*
 * The C part of the relay, see run.py and life.py. C11.
 *
 *     relay-c relay <url> <keyring> <token> <language> <seconds>
 *     relay-c sessions <url> <keyring> <verb> <language>
 */

#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sessile.h"

static const char *const LANGUAGES[] = {"python", "node", "c", "cpp", "rust"};
enum { LANGUAGE_COUNT = sizeof LANGUAGES / sizeof LANGUAGES[0] };

/* Milliseconds: five processes want one session, on a machine that may have other things to do. */
enum { DEADLINE = 20000 };

/* Ends the program with the error's name and message unless the call succeeded. */
static void must(int32_t status, sessile_error_t *const *error, const char *what)
{
    if (status == SESSILE_OK) {
        return;
    }
    fprintf(stderr, "%s: %s: %s\n", what, sessile_error_name(*error), sessile_error_message(*error));
    sessile_error_free(*error);
    exit(EXIT_FAILURE);
}

static int64_t millis(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static sessile_store_t *open_store(const char *url, const char *keyring)
{
    sessile_error_t *error = NULL;
    sessile_options_t *options;
    sessile_store_t *store;
    char json[4096];
    int length = snprintf(json, sizeof json, "{\"url\":\"%s\",\"limits\":{\"deadline\":%d}}", url, DEADLINE);
    if (length < 0 || (size_t)length >= sizeof json) {
        fprintf(stderr, "the URL is too long\n");
        exit(EXIT_FAILURE);
    }
    must(sessile_options_new(sessile_str(json), &options, &error), &error, "options");
    must(sessile_options_set_keyring_file(options, sessile_str(keyring), &error), &error, "keyring");
    must(sessile_store_open(options, &store, &error), &error, "open");
    sessile_options_free(options);
    return store;
}

/* One turn: counts up the own field and the shared total. */
static void write_turn(sessile_session_t *session, const char *language, uint64_t count)
{
    sessile_error_t *error = NULL;
    sessile_buffer_t *sum;
    char value[32];
    snprintf(value, sizeof value, "%" PRIu64, count);
    must(sessile_session_put_one(session, sessile_str(language), sessile_str(value), SESSILE_NO_TTL, &error), &error, "put");
    must(sessile_session_increment(session, SESSILE_STR("total"), SESSILE_STR("1"), &sum, &error), &error, "increment");
    sessile_buffer_free(sum);
}

/* What another language has counted to, which never goes back. */
static uint64_t read_other(sessile_session_t *session, const char *other, uint64_t before)
{
    sessile_error_t *error = NULL;
    sessile_buffer_t *value;
    uint64_t now;
    must(sessile_session_get(session, sessile_str(other), &value, &error), &error, "get");
    if (value == NULL) {
        now = 0;
    } else {
        now = strtoull(value->ptr, NULL, 10);
        sessile_buffer_free(value);
    }
    if (now < before) {
        fprintf(stderr, "%s went back from %" PRIu64 " to %" PRIu64 "\n", other, before, now);
        exit(EXIT_FAILURE);
    }
    return now;
}

static void relay(const char *url, const char *keyring, const char *token, const char *language, double seconds)
{
    sessile_error_t *error = NULL;
    sessile_execution_t *run;
    sessile_session_t *session;
    uint64_t seen[LANGUAGE_COUNT] = {0};
    uint64_t writes = 0;
    const char *comma = "";
    sessile_store_t *store = open_store(url, keyring);
    must(sessile_execution_new(store, SESSILE_STR("{\"type\":\"rest\",\"security\":\"jwt\"}"), sessile_str(token), &run,
                               &error),
         &error, "execution");
    must(sessile_execution_global(run, SESSILE_NONE, &session, &error), &error, "global");

    int64_t started = millis(CLOCK_REALTIME);
    int64_t until = millis(CLOCK_MONOTONIC) + (int64_t)(seconds * 1000);
    while (millis(CLOCK_MONOTONIC) < until) {
        writes++;
        write_turn(session, language, writes);
        for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
            if (strcmp(LANGUAGES[i], language) != 0) {
                seen[i] = read_other(session, LANGUAGES[i], seen[i]);
            }
        }
    }
    printf("{\"lang\":\"%s\",\"startedAt\":%" PRId64 ",\"endedAt\":%" PRId64 ",\"writes\":%" PRIu64 ",\"seen\":{", language,
           started, millis(CLOCK_REALTIME), writes);
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        if (strcmp(LANGUAGES[i], language) != 0) {
            printf("%s\"%s\":%" PRIu64, comma, LANGUAGES[i], seen[i]);
            comma = ",";
        }
    }
    printf("}}\n");

    sessile_session_free(session);
    sessile_execution_free(run);
    sessile_store_free(store);
}

/* Prints an answer, one line of JSON. */
static void answer(sessile_buffer_t *json)
{
    puts(json->ptr);
    sessile_buffer_free(json);
}

static void start_sessions(sessile_store_t *store, const char *language)
{
    sessile_error_t *error = NULL;
    sessile_buffer_t *started;
    char data[128];
    for (int n = 0; n < 3; n++) {
        snprintf(data, sizeof data, "{\"userId\":\"%s%d\",\"startedBy\":\"%s\"}", language, n, language);
        must(sessile_sessions_start(store, SESSILE_STR("relay"), sessile_str(data), SESSILE_NO_TTL, &started, &error),
             &error, "start");
        answer(started);
    }
}

/* Verifies and updates a session, and renews its tokens. */
static void pass_on(sessile_store_t *store, const char *language, const char *session_id, const char *token,
                    const char *refresh_token)
{
    static const char VALID[] = "{\"valid\":true";
    sessile_error_t *error = NULL;
    sessile_buffer_t *verified, *renewed;
    char data[64];
    must(sessile_sessions_verify(store, sessile_str(token), &verified, &error), &error, "verify");
    if (strncmp(verified->ptr, VALID, sizeof VALID - 1) != 0) {
        fprintf(stderr, "%s\n", verified->ptr);
        exit(EXIT_FAILURE);
    }
    sessile_buffer_free(verified);
    snprintf(data, sizeof data, "{\"passedBy\":\"%s\"}", language);
    must(sessile_sessions_update(store, sessile_str(session_id), sessile_str(data), &error), &error, "update");
    must(sessile_sessions_refresh(store, sessile_str(refresh_token), &renewed, &error), &error, "refresh");
    answer(renewed);
}

static void sessions(const char *url, const char *keyring, const char *verb, const char *language)
{
    sessile_error_t *error = NULL;
    sessile_buffer_t *given;
    char session_id[128], token[2048], refresh_token[256];
    sessile_store_t *store = open_store(url, keyring);
    if (strcmp(verb, "start") == 0) {
        start_sessions(store, language);
    }
    if (strcmp(verb, "list") == 0) {
        must(sessile_sessions_list(store, SESSILE_STR("relay"), SESSILE_NONE, SESSILE_NONE, &given, &error), &error,
             "list");
        answer(given);
    }
    while (scanf("%127s %2047s %255s", session_id, token, refresh_token) == 3) {
        if (strcmp(verb, "pass") == 0) {
            pass_on(store, language, session_id, token, refresh_token);
        } else if (strcmp(verb, "extend") == 0) {
            must(sessile_sessions_extend(store, sessile_str(session_id), 400 * 86400, &given, &error), &error, "extend");
            answer(given);
        } else if (strcmp(verb, "revoke") == 0) {
            must(sessile_sessions_revoke(store, sessile_str(session_id), &error), &error, "revoke");
        } else {
            must(sessile_sessions_verify(store, sessile_str(token), &given, &error), &error, "verify");
            answer(given);
        }
    }
    sessile_store_free(store);
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "relay") == 0) {
        relay(argv[2], argv[3], argv[4], argv[5], strtod(argv[6], NULL));
    } else if (argc == 6 && strcmp(argv[1], "sessions") == 0) {
        sessions(argv[2], argv[3], argv[4], argv[5]);
    } else {
        fprintf(stderr,
                "usage: %s relay <url> <keyring> <token> <language> <seconds>\n"
                "       %s sessions <url> <keyring> <verb> <language>\n",
                argv[0], argv[0]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
