// SPDX-License-Identifier: Apache-2.0
/* Taking containers away. Runs in the parent and in delete, as the caller. */
#include "create/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "create/host.h"
#include "state/dir.h"
#include "userns/mapping.h"

#define HELPER_PATIENCE_MS 3000

/* A helper ends with the container; one that does not is stuck and is killed. */
static void wait_for_helper(const struct proc_id *id)
{
    _cleanup_close_
    int fd = id->pid ? proc_open_id(id) : -1;

    if (fd < 0)
        return;
    if (proc_wait_dead(fd, HELPER_PATIENCE_MS) == 1)
        return;
    (void)proc_signal(fd, SIGKILL);
    (void)proc_wait_dead(fd, HELPER_PATIENCE_MS);
}

static int remove_path(const char *path)
{
    char dir[PATH_MAX];
    _cleanup_close_
    int fd = -1;
    const char *leaf;
    int r = path_split(path, dir, &leaf);

    if (r < 0)
        return r;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    return path_remove_tree(fd, leaf);
}

/* The child's part of a removal with all subordinate ids: wait for the maps, become root over them, remove.
 */
static void __attribute__((noreturn)) remove_as_root(const char *path, int go)
{
    char byte;

    if (read(go, &byte, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        _exit(1);
    _exit(remove_path(path) < 0 ? 1 : 0);
}

static int remove_in_userns(const char *path, struct err *e)
{
    _cleanup_close_
    int go = -1;
    struct mapping_job job;
    struct idmap uids, gids;
    struct host host;
    int pair[2], status = -1, r;
    bool directly;
    pid_t pid;

    r = host_probe(&host, e);
    if (r >= 0)
        r = host_load_ranges(&host, e);
    if (r >= 0)
        r = idmap_build(IDS_DEFAULT, host.uid, &host.subuids, "/etc/subuid", &uids, e);
    if (r >= 0)
        r = idmap_build(IDS_DEFAULT, host.gid, &host.subgids, "/etc/subgid", &gids, e);
    if (r < 0)
        return r;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(e, errno, "socketpair");
    pid = proc_clone(CLONE_NEWUSER, -1, NULL);
    if (pid == 0) {
        fd_close(pair[1]);
        remove_as_root(path, pair[0]);
    }
    fd_close(pair[0]);
    go = pair[1];
    if (pid < 0)
        return err_sys(e, pid, "user namespace to remove %s", path);
    directly = mapping_can_write_directly(&uids, &gids, false, host.uid, host.gid);
    r = mapping_begin(pid, &uids, &gids, directly, false, &job, e);
    if (r >= 0)
        r = mapping_finish(&job, e);
    if (r >= 0)
        r = fd_write_all(go, "g", 1);
    go = fd_close(go);
    if (proc_wait(pid, &status) < 0 || r < 0)
        return r < 0 ? r : err_sys(e, errno, "removing %s", path);
    return status == 0 ? 0 : err_set(e, EACCES, "cannot remove all of %s", path);
}

int cleanup_remove_tree(const char *path, struct err *e)
{
    int r = remove_path(path);

    if ((r == -EACCES || r == -EPERM || r == -ENOTEMPTY) && geteuid() != 0)
        return remove_in_userns(path, e);
    return r < 0 ? err_sys(e, r, "removing %s", path) : 0;
}

int cleanup_container(int root, const struct record *record, const struct cgroup_plan *plan, struct err *e)
{
    struct cgroup cg;
    int r = 0, r2;

    wait_for_helper(&record->net_helper);
    wait_for_helper(&record->rootfs_helper);
    if (plan->manager != CGROUP_NONE && cgroup_open(plan, &cg, NULL) == 0) {
        (void)cgroup_kill(&cg, SIGKILL, NULL);
        r = cgroup_destroy(&cg, e);
        cgroup_close(&cg);
    }
    if (record->overlay_dir) {
        r2 = cleanup_remove_tree(record->overlay_dir, r < 0 ? NULL : e);
        r = r < 0 ? r : r2;
    }
    if (r < 0)
        return r;
    return state_remove(root, record->id, e);
}
