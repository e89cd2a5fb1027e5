// SPDX-License-Identifier: Apache-2.0
/* Taking containers away. Runs in the parent and in delete, as the caller. */
#include "create/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "create/nsrun.h"
#include "create/rdt.h"
#include "state/dir.h"

#define HELPER_PATIENCE_MS 3000

/* A helper ends with the container; one that does not is stuck and is killed. */
static void wait_for_helper(const struct proc_id *id)
{
    _cleanup_close_ int fd = id->pid ? proc_open_id(id) : -1;

    if (fd < 0)
        return;
    if (proc_wait_dead(fd, HELPER_PATIENCE_MS) == 1)
        return;
    (void)proc_signal(fd, SIGKILL);
    (void)proc_wait_dead(fd, HELPER_PATIENCE_MS);
}

static int remove_path(const char *path)
{
    const char *leaf;
    _cleanup_close_ int fd = path_open_parent(path, &leaf);

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    return path_remove_tree(fd, leaf);
}

static int remove_as_root(void *path, struct err *e)
{
    int r = remove_path(path);

    return r < 0 ? err_sys(e, r, "removing %s", (const char *)path) : 0;
}

int cleanup_remove_tree(const char *path, struct err *e)
{
    int r = remove_path(path);

    if ((r == -EACCES || r == -EPERM || r == -ENOTEMPTY) && geteuid() != 0)
        return nsrun(0, NSRUN_ALL_IDS, remove_as_root, (void *)path, e);
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
    r2 = rdt_end(record, r < 0 ? NULL : e);
    r = r < 0 ? r : r2;
    if (record->overlay_dir) {
        r2 = cleanup_remove_tree(record->overlay_dir, r < 0 ? NULL : e);
        r = r < 0 ? r : r2;
    }
    if (r < 0)
        return r;
    return state_remove(root, record->id, e);
}
