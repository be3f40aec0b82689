/*
 * sessile for C++17: RAII over sessile.h, header-only.
 *
 * A failed call throws sessile::Error. Text goes in as std::string_view and comes out as std::string; what may be
 * absent is a std::optional. Values, steps, messages, triggers and claims are JSON text. Objects are move-only; one
 * that was moved from answers every call with INVALID_ARGUMENT. Any thread may use any object, also the same one at
 * once; destroying an object while another thread calls it is for the program to prevent, as ever in C++.
 */
#ifndef SESSILE_HPP
#define SESSILE_HPP

#include "sessile.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sessile {

/** What a failed call throws. what() is for people, code() and details() for programs. */
class Error : public std::runtime_error {
public:
    /** Takes over an error object of the C API. */
    explicit Error(sessile_error_t *error) : Error(std::unique_ptr<sessile_error_t, Free>(error)) {}

    /** The number of a sessile_code_t: SESSILE_NOT_FOUND, … */
    std::int32_t code() const noexcept { return code_; }
    /** The code's stable name: "NOT_FOUND", … */
    const std::string &name() const noexcept { return texts_->name; }
    /** Whether the same call may succeed later, unchanged. */
    bool retryable() const noexcept { return retryable_; }
    /** The details: a JSON object. */
    const std::string &details() const noexcept { return texts_->details; }

private:
    struct Free {
        void operator()(sessile_error_t *error) const noexcept { sessile_error_free(error); }
    };
    struct Texts {
        std::string name;
        std::string details;
    };

    explicit Error(std::unique_ptr<sessile_error_t, Free> error)
        : std::runtime_error(sessile_error_message(error.get())), code_(sessile_error_code(error.get())),
          retryable_(sessile_error_retryable(error.get())),
          texts_(std::make_shared<Texts>(Texts{sessile_error_name(error.get()), sessile_error_details(error.get())}))
    {
    }

    std::int32_t code_;
    bool retryable_;
    std::shared_ptr<const Texts> texts_;
};

/** Text that may be absent: std::nullopt. */
using OptionalText = std::optional<std::string_view>;
/** Whole seconds, at least 1; std::nullopt: no ttl. */
using Ttl = std::optional<std::uint64_t>;

namespace detail {

/** Throws if the call failed. `call` gets the place for the error. */
template <typename Call> void check(Call call)
{
    sessile_error_t *error = nullptr;
    if (call(&error) != SESSILE_OK)
        throw Error(error);
}

inline sessile_str_t slice(std::string_view text) noexcept
{
    /* An empty view may point nowhere; a missing text is something else. */
    return sessile_str_t{text.data() ? text.data() : "", text.size()};
}

inline sessile_str_t slice(const OptionalText &text) noexcept
{
    return text ? slice(*text) : SESSILE_NONE;
}

inline std::uint64_t seconds(const Ttl &ttl) noexcept { return ttl.value_or(SESSILE_NO_TTL); }

struct FreeBuffer {
    void operator()(sessile_buffer_t *buffer) const noexcept { sessile_buffer_free(buffer); }
};

/** What a call gives that stores a buffer; std::nullopt for NULL. */
template <typename Call> std::optional<std::string> optional_text(Call call)
{
    sessile_buffer_t *out = nullptr;
    check([&](sessile_error_t **error) { return call(&out, error); });
    std::unique_ptr<sessile_buffer_t, FreeBuffer> buffer(out);
    if (!buffer)
        return std::nullopt;
    return std::string(buffer->ptr, buffer->len);
}

template <typename Call> std::string text(Call call) { return optional_text(call).value_or(std::string()); }

/** What a call gives that stores a plain value or a handle. */
template <typename Value, typename Call> Value value(Call call)
{
    Value out{};
    check([&](sessile_error_t **error) { return call(&out, error); });
    return out;
}

using KeyringCallback = std::function<std::string()>;

/* What a keyring's callback threw on this thread, until the call that asked for the keyring throws it on. */
inline std::exception_ptr &thrown() noexcept
{
    thread_local std::exception_ptr exception;
    return exception;
}

/* A callback of C, which no exception may leave. */
inline std::int32_t ask_for_keyring(void *user_data, sessile_buffer_t **keyring) noexcept
{
    try {
        std::string text = (*static_cast<KeyringCallback *>(user_data))();
        check([&](sessile_error_t **error) { return sessile_buffer_new(slice(std::string_view(text)), keyring, error); });
        return SESSILE_OK;
    } catch (...) {
        thrown() = std::current_exception();
        return -1;
    }
}

inline void release_callback(void *user_data) noexcept { delete static_cast<KeyringCallback *>(user_data); }

/** As check(), for a call that may ask for the keyring: throws what the callback threw. */
template <typename Call> void check_asking(Call call)
{
    thrown() = nullptr;
    sessile_error_t *error = nullptr;
    if (call(&error) == SESSILE_OK)
        return;
    if (std::exception_ptr exception = std::exchange(thrown(), nullptr)) {
        sessile_error_free(error);
        std::rethrow_exception(exception);
    }
    throw Error(error);
}

inline std::vector<sessile_str_t> slices(const std::string_view *names, std::size_t count)
{
    std::vector<sessile_str_t> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; i++)
        all.push_back(slice(names[i]));
    return all;
}

