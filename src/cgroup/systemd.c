// SPDX-License-Identifier: Apache-2.0
/*
 * The systemd manager: the container's cgroup is a transient scope with Delegate=yes
 * (systemd.resource-control(5)). Runs in the parent and at delete, as the caller, over the user's bus; over
 * the system's only as root in the initial user namespace.
 *
 * Two steps. begin has lichen-bus send StartTransientUnit with init's pid and returns; init mounts its root
 * meanwhile. finish waits for the job, finds the directory by where init is now, and writes the limits there
 * too: systemd knows some of them only roughly (whole per cents of CPU) and others not at all, and it must
 * know what it can, or daemon-reload would undo them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/bus.h"

#define STOP_PATIENCE_MS 5000

static int systemd_begin(struct cgroup *cg, const struct cgroup_settings *settings, pid_t pid, struct err *e)
{
    return bus_begin(&cg->plan, "start", pid, settings, &cg->bus, e);
}

/* Where init is now; it must be in the scope, whatever systemd's layout above it is. */
static int find_directory(struct cgroup *cg, pid_t pid, struct err *e)
{
    char name[16], path[sizeof(cg->plan.path)];
    _cleanup_close_ int root = -1;
    const char *leaf;
    int r;

    (void)str_format(name, sizeof(name), "%d", (int)pid);
    r = cgroup_of_process(name, path, sizeof(path));
    if (r < 0)
        return err_sys(e, r, "systemd unit %s: the cgroup of the container's init (pid %d)", cg->plan.scope,
                       (int)pid);
    leaf = strrchr(path, '/');
    if (!leaf || !str_eq(leaf + 1, cg->plan.scope))
        return err_set(e, EIO, "systemd unit %s: the container's init (pid %d) is in %s instead",
                       cg->plan.scope, (int)pid, path);
    (void)str_format(cg->plan.path, sizeof(cg->plan.path), "%s", path);
    root = cgroup_open_mount(cg->plan.mount, e);
    if (root < 0)
        return root;
    cg->dirfd = cgroup_open_below(root, path);
    if (cg->dirfd < 0)
        return err_sys(e, cg->dirfd, "the cgroup %s", path);
    cg->plan.inode = cgroup_inode(cg->dirfd);
    return 0;
}

static int systemd_finish(struct cgroup *cg, const struct cgroup_settings *settings, pid_t pid, struct err *e)
{
    int r;

    if (!cg->bus)
        return err_set(e, EINVAL, "systemd unit %s: no request was sent", cg->plan.scope);
    r = bus_finish(TAKE_PTR(cg->bus), NULL, 0, e);
    if (r >= 0)
        r = find_directory(cg, pid, e);
    return r < 0 ? r : cgroup_settings_write(settings, &cg->plan, cg->dirfd, e);
}

/* A create that died between begin and finish: the state has the scope's name, not its directory. */
static int systemd_locate(struct cgroup *cg, struct err *e)
{
    return bus_request(&cg->plan, "locate", 0, NULL, cg->plan.path, sizeof(cg->plan.path), e);
}

/* systemd may move across sessions, we may not (crun#376). */
static int systemd_attach(struct cgroup *cg, pid_t pid, struct err *e)
{
    struct err direct = { 0 };
    int r = cgroup_fs_vtable.attach(cg, pid, &direct);

    /* systemd would move to the scope itself. */
    if (cg->in_sub || (r != -EACCES && r != -EPERM)) {
        if (r < 0 && e)
            *e = direct;
        return r;
    }
    return bus_request(&cg->plan, "attach", pid, NULL, NULL, 0, e);
}

/* The unit's properties, for its lifetime, then the files as in finish. */
static int systemd_update(struct cgroup *cg, const struct cgroup_settings *settings, struct err *e)
{
    int r = 0;

    if (bus_has_words(settings))
        r = bus_request(&cg->plan, "update", 0, settings, NULL, 0, e);
    return r < 0 ? r : cgroup_settings_write(settings, &cg->plan, cg->dirfd, e);
}

static int stop_scope(const struct cgroup_plan *plan)
{
    return bus_request(plan, "stop", 0, NULL, NULL, 0, NULL);
}

static bool is_gone(const struct cgroup_plan *plan)
{
    _cleanup_close_ int root = cgroup_open_mount(plan->mount, NULL);
    _cleanup_close_ int dirfd = -1;

    if (root < 0)
        return true;
    dirfd = cgroup_open_below(root, plan->path);
    return dirfd == -ENOENT;
}

/*
 * The scope ends with its last process, so the usual delete finds it gone or going. Else it is stopped; and
 * when systemd can't be reached any more (the user logged out, /run/user vanished), the directory is removed
 * here.
 */
static int systemd_destroy(struct cgroup *cg, struct err *e)
{
    int64_t deadline = clock_now_ms() + STOP_PATIENCE_MS;

    /* Not known to be ours: it ends with its last process, if that was ours; another's is not to be stopped.
     */
    while (!cg->plan.inode && !is_gone(&cg->plan) && clock_now_ms() < deadline)
        cgroup_pause_ms(10);
    if (!cg->plan.inode)
        return 0;
    if (is_gone(&cg->plan) || (stop_scope(&cg->plan) >= 0 && is_gone(&cg->plan)))
        return 0;
    /* systemd removes the directory soon after the job: whoever comes first. */
    return cgroup_remove(&cg->plan, STOP_PATIENCE_MS, e);
}

const struct cgroup_vtable cgroup_systemd_vtable = {
    .begin = systemd_begin,
    .finish = systemd_finish,
    .locate = systemd_locate,
    .attach = systemd_attach,
    .update = systemd_update,
    .destroy = systemd_destroy,
};
