// SPDX-License-Identifier: Apache-2.0
/* Giving a child's user namespace its maps: newuidmap(1) and newgidmap(1), or a direct write where the kernel
 * allows. */
#ifndef LICHEN_USERNS_MAPPING_H
#define LICHEN_USERNS_MAPPING_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "userns/idmap.h"

/* The two helpers while they run; see mapping_begin. */
struct mapping_job {
    pid_t uid_pid, gid_pid; /* 0: nothing to wait for */
    int uid_err, gid_err;   /* read ends of what the helpers print on stderr, -1 none */
};

/*
 * How the caller will write maps, decided by plan: directly (it is root in the current user namespace with
 * CAP_SETUID, or each map is the one line "X own 1"), or by the helpers.
 */
bool mapping_can_write_directly(const struct idmap *uids, const struct idmap *gids, bool privileged,
                                uid_t own_uid, gid_t own_gid);

/*
 * Begin to map process @pid: the direct write happens at once; the two helpers are started, both at the same
 * time, and go on while the caller does other things. Runs in the parent. Returns 0 or -errno.
 */
int mapping_begin(pid_t pid, const struct idmap *uids, const struct idmap *gids, bool directly,
                  bool privileged, struct mapping_job *ret, struct err *e);

/* Wait for the helpers. A failure carries what the helper said and the remedy that fits. Returns 0 or -errno.
 */
int mapping_finish(struct mapping_job *job, struct err *e);

/* Why newuidmap could not work on this host: not installed, neither setuid nor with cap_setuid, or
 * no_new_privs is set. Fills @e; 0 = fine. */
int mapping_probe_helper(const char *name, struct err *e);

#endif