/** A handle that is freed with its owner. */
template <typename Raw, void (*free)(Raw *)> class Handle {
public:
    explicit Handle(Raw *raw) noexcept : raw_(raw) {}
    Handle(Handle &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() { free(raw_); }

    /** The handle, for calls of sessile.h; still owned by this object. */
    Raw *raw() const noexcept { return raw_; }

private:
    Raw *raw_;
};

} // namespace detail

/** The version of the library that is loaded. */
inline std::string_view version() { return sessile_version(); }

/** Right before fork(), by the thread that forks: see sessile_before_fork. */
inline void before_fork()
{
    detail::check([](auto error) { return sessile_before_fork(error); });
}

/** Right after fork(), on both sides, by that thread: see sessile_after_fork. */
inline void after_fork() noexcept { sessile_after_fork(); }

/** Keyrings: made and changed here, kept by whoever runs the store. */
struct Keyring {
    /** Makes a new keyring file, readable by its owner alone; ALREADY_EXISTS if something is there. */
    static void generate(std::string_view path)
    {
        detail::check([&](auto error) { return sessile_keyring_generate(detail::slice(path), error); });
    }
    /** Makes a new keyring as JSON text. It is a secret. */
    static std::string generate_json()
    {
        return detail::text([](auto out, auto error) { return sessile_keyring_generate_json(out, error); });
    }
    /** Adds a pending key to a keyring file, `kind` "data" or "signing"; its name: an id ("2"), or a kid. */
    static std::string add(std::string_view path, std::string_view kind)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_keyring_add(detail::slice(path), detail::slice(kind), out, error);
        });
    }
    /** The key is primary from now on, the one that was is retired. A pending one must be 60 s old: CONFLICT. */
    static void promote(std::string_view path, std::string_view key)
    {
        detail::check(
            [&](auto error) { return sessile_keyring_promote(detail::slice(path), detail::slice(key), error); });
    }
    /** The key opens what it sealed, and nothing more. The primary is retired by promoting another. */
    static void retire(std::string_view path, std::string_view key)
    {
        detail::check(
            [&](auto error) { return sessile_keyring_retire(detail::slice(path), detail::slice(key), error); });
    }
    /** The key opens nothing any more, until it is retired again. */
    static void revoke(std::string_view path, std::string_view key)
    {
        detail::check(
            [&](auto error) { return sessile_keyring_revoke(detail::slice(path), detail::slice(key), error); });
    }
    /** Takes a revoked key out of the file: nobody can ever open what it sealed. See Store::drop_key. */
    static void drop(std::string_view path, std::string_view key)
    {
        detail::check(
            [&](auto error) { return sessile_keyring_drop(detail::slice(path), detail::slice(key), error); });
    }
    /** What is in a keyring file, without a key: {"data":[{"id":…,"state":…,"created":…}],"signing":[{"kid":…}]}. */
    static std::string describe(std::string_view path)
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_keyring_describe(detail::slice(path), out, error); });
    }
};

/** A clock that a test sets. */
class Clock : public detail::Handle<sessile_clock_t, sessile_clock_free> {
public:
    /** A clock that stands still at `time` (RFC 3339) until it is moved. */
    static Clock manual(std::string_view time)
    {
        return Clock(detail::value<sessile_clock_t *>(
            [&](auto out, auto error) { return sessile_clock_manual(detail::slice(time), out, error); }));
    }
    void set(std::string_view time)
    {
        detail::check([&](auto error) { return sessile_clock_set(raw(), detail::slice(time), error); });
    }
    /** Moves the clock by so many milliseconds; negative: back. */
    void advance(std::int64_t millis)
    {
        detail::check([&](auto error) { return sessile_clock_advance(raw(), millis, error); });
    }
    std::string now() const
    {
        return detail::text([&](auto out, auto error) { return sessile_clock_now(raw(), out, error); });
    }

private:
    using Handle::Handle;
};

