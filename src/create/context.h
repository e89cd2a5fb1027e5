// SPDX-License-Identifier: Apache-2.0
/* What the processes of create share by being forked from one another. Private to src/create. */
#ifndef LICHEN_CREATE_CONTEXT_H
#define LICHEN_CREATE_CONTEXT_H

#include "create/plan.h"
#include "security/seccomp.h"
#include "state/record.h"

struct create_context {
    const struct plan *plan;
    const struct record *record;
    struct seccomp_filter filter; /* borrowed */
    int parent_end, child_end;    /* the sync pair */
    int listen;                   /* the start socket, -1 for run (START comes over the sync pair) */
    int join[NS_N];               /* descriptors of namespaces to join, -1 none */
    int *mounts;    /* one for each mount of the plan: what create/idmapped.c prepared for it, or -1 */
    int rootfs_log; /* memfd: stderr of fuse-overlayfs, read by the parent when something fails */
};

/* The stage: in the container's user namespace, the caller's other namespaces. Never returns. */
void stage_main(struct create_context *c) __attribute__((noreturn));

/* init: pid 1 of the container. @stage_end is its half of the pair with the stage. Never returns. */
void init_main(struct create_context *c, int stage_end) __attribute__((noreturn));

#endif
