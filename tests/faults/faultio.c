/* A library to preload: it fails, shortens, delays or kills at the k-th file-system call of a process, and can
 * write down what it saw.
 *
 *   gcc -O2 -Wall -shared -fPIC -o faultio.so faultio.c -ldl
 *
 * By environment, for a whole tree of processes:
 *   FI_OPS     comma list of open (that may write), openr (that may not), read, write, fsync, rename, unlink, truncate,
 *              mkdir, link, lock, without spaces (default write,fsync,rename)
 *   FI_PATH    only paths that hold this text
 *   FI_NTH     the number of the call that is struck; 0 only counts
 *   FI_MODE    errno (default), short (half the bytes, then success), kill (before the call), killafter, killgroup,
 *              delay (FI_ERRNO milliseconds)
 *   FI_ERRNO   which error (default 5, EIO)
 *   FI_STICKY  1: every later call too, as on a full disk; default: once
 *   FI_COUNT   a file that holds the 64-bit counter all processes share
 *   FI_REC     a file that gets a record of each call that changes something, with its data
 * From inside, for one process and from now on: faultio_arm(), faultio_count(). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { FAIL, SHORT, KILL, KILL_AFTER, KILL_GROUP, DELAY };
static const char *const mode_names[] = {"errno", "short", "kill", "killafter", "killgroup", "delay"};

/* What becomes of one call. */
enum fate { GO_ON, GIVE_ERROR, GIVE_HALF, DIE_AFTER };

static struct {
    char ops[256];
    char path[PATH_MAX];
    long nth;
    enum mode mode;
    int error;
    int sticky;
} plan = {.ops = "write,fsync,rename", .error = EIO};

static uint64_t own_counter;
static uint64_t *counter = &own_counter;
static int record_fd = -1;

static void copy(char *to, size_t size, const char *from) { snprintf(to, size, "%s", from ? from : ""); }

static enum mode mode_of(const char *name) {
    for (int each = FAIL; each <= DELAY; each++)
        if (name && !strcmp(name, mode_names[each])) return each;
    return FAIL;
}

/* The library's own files are opened by bare system calls, which are not struck. */
static int bare_open(const char *path, int flags) { return syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0666); }

static void share_counter(const char *path) {
    int fd = bare_open(path, O_RDWR | O_CREAT);
    if (fd < 0) return;
    syscall(SYS_ftruncate, fd, 4096L);
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED) counter = shared;
    syscall(SYS_close, fd);
}

static void record_to(const char *path) {
    int fd = bare_open(path, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0) return;
    /* Far from the descriptors a program expects to get. */
    record_fd = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, fd);
}

__attribute__((constructor)) static void read_environment(void) {
    const char *text;
    if ((text = getenv("FI_OPS"))) copy(plan.ops, sizeof plan.ops, text);
    if ((text = getenv("FI_PATH"))) copy(plan.path, sizeof plan.path, text);
    if ((text = getenv("FI_NTH"))) plan.nth = atol(text);
    if ((text = getenv("FI_ERRNO"))) plan.error = atoi(text);
    if ((text = getenv("FI_STICKY"))) plan.sticky = atoi(text);
    plan.mode = mode_of(getenv("FI_MODE"));
    if ((text = getenv("FI_COUNT"))) share_counter(text);
    if ((text = getenv("FI_REC"))) record_to(text);
}

/* Strike the nth call from now on, in this process alone; 0 only counts. */
void faultio_arm(const char *ops, const char *path, long nth, const char *mode, int error, int sticky) {
    copy(plan.ops, sizeof plan.ops, ops);
    copy(plan.path, sizeof plan.path, path);
    plan.nth = nth;
    plan.mode = mode_of(mode);
    plan.error = error;
    plan.sticky = sticky;
    own_counter = 0;
    counter = &own_counter;
}

uint64_t faultio_count(void) { return *counter; }

static int listed(const char *op) {
    size_t length = strlen(op);
    for (const char *at = plan.ops; (at = strstr(at, op)); at += length)
        if ((at == plan.ops || at[-1] == ',') && (at[length] == 0 || at[length] == ',')) return 1;
    return 0;
}

static const char *path_of(int fd, char *buffer) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, buffer, PATH_MAX - 1);
    buffer[length < 0 ? 0 : length] = 0;
    return buffer;
}

