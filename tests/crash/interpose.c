/* Loaded into a server before libc (LD_PRELOAD): counts the calls that change files below one directory, and at a call of choice
   kills the process, lets the call fail, or writes half of it and kills. What to do is read from a shared file, so that it can be
   changed while the server runs. Environment: CRASH_CONTROL, the shared file. Without it nothing is done. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* As control.ts writes it: little endian, 32 bits each. */
struct control {
  volatile uint32_t mode;   /* what to do at the target: see below */
  volatile uint32_t target; /* the number of the call, from 1 */
  volatile uint32_t count;  /* calls since it was set to 0 */
  volatile uint32_t error;  /* errno */
  volatile uint32_t log;    /* 1: names of calls go to CRASH_CONTROL.log */
  volatile uint32_t hits;   /* how often something was done */
  volatile uint32_t length; /* of the directory */
  uint32_t unused;
  char directory[PATH_MAX]; /* with a slash at the end */
};
enum { IDLE, COUNT, KILL_BEFORE, KILL_AFTER, HALF, FAIL_ONCE, FAIL_ON };

static struct control *control;
static int logfile = -1;

__attribute__((constructor)) static void begin (void) {
  const char *path = getenv("CRASH_CONTROL");
  if (path == NULL) return;
  /* nobody is left behind when the test is broken off */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int descriptor = (int) syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (map == MAP_FAILED) return;
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s.log", path);
  logfile = (int) syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  control = map;
}

static int isBelow (const char *path) {
  size_t length = control->length;
  return path != NULL && (strncmp(path, control->directory, length) == 0 || (strlen(path) == length - 1 && strncmp(path, control->directory, length - 1) == 0));
}

static int isOurs (int descriptor, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t got = readlink(link, path, PATH_MAX - 1);
  if (got < 0) return 0;
  path[got] = 0;
  return isBelow(path);
}

enum step { PASS, FAIL, THEN_KILL, HALVE };

static void die (void) {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) pause();
}

/* Decides about one call; FAIL has set errno. */
static enum step decide (const char *call, const char *path) {
  uint32_t mode = control->mode;
  uint32_t number = __sync_add_and_fetch(&control->count, 1);
  if (control->log) {
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%u %s %s\n", number, call, path + (strlen(path) < control->length ? 0 : control->length));
    syscall(SYS_write, logfile, line, (size_t) size);
  }
  if (mode == COUNT || number < control->target || (number > control->target && mode != FAIL_ON)) return PASS;
  __sync_add_and_fetch(&control->hits, 1);
  if (mode == KILL_BEFORE) die();
  if (mode == KILL_AFTER) return THEN_KILL;
  if (mode == HALF) return HALVE;
  errno = (int) control->error;
  return FAIL;
}

#define OFF (control == NULL || control->mode == IDLE)
#define REAL(type, name, ...) static type (*real) (__VA_ARGS__); if (real == NULL) real = (type (*) (__VA_ARGS__)) dlsym(RTLD_NEXT, name)

/* An answer of the real call, after which the process may have to die. */
#define AROUND(type, call, path, answer) do { \
    enum step step = decide(call, path); \
    if (step == FAIL) return -1; \
    type result = answer; \
    if (step == THEN_KILL || step == HALVE) die(); \
    return result; \
  } while (0)

#define BY_PATH(type, name, path, answer) do { if (OFF || !isBelow(path)) return answer; AROUND(type, name, path, answer); } while (0)
#define BY_DESCRIPTOR(type, name, descriptor, answer) do { \
    char found[PATH_MAX]; \
    if (OFF || !isOurs(descriptor, found)) return answer; \
    AROUND(type, name, found, answer); \
  } while (0)

static int changes (int flags) {
  return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
}

/* Opening for writing changes nothing unless it makes or empties the file. */
#define OPEN(symbol, name) EXPORT int symbol (const char *path, int flags, ...) { \
    REAL(int, name, const char *, int, ...); \
    va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
    if (!changes(flags)) return real(path, flags, mode); \
    BY_PATH(int, "open", path, real(path, flags, mode)); \
  }