/** How a store is opened: all but secrets as JSON. */
class Options : public detail::Handle<sessile_options_t, sessile_options_free> {
public:
    /** `json`: see sessile_options_new; at least {"url": …}. */
    explicit Options(std::string_view json)
        : Handle(detail::value<sessile_options_t *>(
              [&](auto out, auto error) { return sessile_options_new(detail::slice(json), out, error); }))
    {
    }
    Options &keyring_file(std::string_view path)
    {
        detail::check([&](auto e) { return sessile_options_set_keyring_file(raw(), detail::slice(path), e); });
        return *this;
    }
    Options &keyring_bytes(std::string_view bytes)
    {
        detail::check([&](auto e) { return sessile_options_set_keyring_bytes(raw(), detail::slice(bytes), e); });
        return *this;
    }
    Options &keyring_env(std::string_view variable)
    {
        detail::check([&](auto e) { return sessile_options_set_keyring_env(raw(), detail::slice(variable), e); });
        return *this;
    }
    /**
     * The keyring is what `give` gives when the store opens and at each Store::reload_keys without bytes, on the thread
     * that makes the call, which throws what `give` throws.
     */
    Options &keyring_callback(std::function<std::string()> give)
    {
        auto owned = std::make_unique<detail::KeyringCallback>(std::move(give));
        detail::check([&](auto e) {
            return sessile_options_set_keyring_callback(raw(), detail::ask_for_keyring, owned.get(),
                                                        detail::release_callback, e);
        });
        owned.release();
        return *this;
    }
    /** The password of the server behind the URL. */
    Options &backend_password(std::string_view password)
    {
        detail::check(
            [&](auto e) { return sessile_options_set_backend_password(raw(), detail::slice(password), e); });
        return *this;
    }
    Options &issuer_secret(std::string_view issuer, std::string_view secret)
    {
        detail::check([&](auto e) {
            return sessile_options_set_issuer_secret(raw(), detail::slice(issuer), detail::slice(secret), e);
        });
        return *this;
    }
    Options &clock(const Clock &clock)
    {
        detail::check([&](auto error) { return sessile_options_set_clock(raw(), clock.raw(), error); });
        return *this;
    }
};

/** A step: parsed once, run many times. */
class Step : public detail::Handle<sessile_step_t, sessile_step_free> {
public:
    /** Reads a step within the default limits; within a store's: Store::parse_step. */
    static Step parse(std::string_view json) { return parse_within(nullptr, json); }
    /** The step in its full wire form. */
    std::string to_json() const
    {
        return detail::text([&](auto out, auto error) { return sessile_step_to_json(raw(), out, error); });
    }

private:
    friend class Store;
    using Handle::Handle;
    static Step parse_within(sessile_store_t *store, std::string_view json)
    {
        return Step(detail::value<sessile_step_t *>(
            [&](auto out, auto error) { return sessile_step_parse(store, detail::slice(json), out, error); }));
    }
};

/**
 * Looks through the Local steps of a pipeline, a JSON array of steps and blocks, without running it. Gives
 * {"findings":[...]}: fields that are read before any Put on some path, and Puts that nothing reads or deletes.
 */
inline std::string lint(std::string_view pipeline)
{
    return detail::text([&](auto out, auto error) { return sessile_lint(detail::slice(pipeline), out, error); });
}

/** The fields that a configuration with this schema may take as its selector: [{"selector":…,"path":…,"type":…}]. */
inline std::string selector_options(std::string_view schema)
{
    return detail::text(
        [&](auto out, auto error) { return sessile_selector_options(detail::slice(schema), out, error); });
}

/** Read, change, compare-and-put of one field, for those who loop themselves; see Session::update. */
class Update : public detail::Handle<sessile_update_t, sessile_update_free> {
public:
    std::optional<std::string> current()
    {
        return detail::optional_text([&](auto out, auto error) { return sessile_update_current(raw(), out, error); });
    }
    /** Puts the new value (std::nullopt deletes) if nobody changed the field since current(); false: somebody did. */
    bool try_commit(OptionalText value)
    {
        return detail::value<bool>([&](auto out, auto error) {
            return sessile_update_try_commit(raw(), detail::slice(value), out, error);
        });
    }

private:
    friend class Session;
    using Handle::Handle;
};

/** A value with its field's version: opaque, compared for equality. */
struct Versioned {
    std::string value;
    std::string version;
};

