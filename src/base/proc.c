// SPDX-License-Identifier: Apache-2.0
/* Processes. Runs everywhere. */
#include "base/proc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"

/* clone(2) in fork manner; its arguments come in another order on s390 and CRIS. */
static pid_t clone_plain(uint64_t flags, int *pidfd)
{
    uint64_t all = flags | (flags & CLONE_PARENT ? 0 : SIGCHLD);
#ifdef __s390x__
    long pid = syscall(SYS_clone, 0UL, all, pidfd, NULL, 0UL);
#else
    long pid = syscall(SYS_clone, all, 0UL, pidfd, NULL, 0UL);
#endif

    return pid < 0 ? -errno : (pid_t)pid;
}

/* What CLONE_INTO_CGROUP would have done: the child waits in @barrier until it is in the cgroup. */
static int move_child(pid_t pid, int cgroup_fd, int barrier)
{
    _cleanup_close_ int procs = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    char text[16];
    int r;

    (void)str_format(text, sizeof(text), "%d", (int)pid);
    r = procs < 0 ? -errno : fd_write_all(procs, text, strlen(text));
    return r < 0 ? r : fd_write_all(barrier, "", 1);
}

/* For sandboxes that deny clone3, whose flags a seccomp filter cannot look at (Docker's profile: ENOSYS). The
 * flags that only clone3 has are not to be had: CLONE_NEWTIME would be read as a signal. */
static pid_t clone_without_clone3(uint64_t flags, int cgroup_fd, int *pidfd)
{
    int barrier[2] = { -1, -1 };
    char byte;
    pid_t pid;
    int r = 0;

    if (flags & 0xff)
        return -ENOSYS;
    if (cgroup_fd >= 0 && pipe2(barrier, O_CLOEXEC) < 0)
        return -errno;
    pid = clone_plain(flags & ~(uint64_t)CLONE_INTO_CGROUP, pidfd);
    if (pid == 0 && cgroup_fd >= 0) {
        fd_close(barrier[1]);
        if (read(barrier[0], &byte, 1) != 1)
            _exit(1);
    }
    if (pid > 0 && cgroup_fd >= 0)
        r = move_child(pid, cgroup_fd, barrier[1]);
    fd_close(barrier[0]);
    if (pid != 0)
        fd_close(barrier[1]);
    /* It sees the end of the pipe and exits. With CLONE_PARENT it is not ours to wait for. */
    if (r < 0 && !(flags & CLONE_PARENT))
        (void)proc_wait(pid, &(int){ 0 });
    return r < 0 ? r : pid;
}

pid_t proc_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
    int pidfd = -1;
    struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
    long pid;

    if (flags & CLONE_PARENT)
        args.exit_signal = 0; /* taken from the process whose child it becomes */
    if (ret_pidfd) {
        args.flags |= CLONE_PIDFD;
        args.pidfd = (uint64_t)(uintptr_t)&pidfd;
    }
    if (cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
    }
    pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0) {
        pid = -errno;
        /* EPERM is the kernel's own answer too: then clone's is the same. */
        if (pid == -ENOSYS || pid == -EPERM)
            pid = clone_without_clone3(args.flags, cgroup_fd, &pidfd);
    }
    if (pid > 0 && ret_pidfd)
        *ret_pidfd = pidfd;
    return (pid_t)pid;
}

/* For functions that keep a few PATH_MAX buffers; only what is touched is paid for. */
#define SHARED_STACK_SIZE (1024U * 1024U)

bool proc_can_share(void)
{
#ifdef LICHEN_SANITIZERS
    return false;
#else
    return true;
#endif
}

pid_t proc_clone_shared(int flags, int (*fn)(void *), void *argument)
{
    /* PROT_NONE below the stack: overflowing it must not write into what lies there. */
    const size_t guard = (size_t)sysconf(_SC_PAGESIZE), size = SHARED_STACK_SIZE + guard;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    int pid = -1, r = 0;

    if (stack == MAP_FAILED)
        return -errno;
    if (mprotect(stack, guard, PROT_NONE) < 0)
        r = -errno;
    if (r == 0) {
        pid = clone(fn, stack + size, flags | CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
        r = pid < 0 ? -errno : 0;
    }
    (void)munmap(stack, size);
    return r < 0 ? r : pid;
}

int proc_pidfd(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0)
        return -errno;
    return (int)fd;
}

