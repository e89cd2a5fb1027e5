// SPDX-License-Identifier: Apache-2.0
/* An existing container as a later verb sees it: its directory, record, observed status. */
#ifndef LICHEN_CREATE_CONTAINER_H
#define LICHEN_CREATE_CONTAINER_H

#include <stdbool.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "create/notify.h"
#include "security/seccomp.h"
#include "spec/spec.h"
#include "state/lifecycle.h"
#include "state/record.h"

struct container {
    int root; /* the state root */
    int dir;  /* ROOT/<id> */
    char *root_path;
    const char *id;
    struct record record;
};

/*
 * Open container @id below @root_option (--root or NULL). With @lock the container's lock is taken (bounded
 * wait). container_close releases everything. Returns 0 or -errno (-ENOENT: "container does not exist").
 */
int container_open(const char *root_option, const char *id, bool lock, struct container *ret, struct err *e);
void container_close(struct container *c);

/* Remove the state directory of a container whose record cannot be read: all that delete --force can still
 * do. Returns 0 or -errno. */
int container_discard(const char *root_option, const char *id, struct err *e);

/* Open only the state root, into ret->root: for list. -ENOENT when there is none yet. */
int container_open_root(const char *root_option, struct container *ret, struct err *e);

/* The status, derived from what can be observed now (state/lifecycle.h). Takes no lock. */
enum lifecycle_status container_status(struct container *c);

/* A pidfd of init; -ESRCH when it is gone, another -errno when that cannot be known. */
int container_init_pidfd(const struct container *c, struct err *e);

/* Whether init still waits for start: its start socket answers. */
bool container_waits_for_start(const struct container *c);

/* The configuration frozen at create. Returns 0 or -errno; spec_free releases it. */
int container_spec(const struct container *c, struct spec **ret, struct err *e);

/*
 * What exec needs of it, kept apart so that a start of one more process does not parse it all: the process
 * object (zeroed without one) and the compiled filter. Strings belong to @arena; seccomp_filter_free releases
 * the filter. Returns 0 or -errno.
 */
int container_process(const struct container *c, struct arena *arena, struct spec_process *ret,
                      struct err *e);
int container_filter(const struct container *c, struct seccomp_filter *ret, struct err *e);

/* Kill a create that is still at work on @c, and wait for its end (bounded). */
void container_end_creator(const struct container *c);

/* Write all three into the new state directory @dir. Returns 0 or -errno. */
int container_freeze(int dir, const char *config, size_t size, const struct seccomp_filter *filter,
                     struct err *e);

/* The container's cgroup plan from the record, and the cgroup itself (-ENOENT when gone). */
void container_cgroup_plan(const struct container *c, struct cgroup_plan *ret);
int container_cgroup(const struct container *c, struct cgroup *ret, struct err *e);

/* The error for what needs a cgroup, when @c has none: names why. Returns -EOPNOTSUPP. */
int container_no_cgroup(const struct container *c, const char *what, struct err *e);

/*
 * Change the limits to what @patch, the text of a linux.resources object, names; the rest stays
 * (cgroup_update). Device rules in it are left alone, as in runc. Kept in the record. Returns 0 or -errno.
 */
int container_update(struct container *c, const char *patch, size_t size, struct err *e);

/*
 * Add the mounts that @text lists (spec_parse_mounts) to a running container, or (not @add) unmount their
 * destinations. Added are all or none. Returns 0 or -errno.
 */
int container_mounts(struct container *c, const char *text, size_t size, bool add, struct err *e);

/* The verbs. Each checks the status first. */
/* *ret_notify: what notify_forward wants, made before the process runs; released by the caller. */
int container_start(struct container *c, struct notify *ret_notify, struct err *e);
int container_kill(struct container *c, int signal, bool all, struct err *e);
/* @force: kill first, cope with half-made containers, and -ENOENT is success. */
int container_delete(struct container *c, bool force, struct err *e);
int container_pause(struct container *c, bool pause, struct err *e);

/* Release init of the container of @record: START over @sock, then wait for the exec or its failure;
 * meanwhile hand a seccomp listener to the agent. */
int container_release(int sock, const struct record *record, struct err *e);

#endif
