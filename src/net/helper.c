// SPDX-License-Identifier: Apache-2.0
/*
 * Starting lichen-net and waiting for it. Runs in the parent, in the host's network namespace, as the plain
 * user. posix_spawn (vfork underneath): the parent's page tables are not copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/program.h"
#include "net/net.h"
#include "net/status.h"

#define PROGRAM "lichen-net"
/* --tap-fd N --pidfd N --ready-fd N --net X, the program's name, and NULL. */
#define FIXED_ARGUMENTS 10

extern char **environ;

/* The argument vector; *ret_storage owns the strings made here. */
static char **make_arguments(const struct net_config *c, char ***ret_storage)
{
    static const char *const fixed[] = {
        PROGRAM, "--tap-fd", "3", "--pidfd", "4", "--ready-fd", "5", "--net"
    };
    char **argv = mem_zalloc_array(FIXED_ARGUMENTS + 2 * c->n_ports, sizeof(*argv));
    _cleanup_free_ char *mode = net_format_mode(c);
    char text[NET_PORT_TEXT_MAX];
    size_t n = 0, n_storage = 0;

    _Static_assert(NET_HELPER_TAP_FD == 3 && NET_HELPER_PIDFD == 4 && NET_HELPER_READY_FD == 5,
                   "the arguments name these numbers");
    for (; n < ARRAY_SIZE(fixed); n++)
        argv[n] = (char *)fixed[n];
    strv_append(ret_storage, &n_storage, mode);
    for (size_t i = 0; i < c->n_ports; i++)
        strv_append(ret_storage, &n_storage, net_format_port(&c->ports[i], text));
    argv[n++] = (*ret_storage)[0];
    for (size_t i = 1; i < n_storage; i++) {
        argv[n++] = (char *)"--publish";
        argv[n++] = (*ret_storage)[i];
    }
    return argv;
}

/*
 * Descriptors of the child. The sources are first duplicated above the targets (@high), since dup2 onto 3
 * must not destroy what belongs on 4.
 */
static int add_files(posix_spawn_file_actions_t *actions, const int high[NET_HELPER_FDS_END], int log_fd)
{
    int r;

    r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, 0, 1);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, log_fd >= 0 ? high[2] : 0, 2);
    for (int fd = NET_HELPER_TAP_FD; r == 0 && fd < NET_HELPER_FDS_END; fd++)
        r = posix_spawn_file_actions_adddup2(actions, high[fd], fd);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(actions, NET_HELPER_FDS_END);
    if (r == 0)
        r = posix_spawn_file_actions_addchdir_np(actions, "/");
    return -r;
}

static int spawn(const struct net_config *c, const char *path, const posix_spawn_file_actions_t *actions,
                 pid_t *ret)
{
    _cleanup_strv_ char **storage = NULL;
    _cleanup_free_ char **argv = make_arguments(c, &storage);
    posix_spawnattr_t attr;
    sigset_t none, all;
    int r;

    if (posix_spawnattr_init(&attr) != 0)
        return -ENOMEM;
    sigemptyset(&none);
    sigfillset(&all);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &all);
    /* Its own session: ^C at the terminal of "run" is for the container. */
    (void)posix_spawnattr_setflags(&attr,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    r = -posix_spawn(ret, path, actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return r;
}

static int duplicate_all(int tap_fd, int container, int ready, int log_fd, int high[NET_HELPER_FDS_END])
{
    const int sources[NET_HELPER_FDS_END] = { [0] = -1,
                                              [1] = -1,
                                              [2] = log_fd,
                                              [NET_HELPER_TAP_FD] = tap_fd,
                                              [NET_HELPER_PIDFD] = container,
                                              [NET_HELPER_READY_FD] = ready };

    for (int i = 0; i < NET_HELPER_FDS_END; i++) {
        if (sources[i] < 0)
            continue;
        high[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, NET_HELPER_FDS_END);
        if (high[i] < 0)
            return -errno;
    }
    return 0;
}

int net_helper_start(const struct net_config *c, int tap_fd, int container, int log_fd,
                     struct net_helper *ret, struct err *e)
{
    int high[NET_HELPER_FDS_END] = { -1, -1, -1, -1, -1, -1 };
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int ours = -1;
    _cleanup_close_ int theirs = -1;
    posix_spawn_file_actions_t actions;
    int pipe_fds[2], r;
    pid_t pid;

    r = program_helper_path(PROGRAM, &path, e);
    if (r < 0)
        return r;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_sys(e, errno, "make a pipe to %s", path);
    ours = pipe_fds[0];
    theirs = pipe_fds[1];
    r = -posix_spawn_file_actions_init(&actions);
    if (r < 0)
        return err_sys(e, r, "start %s", path);
    r = duplicate_all(tap_fd, container, theirs, log_fd, high);
    if (r >= 0)
        r = add_files(&actions, high, log_fd);
    if (r >= 0)
        r = spawn(c, path, &actions, &pid);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i < ARRAY_SIZE(high); i++)
        fd_close(high[i]);
    if (r < 0)
        return err_sys(e, r, "start %s", path);
    *ret = (struct net_helper){ .pid = pid, .status_fd = TAKE_FD(ours) };
    return 0;
}

/* Read the one status record. 0, or -errno with @e filled. */
static int read_status(int fd, int timeout_ms, struct net_status *ret, struct err *e)
{
    ssize_t n = fd_read_record(fd, timeout_ms, ret, sizeof(*ret));

    if (n == -ETIMEDOUT)
        return err_set(e, ETIMEDOUT, PROGRAM " is not ready after %d ms", timeout_ms);
    if (n < 0)
        return err_sys(e, (int)n, "read the status of " PROGRAM);
    if (n == 0)
        return err_set(e, EPIPE, PROGRAM " ended before it was ready");
    if (n != (ssize_t)sizeof(*ret) || ret->magic != NET_STATUS_MAGIC || ret->size != sizeof(*ret)) {
        err_set(e, EPROTO, PROGRAM " answered with a status this program does not understand");
        return err_remedy(e, "install lichen's programs from one build");
    }
    return 0;
}

void net_helper_abort(struct net_helper *h)
{
    int status;

    h->status_fd = fd_close(h->status_fd);
    if (h->pid <= 0)
        return;
    /* Our own unreaped child: the number can't have been reused. */
    (void)kill(h->pid, SIGKILL);
    (void)proc_wait(h->pid, &status);
    h->pid = 0;
}

int net_helper_await(struct net_helper *h, int timeout_ms, char warning[NET_WARNING_MAX], struct err *e)
{
    struct net_status status;
    int r = read_status(h->status_fd, timeout_ms, &status, e);

    if (r >= 0 && status.error.code != 0) {
        status.error.message[sizeof(status.error.message) - 1] = '\0';
        status.error.remedy[sizeof(status.error.remedy) - 1] = '\0';
        if (e)
            *e = status.error;
        r = -status.error.code;
    }
    if (r < 0) {
        net_helper_abort(h);
        return r;
    }
    h->status_fd = fd_close(h->status_fd);
    status.warning[sizeof(status.warning) - 1] = '\0';
    memcpy(warning, status.warning, NET_WARNING_MAX);
    return 0;
}
