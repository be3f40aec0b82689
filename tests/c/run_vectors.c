/*
 * Runs the conformance vectors through sessile.h: run_vectors FOLDER [CASE...]
 *
 * Without cases all of them; a CASE is "suite/name". Every call of a case is made through the C ABI, and its outcome
 * is judged by the one expectation it has. The format is described in tests/vectors/README.md, and how cases run on a
 * server.
 */
#define _DEFAULT_SOURCE
#include "call.h"
#include "compare.h"
#include "identity.h"
#include "json.h"
#include "kept.h"
#include "keys.h"
#include "lifecycle.h"
#include "server.h"
#include "sessile.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LANGUAGE "c"

/* ── what a case holds while it runs ── */

typedef struct {
    const json *given;
    const char *folder;
    sessile_clock_t *clock;
    sessile_store_t *store;
    kept kept;
    char golden[64];
    char secrets[64];
    char why[4096];
} world;

static bool run_call(world *w, const json *call);

static bool fail(world *w, const char *format, ...)
{
    if (!w->why[0]) {
        va_list args;
        va_start(args, format);
        vsnprintf(w->why, sizeof w->why, format, args);
        va_end(args);
    }
    return false;
}

/* ── calls on a store ── */

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *len = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*len + 1);
    if (!text || fread(text, 1, *len, file) != *len)
        abort();
    text[*len] = 0;
    fclose(file);
    return text;
}

static bool copy_file(const char *from, const char *to)
{
    size_t len;
    char *bytes = read_file(from, &len);
    FILE *file = bytes ? fopen(to, "wb") : NULL;
    bool copied = file && fwrite(bytes, 1, len, file) == len;
    if (file && fclose(file) != 0)
        copied = false;
    free(bytes);
    return copied && chmod(to, 0600) == 0;
}

static bool copy_golden(world *w, const char *golden)
{
    static const char *const files[] = {"sessions.db", "keyring.json"};
    snprintf(w->golden, sizeof w->golden, "/tmp/sessile-c-XXXXXX");
    if (!mkdtemp(w->golden))
        return fail(w, "no temporary folder");
    for (size_t i = 0; i < 2; i++) {
        char from[4096], to[4096];
        snprintf(from, sizeof from, "%s/../golden/%s/%s", w->folder, golden, files[i]);
        snprintf(to, sizeof to, "%s/%s", w->golden, files[i]);
        if (!copy_file(from, to))
            return fail(w, "can't copy %s", from);
    }
    return true;
}

/* Whether the case names no place of its own, and there is a server to run it on. */
static bool on_server(const world *w)
{
    return !w->golden[0] && !json_member(json_member(w->given, "options"), "url") && server_url();
}

/* The store's options: those of the case, with the url that it leaves out. */
static char *options_json(const world *w)
{
    const json *given = json_member(w->given, "options");
    size_t size = (given ? given->raw_len : 0) + 512;
    char *text = malloc(size);
    if (!w->golden[0] && json_member(given, "url")) {
        snprintf(text, size, "%.*s", (int)given->raw_len, given->raw);
        return text;
    }
    const char *url = on_server(w) ? server_url() : "memory:";
    int at = w->golden[0] ? snprintf(text, size, "{\"url\":\"sqlite:%s/sessions.db\"", w->golden)
                          : snprintf(text, size, "{\"url\":\"%s\"", url);
    for (const json *each = given ? given->first : NULL; each; each = each->next) {
        at += snprintf(text + at, size - at, ",\"%.*s\":", (int)each->name_len, each->name);
        if (w->secrets[0] && each->name_len == 7 && !memcmp(each->name, "secrets", 7))
            at += snprintf(text + at, size - at, "\"sqlite:%s/secrets.db\"", w->secrets);
        else
            at += snprintf(text + at, size - at, "%.*s", (int)each->raw_len, each->raw);
    }
    snprintf(text + at, size - at, "}");
    return text;
}

/* An empty server, and a file for users' secrets where the case wants a place for them: a server's users have none in memory. */
static bool prepare_server(world *w)
{
    if (!server_empty())
        return fail(w, "the server is not emptied");
    if (!json_member(json_member(w->given, "options"), "secrets"))
        return true;
    snprintf(w->secrets, sizeof w->secrets, "/tmp/sessile-c-XXXXXX");
    return mkdtemp(w->secrets) || fail(w, "no temporary folder");
}

