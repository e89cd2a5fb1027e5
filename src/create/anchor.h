// SPDX-License-Identifier: Apache-2.0
/*
 * The anchor: a process that does nothing but keep a user namespace with all the caller's ids. A container's
 * own user namespace made below it gets its map by a plain write, where otherwise newuidmap and newgidmap
 * would have to be run for each container: most of what a start costs (docs/performance.md).
 *
 * It changes nothing about what a container is: each still has a user namespace of its own, with the same ids
 * of the host. The anchor's namespace is above them, so no capability of a container reaches into it.
 */
#ifndef LICHEN_CREATE_ANCHOR_H
#define LICHEN_CREATE_ANCHOR_H

#include "base/err.h"
#include "base/proc.h"
#include "userns/idmap.h"

struct anchor {
    int userns;              /* descriptor of the namespace; -1: there is no anchor */
    struct idmap uids, gids; /* its maps, as the caller sees them */
    struct proc_id process;
};

/* The anchor of the state root @root, as far as it is alive and the caller's. Returns 0 or -ENOENT (then
 * ret->userns is -1); anything wrong with it counts as none, since containers can do without. */
int anchor_open(int root, struct anchor *ret);
void anchor_close(struct anchor *a);

/* Start one for the state root of @root_option (--root or NULL); one that is there already is fine. Returns 0
 * or -errno.
 */
int anchor_start(const char *root_option, struct err *e);

/* End it. Containers that were made below it are not touched. Returns 0, also when there is none, or -errno.
 */
int anchor_stop(const char *root_option, struct err *e);

/*
 * The stage of create below the anchor: a child of the caller in a new user namespace with the maps @uids and
 * @gids (as the anchor's namespace writes them: idmap_below). It runs @fn(@argument). Returns the pid or
 * -errno.
 */
pid_t anchor_clone(const struct anchor *a, const struct idmap *uids, const struct idmap *gids,
                   void (*fn)(void *), void *argument, struct err *e);

#endif
