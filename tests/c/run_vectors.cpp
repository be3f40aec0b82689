/*
 * Runs the conformance vectors through sessile.hpp: run_vectors FOLDER [CASE...]
 *
 * Without cases all of them; a CASE is "suite/name". The format is described in tests/vectors/README.md, and how cases
 * run on a server; what the wrapper gives is judged by the one expectation that a call has.
 */
#include "call.hpp"
#include "compare.h"
#include "json.h"
#include "kept.hpp"
#include "identity.hpp"
#include "keys.hpp"
#include "lifecycle.hpp"
#include "server.h"
#include "sessile.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include <stdlib.h>

namespace fs = std::filesystem;

static const char *const language = "cpp";

static string quoted(const string &text)
{
    return text.size() > 1500 ? text.substr(0, 1500) + "…" : text;
}

/* ── a case that runs ── */

static string decode_base64(const string &text)
{
    static const string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    string bytes;
    unsigned held = 0, bits = 0;
    for (char c : text) {
        if (c == '=')
            break;
        held = held << 6 | static_cast<unsigned>(digits.find(c));
        bits += 6;
        if (bits >= 8)
            bytes.push_back(static_cast<char>(held >> (bits -= 8)));
    }
    return bytes;
}

class World {
public:
    World(const json *given, const fs::path &folder)
        : given_(given), folder_(folder), clock_(sessile::Clock::manual(started(given)))
    {
    }
    ~World()
    {
        kept_.clear();
        store_.reset();
        for (const fs::path &folder : {golden_, secrets_})
            if (!folder.empty())
                fs::remove_all(folder);
    }
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    void run()
    {
        const json *calls = json_member(given_, "do");
        if (const char *golden = json_text(json_member(given_, "golden")))
            copy_golden(golden);
        if (on_server())
            prepare_server();
        if (Call(calls->first).verb() != "open")
            open();
        std::size_t number = 0;
        for (const json *call = calls->first; call; call = call->next) {
            number++;
            try {
                perform(Call(call));
            } catch (const Failed &failed) {
                throw Failed("call " + std::to_string(number) + ": " + Call(call).verb() + ": " + failed.what());
            }
        }
        if (store_)
            store_->close();
    }

private:
    static string started(const json *given)
    {
        const char *time = json_text(json_member(given, "clock"));
        return time ? time : "2026-01-01T00:00:00Z";
    }

    static fs::path new_folder()
    {
        string name = (fs::temp_directory_path() / "sessile-cpp-XXXXXX").string();
        if (!mkdtemp(name.data()))
            throw Failed("no temporary folder");
        return name;
    }

    void copy_golden(const string &golden)
    {
        golden_ = new_folder();
        for (const char *file : {"sessions.db", "keyring.json"}) {
            fs::copy_file(folder_ / ".." / "golden" / golden / file, golden_ / file);
            fs::permissions(golden_ / file, fs::perms::owner_read | fs::perms::owner_write);
        }
    }

    /* Whether the case names no place of its own, and there is a server to run it on. */
    bool on_server() const
    {
        return golden_.empty() && !json_member(json_member(given_, "options"), "url") && server_url();
    }

    /* A server's users have no secrets in memory: theirs are in a file. */
    void prepare_server()
    {
        if (!server_empty())
            throw Failed("the server is not emptied");
        if (json_member(json_member(given_, "options"), "secrets"))
            secrets_ = new_folder();
    }

    /* The store's options: those of the case, with the url that it leaves out. */
    string options() const
    {
        const json *given = json_member(given_, "options");
        if (golden_.empty() && json_member(given, "url"))
            return ::raw(given);
        string url = on_server() ? server_url() : "memory:";
        if (!golden_.empty())
            url = "sqlite:" + (golden_ / "sessions.db").string();
        string text = "{\"url\":\"" + url + '"';
        for (const json *each = given ? given->first : nullptr; each; each = each->next) {
            const string name(each->name, each->name_len);
            const bool moved = name == "secrets" && !secrets_.empty();
            const string file = "\"sqlite:" + (secrets_ / "secrets.db").string() + '"';
            text += ",\"" + name + "\":" + (moved ? file : ::raw(each));
        }
        return text + '}';
    }

    void open()
    {
        sessile::Options options(this->options());
        options.clock(clock_);
        const json *secrets = json_member(given_, "secrets");
        for (const json *secret = secrets ? secrets->first : nullptr; secret; secret = secret->next)
            options.issuer_secret(string_view(secret->name, secret->name_len), decode_base64(secret->text));
        if (!golden_.empty())
            options.keyring_file((golden_ / "keyring.json").string());
        if (on_server())
            options.keyring_file(server_keyring());
        store_ = sessile::Store::open(std::move(options));
    }