/** A session: named JSON fields. */
class Session : public detail::Handle<sessile_session_t, sessile_session_free> {
public:
    /** One field's value; std::nullopt: absent. */
    std::optional<std::string> get(std::string_view name) const
    {
        return detail::optional_text(
            [&](auto out, auto error) { return sessile_session_get(raw(), detail::slice(name), out, error); });
    }
    /** Those of the fields that are there, as one JSON object in the order asked for. */
    std::string get_many(const std::vector<std::string_view> &names) const
    {
        const auto all = detail::slices(names.data(), names.size());
        return detail::text([&](auto out, auto error) {
            return sessile_session_get_many(raw(), all.data(), all.size(), out, error);
        });
    }
    std::optional<Versioned> get_versioned(std::string_view name) const
    {
        std::optional<std::string> version;
        auto value = detail::optional_text([&](auto out, auto error) {
            sessile_buffer_t *given = nullptr;
            const auto status = sessile_session_get_versioned(raw(), detail::slice(name), out, &given, error);
            std::unique_ptr<sessile_buffer_t, detail::FreeBuffer> buffer(given);
            if (buffer)
                version.emplace(buffer->ptr, buffer->len);
            return status;
        });
        if (!value || !version)
            return std::nullopt;
        return Versioned{*std::move(value), *std::move(version)};
    }
    /** All fields as one JSON object, sorted by name. */
    std::string all() const
    {
        return detail::text([&](auto out, auto error) { return sessile_session_all(raw(), out, error); });
    }
    /** The names of all fields as a JSON array, sorted. */
    std::string keys() const
    {
        return detail::text([&](auto out, auto error) { return sessile_session_keys(raw(), out, error); });
    }
    bool contains(std::string_view name) const
    {
        return detail::value<bool>(
            [&](auto out, auto error) { return sessile_session_contains(raw(), detail::slice(name), out, error); });
    }
    /** Puts every member of a JSON object, all or nothing. */
    void put(std::string_view fields, Ttl ttl = std::nullopt)
    {
        detail::check([&](auto error) {
            return sessile_session_put(raw(), detail::slice(fields), detail::seconds(ttl), error);
        });
    }
    /** Puts one field. */
    void put_one(std::string_view name, std::string_view value, Ttl ttl = std::nullopt)
    {
        detail::check([&](auto error) {
            return sessile_session_put_one(raw(), detail::slice(name), detail::slice(value), detail::seconds(ttl), error);
        });
    }
    /** Deletes fields; how many were there. */
    std::uint64_t remove(const std::vector<std::string_view> &names)
    {
        const auto all = detail::slices(names.data(), names.size());
        return detail::value<std::uint64_t>([&](auto out, auto error) {
            return sessile_session_delete(raw(), all.data(), all.size(), out, error);
        });
    }
    /** Deletes all fields; how many were there. */
    std::uint64_t clear()
    {
        return detail::value<std::uint64_t>(
            [&](auto out, auto error) { return sessile_session_clear(raw(), out, error); });
    }
    /** Adds `by` (a JSON number) to a number field; the sum. */
    std::string increment(std::string_view name, std::string_view by = "1")
    {
        return detail::text([&](auto out, auto error) {
            return sessile_session_increment(raw(), detail::slice(name), detail::slice(by), out, error);
        });
    }
    /** Appends the elements of a JSON array to an array field; its new length. */
    std::uint64_t append(std::string_view name, std::string_view values)
    {
        return detail::value<std::uint64_t>([&](auto out, auto error) {
            return sessile_session_append(raw(), detail::slice(name), detail::slice(values), out, error);
        });
    }
    /** Puts a field that is not there yet; whether it was put. */
    bool put_if_absent(std::string_view name, std::string_view value, Ttl ttl = std::nullopt)
    {
        return detail::value<bool>([&](auto out, auto error) {
            return sessile_session_put_if_absent(raw(), detail::slice(name), detail::slice(value),
                                                 detail::seconds(ttl), out, error);
        });
    }
    /** Gets and deletes a field. */
    std::optional<std::string> take(std::string_view name)
    {
        return detail::optional_text(
            [&](auto out, auto error) { return sessile_session_take(raw(), detail::slice(name), out, error); });
    }
    /** Puts a field if its version is `version` (std::nullopt: if it is absent), else CONFLICT; the new version. */
    std::string put_if(std::string_view name, std::string_view value, OptionalText version, Ttl ttl = std::nullopt)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_session_put_if(raw(), detail::slice(name), detail::slice(value), detail::slice(version),
                                          detail::seconds(ttl), out, error);
        });
    }
    Update update(std::string_view name)
    {
        return Update(detail::value<sessile_update_t *>(
            [&](auto out, auto error) { return sessile_update_new(raw(), detail::slice(name), out, error); }));
    }
    /**
     * Reads a field, lets `change` make its new value and puts that if nobody changed the field meanwhile; else once
     * more, until the deadline, then CONFLICT. `change` gets a std::optional<std::string> and gives one (std::nullopt
     * deletes); it may throw.
     */
    template <typename Change> void update(std::string_view name, Change change)
    {
        Update update = this->update(name);
        for (;;) {
            const std::optional<std::string> next = change(update.current());
            if (update.try_commit(next ? OptionalText(*next) : std::nullopt))
                return;
        }
    }
    /** The value at a JSON Pointer inside a field. */
    std::optional<std::string> get_path(std::string_view name, std::string_view pointer) const
    {
        return detail::optional_text([&](auto out, auto error) {
            return sessile_session_get_path(raw(), detail::slice(name), detail::slice(pointer), out, error);
        });
    }
    void put_path(std::string_view name, std::string_view pointer, std::string_view value)
    {
        detail::check([&](auto error) {
            return sessile_session_put_path(raw(), detail::slice(name), detail::slice(pointer), detail::slice(value),
                                            error);
        });
    }
    /** Removes the value at a JSON Pointer inside a field; whether it was there. */
    bool delete_path(std::string_view name, std::string_view pointer)
    {
        return detail::value<bool>([&](auto out, auto error) {
            return sessile_session_delete_path(raw(), detail::slice(name), detail::slice(pointer), out, error);
        });
    }
    /** Sets (std::nullopt: removes) a field's ttl; whether the field is there. */
    bool set_ttl(std::string_view name, Ttl ttl)
    {
        return detail::value<bool>([&](auto out, auto error) {
            return sessile_session_set_ttl(raw(), detail::slice(name), detail::seconds(ttl), out, error);
        });
    }
    /** When a field goes, as JSON text: a string, or null if it stays; std::nullopt: the field is absent. */
    std::optional<std::string> expires_at(std::string_view name) const
    {
        return detail::optional_text(
            [&](auto out, auto error) { return sessile_session_expires_at(raw(), detail::slice(name), out, error); });
    }
    /** Version and times as a JSON object; std::nullopt: a Global session that nobody began. */
    std::optional<std::string> info() const
    {
        return detail::optional_text([&](auto out, auto error) { return sessile_session_info(raw(), out, error); });
    }
    /** Ends the session: Local is emptied, a Global one is over for everybody who holds it. */
    void end()
    {
        detail::check([&](auto error) { return sessile_session_end(raw(), error); });
    }
    /** For Execution::scoped_global: writes its changes. */
    std::string commit(bool exclusive = false)
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_session_commit(raw(), exclusive, out, error); });
    }

