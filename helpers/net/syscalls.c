// SPDX-License-Identifier: Apache-2.0
/*
 * The system calls lichen-net may make once it serves, each with what needs it. Everything else fails with
 * EPERM; what only an attacker would try kills the process.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox.h"

#define ARGUMENTS_MAX 2
/* Type bits of socket(2) below SOCK_NONBLOCK and SOCK_CLOEXEC. */
#define SOCKET_TYPE_MASK 0xf

struct rule {
    int syscall;
    unsigned n;
    struct scmp_arg_cmp args[ARGUMENTS_MAX];
};

#define CALL(name)                \
    {                             \
        .syscall = SCMP_SYS(name) \
    }
#define CALL_IF(name, ...)                                         \
    {                                                              \
        .syscall = SCMP_SYS(name), .n = 1, .args = { __VA_ARGS__ } \
    }
#define CALL_IF_BOTH(name, ...)                                    \
    {                                                              \
        .syscall = SCMP_SYS(name), .n = 2, .args = { __VA_ARGS__ } \
    }
#define ARG_EQ(i, value)                                  \
    {                                                     \
        .arg = (i), .op = SCMP_CMP_EQ, .datum_a = (value) \
    }
#define ARG_MASKED(i, mask, value)                                                  \
    {                                                                               \
        .arg = (i), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value) \
    }
#define SOCKET(family, type) CALL_IF_BOTH(socket, ARG_EQ(0, family), ARG_MASKED(1, SOCKET_TYPE_MASK, type))

/* clang-format off */
static const struct rule allowed[] = {
    /* loop.c: the event loop and the tap device; write: log, g_log */
    CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_ctl), CALL(read), CALL(write), CALL(writev),
    CALL(clock_gettime), CALL(gettimeofday), CALL(restart_syscall), CALL(rt_sigreturn),
    /* libslirp: sockets of the container's connections. No AF_UNIX: the host's abstract sockets are near
     * (CVE-2020-15257); no raw sockets */
    SOCKET(AF_INET, SOCK_STREAM), SOCKET(AF_INET, SOCK_DGRAM),
    SOCKET(AF_INET6, SOCK_STREAM), SOCKET(AF_INET6, SOCK_DGRAM),
    CALL(connect), CALL(bind), CALL(accept), CALL(accept4), CALL(shutdown), CALL(close),
    CALL(sendto), CALL(sendmsg), CALL(recvfrom), CALL(recvmsg), CALL(readv),
    CALL(getsockname), CALL(getpeername), CALL(getsockopt), CALL(setsockopt),
    CALL_IF(fcntl, ARG_EQ(1, F_GETFL)), CALL_IF(fcntl, ARG_EQ(1, F_SETFL)),
    CALL_IF(fcntl, ARG_EQ(1, F_GETFD)), CALL_IF(fcntl, ARG_EQ(1, F_SETFD)),
    CALL_IF(ioctl, ARG_EQ(1, FIONREAD)), CALL_IF(ioctl, ARG_EQ(1, FIONBIO)),
    /* get_dns_addr: stat and fopen of /etc/resolv.conf; never for writing */
    CALL_IF_BOTH(openat, ARG_MASKED(0, 0xffffffff, (uint32_t)AT_FDCWD),
                 ARG_MASKED(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)),
    CALL(newfstatat), CALL(fstat), CALL(stat), CALL(statx), CALL(lseek),
    /* malloc; no memory is ever made executable */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise),
    CALL_IF(mmap, ARG_MASKED(2, PROT_EXEC, 0)), CALL_IF(mprotect, ARG_MASKED(2, PROT_EXEC, 0)),
    CALL(futex), CALL(getrandom),
#ifdef LICHEN_SANITIZERS
    /* the sanitizers' run-time library */
    CALL(sigaltstack), CALL(sched_yield),
#endif
    /* exit, and g_assert's abort (tgkill: on itself only, below) */
    CALL(exit), CALL(exit_group), CALL(rt_sigprocmask), CALL(rt_sigaction), CALL(getpid), CALL(gettid),
};

static const int deadly[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone), SCMP_SYS(clone3),
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kill),
    SCMP_SYS(pidfd_getfd), SCMP_SYS(mount), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(unshare),
    SCMP_SYS(setns), SCMP_SYS(bpf), SCMP_SYS(io_uring_setup), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl),
    SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load), SCMP_SYS(perf_event_open),
};
/* clang-format on */

static int add_rules(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
    int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i].syscall, allowed[i].n, allowed[i].args);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(deadly); i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
    return r;
}

int sandbox_filter(struct err *e)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r;

    if (!filter)
        return err_set(e, ENOMEM, "make the system call filter");
    r = add_rules(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    if (r < 0) {
        err_sys(e, r, "load the system call filter");
        return err_remedy(e, "lichen-net needs a kernel with CONFIG_SECCOMP_FILTER");
    }
    return 0;
}
