/* The C writer: writer <db> <keyring> <token> <name> <durability> [rounds]; what it prints, see common.py. C11. */

#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sessile.h"

/* One write a line, past all buffers: what was said survives the kill. */
static void say(const char *format, ...)
{
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (write(STDOUT_FILENO, line, (size_t)length) != length) {
        exit(EXIT_FAILURE);
    }
}

static void must(int32_t status, sessile_error_t *error, const char *what)
{
    if (status != SESSILE_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, sessile_error_name(error), sessile_error_message(error));
        exit(EXIT_FAILURE);
    }
}

#define MUST(call) must(call, error, #call)

static int stubborn;

/* With `rounds`, a failure that may pass is no end: the call is made again, until it succeeds. */
static int again(int32_t status, sessile_error_t **error, const char *what)
{
    static int failures;
    if (status == SESSILE_OK) {
        failures = 0;
        return 0;
    }
    /* What a disk does not give SQLite calls damaged, like what it gives wrong. */
    int may_pass = status == SESSILE_IO || status == SESSILE_BUSY || status == SESSILE_UNAVAILABLE || status == SESSILE_CORRUPT;
    if (!stubborn || !may_pass || ++failures > 50) {
        must(status, *error, what);
    }
    say("e %s\n", sessile_error_name(*error));
    sessile_error_free(*error);
    *error = NULL;
    return 1;
}

#define TRY(call) \
    while (again(call, &error, #call)) \
        continue

/* A member of what was started or refreshed. */
static void member_of(const sessile_buffer_t *pair, const char *opening, char value[static 512])
{
    const char *found = strstr((const char *)pair->ptr, opening);
    if (!found) {
        fprintf(stderr, "no %s in a pair\n", opening);
        exit(EXIT_FAILURE);
    }
    found += strlen(opening);
    snprintf(value, 512, "%.*s", (int)strcspn(found, "\""), found);
}

#define SESSION_ID "\"sessionId\":\""
#define REFRESH_TOKEN "\"refreshToken\":\""

static sessile_store_t *store;

/* A session of that user, which is said; its refresh token, unless NULL. */
static void start(const char *user, char id[static 512], char *refresh_token)
{
    sessile_error_t *error = NULL;
    sessile_buffer_t *buffer;
    char text[256];
    snprintf(text, sizeof text, "{\"userId\":\"%s\"}", user);
    TRY(sessile_sessions_start(store, SESSILE_STR("torture"), sessile_str(text), SESSILE_NO_TTL, &buffer, &error));
    member_of(buffer, SESSION_ID, id);
    if (refresh_token) {
        member_of(buffer, REFRESH_TOKEN, refresh_token);
    }
    sessile_buffer_free(buffer);
    say("s %s\n", id);
}

/* Ends all sessions of a user, of whom nothing stays if `forgets`. A user of its own each time: what an earlier life of
 * this program began, and did not come to end, stays. */
static void end_all(const char *user, bool forgets)
{
    sessile_error_t *error = NULL;
    char ids[2][512], name[256];
    for (int i = 0; i < 2; i++) {
        start(user, ids[i], NULL);
    }
    say("w %s\nw %s\n", ids[0], ids[1]);
    snprintf(name, sizeof name, "\"%s\"", user);
    if (forgets) {
        TRY(sessile_sessions_forget(store, SESSILE_STR("torture"), sessile_str(name), NULL, &error));
        say("g %s\n", user);
    } else {
        TRY(sessile_sessions_revoke_all(store, SESSILE_STR("torture"), sessile_str(name), SESSILE_NONE, NULL, &error));
    }
    say("r %s\nr %s\n", ids[0], ids[1]);
}

/* Between two of these there are writes that nothing made durable. */
static void durable_call(const char *name, long count)
{
    static char refreshed[512];
    sessile_error_t *error = NULL;
    sessile_buffer_t *buffer;
    char user[128], id[512];
    switch (count % 12) {
    case 2:
        snprintf(user, sizeof user, "%s-refreshes", name);
        if (!*refreshed) {
            start(user, id, refreshed);
        }
        say("q %s\n", refreshed);
        TRY(sessile_sessions_refresh(store, sessile_str(refreshed), &buffer, &error));
        member_of(buffer, REFRESH_TOKEN, refreshed);
        sessile_buffer_free(buffer);
        say("k %s\n", refreshed);
        break;
    case 4:
        TRY(sessile_store_flush(store, &error));
        say("f %ld\n", count);
        break;
    case 8:
        snprintf(user, sizeof user, "%s-revoked-%ld", name, count);
        end_all(user, false);
        break;
    case 10:
        snprintf(user, sizeof user, "%s-forgotten-%ld", name, count);
        end_all(user, true);
        break;
    default:
        break;
    }
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 7) {
        fprintf(stderr, "usage: %s <db> <keyring> <token> <name> <durability> [rounds]\n", argv[0]);
        return EXIT_FAILURE;
    }
    const char *name = argv[4];
    long rounds = argc == 7 ? atol(argv[6]) : 0;
    stubborn = rounds > 0;
    sessile_error_t *error = NULL;
    sessile_options_t *options;
    sessile_execution_t *run;
    sessile_session_t *session;
    sessile_buffer_t *buffer;
    char text[4096], started[8][512];
    size_t first = 0, next = 0;
    snprintf(text, sizeof text, "{\"url\":\"sqlite:%s\",\"durability\":\"%s\",\"limits\":{\"deadline\":20000}}", argv[1],
             argv[5]);
    int32_t opened;
    do {
        MUST(sessile_options_new(sessile_str(text), &options, &error));
        MUST(sessile_options_set_keyring_file(options, sessile_str(argv[2]), &error));
        opened = sessile_store_open(options, &store, &error);
        sessile_options_free(options);
    } while (again(opened, &error, "sessile_store_open"));
    MUST(sessile_execution_new(store, SESSILE_STR("{\"type\":\"rest\",\"security\":\"jwt\"}"), sessile_str(argv[3]), &run,
                               &error));
    MUST(sessile_execution_global(run, SESSILE_NONE, &session, &error));
    TRY(sessile_session_get(session, sessile_str(name), &buffer, &error));
    long count = buffer ? strtol((const char *)buffer->ptr, NULL, 10) : 0;
    sessile_buffer_free(buffer);
    for (long round = 0; rounds == 0 || round < rounds; round++) {
        count++;
        snprintf(text, sizeof text, "%ld", count);
        TRY(sessile_session_put_one(session, sessile_str(name), sessile_str(text), SESSILE_NO_TTL, &error));
        say("n %ld\n", count);
        if (count % 3 == 0) {
            /* A ring: of two that are started one is revoked, and the rest is never mentioned again. */
            snprintf(text, sizeof text, "%s-%ld", name, count % 5);
            start(text, started[next++ % 8], NULL);
        }
        if (count % 6 == 0) {
            first = next > 8 && first < next - 8 ? next - 8 : first;
            const char *id = started[first++ % 8];
            say("w %s\n", id);
            TRY(sessile_sessions_revoke(store, sessile_str(id), &error));
            say("r %s\n", id);
        }
        durable_call(name, count);
    }
    sessile_session_free(session);
    sessile_execution_free(run);
    sessile_store_free(store);
    return EXIT_SUCCESS;
}