static size_t decode_base64(const char *text, unsigned char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, held = 0;
    size_t len = 0;
    for (; *text && *text != '='; text++) {
        held = held << 6 | (unsigned)(strchr(digits, *text) - digits);
        bits += 6;
        if (bits >= 8)
            to[len++] = (unsigned char)(held >> (bits -= 8));
    }
    return len;
}

static int32_t set_doors(const world *w, sessile_options_t *options, sessile_error_t **err)
{
    int32_t status = sessile_options_set_clock(options, w->clock, err);
    const json *secrets = json_member(w->given, "secrets");
    for (const json *secret = secrets ? secrets->first : NULL; secret && !status; secret = secret->next) {
        unsigned char *bytes = malloc(secret->text_len + 1);
        sessile_str_t given = slice((const char *)bytes, decode_base64(secret->text, bytes));
        status = sessile_options_set_issuer_secret(options, slice(secret->name, secret->name_len), given, err);
        free(bytes);
    }
    if (w->golden[0] && !status) {
        char path[128];
        snprintf(path, sizeof path, "%s/keyring.json", w->golden);
        status = sessile_options_set_keyring_file(options, sessile_str(path), err);
    }
    if (on_server(w) && !status)
        status = sessile_options_set_keyring_file(options, sessile_str(server_keyring()), err);
    return status;
}

static void open_store(world *w, outcome *o)
{
    sessile_options_t *options = NULL;
    char *json = options_json(w);
    o->status = sessile_options_new(sessile_str(json), &options, &o->err);
    if (!o->status)
        o->status = set_doors(w, options, &o->err);
    if (!o->status)
        o->status = sessile_store_open(options, &w->store, &o->err);
    sessile_options_free(options);
    free(json);
}

