// SPDX-License-Identifier: Apache-2.0
/* Taking away what a container leaves: helpers, cgroup, throw-away upper, state directory. */
#ifndef LICHEN_CREATE_CLEANUP_H
#define LICHEN_CREATE_CLEANUP_H

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "state/record.h"

/*
 * After init is dead: wait (bounded) for fuse-overlayfs and lichen-net, which end by themselves, and kill
 * them if they don't; destroy the cgroup; remove the throw-away upper, with the caller's whole id range where
 * plain rights are not enough; at last the state directory, so that a failure can be tried again. Returns 0
 * or the first error.
 */
int cleanup_container(int root, const struct record *record, const struct cgroup_plan *cgroup, struct err *e);

/* Remove a tree whose files may belong to the caller's subordinate ids. Returns 0 or -errno. */
int cleanup_remove_tree(const char *path, struct err *e);

#endif
