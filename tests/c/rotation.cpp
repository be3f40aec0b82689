/* The keys of a store through sessile.hpp: rotated while somebody writes, and given by a callback, which may throw. */
#include "sessile.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include <stdlib.h>

namespace fs = std::filesystem;

static void must(bool holds, const char *what)
{
    if (!holds)
        throw std::runtime_error(what);
}

/* The code with which a call is refused; 0 if it is not. */
template <typename Call> static std::int32_t refused(Call call)
{
    try {
        call();
        return SESSILE_OK;
    } catch (const sessile::Error &error) {
        return error.code();
    }
}

static bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

static std::string read(const fs::path &path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/* Every key of the file was made long ago. */
static void age_keys(const fs::path &path)
{
    std::string text = read(path);
    for (auto at = text.find("\"created\""); at != std::string::npos; at = text.find("\"created\"", at + 1))
        text.replace(text.find_first_of("0123456789", at), 4, "2020");
    std::ofstream(path) << text;
}

static sessile::Store open(const fs::path &folder)
{
    sessile::Options options(R"({"url": "sqlite:)" + (folder / "sessions.db").string() + "\"}");
    options.keyring_file((folder / "keyring.json").string());
    return sessile::Store::open(std::move(options));
}

static sessile::Session session(sessile::Store &store, const char *claims)
{
    return store.global(store.issue_token(claims, 600));
}

static void rotate(const fs::path &folder)
{
    using sessile::Keyring;
    const std::string keyring = (folder / "keyring.json").string();
    Keyring::generate(keyring);
    {
        auto store = open(folder);
        session(store, R"({"sub": "u1"})").put_one("cart", "1");
        store.close();
    }
    must(Keyring::add(keyring, "data") == "2", "the next id");
    must(refused([&] { Keyring::promote(keyring, "2"); }) == SESSILE_CONFLICT, "a new key waits");
    age_keys(keyring);
    Keyring::promote(keyring, "2");
    must(has(Keyring::describe(keyring), R"("state":"retired")"), "the one that was is retired");

    auto store = open(folder);
    must(refused([&] { store.drop_key("1"); }) == SESSILE_CONFLICT, "a key in use is not dropped");
    std::thread writer([&] {
        auto mine = session(store, R"({"sub": "u2"})");
        for (int i = 0; i < 200; i++)
            mine.put_one("n", std::to_string(i));
    });
    std::string result;
    try {
        result = store.rewrap(R"({"limit": 100})");
    } catch (...) {
        writer.join();
        throw;
    }
    writer.join();
    must(has(result, R"("done":true)") && has(result, R"("skipped":0)"), "everything is sealed anew");
    Keyring::revoke(keyring, "1");
    Keyring::retire(keyring, "1");
    store.drop_key("1");
    must(!has(store.key_usage(), R"("id":1)"), "it is gone");
    must(session(store, R"({"sub": "u1"})").get("cart") == "1" && session(store, R"({"sub": "u2"})").get("n") == "199",
         "nothing else is");
    must(refused([&] { Keyring::drop(keyring, "2"); }) == SESSILE_CONFLICT, "the primary stays");
    store.close();
    must(refused([&] { store.rewrap(); }) == SESSILE_CLOSED, "a closed store seals nothing");
}

struct Sealed : std::runtime_error {
    Sealed() : std::runtime_error("the vault is sealed") {}
};

static void ask_for_keys(const fs::path &folder)
{
    const std::string keyring = (folder / "keyring.json").string();
    auto asked = std::make_shared<int>(0);
    bool is_sealed = true;
    auto ask = [&] {
        sessile::Options options(R"({"url": "memory:"})");
        options.keyring_callback([&, asked] {
            ++*asked;
            return is_sealed ? throw Sealed() : read(keyring);
        });
        return sessile::Store::open(std::move(options));
    };
    auto throws = [](auto call) {
        try {
            call();
            return false;
        } catch (const Sealed &) {
            return true;
        }
    };
    must(throws(ask) && *asked == 1, "what the callback throws reaches who opens");
    must(asked.use_count() == 1, "and it is gone with the options");
    is_sealed = false;
    {
        auto store = ask();
        is_sealed = true;
        must(throws([&] { store.reload_keys(); }) && *asked == 3, "and who reloads");
        is_sealed = false;
        const std::string key = sessile::Keyring::add(keyring, "data");
        store.reload_keys();
        must(*asked == 4 && has(store.key_usage(), R"("id":)" + key), "new keys are read");
        must(refused([&] { store.reload_keys("{}"); }) == SESSILE_KEYRING_INVALID, "a keyring is one");
        store.close();
    }
    must(asked.use_count() == 1, "the callback goes with the store");
}

int main()
{
    std::string name = (fs::temp_directory_path() / "sessile-rotation-XXXXXX").string();
    if (!mkdtemp(name.data()))
        return 2;
    int failed = 0;
    for (auto test : {rotate, ask_for_keys}) {
        try {
            test(name);
        } catch (const std::exception &error) {
            std::cout << "FAILED " << error.what() << '\n';
            failed++;
        }
    }
    fs::remove_all(name);
    std::cout << "c++ rotation: " << 2 - failed << " passed, " << failed << " failed\n";
    return failed;
}