static bool call_store(world *w, const char *verb, const json *call, outcome *o)
{
    sessile_execution_t *run = NULL;
    if (!strcmp(verb, "open")) {
        open_store(w, o);
    } else if (!strcmp(verb, "execution")) {
        o->status = sessile_execution_new(w->store, text_or_raw(call, "triggerText", "trigger"),
                                          kept_or_text(&w->kept, call, "token"), &run, &o->err);
        keep_run(&w->kept, call, run);
    } else if (!strcmp(verb, "resume")) {
        o->status = sessile_execution_resume(w->store, kept_or_text(&w->kept, call, "checkpoint"),
                                             text_or_raw(call, "triggerText", "trigger"),
                                             kept_or_text(&w->kept, call, "token"), &run, &o->err);
        keep_run(&w->kept, call, run);
    } else if (!strcmp(verb, "issue")) {
        sessile_buffer_t *token = NULL;
        o->status = sessile_tokens_issue(w->store, raw_of(call, "claims"), ttl_of(call), &token, &o->err);
        keep_text(&w->kept, call, token);
    } else if (!strcmp(verb, "set_clock")) {
        o->status = sessile_clock_set(w->clock, text_of(call, "time"), &o->err);
    } else if (!strcmp(verb, "advance")) {
        o->status = sessile_clock_advance(w->clock, strtoll(raw_of(call, "millis").ptr, NULL, 10), &o->err);
    } else if (!strcmp(verb, "close")) {
        o->status = sessile_store_close(w->store, &o->err);
    } else if (!strcmp(verb, "parse_step")) {
        sessile_step_t *step = NULL;
        o->status = sessile_step_parse(w->store, text_or_raw(call, "stepText", "step"), &step, &o->err);
        if (!o->status)
            o->status = sessile_step_to_json(step, &o->buffer, &o->err);
        give_buffer(o);
        sessile_step_free(step);
    } else if (!strcmp(verb, "lint")) {
        o->status = sessile_lint(text_or_raw(call, "pipelineText", "pipeline"), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!call_identity(w->store, &w->kept, verb, call, o) && !call_keys(w->store, &w->kept, w->golden, verb, call, o) &&
               !call_lifecycle(w->store, &w->kept, verb, call, o)) {
        return fail(w, "no call %s on a store", verb);
    }
    return true;
}

/* ── calls on an execution ── */

static bool call_execution(world *w, sessile_execution_t *run, const char *verb, const json *call, outcome *o)
{
    sessile_execution_t *sub = NULL;
    if (!strcmp(verb, "step")) {
        o->status = sessile_execution_step(run, text_or_raw(call, "stepText", "step"), text_of(call, "message"),
                                           &o->buffer, &o->err);
        give_text(o);
    } else if (!strcmp(verb, "subprocess")) {
        o->status = sessile_execution_subprocess(run, text_of(call, "name"), &sub, &o->err);
        keep_run(&w->kept, call, sub);
    } else if (!strcmp(verb, "subprocess_by_id")) {
        o->status = sessile_execution_subprocess_by_id(run, text_of(call, "id"), &sub, &o->err);
        keep_run(&w->kept, call, sub);
    } else if (!strcmp(verb, "commit")) {
        o->status = sessile_execution_commit(run, flag_of(call, "exclusive"), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "end")) {
        o->status = sessile_execution_end(run, &o->err);
    } else if (!strcmp(verb, "renew")) {
        o->status = sessile_execution_renew(run, kept_or_text(&w->kept, call, "token"), &o->err);
    } else if (!strcmp(verb, "checkpoint")) {
        sessile_buffer_t *checkpoint = NULL;
        o->status = sessile_execution_checkpoint(run, &checkpoint, &o->err);
        keep_text(&w->kept, call, checkpoint);
    } else {
        return fail(w, "no call %s on an execution", verb);
    }
    return true;
}

/* ── calls on a session ── */

typedef struct {
    world *world;
    const json *call;
    size_t runs;
    bool good;
} update_state;

/* What `fn` of an update does in the vectors: looks at what it is given, lets another call happen, gives a value. */
static int32_t change(void *user_data, const sessile_buffer_t *current, sessile_buffer_t **next)
{
    update_state *state = user_data;
    const json *saw = json_member(state->call, "saw"), *during = json_member(state->call, "during");
    if (saw) {
        const json *wanted = saw->first;
        for (size_t i = 0; wanted && i < state->runs; i++)
            wanted = wanted->next;
        json *seen = current ? json_read(current->ptr, current->len) : json_read("null", 4);
        if (!wanted || !json_equal(seen, wanted, NULL))
            state->good = fail(state->world, "update: run %zu saw %s", state->runs + 1, current ? current->ptr : "nothing");
        json_free(seen);
    }
    if (state->runs++ == 0 && during && !run_call(state->world, during))
        state->good = false;
    return sessile_buffer_new(raw_of(state->call, "value"), next, NULL);
}

static void call_update(world *w, sessile_session_t *session, const json *call, outcome *o)
{
    update_state state = {w, call, 0, true};
    const json *saw = json_member(call, "saw");
    o->status = sessile_session_update(session, text_of(call, "name"), change, &state, &o->err);
    if (saw && state.runs != json_count(saw))
        fail(w, "update: fn ran %zu times", state.runs);
}

static bool call_session(world *w, sessile_session_t *s, const char *verb, const json *call, outcome *o)
{
    sessile_str_t name = text_of(call, "name"), value = raw_of(call, "value");
    uint64_t ttl = ttl_of(call), count = 0;
    bool yes = false;
    if (!strcmp(verb, "get")) {
        o->status = sessile_session_get(s, name, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "get_raw")) {
        o->status = sessile_session_get(s, name, &o->buffer, &o->err);
        give_text(o);
    } else if (!strcmp(verb, "take")) {
        o->status = sessile_session_take(s, name, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "contains")) {
        o->status = sessile_session_contains(s, name, &yes, &o->err);
        give_bool(o, yes);
    } else if (!strcmp(verb, "get_many")) {
        names list = names_of(call);
        o->status = sessile_session_get_many(s, list.all, list.count, &o->buffer, &o->err);
        give_buffer(o);
        free(list.all);
    } else if (!strcmp(verb, "all")) {
        o->status = sessile_session_all(s, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "keys")) {
        o->status = sessile_session_keys(s, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "put")) {
        o->status = sessile_session_put(s, text_or_raw(call, "fieldsText", "fields"), ttl, &o->err);
    } else if (!strcmp(verb, "put_raw")) {
        o->status = sessile_session_put_one(s, name, text_of(call, "value"), ttl, &o->err);
    } else if (!strcmp(verb, "delete")) {
        names list = names_of(call);
        o->status = sessile_session_delete(s, list.all, list.count, &count, &o->err);
        give_count(o, count);
        free(list.all);
    } else if (!strcmp(verb, "clear")) {
        o->status = sessile_session_clear(s, &count, &o->err);
        give_count(o, count);
    } else if (!strcmp(verb, "increment")) {
        o->status = sessile_session_increment(s, name, raw_of(call, "by"), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "append")) {
        o->status = sessile_session_append(s, name, raw_of(call, "values"), &count, &o->err);
        give_count(o, count);
    } else if (!strcmp(verb, "put_if_absent")) {
        o->status = sessile_session_put_if_absent(s, name, value, ttl, &yes, &o->err);
        give_bool(o, yes);
    } else if (!strcmp(verb, "get_versioned")) {
        sessile_buffer_t *version = NULL;
        o->status = sessile_session_get_versioned(s, name, &o->buffer, &version, &o->err);
        give_buffer(o);
        keep_text(&w->kept, call, version);
    } else if (!strcmp(verb, "put_if")) {
        sessile_buffer_t *version = NULL;
        o->status = sessile_session_put_if(s, name, value, kept_or_text(&w->kept, call, "version"), ttl, &version, &o->err);
        keep_text(&w->kept, call, version);
    } else if (!strcmp(verb, "update")) {
        call_update(w, s, call, o);
    } else if (!strcmp(verb, "get_path")) {
        o->status = sessile_session_get_path(s, name, text_of(call, "pointer"), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "put_path")) {
        o->status = sessile_session_put_path(s, name, text_of(call, "pointer"), value, &o->err);
    } else if (!strcmp(verb, "delete_path")) {
        o->status = sessile_session_delete_path(s, name, text_of(call, "pointer"), &yes, &o->err);
        give_bool(o, yes);
    } else if (!strcmp(verb, "set_ttl")) {
        o->status = sessile_session_set_ttl(s, name, ttl, &yes, &o->err);
        give_bool(o, yes);
    } else if (!strcmp(verb, "expires_at")) {
        o->status = sessile_session_expires_at(s, name, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "info")) {
        o->status = sessile_session_info(s, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "end")) {
        o->status = sessile_session_end(s, &o->err);
    } else if (!strcmp(verb, "commit")) {
        o->status = sessile_session_commit(s, flag_of(call, "exclusive"), &o->buffer, &o->err);
        give_buffer(o);
    } else {
        return fail(w, "no call %s on a session", verb);
    }
    return true;
}

/* "run.global:TAG": the session of an execution that a call acts on. */
static bool open_session(world *w, sessile_execution_t *run, const char *which, sessile_session_t **out, outcome *o)
{
    const char *colon = strchr(which, ':');
    sessile_str_t tag = sessile_str(colon ? colon + 1 : NULL);
    size_t len = colon ? (size_t)(colon - which) : strlen(which);
    if (len == 5 && !strncmp(which, "local", len))
        o->status = sessile_execution_local(run, out, &o->err);
    else if (len == 6 && !strncmp(which, "scoped", len))
        o->status = sessile_execution_scoped(run, out, &o->err);
    else if (len == 6 && !strncmp(which, "global", len))
        o->status = sessile_execution_global(run, tag, out, &o->err);
    else if (len == 13 && !strncmp(which, "scoped_global", len))
        o->status = sessile_execution_scoped_global(run, tag, out, &o->err);
    else
        return fail(w, "no session %s", which);
    return true;
}

static bool call_on(world *w, const char *on, const char *verb, const json *call, outcome *o)
{
    const char *dot = strchr(on, '.');
    sessile_execution_t *run = kept_run(&w->kept, on, dot ? (size_t)(dot - on) : strlen(on));
    if (!run)
        return fail(w, "nothing kept as %s", on);
    if (!dot)
        return call_execution(w, run, verb, call, o);
    sessile_session_t *session = NULL;
    bool made = open_session(w, run, dot + 1, &session, o);
    if (made && !o->status)
        made = call_session(w, session, verb, call, o);
    sessile_session_free(session);
    return made;
}

/* ── judgement ── */

static bool judge_error(world *w, const char *verb, const json *wanted, const outcome *o)
{
    const char *code = json_text(json_member(wanted, "code"));
    if (!o->status)
        return fail(w, "%s: succeeded, wanted %s", verb, code);
    const char *name = sessile_error_name(o->err), *given = sessile_error_details(o->err);
    if (strcmp(name, code))
        return fail(w, "%s: %s (%s), wanted %s", verb, name, sessile_error_message(o->err), code);
    const json *details = json_member(wanted, "details");
    json *all = json_read(given, strlen(given));
    bool good = !details || json_covers(all, details, NULL) || fail(w, "%s: details %s", verb, given);
    json_free(all);
    return good;
}

/* Whether a call's `gives` says what must be there, and not all that is. */
static bool gives_at_least(const char *verb)
{
    static const char *const verbs[] = {"info",          "config_create", "config_get", "config_list",
                                        "config_update", "start",         "refresh",    "session_verify",
                                        "session_list",  "users",         "user",       "dashboard",
                                        "verify",        "stats",         "rewrap",     "key_usage",
                                        "keyring_describe"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verb, verbs[i]))
            return true;
    return false;
}

