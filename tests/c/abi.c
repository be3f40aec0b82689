/*
 * What is special to the C border: handles, out-params, text, errors, threads. abi [ROUNDS]
 *
 * ROUNDS is how often each of the 64 threads does its work (default 200).
 */
#define _POSIX_C_SOURCE 200809L
#include "json.h"
#include "sessile.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 64 };
static int rounds = 200;
static unsigned bad;

#define CHECK(what) ((what) ? (void)0 : (void)(bad++, fprintf(stderr, "    %s:%d: %s\n", __FILE__, __LINE__, #what)))
#define IS(status, wanted) is(__LINE__, #status, (status), (wanted))

static void is(int line, const char *call, int32_t status, int32_t wanted)
{
    if (status != wanted) {
        bad++;
        fprintf(stderr, "    %s:%d: %s gave %d, wanted %d\n", __FILE__, line, call, (int)status, (int)wanted);
    }
}

/* ── what the tests start from ── */

static const char trigger[] = "{\"type\":\"rest\",\"security\":\"jwt\"}";

typedef struct {
    sessile_store_t *store;
    sessile_execution_t *run;
    sessile_session_t *local;
    sessile_session_t *global;
} world;

static sessile_store_t *open_memory(void)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL;
    /* A long deadline: 64 threads want one field, on whatever machine this is. */
    sessile_str_t json = SESSILE_STR("{\"url\":\"memory:\",\"limits\":{\"deadline\":120000}}");
    IS(sessile_options_new(json, &options, NULL), SESSILE_OK);
    IS(sessile_store_open(options, &store, NULL), SESSILE_OK);
    sessile_options_free(options);
    return store;
}

static world begin(void)
{
    world w = {open_memory(), NULL, NULL, NULL};
    sessile_buffer_t *token = NULL;
    IS(sessile_tokens_issue(w.store, SESSILE_STR("{\"sub\":\"u1\"}"), 600, &token, NULL), SESSILE_OK);
    IS(sessile_execution_new(w.store, sessile_str(trigger), sessile_str(token->ptr), &w.run, NULL), SESSILE_OK);
    IS(sessile_execution_local(w.run, &w.local, NULL), SESSILE_OK);
    IS(sessile_execution_global(w.run, SESSILE_NONE, &w.global, NULL), SESSILE_OK);
    sessile_buffer_free(token);
    return w;
}

static void finish(world w)
{
    sessile_session_free(w.local);
    sessile_session_free(w.global);
    IS(sessile_execution_end(w.run, NULL), SESSILE_OK);
    sessile_execution_free(w.run);
    IS(sessile_store_close(w.store, NULL), SESSILE_OK);
    sessile_store_free(w.store);
}

static bool holds(sessile_session_t *session, const char *name, const char *json)
{
    sessile_buffer_t *value = NULL;
    bool same = sessile_session_get(session, sessile_str(name), &value, NULL) == SESSILE_OK && value &&
                value->len == strlen(json) && memcmp(value->ptr, json, value->len) == 0;
    sessile_buffer_free(value);
    return same;
}

/* A value for out-params that no call writes. */
#define POISON(type) ((type *)(uintptr_t)0x5a5a5a5a)

/* Every function on a store as a whole, its configurations and users, with all but `store` as it should be. */
static void every_lifecycle_call(sessile_store_t *store, int32_t wanted)
{
    sessile_str_t x = SESSILE_STR("x"), one = SESSILE_STR("1"), none = SESSILE_NONE;
    sessile_str_t definition = SESSILE_STR("{\"name\":\"x\"}"), changes = SESSILE_STR("{}"), data = SESSILE_STR("{}");
    sessile_str_t document = SESSILE_STR("{\"sessileConfigs\":1,\"configs\":[]}");
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    uint64_t count = 77;
    IS(sessile_store_sweep(store, 1, &count, NULL), wanted);
    IS(sessile_store_flush(store, NULL), wanted);
    IS(sessile_store_backup(store, x, NULL), wanted);
    IS(sessile_store_check(store, &out, NULL), wanted);
    IS(sessile_store_revoke_issuer(store, x, none, NULL), wanted);
    IS(sessile_store_revoke_token(store, x, NULL), wanted);
    IS(sessile_store_revoke_token_id(store, x, x, NULL), wanted);
    IS(sessile_store_accept_logout_token(store, x, &count, NULL), wanted);
    IS(sessile_store_reload_keys(store, none, NULL), wanted);
    IS(sessile_store_rewrap(store, none, &out, NULL), wanted);
    IS(sessile_store_copy_to(store, store, none, &out, NULL), wanted);
    IS(sessile_store_key_usage(store, &out, NULL), wanted);
    IS(sessile_store_drop_key(store, one, NULL), wanted);
    IS(sessile_configs_create(store, definition, &out, NULL), wanted);
    IS(sessile_configs_get(store, x, &out, NULL), wanted);
    IS(sessile_configs_list(store, none, &out, NULL), wanted);
    IS(sessile_configs_update(store, x, changes, &out, NULL), wanted);
    IS(sessile_configs_delete(store, x, true, NULL), wanted);
    IS(sessile_configs_export(store, none, &out, NULL), wanted);
    IS(sessile_configs_import(store, document, true, &out, NULL), wanted);
    IS(sessile_sessions_start(store, x, data, SESSILE_NO_TTL, &out, NULL), wanted);
    IS(sessile_sessions_verify(store, x, &out, NULL), wanted);
    IS(sessile_sessions_refresh(store, x, &out, NULL), wanted);
    IS(sessile_sessions_revoke(store, x, NULL), wanted);
    IS(sessile_sessions_revoke_all(store, x, one, none, &count, NULL), wanted);
    IS(sessile_sessions_list(store, x, none, none, &out, NULL), wanted);
    IS(sessile_sessions_update(store, x, data, NULL), wanted);
    IS(sessile_sessions_extend(store, x, 1, &out, NULL), wanted);
    IS(sessile_sessions_users(store, x, none, &out, NULL), wanted);
    IS(sessile_sessions_user(store, x, one, &out, NULL), wanted);
    IS(sessile_sessions_dashboard(store, x, &out, NULL), wanted);
    IS(sessile_sessions_forget(store, x, one, &count, NULL), wanted);
    CHECK(out == POISON(sessile_buffer_t) && count == 77);
}

