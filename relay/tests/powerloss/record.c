/* Preloaded into a relay by the power-loss test: notes every change of files below a folder, in the
 * order in which it happened, and fails writes or syncs when the test says so.
 *
 * VEILFOLD_RECORD_ROOT     the folder, without a slash at its end
 * VEILFOLD_RECORD_JOURNAL  the file that the notes are appended to
 * VEILFOLD_RECORD_FAULT    a file; while it begins with 'F' writes fail as on a full disk, with 'S'
 *                          syncs fail as on a broken one
 *
 * A note is: kind (1 byte), length of the path (2), offset (8), length of the data (4), all
 * little-endian, then the path below the folder and the data. It is written after the call has
 * succeeded, so a sync that is noted has happened.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, RENAME, UNLINK };
#define FILES_MAX 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[FILES_MAX];
static int journal = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The path below the folder: "" for the folder itself, NULL for what is elsewhere. */
static const char *below(const char *path) {
    const char *root = getenv("VEILFOLD_RECORD_ROOT");
    if (!root || !path) return NULL;
    size_t len = strlen(root);
    if (strncmp(path, root, len) != 0) return NULL;
    if (path[len] == 0) return path + len;
    return path[len] == '/' ? path + len + 1 : NULL;
}

static const char *name_of(int fd) { return fd >= 0 && fd < FILES_MAX ? names[fd] : NULL; }

static void note(uint8_t kind, const char *path, uint64_t offset, const void *data, uint32_t len) {
    uint8_t head[15];
    uint16_t path_len = (uint16_t)strlen(path);
    head[0] = kind;
    memcpy(head + 1, &path_len, 2);
    memcpy(head + 3, &offset, 8);
    memcpy(head + 11, &len, 4);
    struct iovec parts[3] = {
        {head, sizeof head}, {(void *)path, path_len}, {(void *)data, len}};
    pthread_mutex_lock(&lock);
    if (journal < 0)
        journal = REAL(open)(getenv("VEILFOLD_RECORD_JOURNAL"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (REAL(writev)(journal, parts, 3) != (ssize_t)(sizeof head + path_len + len)) abort();
    pthread_mutex_unlock(&lock);
}

static int fails(char how) {
    const char *path = getenv("VEILFOLD_RECORD_FAULT");
    int fd = path ? REAL(open)(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    char first = 0;
    ssize_t got = read(fd, &first, 1);
    REAL(close)(fd);
    return got == 1 && first == how;
}

static int opened(int fd, const char *path, int flags, int existed) {
    const char *name = fd >= 0 && fd < FILES_MAX ? below(path) : NULL;
    if (!name) return fd;
    free(names[fd]);
    names[fd] = strdup(name);
    if ((flags & O_CREAT) && !existed) note(CREATE, name, 0, "", 0);
    if ((flags & O_TRUNC) && existed) note(TRUNCATE, name, 0, "", 0);
    return fd;
}

static int exists(const char *path) {
    struct stat info;
    return below(path) && stat(path, &info) == 0;
}

#define OPEN(name)                                   \
    int name(const char *path, int flags, ...) {     \
        va_list rest;                                \
        va_start(rest, flags);                       \
        mode_t mode = va_arg(rest, mode_t);          \
        va_end(rest);                                \
        int existed = exists(path);                  \
        return opened(REAL(name)(path, flags, mode), path, flags, existed); \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (name_of(fd)) {
        free(names[fd]);
        names[fd] = NULL;
    }
    return REAL(close)(fd);
}

static ssize_t wrote(int fd, const void *data, ssize_t len, off_t offset) {
    if (len > 0) note(WRITE, name_of(fd), (uint64_t)offset, data, (uint32_t)len);
    return len;
}

static int full(int fd) {
    if (!name_of(fd) || !fails('F')) return 0;
    errno = ENOSPC;
    return 1;
}

ssize_t write(int fd, const void *data, size_t len) {
    if (!name_of(fd)) return REAL(write)(fd, data, len);
    if (full(fd)) return -1;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    return wrote(fd, data, REAL(write)(fd, data, len), offset);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
    if (!name_of(fd)) return REAL(pwrite)(fd, data, len, offset);
    if (full(fd)) return -1;
    return wrote(fd, data, REAL(pwrite)(fd, data, len, offset), offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset) { return pwrite(fd, data, len, offset); }

/* Not expected from a relay; a test that missed writes would prove nothing. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (name_of(fd)) abort();
    return REAL(writev)(fd, parts, count);
}

int ftruncate(int fd, off_t len) {
    int result = REAL(ftruncate)(fd, len);
    if (result == 0 && name_of(fd)) note(TRUNCATE, name_of(fd), (uint64_t)len, "", 0);
    return result;
}

int ftruncate64(int fd, off64_t len) { return ftruncate(fd, len); }

static int synced(int fd, int result) {
    if (result == 0 && name_of(fd)) note(SYNC, name_of(fd), 0, "", 0);
    return result;
}

static int broken(int fd) {
    if (!name_of(fd) || !fails('S')) return 0;
    errno = EIO;
    return 1;
}

int fsync(int fd) { return broken(fd) ? -1 : synced(fd, REAL(fsync)(fd)); }

int fdatasync(int fd) { return broken(fd) ? -1 : synced(fd, REAL(fdatasync)(fd)); }

int rename(const char *from, const char *to) {
    int result = REAL(rename)(from, to);
    const char *a = below(from), *b = below(to);
    if (result == 0 && a && b) note(RENAME, a, 0, b, (uint32_t)strlen(b));
    return result;
}

int unlink(const char *path) {
    int result = REAL(unlink)(path);
    if (result == 0 && below(path)) note(UNLINK, below(path), 0, "", 0);
    return result;
}
