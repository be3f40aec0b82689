/*
 * A call of a case: its arguments, and what it gives.
 */
#ifndef SESSILE_TESTS_CALL_HPP
#define SESSILE_TESTS_CALL_HPP

#include "json.h"
#include "sessile.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using std::optional;
using std::string;
using std::string_view;

/* A case that does not hold; what() says where. */
struct Failed : std::runtime_error {
    using runtime_error::runtime_error;
};

struct FreeJson {
    void operator()(json *value) const { json_free(value); }
};
using Json = std::unique_ptr<json, FreeJson>;

inline Json read(string_view text) { return Json(json_read(text.data(), text.size())); }

inline string raw(const json *value) { return value ? string(value->raw, value->raw_len) : string("nothing"); }

/* ── what a call gives ── */

struct Nothing {};
struct Absent {};
/* JSON, to be compared as such. */
struct Value {
    string json;
};
/* Text, to be compared byte for byte. */
struct Text {
    string text;
};
using Result = std::variant<Nothing, Absent, Value, Text>;

inline Result value(optional<string> json)
{
    return json ? Result(Value{*std::move(json)}) : Result(Absent{});
}
inline Result value(bool yes) { return Value{yes ? "true" : "false"}; }
inline Result value(std::uint64_t count) { return Value{std::to_string(count)}; }
inline Result text(optional<string> given)
{
    return given ? Result(Text{*std::move(given)}) : Result(Absent{});
}

/* ── a call's arguments ── */

class Call {
public:
    explicit Call(const json *given) : given_(given) {}

    const json *member(const char *name) const { return json_member(given_, name); }
    bool has(const char *name) const { return member(name) != nullptr; }
    bool is(const char *name) const { return json_is_true(member(name)); }
    string verb() const { return text("call"); }

    optional<string> optional_text(const char *name) const
    {
        const json *found = member(name);
        if (!found || found->kind != JSON_STRING)
            return std::nullopt;
        return string(found->text, found->text_len);
    }
    string text(const char *name) const
    {
        auto found = optional_text(name);
        if (!found)
            throw Failed(string("the call has no text ") + name);
        return *found;
    }
    string raw(const char *name) const
    {
        if (!has(name))
            throw Failed(string("the call has no ") + name);
        return ::raw(member(name));
    }
    /* Text under one name, or JSON under another. */
    optional<string> text_or_raw(const char *text_name, const char *raw_name) const
    {
        return has(text_name) ? text(text_name) : optional_raw(raw_name);
    }
    optional<string> optional_raw(const char *name) const
    {
        return has(name) ? optional<string>(raw(name)) : std::nullopt;
    }
    optional<std::uint64_t> number(const char *name) const
    {
        const json *number = member(name);
        if (!number || number->kind != JSON_NUMBER)
            return std::nullopt;
        return std::stoull(raw(name));
    }
    sessile::Ttl ttl() const { return number("ttl"); }
    std::vector<string_view> names() const
    {
        std::vector<string_view> all;
        for (const json *name = member("names")->first; name; name = name->next)
            all.emplace_back(name->text, name->text_len);
        return all;
    }

private:
    const json *given_;
};

#endif
