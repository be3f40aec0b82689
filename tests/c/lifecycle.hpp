/*
 * The calls on a store's configurations and on its users' sessions.
 */
#ifndef SESSILE_TESTS_LIFECYCLE_HPP
#define SESSILE_TESTS_LIFECYCLE_HPP

#include "call.hpp"
#include "kept.hpp"
#include "sessile.hpp"

#include <functional>
#include <map>

/* Whether a call gives a document whose texts are kept: a started session, or a page. */
inline bool gives_texts(const string &verb)
{
    return verb == "start" || verb == "refresh" || verb == "session_list" || verb == "users" || verb == "config_list" ||
           verb == "rewrap";
}

inline Result call_configs(sessile::Configs configs, const Kept &kept, const Call &call)
{
    const string verb = call.verb();
    if (verb == "config_create")
        return value(configs.create(call.text_or_raw("definitionText", "definition").value()));
    if (verb == "config_get")
        return value(configs.get(call.text("tag")));
    if (verb == "config_list")
        return value(configs.list(kept.raw(call, "page")));
    if (verb == "config_update")
        return value(configs.update(call.text("tag"), call.raw("changes")));
    if (verb == "config_export")
        return value(configs.export_(call.optional_raw("tags")));
    if (verb == "config_import")
        return value(configs.import_(call.raw("document"), call.is("replace")));
    if (verb != "config_delete")
        throw Failed("no such call on a store");
    configs.remove(call.text("tag"), call.is("force"));
    return Nothing{};
}

inline Result call_lifecycle(sessile::Store &store, const Kept &kept, const Call &call)
{
    using Verb = std::function<Result(sessile::Sessions &, const Call &, const Kept &)>;
    using S = sessile::Sessions;
    static const auto nothing = [](auto done) -> Result { return done(), Nothing{}; };
    static const std::map<string, Verb> verbs = {
        {"start",
         [](S &s, const Call &c, const Kept &) {
             return value(s.start(c.text("tag"), c.text_or_raw("dataText", "data").value(), c.ttl()));
         }},
        {"session_verify", [](S &s, const Call &c, const Kept &k) { return value(s.verify(k.text(c, "token").value())); }},
        {"refresh", [](S &s, const Call &c, const Kept &k) { return value(s.refresh(k.text(c, "token").value())); }},
        {"revoke",
         [](S &s, const Call &c, const Kept &k) { return nothing([&] { s.revoke(k.text(c, "session").value()); }); }},
        {"revoke_all",
         [](S &s, const Call &c, const Kept &k) {
             return value(s.revoke_all(c.text("tag"), c.raw("user"), k.text(c, "except")));
         }},
        {"session_list",
         [](S &s, const Call &c, const Kept &k) {
             return value(s.list(c.text("tag"), c.optional_raw("user"), k.raw(c, "page")));
         }},
        {"session_update",
         [](S &s, const Call &c, const Kept &k) {
             return nothing([&] { s.update(k.text(c, "session").value(), c.raw("data")); });
         }},
        {"session_extend",
         [](S &s, const Call &c, const Kept &k) {
             return value(s.extend(k.text(c, "session").value(), c.number("ttl").value()));
         }},
        {"users",
         [](S &s, const Call &c, const Kept &k) { return value(s.users(c.text("tag"), k.raw(c, "page"))); }},
        {"user", [](S &s, const Call &c, const Kept &) { return value(s.user(c.text("tag"), c.raw("user"))); }},
        {"dashboard", [](S &s, const Call &c, const Kept &) { return value(s.dashboard(c.text("tag"))); }},
        {"forget", [](S &s, const Call &c, const Kept &) { return value(s.forget(c.text("tag"), c.raw("user"))); }},
    };
    if (call.verb() == "selector_options")
        return value(sessile::selector_options(call.text_or_raw("schemaText", "schema").value()));
    if (call.verb() == "sweep")
        return value(store.sweep(static_cast<std::uint32_t>(call.number("budget").value())));
    const auto found = verbs.find(call.verb());
    if (found == verbs.end())
        return call_configs(store.configs(), kept, call);
    sessile::Sessions sessions = store.sessions();
    return found->second(sessions, call, kept);
}

#endif
