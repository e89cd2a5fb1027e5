// SPDX-License-Identifier: Apache-2.0
/*
 * The cgroupfs manager: a directory that the caller may make, and the tree below it. Runs in the parent and
 * at delete, as the caller; every file is reached by descriptor below the cgroup2 mount, links are never
 * followed.
 *
 * Controllers. A limit's file exists in the new cgroup only when its parent's cgroup.subtree_control has the
 * controller, and the kernel refuses that (EBUSY) while the parent has processes of its own (cgroup-v2.rst
 * "No Internal Process Constraint"; the real root is exempt). On the way down what is needed and missing is
 * enabled, nothing else; never is a foreign process moved out of the way: that is an error with the remedy.
 * decide.c puts containers with limits beside the caller's cgroup rather than in it for the same reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cgroup/private.h"

#define REMOVE_PATIENCE_MS 5000

int cgroup_open_mount(const char *mount, struct err *e)
{
    _cleanup_close_ int fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;

    if (fd < 0)
        return err_sys(e, errno, "%s", mount);
    if (fstatfs(fd, &fs) < 0)
        return err_sys(e, errno, "%s", mount);
    if (fs.f_type != CGROUP2_SUPER_MAGIC)
        return err_set(e, ENODEV, "%s is not a cgroup2 mount", mount);
    return TAKE_FD(fd);
}

int cgroup_open_below(int root, const char *path)
{
    path += strspn(path, "/");
    return path_openat2(root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

static int explain_enable(int code, const char *at, unsigned missing, struct err *e)
{
    char names[64];

    err_sys(e, code, "enabling %s in %s/cgroup.subtree_control",
            cgroup_controllers_text(missing, "", names, sizeof(names)), str_eq(at, "/") ? "" : at);
    if (code == -EBUSY)
        return err_remedy(
            e, "that cgroup has processes of its own, so cgroup v2 allows no limits below it: start from a "
               "cgroup made for it (systemd-run --user --scope -p Delegate=yes ...), or use systemd");
    if (code == -EACCES || code == -EPERM || code == -EROFS)
        return err_remedy(
            e, "the cgroup is not delegated to this user: systemd-run --user --scope -p Delegate=yes ...");
    if (code == -ENOENT)
        return cgroup_delegate_remedy(e, missing);
    return code;
}

/* Have @needed enabled for the children of @dirfd. @at names it in errors. */
static int enable_controllers(int dirfd, const char *at, unsigned needed, struct err *e)
{
    _cleanup_buf_ struct buf b = { 0 };
    unsigned missing;
    char text[96];
    int r;

    if (!needed)
        return 0;
    r = fd_read_file(dirfd, "cgroup.subtree_control", 4096, &b);
    if (r < 0)
        return err_sys(e, r, "%s/cgroup.subtree_control", str_eq(at, "/") ? "" : at);
    missing = needed & ~cgroup_controllers_parse(b.data);
    if (!missing)
        return 0;
    r = fd_write_control(dirfd, "cgroup.subtree_control",
                         cgroup_controllers_text(missing, "+", text, sizeof(text)));
    return r < 0 ? explain_enable(r, at, missing, e) : 0;
}

/* An existing cgroup may be used when nobody is in it: what a crashed create left, or what an engine
 * prepared. */
static int check_empty(int dirfd, const char *path, struct err *e)
{
    uint64_t populated = 0;
    int r = cgroup_read_key(dirfd, "cgroup.events", "populated", &populated);

    if (r < 0)
        return err_sys(e, r, "%s/cgroup.events", path);
    if (!populated)
        return 0;
    err_set(e, EEXIST, "the cgroup %s is in use: it has processes", path);
    return err_remedy(
        e, "another container or program has it; choose another linux.cgroupsPath or container id");
}

/* One step down: the child @name of *dirfd, made where missing. @path is the child's. */
static int descend(int *dirfd, const char *name, const char *path, bool last, bool *ret_made, struct err *e)
{
    int next, r;

    *ret_made = mkdirat(*dirfd, name, 0755) == 0;
    if (!*ret_made && errno != EEXIST) {
        r = err_sys(e, errno, "making the cgroup %s", path);
        if (r == -EACCES || r == -EPERM || r == -EROFS)
            return err_remedy(e, "this user may not make cgroups there: leave linux.cgroupsPath out, or use "
                                 "systemd-run --user --scope -p Delegate=yes ...");
        return r;
    }
    next = cgroup_open_below(*dirfd, name);
    if (next < 0)
        return err_sys(e, next, "opening the cgroup %s", path);
    fd_close(*dirfd);
    *dirfd = next;
    return last && !*ret_made ? check_empty(next, path, e) : 0;
}