/* A callback for whose keys nobody comes. */
static int32_t gives_up(void *user_data, sessile_buffer_t **keyring)
{
    (void)user_data;
    (void)keyring;
    return -1;
}

/* Every function that takes `h` in place of each of its handles, with all else as it should be. */
static void every_call(uintptr_t h, int32_t wanted)
{
    sessile_store_t *store = (sessile_store_t *)h;
    sessile_execution_t *run = (sessile_execution_t *)h;
    sessile_session_t *s = (sessile_session_t *)h;
    sessile_step_t *step = (sessile_step_t *)h;
    sessile_update_t *update = (sessile_update_t *)h;
    sessile_clock_t *clock = (sessile_clock_t *)h;
    sessile_options_t *options = (sessile_options_t *)h;
    sessile_str_t x = SESSILE_STR("x"), one = SESSILE_STR("1"), none = SESSILE_NONE;
    sessile_buffer_t *out = POISON(sessile_buffer_t), *second = POISON(sessile_buffer_t);
    sessile_store_t *new_store = POISON(sessile_store_t);
    sessile_execution_t *new_run = POISON(sessile_execution_t);
    sessile_session_t *session = POISON(sessile_session_t);
    sessile_update_t *new_update = POISON(sessile_update_t);
    uint64_t count = 77;
    unsigned char yes = 77;
    bool *flag = (bool *)&yes;

    IS(sessile_clock_set(clock, SESSILE_STR("2026-01-01T00:00:00Z"), NULL), wanted);
    IS(sessile_clock_advance(clock, 1, NULL), wanted);
    IS(sessile_clock_now(clock, &out, NULL), wanted);
    IS(sessile_options_set_keyring_file(options, x, NULL), wanted);
    IS(sessile_options_set_keyring_bytes(options, x, NULL), wanted);
    IS(sessile_options_set_keyring_env(options, x, NULL), wanted);
    IS(sessile_options_set_keyring_callback(options, gives_up, NULL, NULL, NULL), wanted);
    IS(sessile_options_set_backend_password(options, x, NULL), wanted);
    IS(sessile_options_set_issuer_secret(options, x, x, NULL), wanted);
    IS(sessile_options_set_clock(options, clock, NULL), wanted);
    IS(sessile_store_open(options, &new_store, NULL), wanted);
    IS(sessile_store_close(store, NULL), wanted);
    IS(sessile_store_verify(store, x, &out, NULL), wanted);
    IS(sessile_store_health(store, &out, NULL), wanted);
    IS(sessile_store_stats(store, &out, NULL), wanted);
    IS(sessile_store_global(store, x, none, &session, NULL), wanted);
    IS(sessile_tokens_issue(store, SESSILE_STR("{\"sub\":\"u\"}"), 1, &out, NULL), wanted);
    IS(sessile_tokens_jwks(store, &out, NULL), wanted);
    IS(sessile_store_drain_events(store, 1, &out, NULL), wanted);
    IS(sessile_store_has_events(store, flag, NULL), wanted);
    IS(sessile_store_on_event(store, NULL, NULL, NULL), wanted);
    every_lifecycle_call(store, wanted);
    IS(sessile_step_to_json(step, &out, NULL), wanted);
    IS(sessile_execution_new(store, none, none, &new_run, NULL), wanted);
    IS(sessile_execution_resume(store, x, none, none, &new_run, NULL), wanted);
    IS(sessile_execution_step(run, SESSILE_STR("{}"), none, &out, NULL), wanted);
    IS(sessile_execution_run_step(run, step, none, &out, NULL), wanted);
    IS(sessile_execution_local(run, &session, NULL), wanted);
    IS(sessile_execution_scoped(run, &session, NULL), wanted);
    IS(sessile_execution_global(run, none, &session, NULL), wanted);
    IS(sessile_execution_scoped_global(run, none, &session, NULL), wanted);
    IS(sessile_execution_subprocess(run, x, &new_run, NULL), wanted);
    IS(sessile_execution_subprocess_by_id(run, one, &new_run, NULL), wanted);
    IS(sessile_execution_commit(run, false, &out, NULL), wanted);
    IS(sessile_execution_end(run, NULL), wanted);
    IS(sessile_execution_renew(run, x, NULL), wanted);
    IS(sessile_execution_set_request_id(run, x, NULL), wanted);
    IS(sessile_execution_checkpoint(run, &out, NULL), wanted);
    IS(sessile_execution_id(run, &out, NULL), wanted);
    IS(sessile_execution_subprocess_id(run, &out, NULL), wanted);
    IS(sessile_execution_name(run, &out, NULL), wanted);
    IS(sessile_session_get(s, x, &out, NULL), wanted);
    IS(sessile_session_get_many(s, &x, 1, &out, NULL), wanted);
    IS(sessile_session_get_versioned(s, x, &out, &second, NULL), wanted);
    IS(sessile_session_all(s, &out, NULL), wanted);
    IS(sessile_session_keys(s, &out, NULL), wanted);
    IS(sessile_session_contains(s, x, flag, NULL), wanted);
    IS(sessile_session_put(s, SESSILE_STR("{}"), SESSILE_NO_TTL, NULL), wanted);
    IS(sessile_session_put_one(s, x, one, SESSILE_NO_TTL, NULL), wanted);
    IS(sessile_session_delete(s, &x, 1, &count, NULL), wanted);
    IS(sessile_session_clear(s, &count, NULL), wanted);
    IS(sessile_session_increment(s, x, one, &out, NULL), wanted);
    IS(sessile_session_append(s, x, SESSILE_STR("[]"), &count, NULL), wanted);
    IS(sessile_session_put_if_absent(s, x, one, SESSILE_NO_TTL, flag, NULL), wanted);
    IS(sessile_session_take(s, x, &out, NULL), wanted);
    IS(sessile_session_put_if(s, x, one, none, SESSILE_NO_TTL, &out, NULL), wanted);
    IS(sessile_session_get_path(s, x, SESSILE_STR(""), &out, NULL), wanted);
    IS(sessile_session_put_path(s, x, SESSILE_STR(""), one, NULL), wanted);
    IS(sessile_session_delete_path(s, x, SESSILE_STR(""), flag, NULL), wanted);
    IS(sessile_session_set_ttl(s, x, 1, flag, NULL), wanted);
    IS(sessile_session_expires_at(s, x, &out, NULL), wanted);
    IS(sessile_session_info(s, &out, NULL), wanted);
    IS(sessile_session_end(s, NULL), wanted);
    IS(sessile_session_commit(s, false, &out, NULL), wanted);
    IS(sessile_update_new(s, x, &new_update, NULL), wanted);
    IS(sessile_update_current(update, &out, NULL), wanted);
    IS(sessile_update_try_commit(update, one, flag, NULL), wanted);

    CHECK(out == POISON(sessile_buffer_t) && second == POISON(sessile_buffer_t));
    CHECK(new_store == POISON(sessile_store_t) && new_run == POISON(sessile_execution_t));
    CHECK(session == POISON(sessile_session_t) && new_update == POISON(sessile_update_t));
    CHECK(count == 77 && yes == 77);
}

