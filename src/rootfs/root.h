// SPDX-License-Identifier: Apache-2.0
/* The root of the container's file system: making it a mount, entering it. */
#ifndef LICHEN_ROOTFS_ROOT_H
#define LICHEN_ROOTFS_ROOT_H

#include <stdbool.h>

#include "base/err.h"

/*
 * First step in a new mount namespace: nothing mounted from here on reaches the host, while (unless
 * @propagation says otherwise) later host mounts still appear below shared sources. @propagation is
 * linux.rootfsPropagation or NULL.
 */
int root_isolate_propagation(const char *propagation, struct err *e);

/* Bind the directory @rootfs onto itself so that it is a mount, recursively. Returns 0 or -errno. */
int root_bind_directory(const char *rootfs, struct err *e);

/* Open the mounted root at @path: an O_PATH directory descriptor or -errno. */
int root_open(const char *path, struct err *e);

/*
 * Make the mount @root the root of the namespace and drop the old one: pivot_root(".", "."), or with
 * @no_pivot (initramfs, a root that is no mount: runc's --no-pivot) MS_MOVE + chroot, which is weaker. Then
 * the working directory is "/". Returns 0 or -errno.
 */
int root_enter(int root, bool no_pivot, struct err *e);

/* Apply linux.rootfsPropagation to the new "/" after entering. NULL does nothing. */
int root_set_propagation(const char *propagation, struct err *e);

/* root.readonly: the root mount alone becomes read-only. Runs last, after everything that creates files in
 * it. */
int root_make_readonly(struct err *e);

#endif