OPEN(open, "open")
OPEN(open64, "open64")

#define OPENAT(symbol, name) EXPORT int symbol (int at, const char *path, int flags, ...) { \
    REAL(int, name, int, const char *, int, ...); \
    va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
    if (!changes(flags)) return real(at, path, flags, mode); \
    BY_PATH(int, "open", path, real(at, path, flags, mode)); \
  }
OPENAT(openat, "openat")
OPENAT(openat64, "openat64")

#define CREAT(symbol, name) EXPORT int symbol (const char *path, mode_t mode) { \
    REAL(int, name, const char *, mode_t); \
    BY_PATH(int, "open", path, real(path, mode)); \
  }
CREAT(creat, "creat")
CREAT(creat64, "creat64")

EXPORT ssize_t write (int descriptor, const void *bytes, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  char path[PATH_MAX];
  if (OFF || !isOurs(descriptor, path)) return real(descriptor, bytes, size);
  enum step step = decide("write", path);
  if (step == FAIL) return -1;
  ssize_t result = real(descriptor, bytes, step == HALVE ? size / 2 : size);
  if (step != PASS) die();
  return result;
}

#define PWRITE(symbol, name, offset_type) EXPORT ssize_t symbol (int descriptor, const void *bytes, size_t size, offset_type offset) { \
    REAL(ssize_t, name, int, const void *, size_t, offset_type); \
    char path[PATH_MAX]; \
    if (OFF || !isOurs(descriptor, path)) return real(descriptor, bytes, size, offset); \
    enum step step = decide("pwrite", path); \
    if (step == FAIL) return -1; \
    ssize_t result = real(descriptor, bytes, step == HALVE ? size / 2 : size, offset); \
    if (step != PASS) die(); \
    return result; \
  }
PWRITE(pwrite, "pwrite", off_t)
PWRITE(pwrite64, "pwrite64", off64_t)

EXPORT ssize_t writev (int descriptor, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  BY_DESCRIPTOR(ssize_t, "writev", descriptor, real(descriptor, parts, count));
}

#define PWRITEV(symbol, name, offset_type) EXPORT ssize_t symbol (int descriptor, const struct iovec *parts, int count, offset_type offset) { \
    REAL(ssize_t, name, int, const struct iovec *, int, offset_type); \
    BY_DESCRIPTOR(ssize_t, "pwritev", descriptor, real(descriptor, parts, count, offset)); \
  }
PWRITEV(pwritev, "pwritev", off_t)
PWRITEV(pwritev64, "pwritev64", off64_t)

