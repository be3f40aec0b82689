/* A process that forks with a store open: fork [forks]. C11, POSIX.
 *
 * With the hooks, no acknowledged write is lost whatever the threads, the child and others do; without them the child
 * is refused. Prints one line, "c-fork: N passed, 0 failed". */

#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sessile.h"

#define CHECK(held) ((held) ? (void)0 : broken(#held, __LINE__))

static char folder[] = "/tmp/sessile-fork-XXXXXX";
static char db[64], keyring[64];
static const char *program;

static void broken(const char *what, int line)
{
    fprintf(stderr, "fork.c:%d: %s\n", line, what);
    fflush(stderr);
    _exit(EXIT_FAILURE);
}

static void must(int32_t status, sessile_error_t *error, int line)
{
    if (status != SESSILE_OK) {
        fprintf(stderr, "fork.c:%d: %s: %s\n", line, sessile_error_name(error), sessile_error_message(error));
        _exit(EXIT_FAILURE);
    }
}

/* The call first: it is what sets the error. */
#define MUST(call)                          \
    do {                                    \
        const int32_t status_ = (call);     \
        must(status_, error, __LINE__);     \
    } while (0)

static int32_t try_open(sessile_store_t **store)
{
    sessile_error_t *error = NULL;
    sessile_options_t *options;
    char json[128];
    snprintf(json, sizeof json, "{\"url\":\"sqlite:%s\",\"limits\":{\"deadline\":20000}}", db);
    MUST(sessile_options_new(sessile_str(json), &options, &error));
    MUST(sessile_options_set_keyring_file(options, sessile_str(keyring), &error));
    int32_t status = sessile_store_open(options, store, NULL);
    sessile_options_free(options);
    return status;
}

/* The session of one user, whose fields are counters. */
static sessile_session_t *session_of(sessile_store_t *store)
{
    sessile_error_t *error = NULL;
    sessile_buffer_t *token;
    sessile_session_t *session;
    MUST(sessile_tokens_issue(store, SESSILE_STR("{\"sub\":\"forks\"}"), 3600, &token, &error));
    sessile_str_t text = {(const char *)token->ptr, token->len};
    MUST(sessile_store_global(store, text, SESSILE_NONE, &session, &error));
    sessile_buffer_free(token);
    return session;
}

static int32_t try_count(sessile_session_t *session, const char *field)
{
    return sessile_session_increment(session, sessile_str(field), SESSILE_STR("1"), NULL, NULL);
}

static void count(sessile_session_t *session, const char *field)
{
    sessile_error_t *error = NULL;
    MUST(sessile_session_increment(session, sessile_str(field), SESSILE_STR("1"), NULL, &error));
}

static long counted(sessile_session_t *session, const char *field)
{
    sessile_error_t *error = NULL;
    sessile_buffer_t *value;
    MUST(sessile_session_get(session, sessile_str(field), &value, &error));
    long number = value ? strtol((const char *)value->ptr, NULL, 10) : 0;
    sessile_buffer_free(value);
    return number;
}

static pid_t forked(void)
{
    sessile_error_t *error = NULL;
    MUST(sessile_before_fork(&error));
    pid_t child = fork();
    sessile_after_fork();
    CHECK(child >= 0);
    return child;
}

static void ended_well(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ── threads that write while the process forks ── */

enum { THREADS = 4 };
static atomic_bool stop;

struct writer {
    sessile_session_t *session;
    char field[8];
    long acknowledged;
};

static void *write_on(void *given)
{
    struct writer *writer = given;
    while (!atomic_load(&stop)) {
        count(writer->session, writer->field);
        writer->acknowledged++;
    }
    return NULL;
}

static struct writer writers[THREADS];
static pthread_t threads[THREADS];

static void start_writing(sessile_session_t *session, char prefix)
{
    atomic_store(&stop, false);
    for (int i = 0; i < THREADS; i++) {
        writers[i].session = session;
        writers[i].acknowledged = 0;
        snprintf(writers[i].field, sizeof writers[i].field, "%c%d", prefix, i);
        CHECK(pthread_create(&threads[i], NULL, write_on, &writers[i]) == 0);
    }
}

/* Each thread's field is what was acknowledged to it. */
static void stop_writing(sessile_session_t *session)
{
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(writers[i].acknowledged > 0);
        CHECK(counted(session, writers[i].field) == writers[i].acknowledged);
    }
}

static void inside_a_write(int forks)
{
    sessile_store_t *store;
    CHECK(try_open(&store) == SESSILE_OK);
    sessile_session_t *session = session_of(store);
    start_writing(session, 't');
    pid_t children[8] = {0};
    for (int i = 0; i < forks; i++) {
        pid_t *place = &children[i % 8];
        if (*place) {
            ended_well(*place);
        }
        *place = forked();
        if (*place == 0) {
            alarm(60);
            count(session, "children");
            count(session, "children");
            _exit(EXIT_SUCCESS);
        }
        if (i % 4 == 0) {
            count(session, "forker");
        }
    }
    for (int i = 0; i < 8; i++) {
        if (children[i]) {
            ended_well(children[i]);
        }
    }
    stop_writing(session);
    CHECK(counted(session, "children") == 2L * forks);
    CHECK(counted(session, "forker") == (forks + 3) / 4);
    sessile_session_free(session);
    sessile_store_free(store);
}

/* ── the parent closes first, and a third process comes and goes ── */

static void third(int times)
{
    for (int i = 0; i < times; i++) {
        sessile_store_t *store;
        CHECK(try_open(&store) == SESSILE_OK);
        sessile_session_t *session = session_of(store);
        count(session, "third");
        sessile_session_free(session);
        sessile_store_free(store);
    }
}

