// SPDX-License-Identifier: Apache-2.0
/*
 * Id-mapped mounts (mount_setattr(2), MOUNT_ATTR_IDMAP): what must be made before init has lost the rights to
 * make it. A mount is mapped by whoever has CAP_SYS_ADMIN in the user namespace its file system belongs to:
 * the caller for what is mounted on the host, the container's root for what it mounts itself.
 */
#ifndef LICHEN_CREATE_IDMAPPED_H
#define LICHEN_CREATE_IDMAPPED_H

#include "base/err.h"
#include "create/plan.h"

/*
 * In the parent: a detached, mapped tree for each id-mapped bind of the plan, into fds[i]. @joined is the
 * user namespace the container joins, or -1. Returns 0 or -errno.
 */
int idmapped_binds(const struct plan *plan, int joined, int *fds, struct err *e);

/* In the stage, while it is dumpable: the user namespace for each id-mapped new file system, into fds[i].
 * Returns 0 or -errno. */
int idmapped_filesystems(const struct plan *plan, int *fds, struct err *e);

#endif