pid_t proc_pid_of(int pidfd)
{
    _cleanup_buf_ struct buf b = { 0 };
    char path[64];
    const char *line;
    long pid;
    int r;

    (void)str_format(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    r = fd_read_file(AT_FDCWD, path, 4096, &b);
    if (r < 0)
        return r;
    line = strstr(b.data, "Pid:");
    pid = line ? strtol(line + 4, NULL, 10) : -1;
    /* 0: not visible in this pid namespace; -1: gone. */
    return pid > 0 ? (pid_t)pid : -ESRCH;
}

int proc_signal(int pidfd, int signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int proc_stat(pid_t pid, uint64_t *ret_start_time, char *ret_state)
{
    _cleanup_buf_ struct buf b = { 0 };
    char path[64], state;
    unsigned long long start;
    const char *rest;
    int r;

    (void)str_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
    r = fd_read_file(AT_FDCWD, path, 8192, &b);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    /* The command name may hold anything, ')' too: the fields begin after the last one. */
    rest = strrchr(b.data, ')');
    if (!rest ||
        sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &state, &start) != 2)
        return -EIO;
    if (ret_start_time)
        *ret_start_time = start;
    if (ret_state)
        *ret_state = state;
    return 0;
}

int proc_open_id(const struct proc_id *id)
{
    _cleanup_close_ int fd = -1;
    uint64_t start;
    char state;
    int r;

    if (id->pid <= 0)
        return -ESRCH;
    fd = proc_pidfd(id->pid);
    if (fd < 0)
        return TAKE_FD(fd);
    r = proc_stat(id->pid, &start, &state);
    /* proc(5), hidepid: one that hides and that we may not even signal is a stranger's. */
    if ((r == -EPERM || r == -EACCES) && proc_signal(fd, 0) == -EPERM)
        r = -ESRCH;
    if (r < 0)
        return r;
    if (start != id->start_time || state == 'Z' || state == 'X')
        return -ESRCH;
    return TAKE_FD(fd);
}

int proc_identify(pid_t pid, struct proc_id *ret)
{
    uint64_t start;
    int r;

    r = proc_stat(pid, &start, NULL);
    if (r < 0)
        return r;
    *ret = (struct proc_id){ .pid = pid, .start_time = start };
    return 0;
}

int proc_wait_dead(int pidfd, int timeout_ms)
{
    struct pollfd p = { .fd = pidfd, .events = POLLIN };

    for (;;) {
        int n = poll(&p, 1, timeout_ms);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        return n > 0;
    }
}

int proc_wait(pid_t pid, int *ret_status)
{
    for (;;) {
        pid_t got = waitpid(pid, ret_status, 0);

        if (got == pid)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
    }
}

int proc_exit_code(int wait_status)
{
    if (WIFEXITED(wait_status))
        return WEXITSTATUS(wait_status);
    if (WIFSIGNALED(wait_status))
        return 128 + WTERMSIG(wait_status);
    return 255;
}

void proc_set_name(const char *name)
{
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

void proc_reset_signals(void)
{
    struct sigaction dfl = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int s = 1; s < _NSIG; s++) {
        if (s != SIGKILL && s != SIGSTOP)
            (void)sigaction(s, &dfl, NULL);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* "RTMIN", "RTMIN+3", "RTMAX-1": real-time signals have no abbreviation in glibc. */
static int realtime_signal(const char *name)
{
    bool from_max = strncmp(name, "RTMAX", 5) == 0;
    uint64_t offset = 0;

    if (!from_max && strncmp(name, "RTMIN", 5) != 0)
        return -EINVAL;
    name += 5;
    if (*name) {
        if (*name != (from_max ? '-' : '+') ||
            str_to_u64(name + 1, 0, (uint64_t)(SIGRTMAX - SIGRTMIN), &offset) < 0)
            return -EINVAL;
    }
    return from_max ? SIGRTMAX - (int)offset : SIGRTMIN + (int)offset;
}

int proc_signal_by_name(const char *name)
{
    char upper[16];
    uint64_t number;
    size_t n = strlen(name);

    if (str_to_u64(name, 0, (uint64_t)SIGRTMAX, &number) == 0)
        return (int)number;
    if (n == 0 || n >= sizeof(upper))
        return -EINVAL;
    for (size_t i = 0; i <= n; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    name = str_has_prefix(upper, "SIG") ? upper + 3 : upper;
    for (int s = 1; s < NSIG; s++) {
        const char *abbreviation = sigabbrev_np(s);

        if (abbreviation && str_eq(abbreviation, name))
            return s;
    }
    return realtime_signal(name);
}
