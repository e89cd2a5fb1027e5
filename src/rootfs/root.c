// SPDX-License-Identifier: Apache-2.0
/* The root file system as a mount. Runs in init. */
#include "rootfs/root.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "rootfs/mountapi.h"

static unsigned long propagation_flags(const char *name)
{
    static const struct {
        const char *name;
        unsigned long flags;
    } rows[] = {
        { "private", MS_PRIVATE },       { "rprivate", MS_PRIVATE | MS_REC },
        { "slave", MS_SLAVE },           { "rslave", MS_SLAVE | MS_REC },
        { "shared", MS_SHARED },         { "rshared", MS_SHARED | MS_REC },
        { "unbindable", MS_UNBINDABLE }, { "runbindable", MS_UNBINDABLE | MS_REC },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (str_eq(name, rows[i].name))
            return rows[i].flags;
    }
    return MS_SLAVE | MS_REC;
}

int root_isolate_propagation(const char *propagation, struct err *e)
{
    unsigned long flags = propagation_flags(propagation);
    int r;

    /* "shared" on the whole tree would send the container's mounts to the host; only the container's own root
     * may be it. */
    if (flags & MS_SHARED)
        flags = MS_SLAVE;
    /* Of an unbindable tree neither the root nor any mount's source could be taken; to the host it is
     * private. */
    if (flags & MS_UNBINDABLE)
        flags = MS_PRIVATE;
    r = mnt_mount(NULL, "/", NULL, flags | MS_REC, NULL);
    return r < 0 ? err_sys(e, r, "cannot isolate the mount propagation of /") : 0;
}

int root_bind_directory(const char *rootfs, struct err *e)
{
    _cleanup_close_ int tree = -1, target = -1;
    int r;

    tree = mnt_clone_tree(AT_FDCWD, rootfs, true, true);
    if (tree < 0)
        return err_sys(e, tree, "root.path %s", rootfs);
    target = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target < 0)
        return err_sys(e, errno, "root.path %s", rootfs);
    r = mnt_attach(tree, target);
    return r < 0 ? err_sys(e, r, "root.path %s: cannot make it a mount", rootfs) : 0;
}

int root_open(const char *path, struct err *e)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? err_sys(e, errno, "root file system %s", path) : fd;
}

/* For hosts whose own root cannot be pivoted away from (an initramfs). */
static int enter_by_move(struct err *e)
{
    int r = mnt_mount(".", "/", NULL, MS_MOVE, NULL);

    if (r < 0)
        return err_sys(e, r, "--no-pivot: cannot move the root file system to /");
    if (chroot(".") < 0 || chdir("/") < 0)
        return err_sys(e, errno, "--no-pivot: chroot");
    return 0;
}

int root_enter(int root, bool no_pivot, struct err *e)
{
    _cleanup_close_ int old = -1;
    int r;

    old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old < 0)
        return err_sys(e, errno, "open /");
    if (fchdir(root) < 0)
        return err_sys(e, errno, "cannot change to the root file system");
    if (no_pivot)
        return enter_by_move(e);
    /* pivot_root(2), "pivot_root(".", ".")": the old root ends up stacked on the new one. */
    r = mnt_pivot_root(".", ".");
    if (r < 0) {
        err_sys(e, r, "pivot_root");
        return r == -EINVAL ? err_remedy(e, "if the host runs from an initramfs, use --no-pivot") : r;
    }
    if (fchdir(old) < 0)
        return err_sys(e, errno, "cannot change to the old root");
    /* The detach must not reach the host's mounts: slave, not private, so that no mount is briefly pinned. */
    r = mnt_mount("", ".", "", MS_SLAVE | MS_REC, NULL);
    if (r < 0)
        return err_sys(e, r, "cannot isolate the old root");
    r = mnt_umount(".", MNT_DETACH);
    if (r < 0)
        return err_sys(e, r, "cannot detach the old root");
    return chdir("/") < 0 ? err_sys(e, errno, "chdir /") : 0;
}

int root_set_propagation(const char *propagation, struct err *e)
{
    int r;

    if (!propagation)
        return 0;
    r = mnt_mount(NULL, "/", NULL, propagation_flags(propagation), NULL);
    return r < 0 ? err_sys(e, r, "linux.rootfsPropagation %s", propagation) : 0;
}

int root_make_readonly(struct err *e)
{
    _cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (root < 0)
        return err_sys(e, errno, "open /");
    r = mnt_setattr(root, MOUNT_ATTR_RDONLY, 0, 0, false);
    return r < 0 ? err_sys(e, r, "root.readonly") : 0;
}
