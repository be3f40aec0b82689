/*
 * The sessions of a product's users: a configuration, then one session from its start to its end.
 *
 *     c++ -std=c++17 sessions.cpp $(pkg-config --cflags --libs sessile) -o sessions
 *     ./sessions                                     in memory
 *     ./sessions sqlite:./sessions.db keyring.json   in a file that other processes share; makes the keyring
 */
#include <sessile.hpp>

#include <iostream>
#include <string>

static const char schema[] = R"({"userId": "string", "email": "string", "role": "string"})";

/* A call that may find its work done already: by this program's last run, or by another process. */
template <typename Call> static void unless_there(Call call)
{
    try {
        call();
    } catch (const sessile::Error &error) {
        if (error.code() != SESSILE_ALREADY_EXISTS)
            throw;
    }
}

/* A text in what start and refresh give, cut out of their JSON. Real programs use a JSON library; the texts that are
 * asked for here have no escapes. */
static std::string member(const std::string &started, const std::string &name)
{
    const std::string opening = "\"" + name + "\":\"";
    const auto found = started.find(opening);
    if (found == std::string::npos)
        throw std::runtime_error("no " + name + " in what was started");
    const auto begin = found + opening.size();
    return started.substr(begin, started.find('"', begin) - begin);
}

/* Secrets never ride in the options' JSON: the keyring has a door of its own. */
static sessile::Store open(const std::string &url, const std::optional<std::string> &keyring)
{
    sessile::Options options(R"({"product": "shop", "url": ")" + url + "\"}");
    if (keyring) {
        unless_there([&] { sessile::Keyring::generate(*keyring); });
        options.keyring_file(*keyring);
    }
    return sessile::Store::open(std::move(options));
}

/* The form of a configuration, filled in once for the product. */
static void configure(sessile::Configs configs)
{
    std::cout << "a user may be told by " << sessile::selector_options(schema) << '\n';
    unless_there([&] {
        configs.create(R"({"name": "User session", "tag": "user_session",
                           "description": "Who is signed in to the shop",
                           "expiry": 7, "period": "Months",
                           "selector": "$Session{userId}", "schema": )" +
                       std::string(schema) + "}");
    });
    std::cout << "configured " << configs.get("user_session") << '\n';
}

/* The session of one sign-in. */
static void live(sessile::Sessions sessions)
{
    const std::string started =
        sessions.start("user_session", R"({"userId": "ada", "email": "ada@example.com", "role": "admin"})");
    std::cout << "started " << sessions.verify(member(started, "token")) << '\n';

    /* The refresh token gives the next pair of the same session; each is used once. */
    const std::string next = sessions.refresh(member(started, "refreshToken"));
    std::cout << "refreshed " << sessions.verify(member(next, "token")) << '\n';
    std::cout << "ada has " << sessions.list("user_session", R"("ada")") << '\n';

    /* Signed out: no token that was given for this session opens it any more, in any process. */
    sessions.revoke(member(next, "sessionId"));
    std::cout << "revoked " << sessions.verify(member(next, "token")) << '\n';
}

int main(int argc, char **argv)
{
    try {
        auto store = open(argc > 1 ? argv[1] : "memory:", argc > 2 ? std::optional<std::string>(argv[2]) : std::nullopt);
        configure(store.configs());
        live(store.sessions());
        store.close();
        return 0;
    } catch (const sessile::Error &error) {
        std::cerr << error.name() << ": " << error.what() << ' ' << error.details() << '\n';
        return 1;
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
