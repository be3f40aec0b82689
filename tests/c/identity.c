#include "identity.h"

#include <string.h>

bool call_identity(sessile_store_t *store, const kept *kept, const char *verb, const json *call, outcome *o)
{
    sessile_str_t token = kept_or_text(kept, call, "token"), issuer = text_of(call, "issuer");
    uint64_t count = 0;
    if (!strcmp(verb, "verify")) {
        o->status = sessile_store_verify(store, token, &o->buffer, &o->err);
        give_buffer(o);
    } else if (!strcmp(verb, "revoke_token")) {
        o->status = sessile_store_revoke_token(store, token, &o->err);
    } else if (!strcmp(verb, "revoke_token_id")) {
        o->status = sessile_store_revoke_token_id(store, issuer, text_of(call, "jti"), &o->err);
    } else if (!strcmp(verb, "revoke_issuer")) {
        o->status = sessile_store_revoke_issuer(store, issuer, text_of(call, "notBefore"), &o->err);
    } else if (!strcmp(verb, "accept_logout_token")) {
        o->status = sessile_store_accept_logout_token(store, token, &count, &o->err);
        give_count(o, count);
    } else if (!strcmp(verb, "stats")) {
        o->status = sessile_store_stats(store, &o->buffer, &o->err);
        give_buffer(o);
    } else {
        return false;
    }
    return true;
}
