// SPDX-License-Identifier: Apache-2.0
/* state.json: everything later verbs need; written atomically, complete; the bundle is never read again. */
#ifndef LICHEN_STATE_RECORD_H
#define LICHEN_STATE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "state/lifecycle.h"

struct record_pair {
    const char *key, *value;
};

/* Strings belong to the arena. */
struct record {
    struct arena arena;
    const char *id;
    const char *oci_version;
    const char *bundle;  /* absolute */
    const char *rootfs;  /* absolute path of root.path, for the state JSON */
    const char *created; /* RFC 3339, UTC, nanoseconds */
    uint32_t owner_uid;
    bool complete;          /* create has finished */
    struct proc_id creator; /* the create process, while not complete */
    struct proc_id init;
    bool has_process;  /* the config had a process; start errs without */
    bool has_hooks;    /* poststart or poststop exist in the frozen config */
    bool exec_context; /* exec needs more of the frozen config than its process: linux.personality or
                          memoryPolicy */
    bool shared_pid;   /* no pid namespace of its own */
    struct proc_id rootfs_helper; /* fuse-overlayfs, pid 0 = none */
    struct proc_id net_helper;    /* lichen-net */
    const char *overlay_dir;      /* a throw-away upper to remove at delete, or NULL */
    /* cgroup/cgroup.h, struct cgroup_plan */
    const char *cgroup_manager, *cgroup_path, *cgroup_slice, *cgroup_scope, *cgroup_mount;
    const char *cgroup_inode; /* decimal; NULL until the cgroup is made */
    bool cgroup_user;
    const char *rdt_group, *rdt_monitor; /* of resctrl (cgroup/resctrl.h), or NULL */
    bool rdt_made;
    const char *cgroup_reason; /* why there is no cgroup, or NULL */
    const char *resources;     /* JSON: linux.resources as update left it, NULL before the first one */
    const char *notify_socket; /* the service manager's, where create had one, or NULL */
    const char *seccomp_listener, *seccomp_metadata; /* the agent's socket, and what it is told; or NULL */
    const char *driver;                              /* "dir", "overlay", "fuse-overlayfs" */
    const char *id_map;                              /* "default", "keep-id", "single", "config", "none" */
    size_t n_annotations;
    struct record_pair *annotations;
    size_t n_downgrades; /* defaults that could not be applied */
    const char **downgrades;
};

/* Write ROOT/<id>/state.json atomically. Returns 0 or -errno. */
int record_write(int dir, const struct record *record, struct err *e);

/*
 * Read it. A missing or half-written file (a crash early in create) yields a record with only the id and
 * complete = false, so that state, list and delete cope; a file that is not ours or is malformed is an error.
 * record_free releases. Returns 0 or -errno.
 */
int record_read(int dir, const char *id, struct record *ret, struct err *e);

/* Parse the text alone (fuzzed). Returns 0 or -EINVAL. */
int record_parse(const char *text, size_t size, struct record *ret, struct err *e);

void record_free(struct record *record);

/* The value of an annotation of the configuration, or NULL. */
const char *record_annotation(const struct record *record, const char *key);

/* Note a default that could not be applied; @text is copied. */
void record_downgrade(struct record *record, const char *text);

/* The state JSON of runtime.md "State", with runc's extra members (created, owner, rootfs), pretty, appended
 * to @out. */
void record_state_json(const struct record *record, enum lifecycle_status status, struct buf *out);

/* The state given to hooks on stdin: compact. */
void record_hook_state(const struct record *record, enum lifecycle_status status, struct buf *out);

/* config-linux.md "The Container Process State" for process @pid, with its one descriptor "seccompFd":
 * compact. */
void record_process_state(const struct record *record, enum lifecycle_status status, pid_t pid,
                          struct buf *out);

/* Now, as RFC 3339 with nanoseconds; @buf has at least 40 bytes. */
void record_timestamp(char *buf, size_t size);

#endif
