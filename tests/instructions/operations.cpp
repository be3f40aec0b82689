/*
 * Ten operations, through the installed library, each to be counted by callgrind: run.py says how. Only what happens inside
 * `measured` counts, with everything warm.
 *
 *     operations list | <operation> [rounds]
 */
#include <sessile.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <utility>
#include <vector>

static const char rest[] = R"({"type": "rest", "security": "jwt"})";
static const char get_step[] = R"({"operation": "GET", "fields": ["cart", "total", "userId"]})";
static const char put_step[] = R"({"operation": "PUT", "fields": ["cart", "total", "userId"]})";
static const char fields[] = R"({"cart": [{"id": 1, "n": 2}], "total": 12.5, "userId": "u-17"})";

using Operation = std::function<void()>;

/* Everything of one C function, so that callgrind knows where to begin and to end. */
extern "C" __attribute__((noinline)) void measured(const Operation *operation, unsigned long rounds)
{
    for (unsigned long round = 0; round < rounds; round++)
        (*operation)();
}

static std::string message_of(std::size_t length)
{
    std::string message = R"({"body": {"items": [)";
    while (message.size() < length)
        message += R"({"sku": "A-1234", "price": 12.5, "tags": ["x", "y"]},)";
    return message + R"(0]}, "cart": null, "total": 0, "id": 7})";
}

int main(int argc, char **argv)
{
    auto store = sessile::Store::open(sessile::Options(R"({"url": "memory:"})"));
    const std::string token = store.issue_token(R"({"sub": "u-17"})", 3600);
    auto run = store.execution(rest, token);
    auto local = run.local(), global = run.global();
    local.put(fields);
    global.put(fields);
    const auto get = sessile::Step::parse(get_step), put = sessile::Step::parse(put_step);
    const std::string message = message_of(2000);

    const std::vector<std::pair<std::string, Operation>> operations = {
        {"local_put", [&] { local.put_one("total", "12.5"); }},
        {"local_get", [&] { local.get("total"); }},
        {"local_increment", [&] { local.increment("count", "1"); }},
        {"subprocess_discarded", [&] { run.subprocess("for-each"); }},
        {"step_get_into_2_kb", [&] { run.step(get, message); }},
        {"step_put_from_2_kb", [&] { run.step(put, message); }},
        {"step_parse", [&] { sessile::Step::parse(get_step); }},
        {"known_token", [&] { store.verify(token); }},
        {"global_get_3_fields", [&] { global.get_many({"cart", "total", "userId"}); }},
        {"global_put", [&] { global.put_one("total", "12.5"); }},
    };
    const std::string named = argc > 1 ? argv[1] : "list";
    const unsigned long rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100;
    for (const auto &[name, operation] : operations) {
        if (named == "list")
            std::cout << name << '\n';
        if (named != name)
            continue;
        for (int round = 0; round < 16; round++)
            operation();
        const auto started = std::chrono::steady_clock::now();
        measured(&operation, rounds);
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - started;
        std::printf("%s: %.0f ns\n", name.c_str(), took.count() / static_cast<double>(rounds));
        return 0;
    }
    return named == "list" ? 0 : 2;
}