private:
    friend class Execution;
    friend class Store;
    using Handle::Handle;
};

/** One run of a pipeline, or a sub-process of it. */
class Execution : public detail::Handle<sessile_execution_t, sessile_execution_free> {
public:
    /** Runs a step given as JSON; the output message ("" for PUT or DELETE without one). */
    std::string step(std::string_view step, OptionalText message = std::nullopt)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_execution_step(raw(), detail::slice(step), detail::slice(message), out, error);
        });
    }
    /** Runs a step that was parsed before. */
    std::string step(const Step &step, OptionalText message = std::nullopt)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_execution_run_step(raw(), step.raw(), detail::slice(message), out, error);
        });
    }
    /** The shared Local session. */
    Session local() const
    {
        return session([&](auto out, auto error) { return sessile_execution_local(raw(), out, error); });
    }
    /** This sub-process's own version of the Local session. */
    Session scoped() const
    {
        return session([&](auto out, auto error) { return sessile_execution_scoped(raw(), out, error); });
    }
    /** The user's Global session of config `tag` (std::nullopt: the token's own, else "global"). */
    Session global(OptionalText tag = std::nullopt) const
    {
        return session(
            [&](auto out, auto error) { return sessile_execution_global(raw(), detail::slice(tag), out, error); });
    }
    /** This sub-process's own version of that Global session. */
    Session scoped_global(OptionalText tag = std::nullopt) const
    {
        return session([&](auto out, auto error) {
            return sessile_execution_scoped_global(raw(), detail::slice(tag), out, error);
        });
    }
    /** Starts a sub-process below this one; it is discarded unless committed. */
    Execution subprocess(std::string_view name)
    {
        return Execution(detail::value<sessile_execution_t *>([&](auto out, auto error) {
            return sessile_execution_subprocess(raw(), detail::slice(name), out, error);
        }));
    }
    /** The open sub-process with that id, after Store::resume. */
    Execution subprocess_by_id(std::string_view id)
    {
        return Execution(detail::value<sessile_execution_t *>([&](auto out, auto error) {
            return sessile_execution_subprocess_by_id(raw(), detail::slice(id), out, error);
        }));
    }
    /** Applies this sub-process's Local changes to its parent's version: {"put":[…],"deleted":[…]}. */
    std::string commit(bool exclusive = false)
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_execution_commit(raw(), exclusive, out, error); });
    }
    /** Ends a sub-process and all below it; the execution itself: closes it. */
    void end()
    {
        detail::check([&](auto error) { return sessile_execution_end(raw(), error); });
    }
    /** Puts a fresh token of the same identity in place. */
    void renew(std::string_view token)
    {
        detail::check([&](auto error) { return sessile_execution_renew(raw(), detail::slice(token), error); });
    }
    /** The host's own name for what it is doing, which audit events then bear; std::nullopt: none. */
    void set_request_id(OptionalText id)
    {
        detail::check([&](auto error) { return sessile_execution_set_request_id(raw(), detail::slice(id), error); });
    }
    /** The Local state, sealed: bytes for Store::resume. */
    std::string checkpoint()
    {
        return detail::text([&](auto out, auto error) { return sessile_execution_checkpoint(raw(), out, error); });
    }
    std::string id() const
    {
        return detail::text([&](auto out, auto error) { return sessile_execution_id(raw(), out, error); });
    }
    std::string subprocess_id() const
    {
        return detail::text([&](auto out, auto error) { return sessile_execution_subprocess_id(raw(), out, error); });
    }
    std::string name() const
    {
        return detail::text([&](auto out, auto error) { return sessile_execution_name(raw(), out, error); });
    }