/* ── handles ── */

static void a_null_handle_is_an_argument_error(void)
{
    every_call(0, SESSILE_INVALID_ARGUMENT);
}

static void a_made_up_handle_is_an_argument_error(void)
{
    int here = 0;
    every_call(1, SESSILE_INVALID_ARGUMENT);
    every_call(UINTPTR_MAX, SESSILE_INVALID_ARGUMENT);
    every_call((uintptr_t)&here, SESSILE_INVALID_ARGUMENT);
    world w = begin();
    /* The right kind and slot of a generation to come. */
    sessile_session_t *later = (sessile_session_t *)((uintptr_t)w.local + ((uintptr_t)1 << 40));
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    IS(sessile_session_all(later, &out, NULL), SESSILE_INVALID_ARGUMENT);
    finish(w);
}

static void a_handle_of_another_type_is_an_argument_error(void)
{
    world w = begin();
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    sessile_error_t *err = NULL;
    IS(sessile_session_all((sessile_session_t *)w.store, &out, &err), SESSILE_INVALID_ARGUMENT);
    CHECK(strstr(sessile_error_message(err), "session") && strstr(sessile_error_message(err), "store"));
    sessile_error_free(err);
    IS(sessile_tokens_jwks((sessile_store_t *)w.local, &out, NULL), SESSILE_INVALID_ARGUMENT);
    /* Freed as what it is not, it stays. */
    sessile_session_free((sessile_session_t *)w.run);
    sessile_store_free((sessile_store_t *)w.run);
    IS(sessile_execution_id(w.run, &out, NULL), SESSILE_OK);
    sessile_buffer_free(out);
    finish(w);
}

static void a_freed_handle_is_closed_for_good(void)
{
    world w = begin(), gone = w;
    sessile_step_t *step = NULL;
    sessile_update_t *update = NULL;
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    bool done = false;
    IS(sessile_step_parse(NULL, SESSILE_STR("{}"), &step, NULL), SESSILE_OK);
    IS(sessile_update_new(w.local, SESSILE_STR("x"), &update, NULL), SESSILE_OK);
    finish(w);
    sessile_step_free(step);
    sessile_update_free(update);
    for (int again = 0; again < 2; again++) {
        IS(sessile_tokens_jwks(gone.store, &out, NULL), SESSILE_CLOSED);
        every_lifecycle_call(gone.store, SESSILE_CLOSED);
        IS(sessile_execution_id(gone.run, &out, NULL), SESSILE_CLOSED);
        IS(sessile_session_all(gone.local, &out, NULL), SESSILE_CLOSED);
        IS(sessile_step_to_json(step, &out, NULL), SESSILE_CLOSED);
        IS(sessile_update_try_commit(update, SESSILE_STR("1"), &done, NULL), SESSILE_CLOSED);
        /* Freeing again does nothing, also not to whoever has the slot now. */
        sessile_store_free(gone.store);
        sessile_execution_free(gone.run);
        sessile_session_free(gone.local);
        sessile_session_free(gone.global);
        sessile_step_free(step);
        sessile_update_free(update);
        w = begin();
        IS(sessile_session_all(gone.local, &out, NULL), SESSILE_CLOSED);
        sessile_session_free(gone.local);
        CHECK(!holds(w.local, "x", "1"));
        IS(sessile_session_put_one(w.local, SESSILE_STR("x"), SESSILE_STR("1"), SESSILE_NO_TTL, NULL), SESSILE_OK);
        CHECK(holds(w.local, "x", "1"));
        finish(w);
    }
    CHECK(out == POISON(sessile_buffer_t));
}

static void freeing_null_is_fine(void)
{
    sessile_options_free(NULL);
    sessile_clock_free(NULL);
    sessile_store_free(NULL);
    sessile_step_free(NULL);
    sessile_execution_free(NULL);
    sessile_session_free(NULL);
    sessile_update_free(NULL);
    sessile_buffer_free(NULL);
    sessile_error_free(NULL);
}

