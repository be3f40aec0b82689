// The C++ side of the benchmark: a GET step of three fields, and put + get, through the C++ header. As bench.c.
//
//     bench_cpp <payloads> <rounds> <milliseconds of a round>

#include <sessile.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Operation = std::function<void()>;

double round_of(const Operation &operation, long count)
{
    const auto started = std::chrono::steady_clock::now();
    for (long n = 0; n < count; n++)
        operation();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - started).count();
}

// How many operations fill a round. It warms up by the way.
long count_for(const Operation &operation, double wanted)
{
    for (long count = 1;; count *= 2) {
        const double took = round_of(operation, count);
        if (took * 4 >= wanted)
            return std::max(1L, static_cast<long>(wanted / took * static_cast<double>(count)));
    }
}

void measure(const char *group, const char *name, int rounds, double wanted, const Operation &operation)
{
    const long count = count_for(operation, wanted);
    std::printf("{\"group\":\"%s\",\"contestant\":\"%s\",\"unit\":\"ns\",\"values\":[", group, name);
    for (int n = 0; n < rounds; n++)
        std::printf("%s%.3f", n ? "," : "", round_of(operation, count) / static_cast<double>(count));
    std::printf("]}\n");
}

std::string file(const std::string &path)
{
    std::ifstream opened(path, std::ios::binary);
    if (!opened) {
        std::perror(path.c_str());
        std::exit(EXIT_FAILURE);
    }
    std::stringstream text;
    text << opened.rdbuf();
    return text.str();
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 4) {
        std::fprintf(stderr, "usage: bench_cpp <payloads> <rounds> <milliseconds>\n");
        return EXIT_FAILURE;
    }
    const std::string payloads = argv[1];
    const int rounds = std::atoi(argv[2]);
    const double wanted = std::atof(argv[3]) * 1e6;
    auto store = sessile::Store::open(sessile::Options(R"({"url": "memory:"})"));
    auto run = store.execution();
    auto local = run.local();
    local.put(file(payloads + "/put.json"));
    const auto step = sessile::Step::parse(file(payloads + "/step.json"));
    for (const char *size : {"512", "2048", "16384"}) {
        const std::string message = file(payloads + "/message-" + size + ".json");
        const std::string group = std::string("cpp.step.") + size;
        measure(group.c_str(), "sessile GET step", rounds, wanted, [&] { run.step(step, message); });
    }
    measure("cpp.local.small", "sessile put + get", rounds, wanted, [&] {
        local.put_one("total", "12345");
        local.get("total");
    });
    return EXIT_SUCCESS;
}