private:
    friend class Store;
    using Handle::Handle;
    template <typename Call> static Session session(Call call)
    {
        return Session(detail::value<sessile_session_t *>(call));
    }
};

/**
 * The configurations of a store. Definitions, changes, pages, tags and what comes out are JSON text: see sessile.h. A
 * small value to be copied freely; it does not keep the store open: when the Store is gone, its calls are CLOSED.
 */
class Configs {
public:
    /** Makes a configuration; gives it with its defaults filled in. */
    std::string create(std::string_view definition)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_configs_create(store_, detail::slice(definition), out, error);
        });
    }
    std::string get(std::string_view tag) const
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_configs_get(store_, detail::slice(tag), out, error); });
    }
    /** All, sorted by tag: {"configs":[…],"nextCursor":…}. `page`: {"limit":…,"cursor":…}, both optional. */
    std::string list(OptionalText page = std::nullopt) const
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_configs_list(store_, detail::slice(page), out, error); });
    }
    /** Changes the members named in `changes`; null resets one to its default. */
    std::string update(std::string_view tag, std::string_view changes)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_configs_update(store_, detail::slice(tag), detail::slice(changes), out, error);
        });
    }
    /** Deletes a configuration; CONFLICT while sessions of it live, unless `force`, which ends them. */
    void remove(std::string_view tag, bool force = false)
    {
        detail::check(
            [&](auto error) { return sessile_configs_delete(store_, detail::slice(tag), force, error); });
    }
    /** Definitions of these `tags` (a JSON array; std::nullopt: of all) as a document for import_. */
    std::string export_(OptionalText tags = std::nullopt) const
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_configs_export(store_, detail::slice(tags), out, error); });
    }
    /** Takes in a document of export_: {"created":[…],"updated":[…],"unchanged":[…]}. */
    std::string import_(std::string_view document, bool replace = false)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_configs_import(store_, detail::slice(document), replace, out, error);
        });
    }

private:
    friend class Store;
    explicit Configs(sessile_store_t *store) noexcept : store_(store) {}
    sessile_store_t *store_;
};

/**
 * The life of users' sessions under the configurations of a store. A `user` is JSON text: "\"u1\"", 1, true, or
 * {"realm":…,"subject":…}. As Configs it is a small value that does not keep the store open.
 */
class Sessions {
public:
    /** Starts a session: {"token":…,"tokenExpiresAt":…,"refreshToken":…,"sessionId":…,"expiresAt":…}. */
    std::string start(std::string_view tag, std::string_view data, Ttl ttl = std::nullopt)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_sessions_start(store_, detail::slice(tag), detail::slice(data), detail::seconds(ttl), out,
                                          error);
        });
    }
    /** {"valid":true,"sessionId":…,"identifier":…,"expiresAt":…,"data":{…}} or {"valid":false,"reason":…}. */
    std::string verify(std::string_view token) const
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_sessions_verify(store_, detail::slice(token), out, error); });
    }
    /** A new pair of tokens for the same session, as start gives it. */
    std::string refresh(std::string_view refresh_token)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_sessions_refresh(store_, detail::slice(refresh_token), out, error);
        });
    }
    /** Ends a session for all who hold it. */
    void revoke(std::string_view session_id)
    {
        detail::check([&](auto error) { return sessile_sessions_revoke(store_, detail::slice(session_id), error); });
    }
    /** Ends all sessions of a user but the one with the id `except`; how many were alive. */
    std::uint64_t revoke_all(std::string_view tag, std::string_view user, OptionalText except = std::nullopt)
    {
        return detail::value<std::uint64_t>([&](auto out, auto error) {
            return sessile_sessions_revoke_all(store_, detail::slice(tag), detail::slice(user), detail::slice(except),
                                               out, error);
        });
    }
    /** The sessions of a user (std::nullopt: of everybody): {"sessions":[…],"nextCursor":…}. */
    std::string list(std::string_view tag, OptionalText user = std::nullopt, OptionalText page = std::nullopt) const
    {
        return detail::text([&](auto out, auto error) {
            return sessile_sessions_list(store_, detail::slice(tag), detail::slice(user), detail::slice(page), out,
                                         error);
        });
    }
    /** Puts every member of `data` into the session's data, all or nothing. */
    void update(std::string_view session_id, std::string_view data)
    {
        detail::check([&](auto error) {
            return sessile_sessions_update(store_, detail::slice(session_id), detail::slice(data), error);
        });
    }
    /** Moves the end to `ttl` seconds from now, never to earlier; the end in force, as JSON: a string, or null. */
    std::string extend(std::string_view session_id, std::uint64_t ttl)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_sessions_extend(store_, detail::slice(session_id), ttl, out, error);
        });
    }
    /** The users of a configuration: {"users":[…],"nextCursor":…}. */
    std::string users(std::string_view tag, OptionalText page = std::nullopt) const
    {
        return detail::text([&](auto out, auto error) {
            return sessile_sessions_users(store_, detail::slice(tag), detail::slice(page), out, error);
        });
    }
    /** One user with their "sessions". */
    std::string user(std::string_view tag, std::string_view user) const
    {
        return detail::text([&](auto out, auto error) {
            return sessile_sessions_user(store_, detail::slice(tag), detail::slice(user), out, error);
        });
    }
    /** How many users and sessions a configuration has. */
    std::string dashboard(std::string_view tag) const
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_sessions_dashboard(store_, detail::slice(tag), out, error); });
    }
    /** Removes a user with all their sessions; how many were alive. */
    std::uint64_t forget(std::string_view tag, std::string_view user)
    {
        return detail::value<std::uint64_t>([&](auto out, auto error) {
            return sessile_sessions_forget(store_, detail::slice(tag), detail::slice(user), out, error);
        });
    }

