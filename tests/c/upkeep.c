/*
 * The upkeep of a store on a file: flush, backup, check, health, and opening it for reading only. upkeep GOLDEN
 *
 * GOLDEN is the folder of the golden stores, of which the damaged ones are looked over.
 */
#define _POSIX_C_SOURCE 200809L
#include "json.h"
#include "sessile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *golden;
static char folder[] = "/tmp/sessile-upkeep-XXXXXX";
static unsigned bad;

#define CHECK(what) ((what) ? (void)0 : (void)(bad++, fprintf(stderr, "    %s:%d: %s\n", __FILE__, __LINE__, #what)))
#define IS(status, wanted) CHECK((status) == (wanted))
#define MUST(status) must((status), __LINE__)

/* What a test can't go on without. */
static void must(int32_t status, int line)
{
    if (status != SESSILE_OK) {
        fprintf(stderr, "    %s:%d: gave %d\nc upkeep: 0 passed, 1 failed\n", __FILE__, line, (int)status);
        exit(EXIT_FAILURE);
    }
}

/* A path in the folder of this run; good until the next but three. */
static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* `more`: members of the options, each with a comma before it. */
static int32_t try_open(const char *path, const char *keyring, const char *more, sessile_store_t **store)
{
    char json[512], bytes[4096];
    sessile_options_t *options = NULL;
    snprintf(json, sizeof json, "{\"url\":\"sqlite:%s\"%s}", path, more);
    MUST(sessile_options_new(sessile_str(json), &options, NULL));
    FILE *file = fopen(keyring, "r");
    CHECK(file != NULL);
    size_t len = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose(file);
    MUST(sessile_options_set_keyring_bytes(options, (sessile_str_t){bytes, len}, NULL));
    int32_t status = sessile_store_open(options, store, NULL);
    sessile_options_free(options);
    return status;
}

static sessile_store_t *open_store(const char *name, const char *more)
{
    sessile_store_t *store = NULL;
    MUST(try_open(in_folder(name), in_folder("keyring.json"), more, &store));
    return store;
}

static void close_store(sessile_store_t *store)
{
    MUST(sessile_store_close(store, NULL));
    sessile_store_free(store);
}

static int32_t put(sessile_store_t *store, const char *fields)
{
    sessile_buffer_t *token = NULL;
    sessile_session_t *session = NULL;
    MUST(sessile_tokens_issue(store, SESSILE_STR("{\"sub\":\"u1\"}"), 600, &token, NULL));
    MUST(sessile_store_global(store, sessile_str(token->ptr), SESSILE_NONE, &session, NULL));
    int32_t status = sessile_session_put(session, sessile_str(fields), SESSILE_NO_TTL, NULL);
    sessile_session_free(session);
    sessile_buffer_free(token);
    return status;
}

static bool holds(sessile_store_t *store, const char *fields)
{
    sessile_buffer_t *token = NULL, *all = NULL;
    sessile_session_t *session = NULL;
    MUST(sessile_tokens_issue(store, SESSILE_STR("{\"sub\":\"u1\"}"), 600, &token, NULL));
    MUST(sessile_store_global(store, sessile_str(token->ptr), SESSILE_NONE, &session, NULL));
    MUST(sessile_session_all(session, &all, NULL));
    bool same = !strcmp(all->ptr, fields);
    sessile_buffer_free(all);
    sessile_session_free(session);
    sessile_buffer_free(token);
    return same;
}

/* A member of what check gives, as JSON text. */
static bool reports(sessile_store_t *store, const char *member, const char *wanted)
{
    sessile_buffer_t *out = NULL;
    MUST(sessile_store_check(store, &out, NULL));
    json *report = json_read(out->ptr, out->len);
    const json *value = json_member(report, member);
    bool same = value && value->raw_len == strlen(wanted) && !memcmp(value->raw, wanted, value->raw_len);
    if (!same)
        fprintf(stderr, "    check gave %s\n", out->ptr);
    json_free(report);
    sessile_buffer_free(out);
    return same;
}

/* ── the tests ── */

static void a_backup_is_a_store_of_its_own(void)
{
    sessile_store_t *store = open_store("sessions.db", "");
    sessile_str_t path = sessile_str(in_folder("copy.db"));
    struct stat file;
    MUST(put(store, "{\"n\":1}"));
    MUST(sessile_store_flush(store, NULL));
    MUST(sessile_store_backup(store, path, NULL));
    CHECK(stat(path.ptr, &file) == 0 && (file.st_mode & 0777) == 0600);
    MUST(put(store, "{\"n\":2}"));

    sessile_store_t *copy = open_store("copy.db", "");
    CHECK(holds(copy, "{\"n\":1}") && holds(store, "{\"n\":2}"));
    CHECK(reports(copy, "ok", "true") && reports(copy, "sessions", "1") && reports(copy, "fields", "1"));
    MUST(put(copy, "{\"n\":3}"));
    CHECK(holds(copy, "{\"n\":3}") && holds(store, "{\"n\":2}"));
    close_store(copy);
    close_store(store);
}

