/* Preloaded: makes file operations below a folder hang, or slow, from the n-th on.
 *
 * SLOW_FOLDER  the folder
 * SLOW_FROM    the number of the first operation that is held up, from 1; 0: none
 * SLOW_MS      for how long, in milliseconds; 0: for ever
 * SLOW_LOG     a file that gets a line for each operation
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FDS 4096
static atomic_int operations, log_fd = -1;
static atomic_char below[FDS];
static const char *folder;
static size_t length;
static long from, milliseconds;

__attribute__((constructor)) static void start(void) {
    const char *text = getenv("SLOW_FROM");
    from = text ? atol(text) : 0;
    text = getenv("SLOW_MS");
    milliseconds = text ? atol(text) : 0;
    text = getenv("SLOW_LOG");
    if (text) log_fd = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    folder = getenv("SLOW_FOLDER");
    length = folder ? strlen(folder) : 0;
}

static void operation(const char *name) {
    int number = atomic_fetch_add(&operations, 1) + 1;
    if (log_fd >= 0) {
        char line[64];
        int size = snprintf(line, sizeof line, "%s\n", name);
        syscall(SYS_write, log_fd, line, size);
    }
    if (from == 0 || number < from) return;
    if (milliseconds == 0)
        for (;;) pause();
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&time, &time) == -1 && errno == EINTR) {
    }
}

static int is_below(const char *path) {
    return folder && path && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int is_open_below(int fd) { return fd >= 0 && fd < FDS && below[fd]; }

static int opened(int fd, int ours) {
    if (fd >= 0 && fd < FDS) below[fd] = ours;
    return fd;
}

#define NEXT(name) static __typeof__(name) *next; if (!next) next = dlsym(RTLD_NEXT, #name)
#define MODE() mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) {
    NEXT(open); MODE();
    int ours = is_below(path);
    if (ours) operation("open");
    return opened(next(path, flags, mode), ours);
}
int open64(const char *path, int flags, ...) {
    NEXT(open64); MODE();
    int ours = is_below(path);
    if (ours) operation("open");
    return opened(next(path, flags, mode), ours);
}
int openat(int at, const char *path, int flags, ...) {
    NEXT(openat); MODE();
    int ours = is_below(path) || is_open_below(at);
    if (ours) operation("open");
    return opened(next(at, path, flags, mode), ours);
}
int close(int fd) {
    NEXT(close);
    if (is_open_below(fd)) { below[fd] = 0; operation("close"); }
    return next(fd);
}
ssize_t read(int fd, void *bytes, size_t size) {
    NEXT(read);
    if (is_open_below(fd)) operation("read");
    return next(fd, bytes, size);
}
ssize_t write(int fd, const void *bytes, size_t size) {
    NEXT(write);
    if (is_open_below(fd)) operation("write");
    return next(fd, bytes, size);
}
int fsync(int fd) {
    NEXT(fsync);
    if (is_open_below(fd)) operation("fsync");
    return next(fd);
}
int fdatasync(int fd) {
    NEXT(fdatasync);
    if (is_open_below(fd)) operation("fdatasync");
    return next(fd);
}
int rename(const char *old, const char *new) {
    NEXT(rename);
    if (is_below(old) || is_below(new)) operation("rename");
    return next(old, new);
}
int link(const char *old, const char *new) {
    NEXT(link);
    if (is_below(old) || is_below(new)) operation("link");
    return next(old, new);
}
int linkat(int at, const char *old, int to, const char *new, int flags) {
    NEXT(linkat);
    if (is_below(old) || is_below(new)) operation("link");
    return next(at, old, to, new, flags);
}
int unlink(const char *path) {
    NEXT(unlink);
    if (is_below(path)) operation("unlink");
    return next(path);
}
int mkdir(const char *path, mode_t mode) {
    NEXT(mkdir);
    if (is_below(path)) operation("mkdir");
    return next(path, mode);
}
int statx(int at, const char *path, int flags, unsigned mask, struct statx *buffer) {
    NEXT(statx);
    if (is_below(path) || (!*path && is_open_below(at))) operation("stat");
    return next(at, path, flags, mask, buffer);
}
DIR *opendir(const char *path) {
    NEXT(opendir);
    int ours = is_below(path);
    if (ours) operation("opendir");
    DIR *stream = next(path);
    if (stream) opened(dirfd(stream), ours);
    return stream;
}
struct dirent64 *readdir64(DIR *stream) {
    NEXT(readdir64);
    if (is_open_below(dirfd(stream))) operation("readdir");
    return next(stream);
}
int closedir(DIR *stream) {
    NEXT(closedir);
    int fd = dirfd(stream);
    if (is_open_below(fd)) { below[fd] = 0; operation("closedir"); }
    return next(stream);
}