static bool judge_value(world *w, const char *verb, const json *wanted, const outcome *o)
{
    const kept_texts texts = texts_of(&w->kept);
    const char *text = o->buffer ? o->buffer->ptr : o->plain;
    size_t len = o->buffer ? o->buffer->len : strlen(o->plain);
    json *value = o->kind == VALUE ? json_read(text, len) : NULL;
    bool good = gives_at_least(verb) ? json_covers(value, wanted, &texts) : json_equal(value, wanted, &texts);
    if (!good)
        fail(w, "%s: gave %.*s, wanted %.*s", verb, (int)(len < 1500 ? len : 1500), o->kind == ABSENT ? "nothing" : text,
             (int)(wanted->raw_len < 1500 ? wanted->raw_len : 1500), wanted->raw);
    json_free(value);
    return good;
}

static bool judge(world *w, const char *verb, const json *call, const outcome *o)
{
    const json *error = json_member(call, "error"), *gives = json_member(call, "gives");
    const json *text = json_member(call, "text");
    if (error)
        return judge_error(w, verb, error, o);
    if (o->status)
        return fail(w, "%s: %s: %s", verb, sessile_error_name(o->err), sessile_error_message(o->err));
    if (gives)
        return judge_value(w, verb, gives, o);
    if (text) {
        bool same = o->buffer && o->buffer->len == text->text_len && !memcmp(o->buffer->ptr, text->text, text->text_len);
        return same || fail(w, "%s: gave %.1500s, wanted %.1500s", verb, o->buffer ? o->buffer->ptr : "nothing", text->text);
    }
    if (json_is_true(json_member(call, "absent")))
        return o->kind == ABSENT || fail(w, "%s: gave %.1500s, wanted nothing", verb, o->buffer ? o->buffer->ptr : o->plain);
    return true;
}

