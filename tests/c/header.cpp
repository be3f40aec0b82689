/* The C++ header alone, twice, in a program of two files; the other is header2. */
#include "sessile.hpp"
#include "sessile.hpp"

#include <type_traits>

std::string_view second_version();

static_assert(std::is_nothrow_move_constructible_v<sessile::Store> && !std::is_copy_constructible_v<sessile::Store>);
static_assert(std::is_nothrow_copy_constructible_v<sessile::Error> && std::is_base_of_v<std::runtime_error, sessile::Error>);

static_assert(std::is_trivially_copyable_v<sessile::Configs> && std::is_trivially_copyable_v<sessile::Sessions>);

/* What a store gave does not keep it, and says so. */
static bool is_closed_without_its_store()
{
    auto configs = sessile::Store::open(sessile::Options(R"({"url": "memory:"})")).configs();
    try {
        configs.get("global");
        return false;
    } catch (const sessile::Error &error) {
        return error.code() == SESSILE_CLOSED;
    }
}

/* Audit events come once, with the name of the request. */
static bool are_events_fetched_once()
{
    auto store = sessile::Store::open(sessile::Options(R"({"url": "memory:", "audit": true})"));
    auto run = store.execution(R"({"type": "rest", "security": "jwt"})", "no token");
    run.set_request_id("r-17");
    try {
        run.global().put("{}");
        return false;
    } catch (const sessile::Error &) {
    }
    if (!store.has_events() || store.drain_events(9).find(R"("requestId":"r-17")") == std::string::npos)
        return false;
    run.set_request_id(std::nullopt);
    return !store.has_events() && store.drain_events(9) == "[]";
}

/* A function of the program's is told of them, wherever the store has moved to meanwhile. */
static bool is_a_function_told()
{
    std::vector<std::string> heard;
    {
        auto first = sessile::Store::open(sessile::Options(R"({"url": "memory:", "audit": true})"));
        auto second = sessile::Store::open(sessile::Options(R"({"url": "memory:", "audit": true})"));
        first.on_event([&](std::string_view event) { heard.emplace_back(event); });
        first.configs().create(R"({"name": "One"})");
        second = std::move(first);
        second.configs().create(R"({"name": "Two"})");
        second.on_event({});
        second.configs().create(R"({"name": "Three"})");
        if (second.drain_events(9).find("three") == std::string::npos)
            return false;
        second.on_event([&](std::string_view event) { heard.emplace_back(event); });
    }
    return heard.size() == 2 && heard[0].find("\"one\"") != std::string::npos &&
           heard[1].find("\"two\"") != std::string::npos;
}

/* A moved-from object answers with an error, and moving on to it frees nothing twice. */
int main()
{
    auto clock = sessile::Clock::manual("2026-01-01T00:00:00Z");
    auto moved = std::move(clock);
    try {
        clock.advance(1);
        return 1;
    } catch (const sessile::Error &error) {
        if (error.code() != SESSILE_INVALID_ARGUMENT || error.name() != "INVALID_ARGUMENT" || error.retryable())
            return 2;
    }
    if (!is_closed_without_its_store())
        return 4;
    if (!are_events_fetched_once())
        return 5;
    if (!is_a_function_told())
        return 6;
    clock = std::move(moved);
    clock.advance(1500);
    return clock.now() == "2026-01-01T00:00:01.500Z" && sessile::version() == second_version() ? 0 : 3;
}
