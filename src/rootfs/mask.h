// SPDX-License-Identifier: Apache-2.0
/* linux.maskedPaths and linux.readonlyPaths. */
#ifndef LICHEN_ROOTFS_MASK_H
#define LICHEN_ROOTFS_MASK_H

#include <stddef.h>

#include "base/err.h"
#include "spec/spec.h"

/*
 * Hide each path that exists: files under a bind of the real /dev/null @null_fd (checked to be 1:3,
 * CVE-2025-31133), directories under one shared empty read-only tmpfs. Paths that do not exist are passed
 * over. Runs in init before the pivot: binding the host's /dev/null needs the host's mounts. Returns 0 or
 * -errno.
 */
int mask_paths(int root, const struct spec_strings *paths, int null_fd, struct err *e);

/* Make each path that exists read-only, with everything mounted below it. Runs in init. Returns 0 or -errno.
 */
int readonly_paths(int root, const struct spec_strings *paths, struct err *e);

/* The host's /dev/null by O_PATH, verified to be the character device 1:3. Returns a descriptor or -errno. */
int mask_open_null(struct err *e);

#endif
