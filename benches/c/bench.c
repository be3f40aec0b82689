/*
 * The C side of the benchmark. `benches/run.py` starts it; it prints one line of JSON for each figure, a value for each
 * round. Contestants of a group take turns, A B C A B C.
 *
 *     bench_c <payloads> <rounds> <milliseconds of a round> <steps> [beginnings of groups' names]
 */
#include <sessile.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void bare_empty(void);
char *bare_echo(const char *text, size_t length);

#define MOST 8
#define ROUNDS 64

typedef struct {
    const char *name;
    void (*operation)(void);
} contestant_t;

static const char *payloads;
static int rounds;
static double wanted;
static long steps;
static char **only;
static int onlys;

static sessile_execution_t *run;
static sessile_session_t *local;
static sessile_step_t *step;
static sessile_buffer_t *message;
static char large[1025];

static void must(int32_t status, sessile_error_t **err)
{
    if (status == SESSILE_OK)
        return;
    fprintf(stderr, "%s: %s\n", sessile_error_name(*err), sessile_error_message(*err));
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double round_of(const contestant_t *who, long count)
{
    double started = now();
    for (long n = 0; n < count; n++)
        who->operation();
    return now() - started;
}

/* How many operations fill a round. It warms up by the way. */
static long count_for(const contestant_t *who)
{
    for (long count = 1;; count *= 2) {
        double took = round_of(who, count);
        if (took * 4 >= wanted || count >= 1L << 30) {
            long likely = (long)(wanted / took * (double)count);
            return likely > 0 ? likely : 1;
        }
    }
}

static int wants(const char *group)
{
    for (int n = 0; n < onlys; n++)
        if (strncmp(group, only[n], strlen(only[n])) == 0)
            return 1;
    return onlys == 0;
}

static void print(const char *group, const char *name, const char *unit, const double *values, int count)
{
    printf("{\"group\":\"%s\",\"contestant\":\"%s\",\"unit\":\"%s\",\"values\":[", group, name, unit);
    for (int n = 0; n < count; n++)
        printf("%s%.3f", n ? "," : "", values[n]);
    printf("]}\n");
}

static void measure(const char *group, const contestant_t *contestants, int many)
{
    long counts[MOST];
    double values[MOST][ROUNDS];
    if (!wants(group))
        return;
    for (int who = 0; who < many; who++)
        counts[who] = count_for(&contestants[who]);
    for (int n = 0; n < rounds; n++)
        for (int who = 0; who < many; who++)
            values[who][n] = round_of(&contestants[who], counts[who]) / (double)counts[who];
    for (int who = 0; who < many; who++)
        print(group, contestants[who].name, "ns", values[who], rounds);
}

static sessile_buffer_t *file(const char *name)
{
    char path[4096];
    static char text[1 << 20];
    sessile_error_t *err = NULL;
    sessile_buffer_t *out;
    snprintf(path, sizeof path, "%s/%s", payloads, name);
    FILE *opened = fopen(path, "rb");
    if (!opened) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t length = fread(text, 1, sizeof text, opened);
    fclose(opened);
    sessile_str_t bytes = {text, length};
    must(sessile_buffer_new(bytes, &out, &err), &err);
    return out;
}

static sessile_str_t str(const sessile_buffer_t *buffer)
{
    sessile_str_t bytes = {buffer->ptr, buffer->len};
    return bytes;
}

static void put_and_get(const char *name, sessile_str_t value)
{
    sessile_error_t *err = NULL;
    sessile_buffer_t *found;
    must(sessile_session_put_one(local, sessile_str(name), value, SESSILE_NO_TTL, &err), &err);
    must(sessile_session_get(local, sessile_str(name), &found, &err), &err);
    sessile_buffer_free(found);
}

static void put_and_get_small(void)
{
    put_and_get("total", SESSILE_STR("12345"));
}

static void put_and_get_large(void)
{
    sessile_str_t value = {large, 1024};
    put_and_get("large", value);
}

static void contains(void)
{
    bool found;
    sessile_error_t *err = NULL;
    must(sessile_session_contains(local, SESSILE_STR("x"), &found, &err), &err);
}

static void get_step(void)
{
    sessile_error_t *err = NULL;
    sessile_buffer_t *out;
    must(sessile_execution_run_step(run, step, str(message), &out, &err), &err);
    sessile_buffer_free(out);
}

static void empty(void)
{
    bare_empty();
}

static void echo(void)
{
    free(bare_echo(large, 1024));
}

static long rss(void)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
        exit(EXIT_FAILURE);
    fclose(statm);
    return pages;
}

/* Memory that does not grow, step after step. */
static void growth(void)
{
    if (!wants("c.growth"))
        return;
    for (long n = 0; n < steps / 5; n++)
        get_step();
    long before = rss();
    for (long n = 0; n < steps; n++)
        get_step();
    double grown = ((double)rss() / (double)before - 1) * 100;
    print("c.growth", "sessile", "% of RSS", &grown, 1);
}

static void open_all(void)
{
    sessile_error_t *err = NULL;
    sessile_options_t *options;
    sessile_store_t *store;
    must(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\"}"), &options, &err), &err);
    must(sessile_store_open(options, &store, &err), &err);
    must(sessile_execution_new(store, SESSILE_NONE, SESSILE_NONE, &run, &err), &err);
    must(sessile_execution_local(run, &local, &err), &err);
    sessile_buffer_t *put = file("put.json"), *text = file("step.json");
    must(sessile_session_put(local, str(put), SESSILE_NO_TTL, &err), &err);
    must(sessile_step_parse(store, str(text), &step, &err), &err);
    memset(large, 'x', 1024);
    large[0] = large[1023] = '"';
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench_c <payloads> <rounds> <milliseconds> <steps> [groups]\n");
        return EXIT_FAILURE;
    }
    payloads = argv[1];
    rounds = atoi(argv[2]) < ROUNDS ? atoi(argv[2]) : ROUNDS;
    wanted = atof(argv[3]) * 1e6;
    steps = atol(argv[4]);
    only = argv + 5;
    onlys = argc - 5;
    open_all();
    measure("c.local.small", (contestant_t[]){{"sessile put + get", put_and_get_small}}, 1);
    measure("c.local.1kb", (contestant_t[]){{"sessile put + get", put_and_get_large}}, 1);
    static const char *sizes[] = {"512", "2048", "16384"};
    for (int n = 0; n < 3; n++) {
        char name[64], group[64];
        snprintf(name, sizeof name, "message-%s.json", sizes[n]);
        snprintf(group, sizeof group, "c.step.%s", sizes[n]);
        message = file(name);
        measure(group, (contestant_t[]){{"sessile GET step", get_step}}, 1);
    }
    message = file("message-512.json");
    measure("c.border", (contestant_t[]){{"sessile contains", contains}, {"sessile put + get of 1 KB", put_and_get_large},
                                         {"a bare call", empty}, {"a bare call, 1 KB in and out", echo}}, 4);
    growth();
    return EXIT_SUCCESS;
}