private:
    friend class Store;
    explicit Sessions(sessile_store_t *store) noexcept : store_(store) {}
    sessile_store_t *store_;
};

/** An open store. */
class Store : public detail::Handle<sessile_store_t, sessile_store_free> {
public:
    Store(Store &&) noexcept = default;
    Store &operator=(Store &&other) noexcept
    {
        Handle::operator=(std::move(other));
        std::swap(on_event_, other.on_event_);
        return *this;
    }
    ~Store()
    {
        /* Before the function goes that is told of events. */
        if (on_event_)
            sessile_store_free(raw());
    }
    /** Opens (or makes) the store. It takes what is in the options. */
    static Store open(Options &&options)
    {
        sessile_store_t *out = nullptr;
        detail::check_asking([&](auto error) { return sessile_store_open(options.raw(), &out, error); });
        return Store(out);
    }
    /** Starts an execution. `trigger`: {"type":"rest","security":"jwt"}. */
    Execution execution(OptionalText trigger = std::nullopt, OptionalText token = std::nullopt)
    {
        return Execution(detail::value<sessile_execution_t *>([&](auto out, auto error) {
            return sessile_execution_new(raw(), detail::slice(trigger), detail::slice(token), out, error);
        }));
    }
    /** Takes up an execution from a checkpoint. */
    Execution resume(std::string_view checkpoint, OptionalText trigger = std::nullopt,
                     OptionalText token = std::nullopt)
    {
        return Execution(detail::value<sessile_execution_t *>([&](auto out, auto error) {
            return sessile_execution_resume(raw(), detail::slice(checkpoint), detail::slice(trigger),
                                            detail::slice(token), out, error);
        }));
    }
    /** Reads a step within this store's limits. */
    Step parse_step(std::string_view json) { return Step::parse_within(raw(), json); }
    /** Verifies a token: {"realm":…,"subject":…,"issuer":…,"id":…,"issuedAt":…,"expiresAt":…,"acr":…,…}. */
    std::string verify(std::string_view token)
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_store_verify(raw(), detail::slice(token), out, error); });
    }
    /** The Global session of the user whom `token` proves, outside any execution. */
    Session global(std::string_view token, OptionalText tag = std::nullopt)
    {
        return Session(detail::value<sessile_session_t *>([&](auto out, auto error) {
            return sessile_store_global(raw(), detail::slice(token), detail::slice(tag), out, error);
        }));
    }
    /** Signs a login token of the store's own issuer; `ttl` in seconds, 1 to 86400. */
    std::string issue_token(std::string_view claims, std::uint64_t ttl)
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_tokens_issue(raw(), detail::slice(claims), ttl, out, error); });
    }
    /** The public keys of the store's own issuer, as a JWK set. */
    std::string jwks()
    {
        return detail::text([&](auto out, auto error) { return sessile_tokens_jwks(raw(), out, error); });
    }
    /** The store's configurations. */
    Configs configs() const { return Configs(raw()); }
    /** The life of its users' sessions. */
    Sessions sessions() const { return Sessions(raw()); }
    /** Gives the space of up to `budget` sessions back that are long over; how many. */
    std::uint64_t sweep(std::uint32_t budget)
    {
        return detail::value<std::uint64_t>(
            [&](auto out, auto error) { return sessile_store_sweep(raw(), budget, out, error); });
    }
    /** Waits until everything that was acknowledged before is on the disk, whatever the durability. */
    void flush()
    {
        detail::check([&](auto error) { return sessile_store_flush(raw(), error); });
    }
    /** Copies the store, as of one instant, to a new file at `path`, under the same keyring; ALREADY_EXISTS. */
    void backup(std::string_view path)
    {
        detail::check([&](auto error) { return sessile_store_backup(raw(), detail::slice(path), error); });
    }
    /** Looks everything over: {"ok":…,"sessions":…,"problemCount":…,"problems":[{"kind":…,"code":…,"where":…}]}. */
    std::string check()
    {
        return detail::text([&](auto out, auto error) { return sessile_store_check(raw(), out, error); });
    }
    /** Revokes every token that `issuer` gave out until `not_before` (RFC 3339; std::nullopt: now). */
    void revoke_issuer(std::string_view issuer, OptionalText not_before = std::nullopt)
    {
        detail::check([&](auto error) {
            return sessile_store_revoke_issuer(raw(), detail::slice(issuer), detail::slice(not_before), error);
        });
    }
    /** Revokes one token, which must verify and have a jti. */
    void revoke_token(std::string_view token)
    {
        detail::check([&](auto error) { return sessile_store_revoke_token(raw(), detail::slice(token), error); });
    }
    /** Revokes one token by its issuer and jti. */
    void revoke_token_id(std::string_view issuer, std::string_view jti)
    {
        detail::check([&](auto error) {
            return sessile_store_revoke_token_id(raw(), detail::slice(issuer), detail::slice(jti), error);
        });
    }
    /** Takes a logout token, once: revokes its user's sessions; how many were alive. */
    std::uint64_t accept_logout_token(std::string_view token)
    {
        return detail::value<std::uint64_t>([&](auto out, auto error) {
            return sessile_store_accept_logout_token(raw(), detail::slice(token), out, error);
        });
    }
    /** Whether the store answers: {"ok":true,"micros":…}, or {"ok":false,"micros":…,"error":{"code":…,…}}. */
    std::string health()
    {
        return detail::text([&](auto out, auto error) { return sessile_store_health(raw(), out, error); });
    }
    /** What there is to know of tokens, keys and the server: {"tokenCache":{…},"issuers":[…],"backend":{"kind":…}}. */
    std::string stats()
    {
        return detail::text([&](auto out, auto error) { return sessile_store_stats(raw(), out, error); });
    }
    /** Reads the keyring again, now, or takes `bytes` in its place; throws what a keyring's callback throws. */
    void reload_keys(OptionalText bytes = std::nullopt)
    {
        detail::check_asking(
            [&](auto error) { return sessile_store_reload_keys(raw(), detail::slice(bytes), error); });
    }
    /** Seals with the primary key what is sealed with older ones: {"done":…,"cursor":…,"rewrapped":…,"skipped":…}. */
    std::string rewrap(OptionalText page = std::nullopt)
    {
        return detail::text(
            [&](auto out, auto error) { return sessile_store_rewrap(raw(), detail::slice(page), out, error); });
    }
    /** Brings what is stored to a store on another backend: {"done":…,"cursor":…,"copied":…,"unchanged":…,"skipped":…}. */
    std::string copy_to(Store &other, OptionalText page = std::nullopt)
    {
        return detail::text([&](auto out, auto error) {
            return sessile_store_copy_to(raw(), other.raw(), detail::slice(page), out, error);
        });
    }
    /** How much is sealed with each key: {"keys":[{"id":…,"state":…,"heads":…,…}],"sealsWith":…,"problem":…,…}. */
    std::string key_usage()
    {
        return detail::text([&](auto out, auto error) { return sessile_store_key_usage(raw(), out, error); });
    }
    /** Takes a data key out of the keyring file if nothing here is sealed with it; else CONFLICT. */
    void drop_key(std::string_view key)
    {
        detail::check([&](auto error) { return sessile_store_drop_key(raw(), detail::slice(key), error); });
    }
    /** The oldest audit events that nobody fetched yet, `max` at most: [{"at":…,"event":…},…]. */
    std::string drain_events(std::size_t max)
    {
        return detail::text([&](auto out, auto error) { return sessile_store_drain_events(raw(), max, out, error); });
    }
    /** Whether drain_events has something to give; costs next to nothing. */
    bool has_events() const
    {
        return detail::value<bool>([&](auto out, auto error) { return sessile_store_has_events(raw(), out, error); });
    }
    /** Is told of an audit event, a JSON object; what it throws ends the program. */
    using OnEvent = std::function<void(std::string_view event)>;
    /** Has `on_event` told of the audit events, in their order, on the threads that call this library, as they are done with
        a call; an empty one: nobody any more. Not to be called from within it. */
    void on_event(OnEvent on_event)
    {
        auto next = on_event ? std::make_unique<OnEvent>(std::move(on_event)) : nullptr;
        const auto tell = [](void *told, const sessile_buffer_t *event) noexcept {
            (*static_cast<OnEvent *>(told))(std::string_view(event->ptr, event->len));
        };
        detail::check([&](auto error) {
            return sessile_store_on_event(raw(), next ? +tell : nullptr, next.get(), error);
        });
        on_event_ = std::move(next);
    }
    /** Closes the store: later calls are CLOSED. Closing twice is fine. */
    void close()
    {
        detail::check([&](auto error) { return sessile_store_close(raw(), error); });
    }

private:
    using Handle::Handle;
    std::unique_ptr<OnEvent> on_event_;
};

} // namespace sessile

#endif /* SESSILE_HPP */