static bool run_call(world *w, const json *call)
{
    outcome o = {0};
    const char *verb = json_text(json_member(call, "call")), *on = json_text(json_member(call, "on"));
    bool made = verb && (on ? call_on(w, on, verb, call, &o) : call_store(w, verb, call, &o));
    bool good = made ? judge(w, verb, call, &o) : fail(w, "a call without a verb");
    /* After the judgement: a name that is kept anew stands for what it was until then. */
    if (good && gives_texts(verb))
        keep_members(&w->kept, call, o.buffer);
    sessile_buffer_free(o.buffer);
    sessile_error_free(o.err);
    return good && !w->why[0];
}

/* ── cases ── */

static void clean_up(world *w)
{
    kept_free(&w->kept);
    if (w->store && sessile_store_close(w->store, NULL))
        fail(w, "the store does not close");
    sessile_store_free(w->store);
    sessile_clock_free(w->clock);
    const char *const folders[] = {w->golden, w->secrets};
    for (size_t i = 0; i < 2; i++) {
        char command[128];
        snprintf(command, sizeof command, "rm -r '%s'", folders[i]);
        if (folders[i][0] && system(command) != 0)
            fail(w, "can't remove %s", folders[i]);
    }
}

static bool start(world *w, const json *first)
{
    const char *time = json_text(json_member(w->given, "clock")), *golden = json_text(json_member(w->given, "golden"));
    if (sessile_clock_manual(sessile_str(time ? time : "2026-01-01T00:00:00Z"), &w->clock, NULL))
        return fail(w, "no clock at %s", time);
    if (golden && !copy_golden(w, golden))
        return false;
    if (on_server(w) && !prepare_server(w))
        return false;
    const char *verb = json_text(json_member(first, "call"));
    if (verb && !strcmp(verb, "open"))
        return true;
    outcome o = {0};
    open_store(w, &o);
    if (o.status)
        fail(w, "open: %s: %s", sessile_error_name(o.err), sessile_error_message(o.err));
    sessile_error_free(o.err);
    return !o.status;
}

