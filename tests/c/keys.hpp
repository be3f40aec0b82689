/*
 * The calls on keys: those of a store, and those of its keyring's file.
 */
#ifndef SESSILE_TESTS_KEYS_HPP
#define SESSILE_TESTS_KEYS_HPP

#include "call.hpp"
#include "kept.hpp"
#include "sessile.hpp"

/* What a call gives; std::nullopt: it is none of these. */
inline optional<Result> call_keys(sessile::Store &store, const Kept &kept, const string &keyring, const Call &call)
{
    const string verb = call.verb();
    if (verb == "rewrap")
        return value(store.rewrap(kept.raw(call, "page")));
    if (verb == "key_usage")
        return value(store.key_usage());
    if (verb == "keyring_add")
        return value("\"" + sessile::Keyring::add(keyring, call.text("kind")) + "\"");
    if (verb == "keyring_describe")
        return value(sessile::Keyring::describe(keyring));
    if (verb == "drop_key")
        store.drop_key(call.text("key"));
    else if (verb == "reload_keys")
        store.reload_keys(call.optional_text("bytes"));
    else if (verb == "keyring_promote")
        sessile::Keyring::promote(keyring, call.text("key"));
    else if (verb == "keyring_retire")
        sessile::Keyring::retire(keyring, call.text("key"));
    else if (verb == "keyring_revoke")
        sessile::Keyring::revoke(keyring, call.text("key"));
    else if (verb == "keyring_drop")
        sessile::Keyring::drop(keyring, call.text("key"));
    else
        return std::nullopt;
    return Nothing{};
}

#endif
