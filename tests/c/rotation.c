/*
 * The keys of a store on a file: rotated to the end while somebody writes, given by a callback, replaced as bytes.
 */
#define _POSIX_C_SOURCE 200809L
#include "json.h"
#include "sessile.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/sessile-rotation-XXXXXX";
static char keyring[64], database[64];
static unsigned bad;

#define CHECK(what) ((what) ? (void)0 : (void)(bad++, fprintf(stderr, "    %s:%d: %s\n", __FILE__, __LINE__, #what)))
#define IS(status, wanted) is((status), (wanted), __LINE__)
#define MUST(status) must((status), __LINE__)

static void is(int32_t status, int32_t wanted, int line)
{
    if (status != wanted) {
        bad++;
        fprintf(stderr, "    %s:%d: gave %d, not %d\n", __FILE__, line, (int)status, (int)wanted);
    }
}

/* What a test can't go on without. */
static void must(int32_t status, int line)
{
    if (status != SESSILE_OK) {
        fprintf(stderr, "    %s:%d: gave %d\nc rotation: 0 passed, 1 failed\n", __FILE__, line, (int)status);
        exit(EXIT_FAILURE);
    }
}

/* ── the keyring's file ── */

typedef struct {
    char bytes[4096];
    size_t len;
} contents;

static contents read_keyring(void)
{
    contents file = {{0}, 0};
    FILE *opened = fopen(keyring, "r");
    if (opened) {
        file.len = fread(file.bytes, 1, sizeof file.bytes - 1, opened);
        fclose(opened);
    }
    CHECK(file.len > 0);
    return file;
}

static sessile_str_t text_of(const contents *file)
{
    return (sessile_str_t){file->bytes, file->len};
}

/* Every key was made long ago: what the file says is all that anybody knows of it. */
static void age_keys(void)
{
    contents file = read_keyring();
    for (char *at = file.bytes; (at = strstr(at, "\"created\"")); at += 9)
        memcpy(at + strcspn(at, "0123456789"), "2020", 4);
    FILE *opened = fopen(keyring, "r+");
    CHECK(opened && fwrite(file.bytes, 1, file.len, opened) == file.len);
    if (opened)
        fclose(opened);
}

static void fresh_keyring(void)
{
    unlink(keyring);
    MUST(sessile_keyring_generate(sessile_str(keyring), NULL));
}

/* ── stores ── */

static sessile_options_t *options_for(const char *url)
{
    char json[128];
    sessile_options_t *options = NULL;
    snprintf(json, sizeof json, "{\"url\":\"%s\"}", url);
    MUST(sessile_options_new(sessile_str(json), &options, NULL));
    return options;
}

static sessile_store_t *open_file(void)
{
    char url[80];
    sessile_store_t *store = NULL;
    snprintf(url, sizeof url, "sqlite:%s", database);
    sessile_options_t *options = options_for(url);
    MUST(sessile_options_set_keyring_file(options, sessile_str(keyring), NULL));
    MUST(sessile_store_open(options, &store, NULL));
    sessile_options_free(options);
    return store;
}

static void close_store(sessile_store_t *store)
{
    MUST(sessile_store_close(store, NULL));
    sessile_store_free(store);
}

static sessile_session_t *session_of(sessile_store_t *store, const char *claims)
{
    sessile_buffer_t *token = NULL;
    sessile_session_t *session = NULL;
    MUST(sessile_tokens_issue(store, sessile_str(claims), 600, &token, NULL));
    MUST(sessile_store_global(store, sessile_str(token->ptr), SESSILE_NONE, &session, NULL));
    sessile_buffer_free(token);
    return session;
}

/* How much is sealed with a key, of all kinds together; -1: the key is not listed. */
static long usage(sessile_store_t *store, const char *id)
{
    static const char *const kinds[] = {"heads", "fields", "users", "configs", "revocations"};
    sessile_buffer_t *out = NULL;
    long sum = -1;
    MUST(sessile_store_key_usage(store, &out, NULL));
    json *all = json_read(out->ptr, out->len);
    const json *keys = json_member(all, "keys");
    for (const json *key = keys ? keys->first : NULL; key; key = key->next) {
        const json *named = json_member(key, "id");
        if (!named || named->raw_len != strlen(id) || strncmp(named->raw, id, named->raw_len))
            continue;
        sum = 0;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            sum += strtol(json_member(key, kinds[i])->raw, NULL, 10);
    }
    json_free(all);
    sessile_buffer_free(out);
    return sum;
}

/* ── a rotation ── */

#define PUTS 400

static void *write_all(void *shared)
{
    sessile_session_t *session = session_of(shared, "{\"sub\":\"writer\"}");
    for (int i = 0; i < PUTS; i++) {
        char fields[32];
        snprintf(fields, sizeof fields, "{\"f%d\":%d}", i % 20, i);
        IS(sessile_session_put(session, sessile_str(fields), SESSILE_NO_TTL, NULL), SESSILE_OK);
    }
    sessile_session_free(session);
    return NULL;
}

