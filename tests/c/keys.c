#include "keys.h"

#include <stdio.h>
#include <string.h>

/* What a call gives that is plain text, as the JSON that the case writes. */
static void give_quoted(outcome *o)
{
    if (o->buffer)
        snprintf(o->plain, sizeof o->plain, "\"%s\"", o->buffer->ptr);
    sessile_buffer_free(o->buffer);
    o->buffer = NULL;
    o->kind = VALUE;
}

static bool call_keyring(const char *folder, const char *verb, const json *call, outcome *o)
{
    char file[128];
    snprintf(file, sizeof file, "%s/keyring.json", folder);
    sessile_str_t path = sessile_str(file), key = text_of(call, "key");
    if (!strcmp(verb, "keyring_add")) {
        o->status = sessile_keyring_add(path, text_of(call, "kind"), &o->buffer, &o->err);
        give_quoted(o);
    } else if (!strcmp(verb, "keyring_promote")) {
        o->status = sessile_keyring_promote(path, key, &o->err);
    } else if (!strcmp(verb, "keyring_retire")) {
        o->status = sessile_keyring_retire(path, key, &o->err);
    } else if (!strcmp(verb, "keyring_revoke")) {
        o->status = sessile_keyring_revoke(path, key, &o->err);
    } else if (!strcmp(verb, "keyring_drop")) {
        o->status = sessile_keyring_drop(path, key, &o->err);
    } else if (!strcmp(verb, "keyring_describe")) {
        o->status = sessile_keyring_describe(path, &o->buffer, &o->err);
        give_buffer(o);
    } else {
        return false;
    }
    return true;
}

bool call_keys(sessile_store_t *store, const kept *kept, const char *folder, const char *verb, const json *call, outcome *o)
{
    char room[512];
    if (!strcmp(verb, "rewrap")) {
        o->status = sessile_store_rewrap(store, raw_with_kept(kept, call, "page", room), &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "key_usage")) {
        o->status = sessile_store_key_usage(store, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "drop_key")) {
        o->status = sessile_store_drop_key(store, text_of(call, "key"), &o->err);
    } else if (!strcmp(verb, "reload_keys")) {
        o->status = sessile_store_reload_keys(store, text_of(call, "bytes"), &o->err);
    } else {
        return call_keyring(folder, verb, call, o);
    }
    return true;
}
