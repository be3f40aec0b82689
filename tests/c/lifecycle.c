#include "lifecycle.h"

#include <string.h>

static bool call_configs(sessile_store_t *store, const kept *kept, const char *verb, const json *call, outcome *o)
{
    char room[512];
    sessile_str_t tag = text_of(call, "tag"), page = raw_with_kept(kept, call, "page", room);
    if (!strcmp(verb, "config_create")) {
        sessile_str_t definition = text_or_raw(call, "definitionText", "definition");
        o->status = sessile_configs_create(store, definition, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "config_get")) {
        o->status = sessile_configs_get(store, tag, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "config_list")) {
        o->status = sessile_configs_list(store, page, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "config_update")) {
        o->status = sessile_configs_update(store, tag, raw_of(call, "changes"), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "config_delete")) {
        o->status = sessile_configs_delete(store, tag, flag_of(call, "force"), &o->err);
    } else if (!strcmp(verb, "config_export")) {
        o->status = sessile_configs_export(store, raw_of(call, "tags"), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "config_import")) {
        bool replace = flag_of(call, "replace");
        o->status = sessile_configs_import(store, raw_of(call, "document"), replace, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "selector_options")) {
        o->status = sessile_selector_options(text_or_raw(call, "schemaText", "schema"), &o->buffer, &o->err);
        give_buffer(o);
    } else {
        return false;
    }
    return true;
}

/* What acts on one session, by its tokens or its id. */
static bool call_one(sessile_store_t *store, const kept *kept, const char *verb, const json *call, outcome *o)
{
    sessile_str_t token = kept_or_text(kept, call, "token"), id = kept_or_text(kept, call, "session");
    if (!strcmp(verb, "start")) {
        sessile_str_t tag = text_of(call, "tag"), data = text_or_raw(call, "dataText", "data");
        o->status = sessile_sessions_start(store, tag, data, ttl_of(call), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "session_verify")) {
        o->status = sessile_sessions_verify(store, token, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "refresh")) {
        o->status = sessile_sessions_refresh(store, token, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "revoke")) {
        o->status = sessile_sessions_revoke(store, id, &o->err);
    } else if (!strcmp(verb, "session_update")) {
        o->status = sessile_sessions_update(store, id, raw_of(call, "data"), &o->err);
    } else if (!strcmp(verb, "session_extend")) {
        o->status = sessile_sessions_extend(store, id, ttl_of(call), &o->buffer, &o->err);
        give_buffer(o);
    } else {
        return false;
    }
    return true;
}

/* What acts on the sessions and users of a configuration. */
static bool call_many(sessile_store_t *store, const kept *kept, const char *verb, const json *call, outcome *o)
{
    sessile_str_t tag = text_of(call, "tag"), user = raw_of(call, "user");
    char room[512];
    sessile_str_t page = raw_with_kept(kept, call, "page", room);
    uint64_t count = 0;
    if (!strcmp(verb, "revoke_all")) {
        sessile_str_t except = kept_or_text(kept, call, "except");
        o->status = sessile_sessions_revoke_all(store, tag, user, except, &count, &o->err);
        give_count(o, count);
    } else if (!strcmp(verb, "session_list")) {
        o->status = sessile_sessions_list(store, tag, user, page, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "users")) {
        o->status = sessile_sessions_users(store, tag, page, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "user")) {
        o->status = sessile_sessions_user(store, tag, user, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "dashboard")) {
        o->status = sessile_sessions_dashboard(store, tag, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "forget")) {
        o->status = sessile_sessions_forget(store, tag, user, &count, &o->err);
        give_count(o, count);
    } else if (!strcmp(verb, "sweep")) {
        o->status = sessile_store_sweep(store, (uint32_t)number_of(call, "budget", 0), &count, &o->err);
        give_count(o, count);
    } else {
        return false;
    }
    return true;
}

bool call_lifecycle(sessile_store_t *store, const kept *kept, const char *verb, const json *call, outcome *o)
{
    return call_configs(store, kept, verb, call, o) || call_one(store, kept, verb, call, o) ||
           call_many(store, kept, verb, call, o);
}

bool gives_texts(const char *verb)
{
    return !strcmp(verb, "start") || !strcmp(verb, "refresh") || !strcmp(verb, "session_list") ||
           !strcmp(verb, "users") || !strcmp(verb, "config_list") || !strcmp(verb, "rewrap");
}
