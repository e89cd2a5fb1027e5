// SPDX-License-Identifier: Apache-2.0
/*
 * linux.intelRdt: cache and memory bandwidth by the kernel's resctrl file system (config-linux.md,
 * "IntelRdt"; Documentation/filesystems/resctrl.rst). Root's alone: its files belong to the host.
 */
#ifndef LICHEN_CGROUP_RESCTRL_H
#define LICHEN_CGROUP_RESCTRL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "spec/spec.h"

/* A container's groups. Names are below the resctrl mount: "ID", "CLOS/mon_groups/ID"; "." is the default
 * one. */
struct resctrl {
    char group[512];   /* "" none */
    char monitor[640]; /* "" none */
    bool made;         /* the group is the container's own, to be removed with it */
};

/*
 * Before anything is created: the caller is root in the initial user namespace (@privileged) and resctrl is
 * mounted; a group that must exist does. Nothing to do when the field isn't there. Returns 0 or -errno.
 */
int resctrl_check(const struct spec_intel_rdt *rdt, bool privileged, struct err *e);

/* A directory descriptor of the mounted resctrl file system, or -errno. */
int resctrl_open(struct err *e);

/*
 * Make or choose the groups of container @id below @root and write the schemata. On failure nothing that was
 * made is left. Returns 0 or -errno.
 */
int resctrl_begin(int root, const struct spec_intel_rdt *rdt, const char *id, struct resctrl *ret,
                  struct err *e);

/* Put process @pid (of the caller's pid namespace) in the groups. Returns 0 or -errno. */
int resctrl_add(int root, const struct resctrl *groups, pid_t pid, struct err *e);

/*
 * Change the schemata of a running container's group, if it is its own: others share the rest. @l3_cache,
 * @mem_bw: lines, or NULL. Returns 0, -EPERM for a shared group, -errno.
 */
int resctrl_update(int root, const struct resctrl *groups, const char *l3_cache, const char *mem_bw,
                   struct err *e);

/* Remove what is the container's own. Gone already is fine. Returns 0 or -errno. */
int resctrl_remove(int root, const struct resctrl *groups, struct err *e);

#endif