static const char *absolute(int directory, const char *path, char *buffer) {
    char base[PATH_MAX] = "";
    if (!path || path[0] == '/') {
        snprintf(buffer, 2 * PATH_MAX, "%s", path ? path : "");
        return buffer;
    }
    if (directory != AT_FDCWD) path_of(directory, base);
    else if (!getcwd(base, sizeof base)) base[0] = 0;
    snprintf(buffer, 2 * PATH_MAX, "%s/%s", base, path);
    return buffer;
}

static void die(int whom) {
    kill(whom, SIGKILL);
    for (;;) pause();
}

static enum fate strike(const char *op, const char *path) {
    if (!listed(op) || !strstr(path, plan.path)) return GO_ON;
    long number = (long)__sync_add_and_fetch(counter, 1);
    if (!plan.nth || !(number == plan.nth || (plan.sticky && number > plan.nth))) return GO_ON;
    switch (plan.mode) {
    case SHORT: return GIVE_HALF;
    case KILL: die(getpid()); break;
    case KILL_AFTER: return DIE_AFTER;
    case KILL_GROUP: die(0); break;
    case DELAY: usleep(plan.error * 1000); return GO_ON;
    case FAIL: break;
    }
    errno = plan.error;
    return GIVE_ERROR;
}

static void record(const char *op, const char *path, const char *other, ino_t inode, off_t offset, const void *data,
                   size_t size) {
    char head[4 * PATH_MAX + 256];
    if (record_fd < 0) return;
    if (strcmp(op, "ack") && !strstr(path, plan.path) && !(other && strstr(other, plan.path))) return;
    int length = snprintf(head, sizeof head, "%s\t%d\t%llu\t%lld\t%zu\t%s\t%s\n", op, getpid(),
                          (unsigned long long)inode, (long long)offset, size, path, other ? other : "");
    struct iovec parts[3] = {{head, length}, {(void *)data, data ? size : 0}, {"\n", 1}};
    syscall(SYS_writev, record_fd, parts, 3);
}

static ino_t inode_of(int fd) {
    struct stat status;
    return fstat(fd, &status) ? 0 : status.st_ino;
}

/* The frame of every call: strike, do it, die if that is its fate. */
#define STRUCK(op, path, failure)      \
    enum fate fate = strike(op, path); \
    if (fate == GIVE_ERROR) return failure
#define DONE(result)                         \
    do {                                     \
        if (fate == DIE_AFTER) die(getpid()); \
        return result;                       \
    } while (0)

static int do_open(int directory, const char *path, int flags, mode_t mode) {
    char name[2 * PATH_MAX];
    int writes = flags & (O_WRONLY | O_RDWR | O_CREAT);
    absolute(directory, path, name);
    STRUCK(writes ? "open" : "openr", name, -1);
    struct stat status;
    int existed = !(flags & O_CREAT) || !fstatat(directory, path, &status, 0);
    int fd = syscall(SYS_openat, directory, path, flags, mode);
    if (fd >= 0 && !existed) record("create", name, NULL, inode_of(fd), 0, NULL, 0);
    else if (fd >= 0 && writes && (flags & O_TRUNC)) record("truncate", name, NULL, inode_of(fd), 0, NULL, 0);
    DONE(fd);
}

#define MODE_ARGUMENT                                       \
    mode_t mode = 0;                                        \
    if (flags & (O_CREAT | __O_TMPFILE)) {                  \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode = va_arg(rest, mode_t);                        \
        va_end(rest);                                       \
    }