#define ON_DESCRIPTOR(symbol) EXPORT int symbol (int descriptor) { \
    REAL(int, #symbol, int); \
    BY_DESCRIPTOR(int, #symbol, descriptor, real(descriptor)); \
  }
ON_DESCRIPTOR(fsync)
ON_DESCRIPTOR(fdatasync)

#define TRUNCATE(symbol, offset_type) EXPORT int symbol (int descriptor, offset_type size) { \
    REAL(int, #symbol, int, offset_type); \
    BY_DESCRIPTOR(int, "ftruncate", descriptor, real(descriptor, size)); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define ALLOCATE(symbol, offset_type) EXPORT int symbol (int descriptor, int mode, offset_type offset, offset_type size) { \
    REAL(int, #symbol, int, int, offset_type, offset_type); \
    BY_DESCRIPTOR(int, "fallocate", descriptor, real(descriptor, mode, offset, size)); \
  }
ALLOCATE(fallocate, off_t)
ALLOCATE(fallocate64, off64_t)

/* Answers the error itself instead of setting errno. */
#define POSIX_ALLOCATE(symbol, offset_type) EXPORT int symbol (int descriptor, offset_type offset, offset_type size) { \
    REAL(int, #symbol, int, offset_type, offset_type); \
    char path[PATH_MAX]; \
    if (OFF || !isOurs(descriptor, path)) return real(descriptor, offset, size); \
    enum step step = decide("fallocate", path); \
    if (step == FAIL) return errno; \
    int result = real(descriptor, offset, size); \
    if (step != PASS) die(); \
    return result; \
  }
POSIX_ALLOCATE(posix_fallocate, off_t)
POSIX_ALLOCATE(posix_fallocate64, off64_t)

#define TWO_PATHS(symbol) EXPORT int symbol (const char *from, const char *to) { \
    REAL(int, #symbol, const char *, const char *); \
    BY_PATH(int, #symbol, to, real(from, to)); \
  }
TWO_PATHS(rename)
TWO_PATHS(link)
TWO_PATHS(symlink)

EXPORT int renameat (int fromAt, const char *from, int toAt, const char *to) {
  REAL(int, "renameat", int, const char *, int, const char *);
  BY_PATH(int, "rename", to, real(fromAt, from, toAt, to));
}

EXPORT int linkat (int fromAt, const char *from, int toAt, const char *to, int flags) {
  REAL(int, "linkat", int, const char *, int, const char *, int);
  BY_PATH(int, "link", to, real(fromAt, from, toAt, to, flags));
}

#define ONE_PATH(symbol) EXPORT int symbol (const char *path) { \
    REAL(int, #symbol, const char *); \
    BY_PATH(int, #symbol, path, real(path)); \
  }
ONE_PATH(unlink)

/* The path at which a process that only waits is told to fork: fork.ts. */
static int forkHere (void);

EXPORT int rmdir (const char *path) {
  REAL(int, "rmdir", const char *);
  if (strcmp(path, "/caldavd-crash-fork") == 0) return forkHere();
  BY_PATH(int, "rmdir", path, real(path));
}

EXPORT int unlinkat (int at, const char *path, int flags) {
  REAL(int, "unlinkat", int, const char *, int);
  BY_PATH(int, "unlink", path, real(at, path, flags));
}

#define WITH_MODE(symbol) EXPORT int symbol (const char *path, mode_t mode) { \
    REAL(int, #symbol, const char *, mode_t); \
    BY_PATH(int, #symbol, path, real(path, mode)); \
  }
WITH_MODE(mkdir)
WITH_MODE(chmod)

EXPORT int mkdirat (int at, const char *path, mode_t mode) {
  REAL(int, "mkdirat", int, const char *, mode_t);
  BY_PATH(int, "mkdir", path, real(at, path, mode));
}

EXPORT int fchmod (int descriptor, mode_t mode) {
  REAL(int, "fchmod", int, mode_t);
  BY_DESCRIPTOR(int, "chmod", descriptor, real(descriptor, mode));
}

#define SET_ATTRIBUTE(symbol) EXPORT int symbol (const char *path, const char *name, const void *value, size_t size, int flags) { \
    REAL(int, #symbol, const char *, const char *, const void *, size_t, int); \
    BY_PATH(int, "setxattr", path, real(path, name, value, size, flags)); \
  }
SET_ATTRIBUTE(setxattr)
SET_ATTRIBUTE(lsetxattr)

EXPORT int fsetxattr (int descriptor, const char *name, const void *value, size_t size, int flags) {
  REAL(int, "fsetxattr", int, const char *, const void *, size_t, int);
  BY_DESCRIPTOR(int, "setxattr", descriptor, real(descriptor, name, value, size, flags));
}

#define REMOVE_ATTRIBUTE(symbol) EXPORT int symbol (const char *path, const char *name) { \
    REAL(int, #symbol, const char *, const char *); \
    BY_PATH(int, "removexattr", path, real(path, name)); \
  }
REMOVE_ATTRIBUTE(removexattr)
REMOVE_ATTRIBUTE(lremovexattr)

EXPORT int fremovexattr (int descriptor, const char *name) {
  REAL(int, "fremovexattr", int, const char *);
  BY_DESCRIPTOR(int, "removexattr", descriptor, real(descriptor, name));
}

EXPORT int utimensat (int at, const char *path, const struct timespec times[2], int flags) {
  REAL(int, "utimensat", int, const char *, const struct timespec *, int);
  BY_PATH(int, "utimens", path, real(at, path, times, flags));
}

EXPORT int futimens (int descriptor, const struct timespec times[2]) {
  REAL(int, "futimens", int, const struct timespec *);
  BY_DESCRIPTOR(int, "utimens", descriptor, real(descriptor, times));
}

#define SENDFILE(symbol, offset_type) EXPORT ssize_t symbol (int out, int in, offset_type *offset, size_t size) { \
    REAL(ssize_t, #symbol, int, int, offset_type *, size_t); \
    BY_DESCRIPTOR(ssize_t, "sendfile", out, real(out, in, offset, size)); \
  }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

EXPORT ssize_t copy_file_range (int in, off64_t *inOffset, int out, off64_t *outOffset, size_t size, unsigned flags) {
  REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
  BY_DESCRIPTOR(ssize_t, "copy_file_range", out, real(in, inOffset, out, outOffset, size, flags));
}

/* libuv makes some calls by number. */
EXPORT long syscall (long number, ...) {
  REAL(long, "syscall", long, ...);
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  if (number == SYS_copy_file_range && !OFF) BY_DESCRIPTOR(long, "copy_file_range", (int) c, real(number, a, b, c, d, e, f));
  return real(number, a, b, c, d, e, f);
}

/* V8 keeps its heap from children; ours need it. */
EXPORT int madvise (void *address, size_t size, int advice) {
  if (advice == MADV_DONTFORK) return 0;
  REAL(int, "madvise", void *, size_t, int);
  return real(address, size, advice);
}

/* Threads that wait at a condition are not there after a fork, and whoever signals it would wait for them: it begins anew. */
static pthread_cond_t *volatile waiting[256];

EXPORT int pthread_cond_wait (pthread_cond_t *condition, pthread_mutex_t *mutex) {
  static int (*real) (pthread_cond_t *, pthread_mutex_t *);
  if (real == NULL) {
    /* where there are two, the one without a version is that of long ago */
    void *found = dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2");
    real = (int (*) (pthread_cond_t *, pthread_mutex_t *)) (found != NULL ? found : dlsym(RTLD_NEXT, "pthread_cond_wait"));
  }
  unsigned slot = 0;
  while (slot < 256 && !__sync_bool_compare_and_swap(&waiting[slot], NULL, condition)) slot++;
  int result = real(condition, mutex);
  if (slot < 256) waiting[slot] = NULL;
  return result;
}

static void forgetWaiting (void) {
  for (unsigned slot = 0; slot < 256; slot++) {
    pthread_cond_t *condition = waiting[slot];
    if (condition == NULL) continue;
    waiting[slot] = NULL;
    unsigned flags = condition->__data.__wrefs & 3;
    memset(condition, 0, sizeof *condition);
    condition->__data.__wrefs = flags;
  }
}

/* A process that has loaded the server forks one for each start: that takes milliseconds. The parent waits for the end of its child
   and answers with errno: 1000 + signal, or 2000 + exit code. The child gets 0. */
static int forkHere (void) {
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    forgetWaiting();
    int (*renewLoop) (void *) = (int (*) (void *)) dlsym(RTLD_DEFAULT, "uv_loop_fork");
    void *(*loop) (void) = (void *(*) (void)) dlsym(RTLD_DEFAULT, "uv_default_loop");
    if (renewLoop == NULL || loop == NULL || renewLoop(loop()) != 0) _exit(99);
    return 0;
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR);
  char line[64];
  int size = child < 0 ? snprintf(line, sizeof line, "ended cannot-fork\n")
    : WIFSIGNALED(status) ? snprintf(line, sizeof line, "ended signal %d\n", WTERMSIG(status)) : snprintf(line, sizeof line, "ended exit %d\n", WEXITSTATUS(status));
  REAL(ssize_t, "write", int, const void *, size_t);
  real(1, line, (size_t) size);
  errno = ENOENT;
  return -1;
}