static void rewrap_by_twos(sessile_store_t *store)
{
    char page[512] = "{\"limit\":2}";
    for (bool done = false; !done;) {
        sessile_buffer_t *out = NULL;
        MUST(sessile_store_rewrap(store, sessile_str(page), &out, NULL));
        json *result = json_read(out->ptr, out->len);
        const char *cursor = json_text(json_member(result, "cursor"));
        done = json_is_true(json_member(result, "done"));
        CHECK(done == !cursor);
        snprintf(page, sizeof page, "{\"limit\":2,\"cursor\":\"%s\"}", cursor ? cursor : "");
        json_free(result);
        sessile_buffer_free(out);
    }
}

static void a_rotation_while_somebody_writes(void)
{
    fresh_keyring();
    sessile_store_t *store = open_file();
    char claims[32];
    for (int i = 0; i < 10; i++) {
        snprintf(claims, sizeof claims, "{\"sub\":\"u%d\"}", i);
        sessile_session_t *session = session_of(store, claims);
        MUST(sessile_session_put(session, SESSILE_STR("{\"cart\":[\"tea\"]}"), SESSILE_NO_TTL, NULL));
        sessile_session_free(session);
    }
    CHECK(usage(store, "1") == 30 && usage(store, "2") == -1);
    close_store(store);

    sessile_str_t path = sessile_str(keyring);
    sessile_buffer_t *key = NULL;
    sessile_error_t *err = NULL;
    MUST(sessile_keyring_add(path, SESSILE_STR("data"), &key, NULL));
    CHECK(!strcmp(key->ptr, "2"));
    IS(sessile_keyring_promote(path, sessile_str(key->ptr), &err), SESSILE_CONFLICT);
    CHECK(strstr(sessile_error_details(err), "\"waitSeconds\""));
    sessile_error_free(err);
    age_keys();
    MUST(sessile_keyring_promote(path, sessile_str(key->ptr), NULL));
    sessile_buffer_free(key);

    store = open_file();
    IS(sessile_store_drop_key(store, SESSILE_STR("1"), NULL), SESSILE_CONFLICT);
    pthread_t writer;
    if (pthread_create(&writer, NULL, write_all, store) != 0)
        abort();
    rewrap_by_twos(store);
    pthread_join(writer, NULL);
    CHECK(usage(store, "1") == 0 && usage(store, "2") == 30 + 1 + 20 + 1);
    MUST(sessile_keyring_retire(path, SESSILE_STR("1"), NULL));
    MUST(sessile_store_drop_key(store, SESSILE_STR("1"), NULL));
    CHECK(usage(store, "1") == -1);
    close_store(store);

    store = open_file();
    sessile_buffer_t *out = NULL;
    for (int i = 0; i < 20; i++) {
        char name[16], wanted[16];
        sessile_session_t *session = session_of(store, "{\"sub\":\"writer\"}");
        snprintf(name, sizeof name, "f%d", i);
        snprintf(wanted, sizeof wanted, "%d", PUTS - 20 + i);
        MUST(sessile_session_get(session, sessile_str(name), &out, NULL));
        CHECK(out && !strcmp(out->ptr, wanted));
        sessile_buffer_free(out);
        sessile_session_free(session);
    }
    close_store(store);
}

/* ── keys that are given ── */

