/* The C writer: writer <db> <keyring> <token> <name> <durability> [rounds]; what it prints, see common.py. C11. */

#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sessile.h"

/* One write a line, past all buffers: what was said survives the kill. */
static void say(const char *format, ...)
{
    char line[256];
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

static void session_id_of(const sessile_buffer_t *started, char id[static 128])
{
    const char *opening = "\"sessionId\":\"";
    const char *found = strstr((const char *)started->ptr, opening);
    if (!found) {
        fprintf(stderr, "no session id in what was started\n");
        exit(EXIT_FAILURE);
    }
    found += strlen(opening);
    snprintf(id, 128, "%.*s", (int)strcspn(found, "\""), found);
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
    sessile_store_t *store;
    sessile_execution_t *run;
    sessile_session_t *session;
    sessile_buffer_t *buffer;
    char text[4096], started[8][128];
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
            snprintf(text, sizeof text, "{\"userId\":\"%s-%ld\"}", name, count % 5);
            TRY(sessile_sessions_start(store, SESSILE_STR("torture"), sessile_str(text), SESSILE_NO_TTL, &buffer, &error));
            /* A ring: of two that are started one is revoked, and the rest is forgotten. */
            session_id_of(buffer, started[next++ % 8]);
            sessile_buffer_free(buffer);
            say("s %s\n", started[(next - 1) % 8]);
        }
        if (count % 6 == 0) {
            first = next > 8 && first < next - 8 ? next - 8 : first;
            const char *id = started[first++ % 8];
            say("w %s\n", id);
            TRY(sessile_sessions_revoke(store, sessile_str(id), &error));
            say("r %s\n", id);
        }
    }
    sessile_session_free(session);
    sessile_execution_free(run);
    sessile_store_free(store);
    return EXIT_SUCCESS;
}
