/* The upkeep of a store on a file, through sessile.hpp: a backup that is opened again, looked over, and only read. */
#include "sessile.hpp"

#include <filesystem>
#include <iostream>

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

static sessile::Store open(const fs::path &path, const std::string &more = "")
{
    sessile::Options options(R"({"url": "sqlite:)" + path.string() + "\"" + more + "}");
    options.keyring_file((path.parent_path() / "keyring.json").string());
    return sessile::Store::open(std::move(options));
}

static sessile::Session cart(sessile::Store &store) { return store.global(store.issue_token(R"({"sub": "u1"})", 600)); }

static void back_up_and_open(const fs::path &folder)
{
    const fs::path copied = folder / "copy.db";
    auto store = open(folder / "sessions.db");
    cart(store).put_one("n", "1");
    store.flush();
    store.backup(copied.string());
    cart(store).put_one("n", "2");
    must(refused([&] { store.backup(copied.string()); }) == SESSILE_ALREADY_EXISTS, "a backup replaces no file");
    store.close();
    must(refused([&] { store.check(); }) == SESSILE_CLOSED, "a closed store is not looked over");
    must(refused([&] { store.flush(); }) == SESSILE_CLOSED, "a closed store is not flushed");

    auto copy = open(copied, R"(, "readOnly": true, "allowNetworkFilesystem": true)");
    must(cart(copy).get("n") == "1", "the copy is as of its instant");
    must(refused([&] { cart(copy).put_one("n", "3"); }) == SESSILE_READ_ONLY, "it is only read");
    const std::string report = copy.check();
    for (const char *member : {R"("ok":true)", R"("sessions":1)", R"("fields":1)", R"("problemCount":0)"})
        must(report.find(member) != std::string::npos, member);
    copy.close();
}

static void copy_to_another(const fs::path &folder)
{
    auto from = open(folder / "from.db"), to = open(folder / "to.db");
    cart(from).put_one("n", "1");
    const std::string report = from.copy_to(to);
    must(report.find(R"("copied":2)") != std::string::npos && report.find(R"("done":true)") != std::string::npos, "all of it");
    must(cart(to).get("n") == "1" && to.check().find(R"("ok":true)") != std::string::npos, "it is there");
    must(from.copy_to(to, R"({"limit": 1000})").find(R"("unchanged":2)") != std::string::npos, "once is enough");
    must(refused([&] { from.copy_to(from); }) == SESSILE_INVALID_ARGUMENT, "a store is no copy of itself");
    auto memory = sessile::Store::open(sessile::Options(R"({"url": "memory:"})"));
    must(refused([&] { from.copy_to(memory); }) == SESSILE_KEY_UNAVAILABLE, "other keys open nothing of it");
}

/* Nobody listens on port 1. */
static void ask_how_they_are(const fs::path &folder)
{
    auto file = open(folder / "sessions.db");
    must(file.health().find(R"("ok":true)") != std::string::npos, "a file answers");
    must(file.stats().find(R"("backend":{"kind":"sqlite"})") != std::string::npos, "its kind is told");
    file.close();
    must(refused([&] { file.health(); }) == SESSILE_CLOSED, "a closed store is not asked");

    auto memory = sessile::Store::open(sessile::Options(R"({"url": "memory:"})"));
    must(memory.health().find(R"("ok":true)") != std::string::npos, "memory answers");
    must(memory.stats().find(R"("backend":{"kind":"memory"})") != std::string::npos, "its kind is told");

    sessile::Options options(R"({"url": "redis://127.0.0.1:1", "lazy": true})");
    options.keyring_file((folder / "keyring.json").string()).backend_password("swordfish");
    auto nowhere = sessile::Store::open(std::move(options));
    const std::string health = nowhere.health();
    for (const char *member : {R"("ok":false)", R"("code":"UNAVAILABLE")", R"("reason":"connection")"})
        must(health.find(member) != std::string::npos, member);
    must(health.find("swordfish") == std::string::npos, "no secret is told");
}

int main()
{
    std::string name = (fs::temp_directory_path() / "sessile-upkeep-XXXXXX").string();
    if (!mkdtemp(name.data()))
        return 2;
    int failed = 0;
    try {
        sessile::Keyring::generate((fs::path(name) / "keyring.json").string());
        back_up_and_open(name);
        copy_to_another(name);
        ask_how_they_are(name);
    } catch (const std::exception &error) {
        std::cout << "FAILED " << error.what() << '\n';
        failed = 1;
    }
    fs::remove_all(name);
    std::cout << "c++ upkeep: " << 1 - failed << " passed, " << failed << " failed\n";
    return failed;
}
