// The C++ part of the relay, see run.py and life.py. C++17.
//
//     relay-cpp relay <url> <keyring> <token> <language> <seconds>
//     relay-cpp sessions <url> <keyring> <verb> <language>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

#include "sessile.hpp"

using std::chrono::steady_clock;
using std::chrono::system_clock;

static const char *const languages[] = {"python", "node", "c", "cpp", "rust"};

static std::int64_t millis()
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count();
}

static sessile::Store open(const std::string &url, const std::string &keyring)
{
    // Five processes want one session, on a machine that may have other things to do.
    sessile::Options options("{\"url\":\"" + url + "\",\"limits\":{\"deadline\":20000}}");
    options.keyring_file(keyring);
    return sessile::Store::open(std::move(options));
}

// Reads what the others have counted to, which never goes back.
static void read_others(const sessile::Session &session, std::map<std::string, std::uint64_t> &seen)
{
    for (auto &[other, before] : seen) {
        const std::uint64_t now = std::stoull(session.get(other).value_or("0"));
        if (now < before)
            throw std::runtime_error(other + " went back from " + std::to_string(before) + " to " + std::to_string(now));
        before = now;
    }
}

static void relay(const std::string &url, const std::string &keyring, const std::string &token,
                  const std::string &language, double seconds)
{
    std::map<std::string, std::uint64_t> seen;
    for (const std::string other : languages)
        if (other != language)
            seen[other] = 0;
    sessile::Store store = open(url, keyring);
    sessile::Execution run = store.execution(R"({"type":"rest","security":"jwt"})", token);
    sessile::Session session = run.global();

    std::uint64_t writes = 0;
    const std::int64_t started = millis();
    const auto until = steady_clock::now() + std::chrono::duration<double>(seconds);
    while (steady_clock::now() < until) {
        writes++;
        session.put_one(language, std::to_string(writes));
        session.increment("total");
        read_others(session, seen);
    }
    std::cout << "{\"lang\":\"" << language << "\",\"startedAt\":" << started << ",\"endedAt\":" << millis()
              << ",\"writes\":" << writes << ",\"seen\":{";
    const char *comma = "";
    for (const auto &[other, count] : seen) {
        std::cout << comma << '"' << other << "\":" << count;
        comma = ",";
    }
    std::cout << "}}" << std::endl;
}

static void handle(sessile::Sessions &sessions, const std::string &verb, const std::string &language,
                   const std::string &session_id, const std::string &token, const std::string &refresh_token)
{
    if (verb == "pass") {
        const std::string verified = sessions.verify(token);
        if (verified.rfind("{\"valid\":true", 0) != 0)
            throw std::runtime_error(verified);
        sessions.update(session_id, "{\"passedBy\":\"" + language + "\"}");
        std::cout << sessions.refresh(refresh_token) << std::endl;
    } else if (verb == "extend") {
        std::cout << sessions.extend(session_id, 400 * 86400) << std::endl;
    } else if (verb == "revoke") {
        sessions.revoke(session_id);
    } else {
        std::cout << sessions.verify(token) << std::endl;
    }
}

static void sessions(const std::string &url, const std::string &keyring, const std::string &verb,
                     const std::string &language)
{
    sessile::Store store = open(url, keyring);
    sessile::Sessions sessions = store.sessions();
    if (verb == "start")
        for (int n = 0; n < 3; n++)
            std::cout << sessions.start("relay", "{\"userId\":\"" + language + std::to_string(n) +
                                                     "\",\"startedBy\":\"" + language + "\"}")
                      << std::endl;
    if (verb == "list")
        std::cout << sessions.list("relay") << std::endl;
    std::string session_id, token, refresh_token;
    while (std::cin >> session_id >> token >> refresh_token)
        handle(sessions, verb, language, session_id, token, refresh_token);
}

int main(int argc, char **argv)
{
    const std::string command = argc > 1 ? argv[1] : "";
    if (!(command == "relay" && argc == 7) && !(command == "sessions" && argc == 6)) {
        std::cerr << "usage: " << argv[0] << " relay <url> <keyring> <token> <language> <seconds>\n"
                  << "       " << argv[0] << " sessions <url> <keyring> <verb> <language>\n";
        return EXIT_FAILURE;
    }
    try {
        if (command == "relay")
            relay(argv[2], argv[3], argv[4], argv[5], std::strtod(argv[6], nullptr));
        else
            sessions(argv[2], argv[3], argv[4], argv[5]);
        return EXIT_SUCCESS;
    } catch (const sessile::Error &error) {
        std::cerr << error.name() << ": " << error.what() << '\n';
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
    }
    return EXIT_FAILURE;
}
