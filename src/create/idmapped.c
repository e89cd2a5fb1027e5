// SPDX-License-Identifier: Apache-2.0
/* Prepares id-mapped mounts: in the parent as the caller, in the stage as root of the container's user
 * namespace. The descriptors reach init by being inherited. */
#include "create/idmapped.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "rootfs/mountapi.h"
#include "userns/make.h"

static int namespace_of(const struct plan_idmap *idmap, int joined, struct err *e)
{
    int fd;

    if (idmap->uids)
        return userns_make(idmap->uids, idmap->gids, e);
    fd = fcntl(joined, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? err_sys(e, errno, "the container's user namespace") : fd;
}

static int map_bind(const struct mount_op *op, int userns, struct err *e)
{
    bool recursive = op->options.recursive_bind;
    int tree = mnt_clone_tree(AT_FDCWD, op->source, recursive, true), r;

    if (tree < 0)
        return err_sys(e, tree, "%s: bind source %s", op->field, op->source);
    r = mnt_set_idmap(tree, userns, op->options.idmap_recursive);
    if (r >= 0)
        return tree;
    fd_close(tree);
    err_sys(e, r, "%s: id mapping of %s", op->field, op->source);
    if (r == -EINVAL)
        return err_remedy(e,
                          "its file system has no id-mapped mounts, or it is one already; fuse-overlayfs can "
                          "map instead");
    return r == -EPERM
               ? err_remedy(e, "the file system belongs to another user namespace; fuse-overlayfs can "
                               "map instead")
               : r;
}

int idmapped_binds(const struct plan *plan, int joined, int *fds, struct err *e)
{
    for (size_t i = 0; i < plan->n_mounts; i++) {
        const struct mount_op *op = &plan->mounts[i];
        _cleanup_close_ int userns = -1;

        if (!op->options.idmap || !plan->idmaps[i].in_parent)
            continue;
        userns = namespace_of(&plan->idmaps[i], joined, e);
        if (userns >= 0)
            fds[i] = map_bind(op, userns, e);
        if (userns < 0 || fds[i] < 0)
            return err_code(e);
    }
    return 0;
}

int idmapped_filesystems(const struct plan *plan, int *fds, struct err *e)
{
    for (size_t i = 0; i < plan->n_mounts; i++) {
        if (!plan->mounts[i].options.idmap || plan->idmaps[i].in_parent)
            continue;
        fds[i] = userns_make(plan->idmaps[i].uids, plan->idmaps[i].gids, e);
        if (fds[i] < 0)
            return err_prefix(e, "%s", plan->mounts[i].field);
    }
    return 0;
}