static void parent_closes_first(void)
{
    enum { WRITES = 200, VISITS = 20 };
    sessile_error_t *error = NULL;
    sessile_store_t *store;
    CHECK(try_open(&store) == SESSILE_OK);
    sessile_session_t *session = session_of(store);
    count(session, "own");
    pid_t child = forked();
    if (child == 0) {
        alarm(60);
        for (int i = 0; i < WRITES; i++) {
            count(session, "own");
        }
        /* A child of the child: what it adopted it can hand on. */
        pid_t grandchild = forked();
        count(session, "own");
        if (grandchild) {
            ended_well(grandchild);
        }
        _exit(EXIT_SUCCESS);
    }
    count(session, "own");
    MUST(sessile_store_close(store, &error));
    sessile_session_free(session);
    sessile_store_free(store);
    pid_t other = fork();
    if (other == 0) {
        execl(program, program, "third", folder, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    ended_well(other);
    ended_well(child);
    CHECK(try_open(&store) == SESSILE_OK);
    session = session_of(store);
    CHECK(counted(session, "own") == 2 + WRITES + 2);
    CHECK(counted(session, "third") == VISITS);
    sessile_session_free(session);
    sessile_store_free(store);
}

/* ── the locks are the child's own ── */

static int locks_of(pid_t process)
{
    struct stat file;
    CHECK(stat(db, &file) == 0);
    FILE *locks = fopen("/proc/locks", "r");
    CHECK(locks != NULL);
    char line[256];
    int found = 0;
    while (fgets(line, sizeof line, locks)) {
        int pid;
        unsigned major, minor;
        uintmax_t inode;
        if (sscanf(line, "%*d: POSIX %*s %*s %d %x:%x:%ju", &pid, &major, &minor, &inode) == 4) {
            found += pid == process && inode == (uintmax_t)file.st_ino;
        }
    }
    fclose(locks);
    return found;
}

static void locks_are_the_childs_own(void)
{
    sessile_store_t *store;
    CHECK(try_open(&store) == SESSILE_OK);
    sessile_session_t *session = session_of(store);
    count(session, "locks");
    CHECK(locks_of(getpid()) > 0);
    pid_t child = forked();
    if (child == 0) {
        alarm(60);
        CHECK(locks_of(getpid()) == 0);
        count(session, "locks");
        CHECK(locks_of(getpid()) > 0);
        _exit(EXIT_SUCCESS);
    }
    /* Closed before the fork, and not needed since. */
    CHECK(locks_of(getpid()) == 0);
    ended_well(child);
    CHECK(counted(session, "locks") == 2);
    CHECK(locks_of(getpid()) > 0);
    sessile_session_free(session);
    sessile_store_free(store);
}

/* ── without the hooks ── */

static void without_hooks(void)
{
    sessile_store_t *store;
    CHECK(try_open(&store) == SESSILE_OK);
    sessile_session_t *session = session_of(store);
    count(session, "hookless");
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        sessile_store_t *again;
        sessile_after_fork();
        CHECK(try_count(session, "hookless") == SESSILE_FORKED);
        CHECK(sessile_store_close(store, NULL) == SESSILE_FORKED);
        CHECK(try_open(&again) == SESSILE_FORKED);
        /* Its own forks change nothing about that. */
        pid_t grandchild = forked();
        CHECK(try_count(session, "hookless") == SESSILE_FORKED);
        CHECK(try_open(&again) == SESSILE_FORKED);
        if (grandchild) {
            ended_well(grandchild);
        }
        sessile_session_free(session);
        sessile_store_free(store);
        _exit(EXIT_SUCCESS);
    }
    for (int i = 0; i < 50; i++) {
        count(session, "hookless");
    }
    ended_well(child);
    /* In the middle of its parent's writes a child does not wait for threads that are not there. */
    start_writing(session, 'h');
    for (int i = 0; i < 40; i++) {
        child = fork();
        if (child == 0) {
            alarm(60);
            CHECK(try_count(session, "hookless") == SESSILE_FORKED);
            _exit(EXIT_SUCCESS);
        }
        CHECK(child > 0);
        ended_well(child);
    }
    stop_writing(session);
    third(1);
    count(session, "hookless");
    CHECK(counted(session, "hookless") == 52);
    sessile_session_free(session);
    sessile_store_free(store);
}

static void remove_all(void)
{
    const char *suffixes[] = {"sessions.db", "sessions.db-wal", "sessions.db-shm", "sessions.db-lock", "keyring.json"};
    char path[96];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, suffixes[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(int argc, char **argv)
{
    sessile_error_t *error = NULL;
    bool visitor = argc == 3 && strcmp(argv[1], "third") == 0;
    program = argv[0];
    if (visitor) {
        CHECK(strlen(argv[2]) < sizeof folder);
        strcpy(folder, argv[2]);
    } else {
        CHECK(mkdtemp(folder) != NULL);
    }
    snprintf(db, sizeof db, "%s/sessions.db", folder);
    snprintf(keyring, sizeof keyring, "%s/keyring.json", folder);
    if (visitor) {
        third(20);
        return EXIT_SUCCESS;
    }
    alarm(300);
    MUST(sessile_keyring_generate(sessile_str(keyring), &error));
    inside_a_write(argc > 1 ? atoi(argv[1]) : 200);
    parent_closes_first();
    locks_are_the_childs_own();
    without_hooks();
    remove_all();
    printf("c-fork: 4 passed, 0 failed\n");
    return EXIT_SUCCESS;
}
