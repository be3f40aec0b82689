/* LD_PRELOAD: writes down what a program does to the files of one folder, in order, with all it writes.
 *
 *     CAPTURE_FOLDER    the folder
 *     CAPTURE_TRACE     where to; records of (kind, file, offset, length) and the bytes, see power.py
 *
 * What it writes to standard output is written down too: there it says what was acknowledged. */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) { \
        real = (__typeof__(real))dlsym(RTLD_NEXT, #name); \
    }

enum file { OTHER, DB, WAL, FOLDER, SAID };

static enum file file_of(int fd)
{
    static const char *folder;
    char link[64], path[PATH_MAX];
    if (fd == STDOUT_FILENO) {
        return SAID;
    }
    if (!folder && !(folder = getenv("CAPTURE_FOLDER"))) {
        return OTHER;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return OTHER;
    }
    path[length] = 0;
    size_t in = strlen(folder);
    if (strncmp(path, folder, in) != 0) {
        return OTHER;
    }
    const char *name = path + in;
    return !*name ? FOLDER : strcmp(name, "/sessions.db") == 0 ? DB : strcmp(name, "/sessions.db-wal") == 0 ? WAL : OTHER;
}

static void note(char kind, enum file file, uint64_t offset, const void *bytes, uint32_t length)
{
    REAL(writev)
    static int (*open_it)(const char *, int, ...);
    if (trace < 0) {
        open_it = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
        trace = open_it(getenv("CAPTURE_TRACE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    struct __attribute__((packed)) {
        char kind;
        uint8_t file;
        uint64_t offset;
        uint32_t length;
    } head = {kind, (uint8_t)file, offset, length};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, length}};
    if (real(trace, parts, length ? 2 : 1) != (ssize_t)(sizeof head + length)) {
        abort();
    }
}

/* A call and its record, with nothing between them. */
#define NOTED(file, kind, offset, bytes, length, call) \
    do { \
        pthread_mutex_lock(&order); \
        __auto_type result = call; \
        if (result >= 0) { \
            note(kind, file, (uint64_t)(offset), bytes, (uint32_t)(length)); \
        } \
        pthread_mutex_unlock(&order); \
        return result; \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t length)
{
    REAL(write)
    enum file file = file_of(fd);
    if (file == OTHER) {
        return real(fd, bytes, length);
    }
    off_t at = file == SAID ? 0 : lseek(fd, 0, SEEK_CUR);
    NOTED(file, 'w', at, bytes, result, real(fd, bytes, length));
}

#define PWRITE(name, offset_t) \
    ssize_t name(int fd, const void *bytes, size_t length, offset_t at) \
    { \
        REAL(name) \
        enum file file = file_of(fd); \
        if (file == OTHER) { \
            return real(fd, bytes, length, at); \
        } \
        NOTED(file, 'w', at, bytes, result, real(fd, bytes, length, at)); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset_t) \
    int name(int fd, offset_t size) \
    { \
        REAL(name) \
        enum file file = file_of(fd); \
        if (file == OTHER) { \
            return real(fd, size); \
        } \
        NOTED(file, 't', size, NULL, 0, real(fd, size)); \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
    int name(int fd) \
    { \
        REAL(name) \
        enum file file = file_of(fd); \
        if (file == OTHER) { \
            return real(fd); \
        } \
        NOTED(file, 's', 0, NULL, 0, real(fd)); \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path)
{
    REAL(unlink)
    size_t length = strlen(path);
    if (length < 15 || strcmp(path + length - 15, "sessions.db-wal") != 0) {
        return real(path);
    }
    NOTED(WAL, 'u', 0, NULL, 0, real(path));
}
