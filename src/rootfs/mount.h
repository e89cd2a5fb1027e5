// SPDX-License-Identifier: Apache-2.0
/* Performing the mounts of a configuration inside a root file system that may be hostile. */
#ifndef LICHEN_ROOTFS_MOUNT_H
#define LICHEN_ROOTFS_MOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "rootfs/mntopts.h"

/* One mount as planned (create/plan.c builds these from spec_mount). */
struct mount_op {
    const char *field;       /* JSON path for errors: "mounts[3]" */
    const char *type;        /* "proc", "tmpfs", "bind" ... */
    const char *source;      /* for a bind: absolute, or relative to the bundle */
    const char *destination; /* inside the container, absolute */
    struct mount_options options;
    int tree; /* a bind's source that is cloned already (mounts add), taken; 0: cloned from @source here */
    bool force_readonly; /* the plan's own decision (a host cgroup tree is never writable) */
    bool optional;       /* a default of ours: skipped when its destination can't be made (resolv.conf on a
                            read-only root) */
};

/* What the mounts of one container share. */
struct mount_context {
    int root;       /* O_PATH descriptor of the mounted root file system */
    int prepared;   /* for an id-mapped mount, made where the rights are (create/idmapped.c): the tree of a
                       bind, already mapped; the user namespace whose map a new file system gets. Else -1 */
    char note[256]; /* the last fallback taken, for the state's downgrade list; "" none */
};

/*
 * Mount @op: the destination is resolved in-root by descriptor and made where missing (CVE-2021-30465), the
 * mount is built detached and attached to that descriptor; proc and sysfs only on a real directory
 * (CVE-2019-19921). Fallbacks (a fresh proc, sysfs or cgroup2 the kernel refuses becomes a read-only
 * recursive bind of the host's) are recorded in @c->note. Runs in init, before the pivot. Returns 0, -errno.
 */
int mount_perform(struct mount_context *c, const struct mount_op *op, struct err *e);

/*
 * Clone a bind's source into @op->tree, from a mount namespace that shows the host and is the calling
 * process's own: for mounts add, where the mount namespace that it is attached in shows the host no more.
 * Returns 0 or -errno.
 */
int mount_clone_source(struct mount_op *op, struct err *e);

/* Unmount what is mounted on @destination below the directory @root, resolved in-root; nothing but the mount
 * on top of it. @field for errors. Changes the working directory. Returns 0 or -errno (-EINVAL: nothing is
 * mounted there). */
int mount_remove(int root, const char *destination, const char *field, struct err *e);

/* Bind what @source_fd is open on (O_PATH; not followed) to the file or directory @target_fd, with
 * attributes. Returns 0 or -errno. */
int mount_bind_fd(int source_fd, int target_fd, unsigned long long attr_set);

#endif
