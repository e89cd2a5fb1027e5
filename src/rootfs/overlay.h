// SPDX-License-Identifier: Apache-2.0
/*
 * Layered root file systems. Two drivers: the kernel's overlay (userxattr, Linux >= 5.11) and fuse-overlayfs.
 *
 * fuse-overlayfs is never let to mount by path: a FUSE daemon that holds its own mount's namespace pins it
 * for ever. init opens /dev/fuse and mounts it with fd=N in the container's mount namespace; the stage
 * process, which stays in the caller's mount namespace but in the same user namespace, becomes
 * "fuse-overlayfs -f /dev/fd/N". When the container's last process is gone, so is the mount namespace, the
 * kernel ends the connection and fuse-overlayfs exits by itself: nothing to unmount, nothing left after
 * SIGKILL.
 */
#ifndef LICHEN_ROOTFS_OVERLAY_H
#define LICHEN_ROOTFS_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

enum rootfs_driver { ROOTFS_AUTO, ROOTFS_DIR, ROOTFS_OVERLAY, ROOTFS_FUSE };

struct overlay_spec {
    const char *lower; /* ':'-separated, topmost first, absolute */
    const char *upper; /* NULL: the layers are shown read-only */
    const char *work;
    bool volatile_data; /* a throw-away upper: no fsync on copy-up */
    /* fuse-overlayfs only: "container:host:size" lines for ids that must be shifted or squashed; NULL = none
     */
    const char *uid_mapping, *gid_mapping;
    bool squash_to_root;
};

/* "auto", "dir", "overlay", "fuse-overlayfs". Returns 0 or -EINVAL. */
int rootfs_driver_parse(const char *text, enum rootfs_driver *ret, struct err *e);
const char *rootfs_driver_name(enum rootfs_driver driver);

/* Mount the kernel's overlay on the directory @target (a path). Runs in init. Returns 0 or -errno. */
int overlay_mount_kernel(const struct overlay_spec *o, const char *target, struct err *e);

/*
 * Open /dev/fuse and mount it on @target in the calling process's mount namespace. Runs in init. *ret_fuse_fd
 * is what fuse-overlayfs must be given; until it answers, accesses wait in the kernel. Returns 0 or -errno.
 */
int overlay_mount_fuse(const char *target, int *ret_fuse_fd, struct err *e);

/*
 * Become fuse-overlayfs serving @fuse_fd: closes everything else, stdin and stdout on /dev/null, stderr on
 * @log_fd, new session. Runs in the stage, in the container's user namespace and the caller's mount
 * namespace. Returns -errno only when exec fails.
 */
int overlay_exec_fuse(const struct overlay_spec *o, const char *program, int fuse_fd, int log_fd,
                      struct err *e);

/* Where fuse-overlayfs is: $LICHEN_FUSE_OVERLAYFS, then $PATH, then the usual places. Arena string, or NULL.
 */
const char *overlay_find_fuse(struct arena *arena);

#endif