static void a_closed_store_closes_all_that_came_of_it(void)
{
    world w = begin();
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    sessile_execution_t *run = POISON(sessile_execution_t);
    IS(sessile_store_close(w.store, NULL), SESSILE_OK);
    IS(sessile_store_close(w.store, NULL), SESSILE_OK);
    IS(sessile_execution_new(w.store, SESSILE_NONE, SESSILE_NONE, &run, NULL), SESSILE_CLOSED);
    IS(sessile_session_get(w.global, SESSILE_STR("x"), &out, NULL), SESSILE_CLOSED);
    IS(sessile_session_put(w.local, SESSILE_STR("{}"), SESSILE_NO_TTL, NULL), SESSILE_CLOSED);
    IS(sessile_tokens_issue(w.store, SESSILE_STR("{\"sub\":\"u\"}"), 1, &out, NULL), SESSILE_CLOSED);
    every_lifecycle_call(w.store, SESSILE_CLOSED);
    CHECK(out == POISON(sessile_buffer_t) && run == POISON(sessile_execution_t));
    finish(w);
}

static void an_ended_execution_is_closed(void)
{
    world w = begin();
    sessile_execution_t *sub = NULL;
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    IS(sessile_execution_subprocess(w.run, SESSILE_STR("part"), &sub, NULL), SESSILE_OK);
    IS(sessile_execution_end(w.run, NULL), SESSILE_OK);
    IS(sessile_session_all(w.local, &out, NULL), SESSILE_CLOSED);
    IS(sessile_execution_commit(sub, false, &out, NULL), SESSILE_CLOSED);
    CHECK(out == POISON(sessile_buffer_t));
    sessile_execution_free(sub);
    finish(w);
}

static void what_stands_behind_a_handle_outlives_it(void)
{
    world w = begin();
    sessile_store_free(w.store);
    sessile_execution_free(w.run);
    IS(sessile_session_put(w.local, SESSILE_STR("{\"a\":1}"), SESSILE_NO_TTL, NULL), SESSILE_OK);
    CHECK(holds(w.local, "a", "1"));
    IS(sessile_session_put(w.global, SESSILE_STR("{\"a\":2}"), SESSILE_NO_TTL, NULL), SESSILE_OK);
    CHECK(holds(w.global, "a", "2"));
    sessile_session_free(w.local);
    sessile_session_free(w.global);
}

static void options_open_one_store(void)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL, *second = POISON(sessile_store_t);
    IS(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\"}"), &options, NULL), SESSILE_OK);
    IS(sessile_store_open(options, &store, NULL), SESSILE_OK);
    IS(sessile_store_open(options, &second, NULL), SESSILE_CLOSED);
    IS(sessile_options_set_keyring_env(options, SESSILE_STR("X"), NULL), SESSILE_CLOSED);
    CHECK(second == POISON(sessile_store_t));
    sessile_store_free(store);
    sessile_options_free(options);
}

/* ── out-params ── */

