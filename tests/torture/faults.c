/* LD_PRELOAD: fails calls on the files of one folder.
 *
 *     FAULT_FOLDER   the folder; the keyring in it is left alone
 *     FAULT_CALL     open, read, write, sync, mmap or truncate; with all their variants
 *     FAULT_NTH      the first of them that fails, counted from 1, and
 *     FAULT_TIMES    how many after it do, that one included
 *     FAULT_ERRNO    with this
 *     FAULT_HIT      a file that is made when one failed */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) { \
        real = (__typeof__(real))dlsym(RTLD_NEXT, #name); \
    }

static int fails(const char *call, const char *path)
{
    static atomic_long seen;
    const char *folder = getenv("FAULT_FOLDER"), *wanted = getenv("FAULT_CALL");
    if (!folder || !wanted || strcmp(call, wanted) != 0 || strncmp(path, folder, strlen(folder)) != 0 ||
        strncmp(path + strlen(folder), "/sessions.db", 12) != 0) {
        return 0;
    }
    long now = atomic_fetch_add(&seen, 1) + 1, first = atol(getenv("FAULT_NTH"));
    if (now < first || now >= first + atol(getenv("FAULT_TIMES"))) {
        return 0;
    }
    int (*make)(const char *, mode_t) = (int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "creat");
    int hit = make(getenv("FAULT_HIT"), 0600);
    if (hit >= 0) {
        close(hit);
    }
    errno = atoi(getenv("FAULT_ERRNO"));
    return 1;
}

static int fails_on(const char *call, int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = 0;
    return fails(call, path);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        REAL(name) \
        va_list arguments; \
        va_start(arguments, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0; \
        va_end(arguments); \
        return fails("open", path) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define ON_FD(type, name, call, failed, parameters, ...) \
    type name parameters \
    { \
        REAL(name) \
        return fails_on(call, fd) ? failed : real(__VA_ARGS__); \
    }
ON_FD(ssize_t, read, "read", -1, (int fd, void *bytes, size_t length), fd, bytes, length)
ON_FD(ssize_t, pread, "read", -1, (int fd, void *bytes, size_t length, off_t at), fd, bytes, length, at)
ON_FD(ssize_t, pread64, "read", -1, (int fd, void *bytes, size_t length, off64_t at), fd, bytes, length, at)
ON_FD(ssize_t, write, "write", -1, (int fd, const void *bytes, size_t length), fd, bytes, length)
ON_FD(ssize_t, pwrite, "write", -1, (int fd, const void *bytes, size_t length, off_t at), fd, bytes, length, at)
ON_FD(ssize_t, pwrite64, "write", -1, (int fd, const void *bytes, size_t length, off64_t at), fd, bytes, length, at)
ON_FD(int, fsync, "sync", -1, (int fd), fd)
ON_FD(int, fdatasync, "sync", -1, (int fd), fd)
ON_FD(int, ftruncate, "truncate", -1, (int fd, off_t size), fd, size)
ON_FD(int, ftruncate64, "truncate", -1, (int fd, off64_t size), fd, size)
ON_FD(void *, mmap, "mmap", MAP_FAILED, (void *at, size_t length, int rights, int flags, int fd, off_t offset), at, length,
      rights, flags, fd, offset)
ON_FD(void *, mmap64, "mmap", MAP_FAILED, (void *at, size_t length, int rights, int flags, int fd, off64_t offset), at,
      length, rights, flags, fd, offset)
