// SPDX-License-Identifier: Apache-2.0
/* init's root file system work, in the order it happens. Private to src/create. */
#ifndef LICHEN_CREATE_INIT_ROOTFS_H
#define LICHEN_CREATE_INIT_ROOTFS_H

#include "create/context.h"

/* Isolate propagation, mount the root by its driver (telling the stage through @stage what it has to serve),
 * open it as *ret_root. */
int init_mount_root(struct create_context *c, int sync, int stage, int *ret_root, struct err *e);

/* Mounts, devices and links below @root. Notes go to the parent over @sync. */
int init_fill_root(struct create_context *c, int sync, int root, struct err *e);

/* Masked and read-only paths. */
int init_hide_paths(struct create_context *c, int root, struct err *e);

#endif