    /* Makes a call and judges what it gives. */
    void perform(const Call &call)
    {
        try {
            const Result result = call.has("on") ? call_on(call) : call_store(call);
            if (call.has("error"))
                throw Failed("succeeded, wanted " + ::raw(call.member("error")));
            judge(call, result);
            /* After the judgement: a name that is kept anew stands for what it was until then. */
            if (gives_texts(call.verb()))
                kept_.keep_members(call, std::get<Value>(result).json);
        } catch (const sessile::Error &error) {
            judge_error(call, error);
        }
    }

    static void judge_error(const Call &call, const sessile::Error &error)
    {
        const json *wanted = call.member("error");
        if (!wanted)
            throw Failed(error.name() + ": " + error.what());
        if (error.name() != json_text(json_member(wanted, "code")))
            throw Failed(error.name() + " (" + error.what() + "), wanted " + ::raw(wanted));
        const json *details = json_member(wanted, "details");
        if (details && !json_covers(read(error.details()).get(), details, nullptr))
            throw Failed("details " + error.details() + ", wanted " + ::raw(details));
    }

    /* Whether a call's `gives` says what must be there, and not all that is. */
    static bool gives_at_least(const string &verb)
    {
        static const std::set<string> verbs = {"info",          "config_create", "config_get", "config_list",
                                               "config_update", "start",         "refresh",    "session_verify",
                                               "session_list",  "users",         "user",       "dashboard",
                                               "verify",        "stats",         "rewrap",     "key_usage",
                                               "keyring_describe"};
        return verbs.count(verb) > 0;
    }

    void judge(const Call &call, const Result &result) const
    {
        if (const json *wanted = call.member("gives")) {
            const auto *given = std::get_if<Value>(&result);
            const Json found = given ? read(given->json) : nullptr;
            const kept_texts texts = kept_.texts();
            if (!(gives_at_least(call.verb()) ? json_covers : json_equal)(found.get(), wanted, &texts))
                throw Failed("gave " + quoted(given ? given->json : "nothing") + ", wanted " + quoted(::raw(wanted)));
        } else if (call.has("text")) {
            const auto *given = std::get_if<Text>(&result);
            if (!given || given->text != call.text("text"))
                throw Failed("gave " + quoted(given ? given->text : "nothing") + ", wanted " + quoted(call.text("text")));
        } else if (call.is("absent") && !std::holds_alternative<Absent>(result)) {
            throw Failed("gave something, wanted nothing");
        }
    }

    /* ── on the store ── */

    Result call_store(const Call &call)
    {
        const string verb = call.verb();
        if (verb == "open")
            open();
        else if (verb == "execution")
            kept_.keep(call, store_->execution(call.text_or_raw("triggerText", "trigger"), kept_.text(call, "token")));
        else if (verb == "resume")
            kept_.keep(call, store_->resume(kept_.text(call, "checkpoint").value(), call.text_or_raw("triggerText", "trigger"),
                                      kept_.text(call, "token")));
        else if (verb == "issue")
            kept_.keep(call, store_->issue_token(call.raw("claims"), call.ttl().value()));
        else if (verb == "set_clock")
            clock_.set(call.text("time"));
        else if (verb == "advance")
            clock_.advance(std::stoll(call.raw("millis")));
        else if (verb == "close")
            store_->close();
        else if (verb == "parse_step")
            return value(store_->parse_step(call.text_or_raw("stepText", "step").value()).to_json());
        else if (verb == "lint")
            return value(sessile::lint(call.text_or_raw("pipelineText", "pipeline").value()));
        else if (auto result = call_identity(*store_, kept_, call))
            return *result;
        else if (auto result = call_keys(*store_, kept_, golden_ / "keyring.json", call))
            return *result;
        else
            return call_lifecycle(*store_, kept_, call);
        return Nothing{};
    }

    /* ── on an execution or one of its sessions ── */

    Result call_on(const Call &call)
    {
        const string on = call.text("on");
        const auto dot = on.find('.');
        sessile::Execution *run = kept_.run(on.substr(0, dot));
        if (!run)
            throw Failed("nothing is kept as " + on);
        if (dot == string::npos)
            return call_execution(*run, call);
        sessile::Session session = open_session(*run, on.substr(dot + 1));
        return call_session(session, call);
    }

