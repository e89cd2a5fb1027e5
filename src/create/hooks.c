// SPDX-License-Identifier: Apache-2.0
/*
 * Hooks. prestart, createRuntime, poststart and poststop run in the parent (the caller's namespaces);
 * createContainer and startContainer in init.
 */
#include "create/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "spec/names.h"

#define OUTPUT_KEPT 320

/* A file, not a pipe: a hook that does not read its stdin costs us no SIGPIPE, and a large state can't block.
 */
static int state_file(const struct record *record, enum lifecycle_status status, struct err *e)
{
    _cleanup_close_ int fd = memfd_create("lichen-hook-state", MFD_CLOEXEC);
    _cleanup_buf_ struct buf text = { 0 };
    int r;

    if (fd < 0)
        return err_sys(e, errno, "hook state");
    record_hook_state(record, status, &text);
    r = fd_write_all(fd, text.data, text.len);
    if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(e, r < 0 ? r : errno, "hook state");
    return TAKE_FD(fd);
}

/* Where run.oci.hooks.stdout and .stderr put a hook's output, or -1. Only the caller's own files: what runs
 * in the container's namespaces would find the container's at that path. */
struct hook_output {
    int out, err;
};

static void close_output(struct hook_output *output)
{
    fd_close(output->out);
    fd_close(output->err);
}

static int open_one(const struct record *record, const char *key, int *ret, struct err *e)
{
    const char *path = record_annotation(record, key);

    if (!path)
        return 0;
    *ret = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    return *ret < 0 ? err_sys(e, errno, "annotation %s: %s", key, path) : 0;
}

static int open_output(const struct record *record, enum spec_hook_kind kind, struct hook_output *ret,
                       struct err *e)
{
    int r;

    if (kind == HOOK_CREATE_CONTAINER || kind == HOOK_START_CONTAINER)
        return 0;
    r = open_one(record, "run.oci.hooks.stdout", &ret->out, e);
    return r < 0 ? r : open_one(record, "run.oci.hooks.stderr", &ret->err, e);
}

static void __attribute__((noreturn))
exec_hook(const struct spec_hook *hook, pid_t parent, int in, int out, const struct hook_output *output)
{
    char *const fallback[] = { (char *)hook->path, NULL };
    char *const no_env[] = { NULL };

    /* Whoever runs a hook waits for it: killed meanwhile, it must not leave the hook behind. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(127);
    proc_reset_signals();
    (void)dup2(in, STDIN_FILENO);
    (void)dup2(output->out >= 0 ? output->out : out, STDOUT_FILENO);
    (void)dup2(output->err >= 0 ? output->err : out, STDERR_FILENO);
    (void)fd_close_from(3);
    execve(hook->path, hook->args.n ? (char *const *)hook->args.v : fallback,
           hook->env.n ? (char *const *)hook->env.v : no_env);
    dprintf(STDERR_FILENO, "%s", strerror(errno));
    _exit(127);
}

/* Keep the first bytes of what the hook prints, drop the rest so that it never blocks on a full pipe. */
static void collect(int fd, char *kept, size_t *n)
{
    char chunk[4096];
    ssize_t got = read(fd, chunk, sizeof(chunk));

    for (ssize_t i = 0; i < got && *n < OUTPUT_KEPT; i++)
        kept[(*n)++] = chunk[i] == '\n' ? ' ' : chunk[i];
    kept[*n] = '\0';
}

/* Wait for the hook's end or its timeout. Returns 1 ended, 0 timed out. A grandchild that keeps the pipe open
 * is not waited for. */
static int supervise(int pidfd, int out, int timeout_s, char *kept)
{
    int64_t deadline = timeout_s ? clock_now_ms() + (int64_t)timeout_s * 1000 : -1;
    struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = out, .events = POLLIN } };
    size_t n = 0;

    kept[0] = '\0';
    for (;;) {
        int64_t left = deadline < 0 ? -1 : deadline - clock_now_ms();

        if (deadline >= 0 && left <= 0)
            return 0;
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return 1;
        if (fds[1].revents & POLLIN)
            collect(out, kept, &n);
        else if (fds[1].revents)
            fds[1].fd = -1;
        if (fds[0].revents && !(fds[1].revents & POLLIN))
            return 1;
    }
}

static int run_one(const struct spec_hook *hook, const char *name, const struct record *record,
                   enum lifecycle_status status, const struct hook_output *output, struct err *e)
{
    _cleanup_close_ int in = state_file(record, status, e), out = -1, pidfd = -1;
    char kept[OUTPUT_KEPT + 1];
    int pipefd[2], wait_status;
    pid_t parent = getpid(), pid;
    bool ended;

    if (in < 0)
        return in;
    if (pipe2(pipefd, O_CLOEXEC) < 0)
        return err_sys(e, errno, "%s: pipe", name);
    out = pipefd[0];
    pid = proc_clone(0, -1, &pidfd);
    if (pid == 0)
        exec_hook(hook, parent, in, pipefd[1], output);
    fd_close(pipefd[1]);
    if (pid < 0)
        return err_sys(e, pid, "%s: cannot start %s", name, hook->path);
    ended = supervise(pidfd, out, hook->timeout, kept);
    if (!ended)
        (void)proc_signal(pidfd, SIGKILL);
    if (proc_wait(pid, &wait_status) < 0)
        return err_sys(e, errno, "%s: waiting for %s", name, hook->path);
    if (!ended)
        return err_set(e, ETIMEDOUT, "%s: %s did not end within its timeout of %d s", name, hook->path,
                       hook->timeout);
    if (wait_status != 0)
        return err_set(e, ECANCELED, "%s: %s failed with %s %d%s%s", name, hook->path,
                       WIFSIGNALED(wait_status) ? "signal" : "exit status",
                       WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
                       *kept ? ": " : "", kept);
    return 0;
}

int hooks_run(const struct spec_hooks *hooks, enum spec_hook_kind kind, const struct record *record,
              enum lifecycle_status status, struct err *e)
{
    _cleanup_(close_output) struct hook_output output = { -1, -1 };
    int result = hooks->n[kind] ? open_output(record, kind, &output, e) : 0;

    if (result < 0)
        return result;
    for (size_t i = 0; i < hooks->n[kind]; i++) {
        char name[64];
        int r;

        (void)str_format(name, sizeof(name), "hooks.%s[%zu]", spec_hook_names[kind], i);
        r = run_one(&hooks->v[kind][i], name, record, status, &output, result < 0 ? NULL : e);
        if (r < 0 && result == 0)
            result = r;
        /* runtime.md, "Lifecycle": only after a failing poststop hook do the others still run. */
        if (r < 0 && kind != HOOK_POSTSTOP)
            break;
    }
    return result;
}