/* Walk from the mount to plan->path. *ret_made: its last component is new. */
static int make_path(const struct cgroup_plan *plan, int *ret_dirfd, bool *ret_made, struct err *e)
{
    _cleanup_close_ int dirfd = cgroup_open_mount(plan->mount, e);
    char path[sizeof(plan->path)], *at = path;
    int r;

    if (dirfd < 0)
        return dirfd;
    (void)str_format(path, sizeof(path), "%s", plan->path);
    while (*(at += strspn(at, "/"))) {
        char *end = at + strcspn(at, "/");
        bool last = end[strspn(end, "/")] == '\0';
        char keep = *end;

        at[-1] = '\0';
        r = enable_controllers(dirfd, *path ? path : "/", plan->needed, e);
        at[-1] = '/';
        if (r < 0)
            return r;
        *end = '\0';
        r = descend(&dirfd, at, path, last, ret_made, e);
        *end = keep;
        if (r < 0)
            return r;
        at = end;
    }
    *ret_dirfd = TAKE_FD(dirfd);
    return 0;
}

static int fs_begin(struct cgroup *cg, const struct cgroup_settings *settings, pid_t pid, struct err *e)
{
    bool made = false;
    int r;

    (void)pid;
    r = make_path(&cg->plan, &cg->dirfd, &made, e);
    if (r < 0)
        return r;
    r = cgroup_settings_write(settings, &cg->plan, cg->dirfd, e);
    if (r < 0 && made) {
        cg->dirfd = fd_close(cg->dirfd);
        (void)cgroup_remove(&cg->plan, 0, NULL);
    }
    return r;
}

static int fs_attach(struct cgroup *cg, pid_t pid, struct err *e)
{
    char text[16];
    int r;

    (void)str_format(text, sizeof(text), "%d", (int)pid);
    r = fd_write_control(cg->dirfd, "cgroup.procs", text);
    if (r >= 0)
        return 0;
    err_sys(e, r, "moving process %d to the cgroup %s", (int)pid, cg->plan.path);
    if (r == -EACCES)
        return err_remedy(
            e, "the caller's cgroup and the container's have no common ancestor that this user may write: "
               "run from the session in which the container was created");
    return r;
}

static int fs_update(struct cgroup *cg, const struct cgroup_settings *settings, struct err *e)
{
    return cgroup_settings_write(settings, &cg->plan, cg->dirfd, e);
}

/* Remove the directories below @dirfd, deepest first. A cgroup has no other entries that can be unlinked. */
static int remove_children(int dirfd, int depth)
{
    _cleanup_strv_ char **names = NULL;
    size_t n = 0;
    int result = 0, r = cgroup_children(dirfd, &names, &n);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        _cleanup_close_ int child = cgroup_open_below(dirfd, names[i]);

        if (child >= 0 && depth > 0)
            (void)remove_children(child, depth - 1);
        if (unlinkat(dirfd, names[i], AT_REMOVEDIR) < 0 && errno != ENOENT)
            result = -errno;
    }
    return r < 0 ? r : result;
}

static int remove_once(int parent, const char *name)
{
    _cleanup_close_ int dirfd = -1;

    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;
    dirfd = cgroup_open_below(parent, name);
    if (dirfd >= 0)
        (void)remove_children(dirfd, CGROUP_MAX_DEPTH);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int cgroup_remove(const struct cgroup_plan *plan, int patience_ms, struct err *e)
{
    _cleanup_close_ int root = cgroup_open_mount(plan->mount, e);
    _cleanup_close_ int parent = -1;
    int64_t deadline = clock_now_ms() + patience_ms;
    char dir[PATH_MAX];
    const char *leaf;
    int r;

    if (root < 0)
        return root;
    r = path_split(plan->path, dir, &leaf);
    if (r < 0)
        return err_sys(e, r, "the cgroup %s", plan->path);
    parent = cgroup_open_below(root, dir);
    if (parent < 0)
        return parent == -ENOENT ? 0 : err_sys(e, parent, "the cgroup %s", dir);
    /* A killed process leaves its cgroup only when it is reaped: EBUSY until then. */
    for (int wait = 1;; wait = wait < 50 ? wait * 2 : 50) {
        r = remove_once(parent, leaf);
        if (r != -EBUSY && r != -ENOTEMPTY)
            break;
        if (clock_now_ms() >= deadline)
            break;
        cgroup_pause_ms(wait);
    }
    if (r >= 0)
        return 0;
    err_sys(e, r, "removing the cgroup %s", plan->path);
    if (r == -EBUSY)
        (void)err_remedy(e, "processes are still in it (cgroup.procs lists them)");
    return r;
}

static int fs_destroy(struct cgroup *cg, struct err *e)
{
    int r = cgroup_remove(&cg->plan, REMOVE_PATIENCE_MS, cg->plan.inode ? e : NULL);

    /* Not known to be ours, and somebody is in it: another's. */
    return cg->plan.inode || r != -EBUSY ? r : 0;
}

const struct cgroup_vtable cgroup_fs_vtable = {
    .begin = fs_begin,
    .attach = fs_attach,
    .update = fs_update,
    .destroy = fs_destroy,
};
