/*
 * Two pipelines of one user: the first keeps a cart and prices it in sub-processes, the second finds it again.
 *
 *     c++ -std=c++17 pipeline.cpp $(pkg-config --cflags --libs sessile) -o pipeline
 *     ./pipeline                                     in memory
 *     ./pipeline sqlite:./sessions.db keyring.json   in a file that other processes share; makes the keyring
 */
#include <sessile.hpp>

#include <iostream>
#include <string>

static const char rest[] = R"({"type": "rest", "security": "jwt"})";

/* Secrets never ride in the options' JSON: the keyring has a door of its own. */
static sessile::Store open(const std::string &url, const std::optional<std::string> &keyring)
{
    sessile::Options options(R"({"product": "shop", "url": ")" + url + "\"}");
    if (keyring) {
        try {
            sessile::Keyring::generate(*keyring);
        } catch (const sessile::Error &error) {
            if (error.code() != SESSILE_ALREADY_EXISTS)
                throw;
        }
        options.keyring_file(*keyring);
    }
    return sessile::Store::open(std::move(options));
}

/* Keeps the message's cart in the user's Global session, and its total beside it. */
static void checkout(sessile::Store &store, const std::string &token, const std::string &message)
{
    const auto keep = sessile::Step::parse(R"({"operation": "PUT", "sessionType": "GLOBAL", "fields": ["cart"]})");
    auto run = store.execution(rest, token);
    std::cout << "kept the cart of " << run.step(keep, message) << '\n';
    for (const char *cost : {"4", "7"}) {
        auto turn = run.subprocess("for-each"); /* its own version of the Local session, … */
        const std::string total = turn.scoped().increment("total", cost);
        turn.commit(); /* … discarded unless committed */
        std::cout << "priced at " << cost << ", total " << total << '\n';
    }
    run.global().put_one("total", run.local().get("total").value());
    run.end();
}

/* Another execution, perhaps in another process or language: the user's fields come into its own message. */
static std::string receipt(sessile::Store &store, const std::string &token)
{
    auto run = store.execution(rest, token);
    return run.step(R"({"sessionType": "GLOBAL", "fields": "cart, total"})", R"({"receipt": 1.0})");
}

int main(int argc, char **argv)
{
    try {
        auto store = open(argc > 1 ? argv[1] : "memory:", argc > 2 ? std::optional<std::string>(argv[2]) : std::nullopt);
        /* A login pipeline has seen who the user is, and proves it to all others with a token. */
        const std::string token = store.issue_token(R"({"sub": "ada@example.com"})", 3600);
        checkout(store, token, R"({"cart":["tea","honey"],"order":7.0})");
        std::cout << "receipt " << receipt(store, token) << '\n';
        store.close();
        return 0;
    } catch (const sessile::Error &error) {
        std::cerr << error.name() << ": " << error.what() << '\n';
        return 1;
    }
}