    static sessile::Session open_session(const sessile::Execution &run, const string &which)
    {
        const auto colon = which.find(':');
        const string kind = which.substr(0, colon);
        const optional<string> tag = colon == string::npos ? std::nullopt : optional<string>(which.substr(colon + 1));
        if (kind == "local")
            return run.local();
        if (kind == "scoped")
            return run.scoped();
        if (kind == "global")
            return run.global(tag);
        if (kind == "scoped_global")
            return run.scoped_global(tag);
        throw Failed("no session " + which);
    }

    Result call_execution(sessile::Execution &run, const Call &call)
    {
        const string verb = call.verb();
        if (verb == "step")
            return text(run.step(call.text_or_raw("stepText", "step").value(), call.optional_text("message")));
        if (verb == "commit")
            return value(run.commit(call.is("exclusive")));
        if (verb == "subprocess")
            kept_.keep(call, run.subprocess(call.text("name")));
        else if (verb == "subprocess_by_id")
            kept_.keep(call, run.subprocess_by_id(call.text("id")));
        else if (verb == "end")
            run.end();
        else if (verb == "renew")
            run.renew(kept_.text(call, "token").value());
        else if (verb == "checkpoint")
            kept_.keep(call, run.checkpoint());
        else
            throw Failed("no such call on an execution");
        return Nothing{};
    }

    Result call_session(sessile::Session &session, const Call &call)
    {
        using Verb = Result (World::*)(sessile::Session &, const Call &);
        static const std::map<string, Verb> special = {
            {"get_versioned", &World::get_versioned}, {"put_if", &World::put_if}, {"update", &World::update}};
        const auto found = special.find(call.verb());
        return found != special.end() ? (this->*found->second)(session, call) : plain(session, call);
    }

    static Result plain(sessile::Session &session, const Call &call)
    {
        using Verb = std::function<Result(sessile::Session &, const Call &)>;
        using S = sessile::Session;
        static const auto nothing = [](auto done) -> Result { return done(), Nothing{}; };
        static const std::map<string, Verb> verbs = {
            {"get", [](S &s, const Call &c) { return value(s.get(c.text("name"))); }},
            {"get_raw", [](S &s, const Call &c) { return text(s.get(c.text("name"))); }},
            {"take", [](S &s, const Call &c) { return value(s.take(c.text("name"))); }},
            {"contains", [](S &s, const Call &c) { return value(s.contains(c.text("name"))); }},
            {"get_many", [](S &s, const Call &c) { return value(s.get_many(c.names())); }},
            {"all", [](S &s, const Call &) { return value(s.all()); }},
            {"keys", [](S &s, const Call &) { return value(s.keys()); }},
            {"delete", [](S &s, const Call &c) { return value(s.remove(c.names())); }},
            {"clear", [](S &s, const Call &) { return value(s.clear()); }},
            {"increment", [](S &s, const Call &c) { return value(s.increment(c.text("name"), c.raw("by"))); }},
            {"append", [](S &s, const Call &c) { return value(s.append(c.text("name"), c.raw("values"))); }},
            {"put_if_absent",
             [](S &s, const Call &c) { return value(s.put_if_absent(c.text("name"), c.raw("value"), c.ttl())); }},
            {"get_path", [](S &s, const Call &c) { return value(s.get_path(c.text("name"), c.text("pointer"))); }},
            {"delete_path",
             [](S &s, const Call &c) { return value(s.delete_path(c.text("name"), c.text("pointer"))); }},
            {"set_ttl", [](S &s, const Call &c) { return value(s.set_ttl(c.text("name"), c.ttl())); }},
            {"expires_at", [](S &s, const Call &c) { return value(s.expires_at(c.text("name"))); }},
            {"info", [](S &s, const Call &) { return value(s.info()); }},
            {"commit", [](S &s, const Call &c) { return value(s.commit(c.is("exclusive"))); }},
            {"put",
             [](S &s, const Call &c) {
                 return nothing([&] { s.put(c.text_or_raw("fieldsText", "fields").value(), c.ttl()); });
             }},
            {"put_raw",
             [](S &s, const Call &c) {
                 return nothing([&] { s.put_one(c.text("name"), c.text("value"), c.ttl()); });
             }},
            {"put_path",
             [](S &s, const Call &c) {
                 return nothing([&] { s.put_path(c.text("name"), c.text("pointer"), c.raw("value")); });
             }},
            {"end", [](S &s, const Call &) { return nothing([&] { s.end(); }); }},
        };
        const auto found = verbs.find(call.verb());
        if (found == verbs.end())
            throw Failed("no such call on a session");
        return found->second(session, call);
    }

