// SPDX-License-Identifier: Apache-2.0
/* What the host offers the caller, probed once before planning. Plain data: tests plan with made-up hosts. */
#ifndef LICHEN_CREATE_HOST_H
#define LICHEN_CREATE_HOST_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "create/anchor.h"
#include "userns/idmap.h"

struct host {
    uid_t uid; /* effective */
    gid_t gid;
    bool initial_userns; /* /proc/self/uid_map is "0 0 4294967295" */
    bool privileged;     /* root with CAP_SYS_ADMIN in the initial user namespace: behave as runc does */
    bool namespace_root; /* root with CAP_SYS_ADMIN in a user namespace (podman, buildah, lichen unshare) */
    bool ranges_loaded;
    struct subid_ranges subuids, subgids; /* loaded only when a default map has to be made */
    struct cgroup_host cgroup;
    uint64_t bounding; /* the caller's capability bounding set, as bits */
    bool apparmor, selinux;
    const struct anchor *anchor; /* one that is there; NULL none */
};

/* Look at the calling process and the host. Returns 0 or -errno. */
int host_probe(struct host *ret, struct err *e);
int host_load_ranges(struct host *host, struct err *e);

#endif