int open(const char *path, int flags, ...) { MODE_ARGUMENT return do_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_ARGUMENT return do_open(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE_ARGUMENT return do_open(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE_ARGUMENT return do_open(dir, path, flags, mode); }

static void record_write(int fd, const char *path, const void *data, size_t size, off_t offset, int positioned) {
    struct stat status;
    if (record_fd < 0 || fd == record_fd || fstat(fd, &status)) return;
    if (fd == 1) {
        record("ack", path, NULL, 0, 0, data, size);
    } else if (S_ISREG(status.st_mode)) {
        if (!positioned)
            offset = (fcntl(fd, F_GETFL) & O_APPEND) ? status.st_size : lseek(fd, 0, SEEK_CUR);
        record("write", path, NULL, status.st_ino, offset, data, size);
    }
}

static ssize_t do_write(int fd, const void *data, size_t size, off_t offset, int positioned) {
    char path[PATH_MAX];
    path_of(fd, path);
    STRUCK("write", path, -1);
    if (fate == GIVE_HALF && size > 1) size /= 2;
    record_write(fd, path, data, size, offset, positioned);
    ssize_t written = positioned ? syscall(SYS_pwrite64, fd, data, size, offset) : syscall(SYS_write, fd, data, size);
    DONE(written);
}

ssize_t write(int fd, const void *data, size_t size) { return do_write(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return do_write(fd, data, size, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return do_write(fd, data, size, at, 1); }

static ssize_t do_read(int fd, void *data, size_t size, off_t offset, int positioned) {
    char path[PATH_MAX];
    path_of(fd, path);
    STRUCK("read", path, -1);
    if (fate == GIVE_HALF && size > 1) size /= 2;
    ssize_t got = positioned ? syscall(SYS_pread64, fd, data, size, offset) : syscall(SYS_read, fd, data, size);
    DONE(got);
}

ssize_t read(int fd, void *data, size_t size) { return do_read(fd, data, size, 0, 0); }
ssize_t pread(int fd, void *data, size_t size, off_t at) { return do_read(fd, data, size, at, 1); }
ssize_t pread64(int fd, void *data, size_t size, off64_t at) { return do_read(fd, data, size, at, 1); }

static int do_sync(int fd, long number) {
    char path[PATH_MAX];
    struct stat status;
    path_of(fd, path);
    STRUCK("fsync", path, -1);
    int result = syscall(number, fd);
    if (!result && !fstat(fd, &status))
        record(S_ISDIR(status.st_mode) ? "fsyncdir" : "fsync", path, NULL, status.st_ino, 0, NULL, 0);
    DONE(result);
}

int fsync(int fd) { return do_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return do_sync(fd, SYS_fdatasync); }

static int do_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    char old[2 * PATH_MAX], new[2 * PATH_MAX];
    absolute(from_dir, from, old);
    absolute(to_dir, to, new);
    STRUCK("rename", new, -1);
    int result = syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    if (!result) record("rename", old, new, 0, 0, NULL, 0);
    DONE(result);
}

int rename(const char *from, const char *to) { return do_rename(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return do_rename(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned f) { return do_rename(a, from, b, to, f); }

static int do_unlink(int directory, const char *path, int flags) {
    char name[2 * PATH_MAX];
    absolute(directory, path, name);
    STRUCK("unlink", name, -1);
    int result = syscall(SYS_unlinkat, directory, path, flags);
    if (!result) record(flags & AT_REMOVEDIR ? "rmdir" : "unlink", name, NULL, 0, 0, NULL, 0);
    DONE(result);
}

int unlink(const char *path) { return do_unlink(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char *path, int flags) { return do_unlink(directory, path, flags); }
int remove(const char *path) { return do_unlink(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return do_unlink(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int directory, const char *path, mode_t mode) {
    char name[2 * PATH_MAX];
    absolute(directory, path, name);
    STRUCK("mkdir", name, -1);
    int result = syscall(SYS_mkdirat, directory, path, mode);
    if (!result) record("mkdir", name, NULL, 0, 0, NULL, 0);
    DONE(result);
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    char old[2 * PATH_MAX], new[2 * PATH_MAX];
    absolute(from_dir, from, old);
    absolute(to_dir, to, new);
    STRUCK("link", new, -1);
    int result = syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
    if (!result) record("link", old, new, 0, 0, NULL, 0);
    DONE(result);
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int ftruncate(int fd, off_t size) {
    char path[PATH_MAX];
    path_of(fd, path);
    STRUCK("truncate", path, -1);
    int result = syscall(SYS_ftruncate, fd, size);
    if (!result) record("truncate", path, NULL, inode_of(fd), size, NULL, 0);
    DONE(result);
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int flock(int fd, int how) {
    char path[PATH_MAX];
    path_of(fd, path);
    STRUCK("lock", path, -1);
    int result = syscall(SYS_flock, fd, how);
    DONE(result);
}

/* Record locks, which are what SQLite uses, go through fcntl. */
static int do_fcntl(int fd, int command, void *argument) {
    char path[PATH_MAX];
    int locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    if (!locks) return syscall(SYS_fcntl, fd, command, argument);
    path_of(fd, path);
    STRUCK("lock", path, -1);
    int result = syscall(SYS_fcntl, fd, command, argument);
    DONE(result);
}

#define FCNTL_ARGUMENT           \
    va_list rest;                \
    va_start(rest, command);     \
    void *argument = va_arg(rest, void *); \
    va_end(rest);

int fcntl(int fd, int command, ...) { FCNTL_ARGUMENT return do_fcntl(fd, command, argument); }
int fcntl64(int fd, int command, ...) { FCNTL_ARGUMENT return do_fcntl(fd, command, argument); }
