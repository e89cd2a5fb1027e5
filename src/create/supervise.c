// SPDX-License-Identifier: Apache-2.0
/* The foreground loop of run and exec: one poll over the process, the signals and the terminal. Runs in the
 * parent. */
#include "create/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "create/terminal.h"

enum { FD_PROCESS, FD_SIGNALS, FD_STDIN, FD_MASTER, FD_N };

int supervise_prepare(struct err *e)
{
    sigset_t set;
    int fd;

    sigfillset(&set);
    /* Synchronous faults are ours; SIGCHLD has the pidfd; SIGTSTP and friends stop us as any foreground
     * program. */
    for (const int *s = (const int[]){ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGCHLD, SIGTSTP,
                                       SIGTTIN, SIGTTOU, SIGPIPE, 0 };
         *s; s++)
        sigdelset(&set, *s);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_sys(e, errno, "sigprocmask");
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? err_sys(e, errno, "signalfd") : fd;
}

static void forward_signals(int signals, int pidfd, struct terminal_relay *t)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGWINCH && t->master >= 0)
            terminal_relay_resize(t);
        else
            (void)proc_signal(pidfd, (int)info.ssi_signo);
    }
}

int supervise(pid_t pid, int pidfd, int signals, int master, int *ret_status, struct err *e)
{
    struct terminal_relay t = { .master = -1 };
    int status, r = 0;

    if (master >= 0)
        r = terminal_relay_begin(&t, master, e);
    while (r >= 0) {
        struct pollfd fds[FD_N] = {
            [FD_PROCESS] = { .fd = pidfd, .events = POLLIN },
            [FD_SIGNALS] = { .fd = signals, .events = POLLIN },
            [FD_STDIN] = { .fd = t.master >= 0 && t.stdin_open ? STDIN_FILENO : -1, .events = POLLIN },
            [FD_MASTER] = { .fd = t.master, .events = POLLIN },
        };

        if (poll(fds, FD_N, -1) < 0) {
            if (errno == EINTR)
                continue;
            r = err_sys(e, errno, "poll");
            break;
        }
        if (fds[FD_SIGNALS].revents)
            forward_signals(signals, pidfd, &t);
        if (fds[FD_STDIN].revents)
            (void)terminal_relay_input(&t);
        /* POLLHUP without POLLIN: nobody has the terminal open now; somebody may again (exec), so only the
         * process ends us. */
        if (fds[FD_MASTER].revents & POLLIN)
            (void)terminal_relay_output(&t);
        else if (fds[FD_MASTER].revents && !fds[FD_PROCESS].revents)
            (void)poll(&fds[FD_PROCESS], 1, 10);
        if (fds[FD_PROCESS].revents)
            break;
    }
    terminal_relay_end(&t);
    if (r < 0)
        return r;
    r = proc_wait(pid, &status);
    if (r < 0)
        return err_sys(e, r, "waiting for the process");
    *ret_status = proc_exit_code(status);
    return 0;
}