    Result get_versioned(sessile::Session &session, const Call &call)
    {
        auto found = session.get_versioned(call.text("name"));
        if (!found)
            return Absent{};
        kept_.keep(call, found->version);
        return value(found->value);
    }

    Result put_if(sessile::Session &session, const Call &call)
    {
        kept_.keep(call, session.put_if(call.text("name"), call.raw("value"), kept_.text(call, "version"), call.ttl()));
        return Nothing{};
    }

    Result update(sessile::Session &session, const Call &call)
    {
        const json *saw = call.member("saw");
        const json *wanted = saw ? saw->first : nullptr;
        std::size_t runs = 0;
        session.update(call.text("name"), [&](const optional<string> &current) -> optional<string> {
            if (saw && (!wanted || !json_equal(read(current.value_or("null")).get(), wanted, nullptr)))
                throw Failed("run " + std::to_string(runs + 1) + " saw " + current.value_or("nothing"));
            wanted = wanted ? wanted->next : nullptr;
            if (runs++ == 0 && call.has("during"))
                perform(Call(call.member("during")));
            return call.raw("value");
        });
        if (wanted)
            throw Failed("fn ran " + std::to_string(runs) + " times");
        return Nothing{};
    }

    const json *given_;
    fs::path folder_;
    fs::path golden_;
    fs::path secrets_;
    sessile::Clock clock_;
    optional<sessile::Store> store_;
    Kept kept_;
};

/* ── suites ── */

static Json read_file(const fs::path &path)
{
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    Json value = read(text.str());
    if (!value)
        throw std::runtime_error(path.string() + " is not there or is no JSON");
    return value;
}

static bool has(const json *list, const string &text)
{
    for (const json *one = list ? list->first : nullptr; one; one = one->next)
        if (json_text(one) && text == one->text)
            return true;
    return false;
}

struct Tally {
    unsigned passed = 0, failed = 0, skipped = 0;
    void add(const Tally &other)
    {
        passed += other.passed;
        failed += other.failed;
        skipped += other.skipped;
    }
    void print(const string &of) const
    {
        std::cout << of << ": " << passed << " passed, " << failed << " failed, " << skipped << " skipped" << std::endl;
    }
};

static bool explained(const json *skips, const string &id)
{
    for (const json *skip = skips->first; skip; skip = skip->next)
        if (has(json_member(skip, "languages"), language) && has(json_member(skip, "cases"), id))
            return true;
    return false;
}

static void run_case(const json *given, const fs::path &folder, const json *skips, const string &id, Tally &tally)
{
    const json *only = json_member(given, "only");
    try {
        if (only && !has(only, language)) {
            if (!explained(skips, id))
                throw Failed("skipped, but skips.json does not say why");
            tally.skipped++;
            return;
        }
        World(given, folder).run();
        tally.passed++;
    } catch (const std::exception &failed) {
        tally.failed++;
        std::cerr << "    " << failed.what() << "\nFAILED " << id << ": " << json_text(json_member(given, "rule")) << '\n';
    }
}

static Tally run_suite(const fs::path &file, const json *skips, const std::vector<string> &chosen)
{
    const Json suite = read_file(file);
    const string name = json_text(json_member(suite.get(), "suite"));
    const json *cases = json_member(suite.get(), "cases");
    Tally tally;
    for (const json *given = cases ? cases->first : nullptr; given; given = given->next) {
        const string id = name + "/" + json_text(json_member(given, "name"));
        if (chosen.empty() || std::find(chosen.begin(), chosen.end(), id) != chosen.end())
            run_case(given, file.parent_path(), skips, id, tally);
    }
    tally.print("  " + name);
    return tally;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        std::cerr << "usage: " << argv[0] << " FOLDER [SUITE/CASE...]\n";
        return 2;
    }
    const fs::path folder = argv[1];
    const Json skips = read_file(folder / "skips.json");
    std::vector<fs::path> suites;
    for (const auto &entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".json" && entry.path().filename() != "skips.json")
            suites.push_back(entry.path());
    std::sort(suites.begin(), suites.end());
    Tally total;
    for (const fs::path &suite : suites)
        total.add(run_suite(suite, skips.get(), std::vector<string>(argv + 2, argv + argc)));
    total.print(language);
    return total.failed == 0 && total.passed > 0 ? 0 : 1;
}