/* A page of a copy; its members, as JSON text. */
static bool copies(sessile_store_t *from, sessile_store_t *to, const char *page, const char *wanted)
{
    sessile_buffer_t *out = NULL;
    MUST(sessile_store_copy_to(from, to, sessile_str(page), &out, NULL));
    bool same = strstr(out->ptr, wanted) != NULL;
    if (!same)
        fprintf(stderr, "    copy_to gave %s\n", out->ptr);
    sessile_buffer_free(out);
    return same;
}

static void a_copy_goes_to_a_store_that_is_there(void)
{
    sessile_store_t *from = open_store("from.db", ""), *to = open_store("to.db", "");
    sessile_buffer_t *out = (sessile_buffer_t *)&bad;
    MUST(put(from, "{\"n\":1}"));
    CHECK(copies(from, to, "{\"limit\":1}", "\"copied\":1,\"cursor\":\""));
    CHECK(copies(from, to, "{}", "\"copied\":1,\"cursor\":null,\"done\":true,\"skipped\":0,\"unchanged\":1"));
    CHECK(holds(to, "{\"n\":1}"));
    MUST(put(to, "{\"n\":2}"));
    CHECK(copies(from, to, "{}", "\"copied\":0,\"cursor\":null,\"done\":true,\"skipped\":1,\"unchanged\":1"));
    CHECK(holds(to, "{\"n\":2}") && reports(to, "ok", "true"));
    IS(sessile_store_copy_to(from, from, SESSILE_NONE, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_copy_to(from, NULL, SESSILE_NONE, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_copy_to(from, to, SESSILE_STR("{\"limit\":0}"), &out, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(out == (sessile_buffer_t *)&bad);
    close_store(to);
    close_store(from);
}

static void a_backup_replaces_no_file(void)
{
    sessile_store_t *store = open_store("sessions.db", "");
    sessile_error_t *err = NULL;
    MUST(sessile_store_backup(store, sessile_str(in_folder("once.db")), NULL));
    IS(sessile_store_backup(store, sessile_str(in_folder("once.db")), &err), SESSILE_ALREADY_EXISTS);
    CHECK(strstr(sessile_error_message(err), "once.db"));
    sessile_error_free(err);
    IS(sessile_store_backup(store, sessile_str(in_folder("nowhere/once.db")), NULL), SESSILE_IO);
    close_store(store);
}

static void a_store_in_memory_has_no_backup_and_nothing_to_flush(void)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL;
    MUST(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\"}"), &options, NULL));
    MUST(sessile_store_open(options, &store, NULL));
    IS(sessile_store_backup(store, sessile_str(in_folder("memory.db")), NULL), SESSILE_UNSUPPORTED);
    CHECK(access(in_folder("memory.db"), F_OK) != 0);
    IS(sessile_store_flush(store, NULL), SESSILE_OK);
    CHECK(reports(store, "ok", "true"));
    sessile_options_free(options);
    close_store(store);
}

static void a_store_opened_for_reading_changes_nothing(void)
{
    sessile_store_t *store = open_store("sessions.db", ""), *none = NULL;
    MUST(put(store, "{\"n\":4}"));
    close_store(store);
    store = open_store("sessions.db", ",\"readOnly\":true");
    CHECK(holds(store, "{\"n\":4}"));
    IS(put(store, "{\"n\":5}"), SESSILE_READ_ONLY);
    CHECK(holds(store, "{\"n\":4}") && reports(store, "ok", "true"));
    close_store(store);
    const char *missing = in_folder("missing.db"), *keyring = in_folder("keyring.json");
    IS(try_open(missing, keyring, ",\"readOnly\":true", &none), SESSILE_NOT_FOUND);
    CHECK(access(missing, F_OK) != 0 && none == NULL);
}

static void a_network_file_system_can_be_allowed(void)
{
    close_store(open_store("sessions.db", ",\"allowNetworkFilesystem\":true"));
    sessile_options_t *options = NULL;
    sessile_str_t wrong = SESSILE_STR("{\"url\":\"memory:\",\"allowNetworkFilesystem\":\"yes\"}");
    IS(sessile_options_new(wrong, &options, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(options == NULL);
}

static void what_check_finds_is_no_error(void)
{
    char path[512], keyring[512];
    sessile_store_t *store = NULL;
    sessile_buffer_t *out = NULL;
    snprintf(path, sizeof path, "%s/flipped-head/sessions.db", golden);
    snprintf(keyring, sizeof keyring, "%s/flipped-head/keyring.json", golden);
    MUST(try_open(path, keyring, ",\"readOnly\":true", &store));
    CHECK(reports(store, "ok", "false") && reports(store, "problemCount", "1"));
    MUST(sessile_store_check(store, &out, NULL));
    json *report = json_read(out->ptr, out->len);
    const json *problems = json_member(report, "problems"), *problem = problems ? problems->first : NULL;
    CHECK(json_count(problems) == 1 && problem);
    CHECK(problem && !strcmp(json_text(json_member(problem, "kind")), "session"));
    CHECK(problem && !strcmp(json_text(json_member(problem, "code")), "CORRUPT"));
    json_free(report);
    sessile_buffer_free(out);
    close_store(store);
}

/* A member of what `sessile_store_health` and `sessile_store_stats` give, as JSON text; `path` has a dot at most. */
static bool tells(int32_t (*ask)(sessile_store_t *, sessile_buffer_t **, sessile_error_t **), sessile_store_t *store,
                  const char *path, const char *wanted)
{
    sessile_buffer_t *out = NULL;
    char name[64];
    MUST(ask(store, &out, NULL));
    json *told = json_read(out->ptr, out->len);
    const char *dot = strchr(path, '.');
    snprintf(name, sizeof name, "%.*s", dot ? (int)(dot - path) : (int)strlen(path), path);
    const json *value = json_member(told, name);
    value = value && dot ? json_member(value, dot + 1) : value;
    bool same = value && value->raw_len == strlen(wanted) && !memcmp(value->raw, wanted, value->raw_len);
    if (!same)
        fprintf(stderr, "    %s is not %s in %s\n", path, wanted, out->ptr);
    json_free(told);
    sessile_buffer_free(out);
    return same;
}

static sessile_store_t *open_with(const char *json, const char *password)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL;
    MUST(sessile_options_new(sessile_str(json), &options, NULL));
    MUST(sessile_options_set_keyring_file(options, sessile_str(in_folder("keyring.json")), NULL));
    if (password)
        MUST(sessile_options_set_backend_password(options, sessile_str(password), NULL));
    MUST(sessile_store_open(options, &store, NULL));
    sessile_options_free(options);
    return store;
}

static void health_and_stats_tell_of_a_store(void)
{
    sessile_store_t *stores[] = {open_store("sessions.db", ""), open_with("{\"url\":\"memory:\"}", NULL)};
    const char *const kinds[] = {"{\"kind\":\"sqlite\"}", "{\"kind\":\"memory\"}"};
    for (size_t i = 0; i < 2; i++) {
        sessile_buffer_t *out = NULL;
        CHECK(tells(sessile_store_health, stores[i], "ok", "true"));
        CHECK(tells(sessile_store_stats, stores[i], "backend", kinds[i]));
        CHECK(tells(sessile_store_stats, stores[i], "tokenCache.hits", "0"));
        MUST(sessile_store_close(stores[i], NULL));
        IS(sessile_store_health(stores[i], &out, NULL), SESSILE_CLOSED);
        CHECK(out == NULL);
        sessile_store_free(stores[i]);
    }
}

/* Nobody listens on port 1. */
static void a_server_that_does_not_answer_is_no_error_of_health(void)
{
    static const char *const stores[] = {
        "{\"url\":\"redis://127.0.0.1:1\",\"lazy\":true,\"allowEviction\":true,\"limits\":{\"connect\":500}}",
        "{\"url\":\"postgresql://sessile@127.0.0.1:1/x\",\"lazy\":true,\"schema\":\"s\",\"limits\":{\"connections\":1}}",
    };
    const char *const kinds[] = {"\"redis\"", "\"postgresql\""};
    for (size_t i = 0; i < 2; i++) {
        sessile_store_t *store = open_with(stores[i], "swordfish");
        CHECK(tells(sessile_store_health, store, "ok", "false"));
        CHECK(tells(sessile_store_health, store, "error.code", "\"UNAVAILABLE\""));
        CHECK(tells(sessile_store_health, store, "error.reason", "\"connection\""));
        CHECK(tells(sessile_store_stats, store, "backend.kind", kinds[i]));
        close_store(store);
    }
}

/* ── ── */

static void remove_all(void)
{
    static const char *const stores[] = {"sessions.db", "copy.db", "once.db", "missing.db", "memory.db"};
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    char name[64];
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        for (size_t j = 0; j < sizeof suffixes / sizeof suffixes[0]; j++) {
            snprintf(name, sizeof name, "%s%s", stores[i], suffixes[j]);
            unlink(in_folder(name));
        }
    unlink(in_folder("keyring.json"));
    rmdir(folder);
}

#define TEST(name) {#name, name}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        TEST(a_backup_is_a_store_of_its_own),
        TEST(a_copy_goes_to_a_store_that_is_there),
        TEST(a_backup_replaces_no_file),
        TEST(a_store_in_memory_has_no_backup_and_nothing_to_flush),
        TEST(a_store_opened_for_reading_changes_nothing),
        TEST(a_network_file_system_can_be_allowed),
        TEST(what_check_finds_is_no_error),
        TEST(health_and_stats_tell_of_a_store),
        TEST(a_server_that_does_not_answer_is_no_error_of_health),
    };
    unsigned passed = 0, failed = 0;
    if (argc != 2 || !mkdtemp(folder)) {
        fprintf(stderr, "upkeep GOLDEN, and a folder in /tmp that can be written\n");
        return 2;
    }
    golden = argv[1];
    MUST(sessile_keyring_generate(sessile_str(in_folder("keyring.json")), NULL));
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        bad = 0;
        tests[i].run();
        if (bad) {
            failed++;
            printf("FAILED %s\n", tests[i].name);
        } else {
            passed++;
        }
    }
    remove_all();
    printf("c upkeep: %u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