static void bytes_are_replaced_by_bytes(void)
{
    fresh_keyring();
    sessile_options_t *options = options_for("memory:");
    sessile_store_t *store = NULL;
    sessile_buffer_t *other = NULL;
    contents file = read_keyring();
    MUST(sessile_options_set_keyring_bytes(options, text_of(&file), NULL));
    MUST(sessile_store_open(options, &store, NULL));
    CHECK(usage(store, "1") == 0 && usage(store, "2") == -1);
    MUST(sessile_keyring_add(sessile_str(keyring), SESSILE_STR("data"), NULL, NULL));
    file = read_keyring();
    IS(sessile_store_reload_keys(store, SESSILE_NONE, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_reload_keys(store, text_of(&file), NULL), SESSILE_OK);
    CHECK(usage(store, "2") == 0);

    IS(sessile_store_reload_keys(store, SESSILE_STR("{}"), NULL), SESSILE_KEYRING_INVALID);
    MUST(sessile_keyring_generate_json(&other, NULL));
    IS(sessile_store_reload_keys(store, (sessile_str_t){other->ptr, other->len}, NULL), SESSILE_KEYRING_INVALID);
    CHECK(usage(store, "1") == 0 && usage(store, "2") == 0);
    sessile_buffer_free(other);
    sessile_options_free(options);
    close_store(store);
}

typedef struct {
    int32_t status;
    const char *text;
    unsigned asked, released;
} service;

static int32_t give(void *user_data, sessile_buffer_t **given)
{
    service *from = user_data;
    from->asked++;
    if (from->text)
        CHECK(sessile_buffer_new(sessile_str(from->text), given, NULL) == SESSILE_OK);
    return from->status;
}

static void let_go(void *user_data)
{
    service *from = user_data;
    from->released++;
}

static void a_callback_gives_the_keys(void)
{
    fresh_keyring();
    contents file = read_keyring();
    service from = {.text = file.bytes};
    sessile_options_t *options = options_for("memory:");
    sessile_store_t *store = NULL;
    MUST(sessile_options_set_keyring_callback(options, give, &from, let_go, NULL));
    CHECK(from.asked == 0);
    MUST(sessile_store_open(options, &store, NULL));
    sessile_options_free(options);
    CHECK(from.asked == 1 && from.released == 0);

    MUST(sessile_keyring_add(sessile_str(keyring), SESSILE_STR("data"), NULL, NULL));
    file = read_keyring();
    MUST(sessile_store_reload_keys(store, SESSILE_NONE, NULL));
    CHECK(from.asked == 2 && usage(store, "2") == 0);

    sessile_error_t *err = NULL;
    from.status = -7;
    IS(sessile_store_reload_keys(store, SESSILE_NONE, &err), -7);
    CHECK(err == NULL && usage(store, "2") == 0);
    from.status = 0;
    from.text = NULL;
    IS(sessile_store_reload_keys(store, SESSILE_NONE, NULL), SESSILE_INVALID_ARGUMENT);
    from.text = "{\"format\":1,\"secret\":\"hush\"}";
    IS(sessile_store_reload_keys(store, SESSILE_NONE, &err), SESSILE_KEYRING_INVALID);
    CHECK(err && !strstr(sessile_error_message(err), "hush") && !strstr(sessile_error_details(err), "hush"));
    sessile_error_free(err);
    CHECK(from.released == 0 && usage(store, "2") == 0);
    close_store(store);
    CHECK(from.released == 1);
}

static void a_callback_that_gives_up_opens_nothing(void)
{
    service from = {.status = -3, .text = "{}"};
    sessile_options_t *options = options_for("memory:");
    sessile_store_t *store = NULL;
    sessile_error_t *err = NULL;
    MUST(sessile_options_set_keyring_callback(options, give, &from, let_go, NULL));
    IS(sessile_store_open(options, &store, &err), -3);
    CHECK(store == NULL && err == NULL && from.asked == 1 && from.released == 1);
    sessile_options_free(options);

    options = options_for("memory:");
    MUST(sessile_options_set_keyring_callback(options, give, &from, let_go, NULL));
    MUST(sessile_options_set_keyring_callback(options, give, &from, NULL, NULL));
    CHECK(from.released == 2);
    IS(sessile_options_set_keyring_callback(options, NULL, &from, let_go, NULL), SESSILE_INVALID_ARGUMENT);
    sessile_options_free(options);
    CHECK(from.asked == 1 && from.released == 2);
}

/* ── wrong calls ── */

static void steps_want_a_path_and_a_key(void)
{
    sessile_str_t x = SESSILE_STR("x"), none = SESSILE_NONE, missing = sessile_str(keyring);
    sessile_buffer_t *out = NULL;
    unlink(keyring);
    IS(sessile_keyring_add(none, SESSILE_STR("data"), &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_keyring_add(x, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_keyring_describe(none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_keyring_describe(x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    int32_t (*const steps[])(sessile_str_t, sessile_str_t, sessile_error_t **) = {
        sessile_keyring_promote, sessile_keyring_retire, sessile_keyring_revoke, sessile_keyring_drop};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        IS(steps[i](none, x, NULL), SESSILE_INVALID_ARGUMENT);
        IS(steps[i](x, none, NULL), SESSILE_INVALID_ARGUMENT);
        IS(steps[i](missing, x, NULL), SESSILE_KEYRING_INVALID);
    }
    IS(sessile_keyring_add(missing, SESSILE_STR("data"), &out, NULL), SESSILE_KEYRING_INVALID);
    IS(sessile_keyring_describe(missing, &out, NULL), SESSILE_KEYRING_INVALID);
    CHECK(out == NULL);
}

/* ── ── */

static void remove_all(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    char path[80];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(path, sizeof path, "%s%s", database, suffixes[i]);
        unlink(path);
    }
    unlink(keyring);
    rmdir(folder);
}

#define TEST(name) {#name, name}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        TEST(a_rotation_while_somebody_writes),
        TEST(bytes_are_replaced_by_bytes),
        TEST(a_callback_gives_the_keys),
        TEST(a_callback_that_gives_up_opens_nothing),
        TEST(steps_want_a_path_and_a_key),
    };
    unsigned passed = 0, failed = 0;
    if (!mkdtemp(folder)) {
        fprintf(stderr, "a folder in /tmp that can be written is wanted\n");
        return 2;
    }
    snprintf(keyring, sizeof keyring, "%s/keyring.json", folder);
    snprintf(database, sizeof database, "%s/sessions.db", folder);
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
    printf("c rotation: %u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