static void a_missing_out_param_is_refused_before_anything_happens(void)
{
    world w = begin();
    sessile_str_t x = SESSILE_STR("x");
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    IS(sessile_session_put_one(w.local, x, SESSILE_STR("1"), SESSILE_NO_TTL, NULL), SESSILE_OK);
    IS(sessile_session_take(w.local, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(holds(w.local, "x", "1"));
    IS(sessile_session_get(w.local, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_get_versioned(w.local, x, &out, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_get_versioned(w.local, x, NULL, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_all(w.local, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_contains(w.local, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_execution_local(w.run, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_execution_subprocess(w.run, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_execution_new(w.store, SESSILE_NONE, SESSILE_NONE, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_options_new(SESSILE_STR("{}"), NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_clock_manual(SESSILE_STR("2026-01-01T00:00:00Z"), NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_step_parse(NULL, SESSILE_STR("{}"), NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_lint(SESSILE_STR("[]"), NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_lint(SESSILE_NONE, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_selector_options(SESSILE_STR("{}"), NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_selector_options(SESSILE_NONE, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_check(w.store, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_health(w.store, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_stats(w.store, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_rewrap(w.store, SESSILE_NONE, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_copy_to(w.store, w.store, SESSILE_NONE, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_key_usage(w.store, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_get(w.store, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_list(w.store, SESSILE_NONE, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_export(w.store, SESSILE_NONE, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_start(w.store, x, x, SESSILE_NO_TTL, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_verify(w.store, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_refresh(w.store, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_list(w.store, x, SESSILE_NONE, SESSILE_NONE, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_users(w.store, x, SESSILE_NONE, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_user(w.store, x, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_dashboard(w.store, x, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(out == POISON(sessile_buffer_t));
    finish(w);
}

static void results_that_nobody_wants_need_no_place(void)
{
    world w = begin();
    sessile_str_t x = SESSILE_STR("x"), one = SESSILE_STR("1");
    IS(sessile_session_increment(w.local, x, one, NULL, NULL), SESSILE_OK);
    IS(sessile_session_append(w.local, SESSILE_STR("list"), SESSILE_STR("[1]"), NULL, NULL), SESSILE_OK);
    IS(sessile_session_put_if_absent(w.local, x, one, SESSILE_NO_TTL, NULL, NULL), SESSILE_OK);
    IS(sessile_session_put_if(w.local, SESSILE_STR("y"), one, SESSILE_NONE, SESSILE_NO_TTL, NULL, NULL), SESSILE_OK);
    IS(sessile_session_set_ttl(w.local, x, 5, NULL, NULL), SESSILE_OK);
    IS(sessile_session_delete_path(w.local, SESSILE_STR("list"), SESSILE_STR("/0"), NULL, NULL), SESSILE_OK);
    IS(sessile_session_delete(w.local, &x, 1, NULL, NULL), SESSILE_OK);
    IS(sessile_session_delete(w.local, NULL, 0, NULL, NULL), SESSILE_OK);
    IS(sessile_session_clear(w.local, NULL, NULL), SESSILE_OK);
    IS(sessile_store_sweep(w.store, 1, NULL, NULL), SESSILE_OK);
    sessile_str_t put = SESSILE_STR("{\"operation\":\"PUT\",\"fields\":[\"a\"]}");
    IS(sessile_execution_step(w.run, put, SESSILE_STR("{\"a\":1}"), NULL, NULL), SESSILE_OK);
    CHECK(holds(w.local, "a", "1"));
    finish(w);
}

static void what_is_absent_is_null_and_no_error(void)
{
    world w = begin();
    sessile_str_t x = SESSILE_STR("x");
    sessile_buffer_t *out = POISON(sessile_buffer_t), *version = POISON(sessile_buffer_t);
    sessile_error_t *err = POISON(sessile_error_t);
    IS(sessile_session_get(w.local, x, &out, &err), SESSILE_OK);
    CHECK(out == NULL);
    IS(sessile_session_take(w.local, x, &out, &err), SESSILE_OK);
    CHECK(out == NULL);
    IS(sessile_session_get_path(w.local, x, SESSILE_STR("/a"), &out, &err), SESSILE_OK);
    CHECK(out == NULL);
    IS(sessile_session_expires_at(w.local, x, &out, &err), SESSILE_OK);
    CHECK(out == NULL);
    IS(sessile_session_info(w.global, &out, &err), SESSILE_OK);
    CHECK(out == NULL);
    out = POISON(sessile_buffer_t);
    IS(sessile_session_get_versioned(w.local, x, &out, &version, &err), SESSILE_OK);
    CHECK(out == NULL && version == NULL);
    sessile_str_t put = SESSILE_STR("{\"operation\":\"PUT\"}");
    out = POISON(sessile_buffer_t);
    IS(sessile_execution_step(w.run, put, SESSILE_NONE, &out, &err), SESSILE_OK);
    CHECK(out == NULL);
    CHECK(err == POISON(sessile_error_t));
    finish(w);
}

/* ── text ── */

static void text_that_is_no_text_is_an_argument_error(void)
{
    world w = begin();
    static const char bytes[] = "{\"a\":\"\xff\"}", cut[] = "\xe2\x82", surrogate[] = "\xed\xa0\x80";
    sessile_str_t x = SESSILE_STR("x");
    sessile_str_t texts[] = {sessile_str(cut), sessile_str(surrogate), {NULL, 5}, {"x", SIZE_MAX}};
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        IS(sessile_session_get(w.local, texts[i], &out, NULL), SESSILE_INVALID_ARGUMENT);
        IS(sessile_session_get_many(w.local, &texts[i], 1, &out, NULL), SESSILE_INVALID_ARGUMENT);
        IS(sessile_session_put_one(w.local, x, texts[i], SESSILE_NO_TTL, NULL), SESSILE_INVALID_ARGUMENT);
        IS(sessile_execution_step(w.run, texts[i], SESSILE_STR("{}"), &out, NULL), SESSILE_INVALID_ARGUMENT);
        IS(sessile_execution_step(w.run, SESSILE_STR("{}"), texts[i], &out, NULL), SESSILE_INVALID_ARGUMENT);
        IS(sessile_store_verify(w.store, texts[i], &out, NULL), SESSILE_INVALID_ARGUMENT);
    }
    IS(sessile_session_put(w.local, sessile_str(bytes), SESSILE_NO_TTL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_get_many(w.local, NULL, 3, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_get_many(w.local, &x, SIZE_MAX / 2, &out, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(out == POISON(sessile_buffer_t));
    finish(w);
}

static void a_missing_text_is_an_argument_error(void)
{
    world w = begin();
    sessile_store_t *store = w.store;
    sessile_str_t x = SESSILE_STR("x"), none = SESSILE_NONE;
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    uint64_t count = 77;
    IS(sessile_store_backup(store, none, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_revoke_issuer(store, none, none, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_revoke_issuer(store, x, x, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_revoke_token(store, none, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_revoke_token_id(store, none, x, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_revoke_token_id(store, x, none, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_accept_logout_token(store, none, &count, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_drop_key(store, none, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_create(store, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_get(store, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_update(store, none, x, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_update(store, x, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_delete(store, none, false, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_configs_import(store, none, false, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_start(store, none, x, SESSILE_NO_TTL, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_start(store, x, none, SESSILE_NO_TTL, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_verify(store, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_refresh(store, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_revoke(store, none, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_revoke_all(store, none, x, none, &count, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_revoke_all(store, x, none, none, &count, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_list(store, none, none, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_update(store, none, x, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_update(store, x, none, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_extend(store, none, 1, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_users(store, none, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_user(store, none, x, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_user(store, x, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_dashboard(store, none, &out, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_forget(store, none, x, &count, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_sessions_forget(store, x, none, &count, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(out == POISON(sessile_buffer_t) && count == 77);
    finish(w);
}

static void absent_is_not_empty(void)
{
    world w = begin();
    sessile_str_t x = SESSILE_STR("x"), empty = SESSILE_STR("");
    sessile_buffer_t *out = POISON(sessile_buffer_t);
    sessile_execution_t *sub = NULL;
    IS(sessile_session_put_one(w.local, x, SESSILE_STR("[1]"), SESSILE_NO_TTL, NULL), SESSILE_OK);
    IS(sessile_session_get_path(w.local, x, SESSILE_NONE, &out, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(out == POISON(sessile_buffer_t));
    IS(sessile_session_get_path(w.local, x, empty, &out, NULL), SESSILE_OK);
    CHECK(out && !strcmp(out->ptr, "[1]"));
    sessile_buffer_free(out);
    IS(sessile_execution_subprocess(w.run, SESSILE_NONE, &sub, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_execution_step(w.run, SESSILE_STR("{\"fields\":[\"x\"]}"), empty, &out, NULL), SESSILE_OK);
    CHECK(out && !strcmp(out->ptr, "{\"x\":[1]}"));
    sessile_buffer_free(out);
    finish(w);
}

static void buffers_have_a_length_and_a_nul_after_it(void)
{
    sessile_buffer_t *out = NULL;
    IS(sessile_buffer_new((sessile_str_t){"a\0b", 3}, &out, NULL), SESSILE_OK);
    CHECK(out && out->len == 3 && memcmp(out->ptr, "a\0b", 4) == 0);
    sessile_buffer_free(out);
    IS(sessile_buffer_new(SESSILE_STR(""), &out, NULL), SESSILE_OK);
    CHECK(out && out->len == 0 && out->ptr && out->ptr[0] == 0);
    sessile_buffer_free(out);
    CHECK(sessile_str(NULL).ptr == NULL && sessile_str(NULL).len == 0);
    CHECK(sessile_str("abc").len == 3 && SESSILE_STR("abc").len == 3);
    CHECK(!strcmp(sessile_version(), "0.1.0"));
}

/* ── errors ── */

static void an_error_says_what_and_why(void)
{
    sessile_error_t *err = NULL;
    sessile_step_t *step = POISON(sessile_step_t);
    IS(sessile_step_parse(NULL, SESSILE_STR("{\"feilds\":[\"a\"]}"), &step, &err), SESSILE_INVALID_STEP);
    CHECK(step == POISON(sessile_step_t));
    CHECK(sessile_error_code(err) == SESSILE_INVALID_STEP);
    CHECK(!strcmp(sessile_error_name(err), "INVALID_STEP"));
    CHECK(strstr(sessile_error_message(err), "feilds") && strstr(sessile_error_message(err), "fields"));
    CHECK(!sessile_error_retryable(err));
    json *details = json_read(sessile_error_details(err), strlen(sessile_error_details(err)));
    CHECK(details && details->kind == JSON_OBJECT);
    json_free(details);
    sessile_error_free(err);
    CHECK(sessile_error_code(NULL) == SESSILE_OK && !strcmp(sessile_error_name(NULL), "OK"));
    CHECK(!strcmp(sessile_error_message(NULL), "") && !strcmp(sessile_error_details(NULL), "{}"));
    CHECK(!sessile_error_retryable(NULL));
}

static void a_nul_in_a_name_does_not_cut_the_message(void)
{
    world w = begin();
    sessile_error_t *err = NULL;
    sessile_str_t name = {"a\0b", 3};
    IS(sessile_session_put_one(w.local, name, SESSILE_STR("\"text\""), SESSILE_NO_TTL, NULL), SESSILE_OK);
    IS(sessile_session_increment(w.local, name, SESSILE_STR("1"), NULL, &err), SESSILE_INVALID_ARGUMENT);
    CHECK(strlen(sessile_error_message(err)) > 10);
    sessile_error_free(err);
    finish(w);
}

/* ── audit events ── */

/* How many events there are, `max` at most; the first is of this kind and bears this member. */
static size_t drained(sessile_store_t *store, size_t max, const char *event, const char *member, const char *value)
{
    sessile_buffer_t *out = NULL;
    IS(sessile_store_drain_events(store, max, &out, NULL), SESSILE_OK);
    json *events = json_read(out->ptr, out->len);
    size_t count = json_count(events);
    CHECK(events && events->kind == JSON_ARRAY);
    if (count > 0) {
        const char *what = json_text(json_member(events->first, "event"));
        const char *borne = json_text(json_member(events->first, member));
        CHECK(what && !strcmp(what, event) && borne && !strcmp(borne, value));
    }
    json_free(events);
    sessile_buffer_free(out);
    return count;
}

static void events_are_fetched_once(void)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL;
    bool some = true;
    IS(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\",\"audit\":true}"), &options, NULL), SESSILE_OK);
    IS(sessile_store_open(options, &store, NULL), SESSILE_OK);
    sessile_options_free(options);
    IS(sessile_store_has_events(store, &some, NULL), SESSILE_OK);
    CHECK(!some && drained(store, 9, "", "", "") == 0);
    IS(sessile_configs_create(store, SESSILE_STR("{\"name\":\"One\"}"), NULL, NULL), SESSILE_OK);
    IS(sessile_configs_create(store, SESSILE_STR("{\"name\":\"Two\"}"), NULL, NULL), SESSILE_OK);
    IS(sessile_store_has_events(store, &some, NULL), SESSILE_OK);
    CHECK(some);
    /* A call that has no place for them loses none. */
    IS(sessile_store_drain_events(store, 9, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_has_events(store, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    CHECK(drained(store, 0, "", "", "") == 0);
    CHECK(drained(store, 1, "config.created", "tag", "one") == 1);
    IS(sessile_store_close(store, NULL), SESSILE_OK);
    CHECK(drained(store, 9, "config.created", "tag", "two") == 1);
    CHECK(drained(store, SIZE_MAX, "", "", "") == 0);
    sessile_store_free(store);
}

static void events_bear_the_request_id(void)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL;
    sessile_execution_t *run = NULL;
    sessile_session_t *global = NULL;
    char long_id[257];
    memset(long_id, 'r', sizeof long_id);
    IS(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\",\"audit\":true}"), &options, NULL), SESSILE_OK);
    IS(sessile_store_open(options, &store, NULL), SESSILE_OK);
    sessile_options_free(options);
    IS(sessile_execution_new(store, sessile_str(trigger), SESSILE_STR("no token"), &run, NULL), SESSILE_OK);
    IS(sessile_execution_global(run, SESSILE_NONE, &global, NULL), SESSILE_OK);
    IS(sessile_execution_set_request_id(run, SESSILE_STR("r-17"), NULL), SESSILE_OK);
    IS(sessile_execution_set_request_id(run, SESSILE_STR(""), NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_execution_set_request_id(run, (sessile_str_t){long_id, sizeof long_id}, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_put(global, SESSILE_STR("{}"), SESSILE_NO_TTL, NULL), SESSILE_TOKEN_MALFORMED);
    CHECK(drained(store, 9, "token.refused", "requestId", "r-17") == 1);
    IS(sessile_execution_set_request_id(run, SESSILE_NONE, NULL), SESSILE_OK);
    IS(sessile_session_put(global, SESSILE_STR("{}"), SESSILE_NO_TTL, NULL), SESSILE_TOKEN_MALFORMED);
    sessile_buffer_t *out = NULL;
    IS(sessile_store_drain_events(store, 9, &out, NULL), SESSILE_OK);
    CHECK(strstr(out->ptr, "token.refused") && !strstr(out->ptr, "requestId"));
    sessile_buffer_free(out);
    sessile_session_free(global);
    sessile_execution_free(run);
    sessile_store_free(store);
}

typedef struct {
    sessile_store_t *store;
    size_t count;
    char last[64];
} heard;

/* Counts an event, and calls the library from within: nobody is told of what that gives rise to before this returns. */
static void hear(void *user_data, const sessile_buffer_t *event)
{
    heard *all = user_data;
    json *read = json_read(event->ptr, event->len);
    const char *name = json_text(json_member(read, "event"));
    CHECK(name && strlen(name) < sizeof all->last);
    memcpy(all->last, name, strlen(name) + 1);
    json_free(read);
    sessile_buffer_t *out = NULL;
    if (++all->count == 1)
        IS(sessile_store_verify(all->store, SESSILE_STR("x"), &out, NULL), SESSILE_TOKEN_MALFORMED);
}

static void a_function_is_told_of_events(void)
{
    sessile_options_t *options = NULL;
    heard all = {NULL, 0, ""};
    bool some = true;
    IS(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\",\"audit\":true}"), &options, NULL), SESSILE_OK);
    IS(sessile_store_open(options, &all.store, NULL), SESSILE_OK);
    sessile_options_free(options);
    IS(sessile_store_on_event(NULL, hear, &all, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_store_on_event(all.store, hear, &all, NULL), SESSILE_OK);
    CHECK(all.count == 0);
    /* Told before the call returns, of what it did and of what the function's own call did. */
    IS(sessile_configs_create(all.store, SESSILE_STR("{\"name\":\"One\"}"), NULL, NULL), SESSILE_OK);
    CHECK(all.count == 2 && !strcmp(all.last, "token.refused"));
    IS(sessile_store_has_events(all.store, &some, NULL), SESSILE_OK);
    CHECK(!some);
    IS(sessile_store_on_event(all.store, NULL, NULL, NULL), SESSILE_OK);
    IS(sessile_configs_create(all.store, SESSILE_STR("{\"name\":\"Two\"}"), NULL, NULL), SESSILE_OK);
    CHECK(all.count == 2 && drained(all.store, 9, "config.created", "tag", "two") == 1);
    /* Another one in its place, and what is left when the store is freed. */
    IS(sessile_store_on_event(all.store, hear, &all, NULL), SESSILE_OK);
    IS(sessile_store_on_event(all.store, hear, &all, NULL), SESSILE_OK);
    IS(sessile_configs_create(all.store, SESSILE_STR("{\"name\":\"Three\"}"), NULL, NULL), SESSILE_OK);
    CHECK(all.count == 3);
    sessile_store_free(all.store);
    CHECK(all.count == 3);
}

/* One at a time: no lock of its own. */
static void count_event(void *user_data, const sessile_buffer_t *event)
{
    size_t *count = user_data;
    CHECK(event->len > 0);
    *count += 1;
}

static void *refuse_often(void *store)
{
    sessile_buffer_t *out = NULL;
    for (int i = 0; i < 500; i++)
        IS(sessile_store_verify(store, SESSILE_STR("x"), &out, NULL), SESSILE_TOKEN_MALFORMED);
    return NULL;
}

static void threads_tell_each_event_once_and_stop(void)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL;
    pthread_t threads[4];
    size_t count = 0;
    IS(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\",\"audit\":true}"), &options, NULL), SESSILE_OK);
    IS(sessile_store_open(options, &store, NULL), SESSILE_OK);
    sessile_options_free(options);
    IS(sessile_store_on_event(store, count_event, &count, NULL), SESSILE_OK);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, refuse_often, store) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(count == 2000);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, refuse_often, store) == 0);
    /* From here on nobody looks at the count, whatever the threads do. */
    IS(sessile_store_on_event(store, NULL, NULL, NULL), SESSILE_OK);
    const size_t told = count;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(count == told && told >= 2000);
    sessile_store_free(store);
}

/* ── update ── */

typedef struct {
    sessile_session_t *session;
    int runs;
    int32_t give_up;
    const char *next;
} changing;

static int32_t change(void *user_data, const sessile_buffer_t *current, sessile_buffer_t **next)
{
    changing *c = user_data;
    CHECK(*next == NULL && (!current || current->len > 0));
    /* Somebody else gets in between, once. */
    if (c->runs++ == 0 && c->session)
        IS(sessile_session_put_one(c->session, SESSILE_STR("x"), SESSILE_STR("7"), SESSILE_NO_TTL, NULL), SESSILE_OK);
    if (c->next)
        IS(sessile_buffer_new(sessile_str(c->next), next, NULL), SESSILE_OK);
    return c->give_up;
}

static void an_update_repeats_deletes_and_gives_up(void)
{
    world w = begin();
    sessile_str_t x = SESSILE_STR("x");
    changing repeats = {w.local, 0, 0, "8"}, gives_up = {NULL, 0, -5, "9"}, deletes = {NULL, 0, 0, NULL};
    changing breaks = {NULL, 0, 0, "\xff"}, no_json = {NULL, 0, 0, "nonsense"};
    sessile_error_t *err = POISON(sessile_error_t);
    IS(sessile_session_update(w.local, x, change, &repeats, NULL), SESSILE_OK);
    CHECK(repeats.runs == 2 && holds(w.local, "x", "8"));
    IS(sessile_session_update(w.local, x, change, &gives_up, &err), -5);
    CHECK(err == POISON(sessile_error_t) && holds(w.local, "x", "8"));
    IS(sessile_session_update(w.local, x, change, &breaks, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_update(w.local, x, change, &no_json, NULL), SESSILE_INVALID_JSON);
    CHECK(holds(w.local, "x", "8"));
    IS(sessile_session_update(w.local, x, NULL, NULL, NULL), SESSILE_INVALID_ARGUMENT);
    IS(sessile_session_update(w.local, x, change, &deletes, NULL), SESSILE_OK);
    CHECK(!holds(w.local, "x", "8"));
    finish(w);
}

/* ── threads ── */

static void on_all_threads(void *(*work)(void *), void *shared)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, shared) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void *count_up(void *shared)
{
    sessile_session_t *session = shared;
    unsigned failed = 0;
    for (int i = 0; i < rounds; i++)
        failed += sessile_session_increment(session, SESSILE_STR("n"), SESSILE_STR("1"), NULL, NULL) != SESSILE_OK;
    __sync_fetch_and_add(&bad, failed);
    return NULL;
}

static void threads_on_one_session_count_exactly(void)
{
    world w = begin();
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%d", THREADS * rounds);
    on_all_threads(count_up, w.local);
    CHECK(holds(w.local, "n", wanted));
    on_all_threads(count_up, w.global);
    CHECK(holds(w.global, "n", wanted));
    finish(w);
}

static void *live_and_die(void *shared)
{
    const world *w = shared;
    unsigned failed = 0;
    for (int i = 0; i < rounds; i++) {
        sessile_execution_t *run = NULL, *sub = NULL;
        sessile_session_t *shared_local = NULL, *scoped = NULL;
        failed += sessile_execution_new(w->store, SESSILE_NONE, SESSILE_NONE, &run, NULL) != SESSILE_OK;
        failed += sessile_execution_subprocess(run, SESSILE_STR("part"), &sub, NULL) != SESSILE_OK;
        failed += sessile_execution_local(sub, &shared_local, NULL) != SESSILE_OK;
        failed += sessile_execution_scoped(sub, &scoped, NULL) != SESSILE_OK;
        failed += sessile_session_put_one(scoped, SESSILE_STR("n"), SESSILE_STR("1"), SESSILE_NO_TTL, NULL) != SESSILE_OK;
        failed += holds(shared_local, "n", "1");
        failed += sessile_execution_commit(sub, true, NULL, NULL) != SESSILE_OK;
        failed += !holds(shared_local, "n", "1");
        sessile_execution_free(run);
        sessile_session_free(scoped);
        sessile_execution_free(sub);
        sessile_session_free(shared_local);
        failed += sessile_session_increment(w->local, SESSILE_STR("m"), SESSILE_STR("1"), NULL, NULL) != SESSILE_OK;
    }
    __sync_fetch_and_add(&bad, failed);
    return NULL;
}

static void threads_that_share_a_store_do_not_meet(void)
{
    world w = begin();
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%d", THREADS * rounds);
    on_all_threads(live_and_die, &w);
    CHECK(holds(w.local, "m", wanted));
    finish(w);
}

static void *use_until_closed(void *shared)
{
    sessile_session_t *session = shared;
    for (;;) {
        int32_t status = sessile_session_increment(session, SESSILE_STR("n"), SESSILE_STR("1"), NULL, NULL);
        if (status == SESSILE_CLOSED)
            return NULL;
        if (status != SESSILE_OK) {
            __sync_fetch_and_add(&bad, 1);
            return NULL;
        }
    }
}

static int count_of(sessile_session_t *session)
{
    sessile_buffer_t *n = NULL;
    IS(sessile_session_get(session, SESSILE_STR("n"), &n, NULL), SESSILE_OK);
    int count = n ? atoi(n->ptr) : 0;
    sessile_buffer_free(n);
    return count;
}

static void a_handle_may_be_freed_under_its_users(void)
{
    for (int again = 0; again < 1 + rounds / 50; again++) {
        world w = begin();
        pthread_t threads[8];
        for (int i = 0; i < 8; i++)
            if (pthread_create(&threads[i], NULL, use_until_closed, w.global) != 0)
                abort();
        while (count_of(w.global) < 20)
            sched_yield();
        sessile_session_free(w.global);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        finish(w);
    }
}

/* ── ── */

#define TEST(name) {#name, name}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        TEST(a_null_handle_is_an_argument_error),
        TEST(a_made_up_handle_is_an_argument_error),
        TEST(a_handle_of_another_type_is_an_argument_error),
        TEST(a_freed_handle_is_closed_for_good),
        TEST(freeing_null_is_fine),
        TEST(a_closed_store_closes_all_that_came_of_it),
        TEST(an_ended_execution_is_closed),
        TEST(what_stands_behind_a_handle_outlives_it),
        TEST(options_open_one_store),
        TEST(a_missing_out_param_is_refused_before_anything_happens),
        TEST(results_that_nobody_wants_need_no_place),
        TEST(what_is_absent_is_null_and_no_error),
        TEST(text_that_is_no_text_is_an_argument_error),
        TEST(a_missing_text_is_an_argument_error),
        TEST(absent_is_not_empty),
        TEST(buffers_have_a_length_and_a_nul_after_it),
        TEST(an_error_says_what_and_why),
        TEST(a_nul_in_a_name_does_not_cut_the_message),
        TEST(events_are_fetched_once),
        TEST(events_bear_the_request_id),
        TEST(a_function_is_told_of_events),
        TEST(threads_tell_each_event_once_and_stop),
        TEST(an_update_repeats_deletes_and_gives_up),
        TEST(threads_on_one_session_count_exactly),
        TEST(threads_that_share_a_store_do_not_meet),
        TEST(a_handle_may_be_freed_under_its_users),
    };
    unsigned passed = 0, failed = 0;
    if (argc > 1)
        rounds = atoi(argv[1]);
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
    printf("c abi: %u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
