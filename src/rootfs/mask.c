// SPDX-License-Identifier: Apache-2.0
/* Masked and read-only paths. Runs in init. */
#include "rootfs/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "rootfs/mount.h"
#include "rootfs/mountapi.h"

int mask_open_null(struct err *e)
{
    _cleanup_close_ int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return err_sys(e, errno, "/dev/null");
    if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
        return err_set(e, EINVAL, "/dev/null is not the null device; masked paths cannot be hidden");
    return TAKE_FD(fd);
}

/* One empty read-only tmpfs serves every masked directory. */
static int make_empty(struct err *e)
{
    _cleanup_close_ int fs = mnt_fsopen("tmpfs");
    int r;

    if (fs < 0)
        return err_sys(e, fs, "linux.maskedPaths: tmpfs");
    (void)mnt_fsconfig_set(fs, "size", "0");
    (void)mnt_fsconfig_set(fs, "nr_inodes", "1");
    (void)mnt_fsconfig_set(fs, "mode", "0755");
    r = mnt_fsconfig_create(fs);
    if (r >= 0)
        r = mnt_fsmount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return r < 0 ? err_sys(e, r, "linux.maskedPaths: tmpfs") : r;
}

int mask_paths(int root, const struct spec_strings *paths, int null_fd, struct err *e)
{
    _cleanup_close_ int empty = -1;

    for (size_t i = 0; i < paths->n; i++) {
        _cleanup_close_ int target = path_open_in_root(root, paths->v[i], O_PATH, 0);
        struct stat st;
        int r;

        if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
            continue; /* nothing there, or nothing the container could reach */
        if (target < 0 || fstat(target, &st) < 0)
            return err_sys(e, target < 0 ? target : errno, "linux.maskedPaths[%zu] %s", i, paths->v[i]);
        if (S_ISDIR(st.st_mode)) {
            bool first = empty < 0;

            if (first)
                empty = make_empty(e);
            if (empty < 0)
                return empty;
            /* Before Linux 6.15 only an attached mount can be cloned (EINVAL): the first one is attached
             * itself. */
            r = first ? mnt_attach(empty, target) : mount_bind_fd(empty, target, 0);
        } else {
            r = mount_bind_fd(null_fd, target, 0);
        }
        if (r < 0)
            return err_sys(e, r, "linux.maskedPaths[%zu] %s", i, paths->v[i]);
    }
    return 0;
}

int readonly_paths(int root, const struct spec_strings *paths, struct err *e)
{
    for (size_t i = 0; i < paths->n; i++) {
        _cleanup_close_ int target = path_open_in_root(root, paths->v[i], O_PATH, 0), tree = -1;
        int r;

        if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
            continue;
        if (target < 0)
            return err_sys(e, target, "linux.readonlyPaths[%zu] %s", i, paths->v[i]);
        tree = mnt_clone_tree(target, "", true, false);
        r = tree < 0 ? tree : mnt_setattr(tree, MOUNT_ATTR_RDONLY, 0, 0, true);
        if (r >= 0)
            r = mnt_attach(tree, target);
        if (r < 0)
            return err_sys(e, r, "linux.readonlyPaths[%zu] %s", i, paths->v[i]);
    }
    return 0;
}
