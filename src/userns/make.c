// SPDX-License-Identifier: Apache-2.0
/* Makes user namespaces for id-mapped mounts. Runs in the parent and in the stage, with all capabilities in
 * the namespace it is in. */
#include "userns/make.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "userns/mapping.h"

/* The process that holds the namespace while it has no descriptor: does nothing, and ends with its parent's
 * end of the pipe. */
static void __attribute__((noreturn)) hold(const int pipefd[2])
{
    char c;

    proc_set_name("lichen:[idmap]");
    fd_close(pipefd[1]);
    while (read(pipefd[0], &c, 1) < 0 && errno == EINTR)
        ;
    _exit(0);
}

static int map_and_open(pid_t pid, const struct idmap *uids, const struct idmap *gids, struct err *e)
{
    struct mapping_job job;
    char path[64];
    int fd, r;

    r = mapping_begin(pid, uids, gids, true, true, &job, e);
    if (r < 0)
        return r;
    (void)str_format(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_sys(e, errno, "%s", path) : fd;
}

int userns_make(const struct idmap *uids, const struct idmap *gids, struct err *e)
{
    int pipefd[2], fd, status;
    pid_t pid;

    if (pipe2(pipefd, O_CLOEXEC) < 0)
        return err_sys(e, errno, "pipe for a user namespace");
    pid = proc_clone(CLONE_NEWUSER, -1, NULL);
    if (pid == 0)
        hold(pipefd);
    fd_close(pipefd[0]);
    fd = pid < 0 ? err_sys(e, pid, "cannot make a user namespace for an id-mapped mount")
                 : map_and_open(pid, uids, gids, e);
    fd_close(pipefd[1]);
    if (pid > 0)
        (void)proc_wait(pid, &status);
    return fd;
}