static bool run_case(world *w)
{
    const json *calls = json_member(w->given, "do");
    size_t number = 0;
    bool good = start(w, calls->first);
    for (const json *call = calls->first; good && call; call = call->next) {
        number++;
        good = run_call(w, call);
    }
    clean_up(w);
    if (w->why[0])
        fprintf(stderr, "    call %zu: %s\n", number, w->why);
    return !w->why[0];
}

/* ── suites ── */

static bool has(const json *list, const char *text)
{
    for (const json *one = list ? list->first : NULL; one; one = one->next)
        if (json_text(one) && !strcmp(one->text, text))
            return true;
    return false;
}

/* Whether a case is left out here, which skips.json must explain. */
static bool skipped(const json *given, const json *skips, const char *id)
{
    const json *only = json_member(given, "only");
    if (!only || has(only, LANGUAGE))
        return false;
    for (const json *skip = skips->first; skip; skip = skip->next)
        if (has(json_member(skip, "languages"), LANGUAGE) && has(json_member(skip, "cases"), id))
            return true;
    return false;
}

static bool chosen(const char *id, char **ids, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(ids[i], id))
            return true;
    return count == 0;
}

typedef struct {
    unsigned passed, failed, skipped;
} tally;

static json *read_json(const char *folder, const char *file)
{
    char path[4096];
    size_t len = 0;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    char *text = read_file(path, &len);
    json *value = text ? json_read(text, len) : NULL;
    free(text);
    if (!value) {
        fprintf(stderr, "%s is not there or is no JSON\n", path);
        exit(2);
    }
    return value;
}

static void run_suite(const char *folder, const char *file, const json *skips, char **ids, int count, tally *total)
{
    json *suite = read_json(folder, file);
    const char *name = json_text(json_member(suite, "suite"));
    const json *cases = json_member(suite, "cases");
    tally t = {0};
    for (const json *given = cases ? cases->first : NULL; given; given = given->next) {
        char id[512];
        snprintf(id, sizeof id, "%s/%s", name, json_text(json_member(given, "name")));
        if (!chosen(id, ids, count))
            continue;
        world w = {.given = given, .folder = folder};
        const json *only = json_member(given, "only");
        if (skipped(given, skips, id)) {
            t.skipped++;
        } else if (only && !has(only, LANGUAGE)) {
            t.failed++;
            fprintf(stderr, "FAILED %s: skipped, but skips.json does not say why\n", id);
        } else if (run_case(&w)) {
            t.passed++;
        } else {
            t.failed++;
            fprintf(stderr, "FAILED %s: %s\n", id, json_text(json_member(given, "rule")));
        }
    }
    printf("  %s: %u passed, %u failed, %u skipped\n", name, t.passed, t.failed, t.skipped);
    total->passed += t.passed;
    total->failed += t.failed;
    total->skipped += t.skipped;
    json_free(suite);
}

static int is_suite(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end && !strcmp(end, ".json") && strcmp(entry->d_name, "skips.json");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [SUITE/CASE...]\n", argv[0]);
        return 2;
    }
    struct dirent **suites;
    int count = scandir(argv[1], &suites, is_suite, alphasort);
    json *skips = read_json(argv[1], "skips.json");
    tally total = {0};
    for (int i = 0; i < count; i++) {
        run_suite(argv[1], suites[i]->d_name, skips, argv + 2, argc - 2, &total);
        free(suites[i]);
    }
    free(suites);
    json_free(skips);
    printf("%s: %u passed, %u failed, %u skipped\n", LANGUAGE, total.passed, total.failed, total.skipped);
    return total.failed == 0 && total.passed > 0 ? 0 : 1;
}
