// SPDX-License-Identifier: Apache-2.0
/* Joining the namespaces of a container that runs: for exec and mounts. */
#ifndef LICHEN_CREATE_JOIN_H
#define LICHEN_CREATE_JOIN_H

#include <sys/types.h>

#include "base/err.h"

/* Which namespaces of process @pid are not the caller's own, as CLONE_NEW* for setns(pidfd): joining one's
 * own user namespace is EINVAL. Returns 0 or -errno. */
int join_namespaces_of(pid_t pid, int *ret, struct err *e);

/* Become root of the container's user namespace that was just joined; where it maps no root, stay who we are.
 * Returns 0 or -errno. */
int join_become_root(struct err *e);

#endif
