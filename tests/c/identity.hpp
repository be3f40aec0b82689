/*
 * The calls on proofs: verified, revoked, counted.
 */
#ifndef SESSILE_TESTS_IDENTITY_HPP
#define SESSILE_TESTS_IDENTITY_HPP

#include "call.hpp"
#include "kept.hpp"
#include "sessile.hpp"

/* What a call gives; std::nullopt: it is none of these. */
inline optional<Result> call_identity(sessile::Store &store, const Kept &kept, const Call &call)
{
    const string verb = call.verb();
    if (verb == "verify")
        return value(store.verify(kept.text(call, "token").value()));
    if (verb == "accept_logout_token")
        return value(store.accept_logout_token(kept.text(call, "token").value()));
    if (verb == "stats")
        return value(store.stats());
    if (verb == "revoke_token")
        store.revoke_token(kept.text(call, "token").value());
    else if (verb == "revoke_token_id")
        store.revoke_token_id(call.text("issuer"), call.text("jti"));
    else if (verb == "revoke_issuer")
        store.revoke_issuer(call.text("issuer"), call.optional_text("notBefore"));
    else
        return std::nullopt;
    return Nothing{};
}

#endif
