// SPDX-License-Identifier: Apache-2.0
/*
 * cgroup v2 of a container: a manager behind one small interface. Three of them: a systemd scope (over
 * sd-bus, loaded only when asked for), a cgroup directory we may write, and none.
 *
 * Order of use:  probe (what the host offers) -> plan (which manager, pure) -> begin (before init runs) ->
 * finish (before the container's own cgroup namespace is made) -> ... -> destroy (at delete). Later verbs
 * open the cgroup from the strings kept in the state.
 */
#ifndef LICHEN_CGROUP_CGROUP_H
#define LICHEN_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

enum cgroup_manager { CGROUP_AUTO, CGROUP_NONE, CGROUP_CGROUPFS, CGROUP_SYSTEMD };

/* Controllers, as bits. */
enum cgroup_controller {
    CGROUP_CPU = 1 << 0,
    CGROUP_CPUSET = 1 << 1,
    CGROUP_IO = 1 << 2,
    CGROUP_MEMORY = 1 << 3,
    CGROUP_PIDS = 1 << 4,
    CGROUP_HUGETLB = 1 << 5,
    CGROUP_RDMA = 1 << 6,
    CGROUP_MISC = 1 << 7,
};

/* What this host offers the caller; filled by cgroup_probe. Plain data, so that planning can be tested with
 * made-up hosts. */
struct cgroup_host {
    bool unified;         /* a cgroup2 hierarchy is mounted at /sys/fs/cgroup (or hybrid at .../unified) */
    char mount[256];      /* its mount point */
    char own[1024];       /* the caller's cgroup below the mount point: "/user.slice/..." */
    bool own_writable;    /* the caller may create directories in own and move processes into them */
    unsigned controllers; /* available in own (cgroup.controllers) */
    bool hybrid;          /* the hierarchy is the one beside cgroup v1, which has the controllers */
    char delegated[1024]; /* the highest cgroup above own, or own, that the caller may write; "" none */
    unsigned delegated_controllers; /* available there */
    unsigned bus_controllers;       /* those systemd (user_bus, system_bus) can give to a unit */
    bool privileged;                /* root in the initial user namespace */
    uid_t uid;
    bool user_bus;   /* the caller's systemd answers at $DBUS_SESSION_BUS_ADDRESS or /run/user/UID/bus (socket
                        is there) */
    bool system_bus; /* systemd runs as pid 1 and the caller is root */
};

/* What the container asks for. */
struct cgroup_request {
    enum cgroup_manager
        manager; /* CGROUP_AUTO: systemd user scope -> delegated cgroupfs -> none (DESIGN.md section 5) */
    bool systemd_cgroup; /* --systemd-cgroup: cgroups_path has the form slice:prefix:name */
    const char *id;
    const char *cgroups_path; /* linux.cgroupsPath or NULL */
    const struct spec_resources *resources;
    size_t n_annotations; /* those of systemd's properties count: unit_property.h */
    const struct spec_key_value *annotations;
};

/* The decision. Strings are kept in the state and are all that later verbs need. */
struct cgroup_plan {
    enum cgroup_manager manager; /* never CGROUP_AUTO */
    bool user;                   /* systemd: the user's manager, not the system's */
    char path[1024];             /* cgroupfs: below the mount point; systemd: filled in by cgroup_finish */
    char slice[256], scope[256]; /* systemd */
    char mount[256];             /* the cgroup2 mount point */
    unsigned needed;             /* controllers the requested limits need */
    bool device_filter;          /* root: linux.resources.devices is enforced by a program of the kernel's */
    size_t n_annotations;        /* systemd, for cgroup_begin: the request's, borrowed */
    const struct spec_key_value *annotations;
    uint64_t inode;                  /* the directory's, from begin or finish on; 0: not known to be ours */
    char downgrade[ERR_MESSAGE_MAX]; /* why a default (not asked for by name) could not be had; "" none */
};

/* A running container's cgroup. */
struct cgroup {
    struct cgroup_plan plan;
    int dirfd;              /* the container's cgroup directory, -1 with CGROUP_NONE */
    bool in_sub;            /* @dirfd is one below it: cgroup_enter_sub */
    struct cgroup_bus *bus; /* systemd: the open request, until cgroup_finish */
};

/* Look at the host. Cheap (a statfs, two small files, an access check); no bus is spoken to. Returns 0 or
 * -errno. */
int cgroup_probe(struct cgroup_host *ret, struct err *e);

/*
 * Decide. An explicitly requested limit that cannot be applied is an error naming the missing controller and
 * the drop-in that delegates it; with CGROUP_AUTO and no limits, none is fine and recorded as downgrade.
 * Validates cgroupsPath (no "..", forms per manager). Pure.
 */
int cgroup_decide(const struct cgroup_host *host, const struct cgroup_request *request,
                  struct cgroup_plan *ret, struct err *e);

/* True when cgroup_begin needs the pid of a process to put in (systemd), false when it only makes a directory
 * (cgroupfs). */
bool cgroup_needs_pid(const struct cgroup_plan *plan);

/*
 * Make the cgroup: cgroupfs creates the directory, enables controllers, writes the limits and opens it, so
 * that init can be born in it (CLONE_INTO_CGROUP on ret->dirfd); systemd sends StartTransientUnit for @pid
 * without waiting. Returns 0 or -errno.
 */
int cgroup_begin(const struct cgroup_plan *plan, const struct spec_resources *resources, pid_t pid,
                 struct cgroup *ret, struct err *e);

/* systemd: wait for the job, find the directory, write what unit properties can't say. Others: nothing. @pid
 * is in it afterwards. */
int cgroup_finish(struct cgroup *cg, const struct spec_resources *resources, pid_t pid, struct err *e);

/*
 * Open an existing container's cgroup from the plan kept in the state. -ENOENT when it is gone, or when its
 * name is by now another cgroup's (plan->inode; the kernel does not reuse these numbers). Without an inode (a
 * create that did not get that far, or found the name taken) it is opened, but nothing in it is signalled,
 * frozen or removed but for an empty directory.
 */
int cgroup_open(const struct cgroup_plan *plan, struct cgroup *ret, struct err *e);

/* From here on @cg stands for the existing cgroup @path below the container's (exec --cgroup): to be born in
 * or attached to. Returns 0 or -errno (-EOPNOTSUPP with CGROUP_NONE). */
int cgroup_enter_sub(struct cgroup *cg, const char *path, struct err *e);

/* Move process @pid in (exec's fallback when CLONE_INTO_CGROUP is refused): cgroup.procs, then systemd's
 * AttachProcessesToUnit. */
int cgroup_attach(struct cgroup *cg, pid_t pid, struct err *e);

/*
 * Change limits of a running container (update): what @change names and nothing else. Where one file holds
 * two of the spec's values (quota and period; swap is counted with memory) the other is taken from @current,
 * the limits as they were asked for before. -EOPNOTSUPP with CGROUP_NONE. Returns 0 or -errno.
 */
int cgroup_update(struct cgroup *cg, const struct spec_resources *current,
                  const struct spec_resources *change, struct err *e);

/* Waiting for the OOM killer in a container's cgroup. */
struct cgroup_watch {
    int fd; /* memory.events: poll it for POLLPRI; -1 without the memory controller */
    uint64_t kills;
};

/* Begin: what was killed before does not count. cgroup_watch_end closes. */
void cgroup_watch_begin(struct cgroup *cg, struct cgroup_watch *ret);
/* How many processes were killed since the last call. */
uint64_t cgroup_watch_kills(struct cgroup_watch *w);
void cgroup_watch_end(struct cgroup_watch *w);

/* cgroup.freeze; waits (bounded) until cgroup.events says so. -EOPNOTSUPP with CGROUP_NONE. */
int cgroup_freeze(struct cgroup *cg, bool frozen, struct err *e);
/* 1 frozen, 0 not, -errno. */
int cgroup_is_frozen(struct cgroup *cg);

/* Send @signal to every process in the cgroup and below (cgroup.kill for SIGKILL where there is one; else
 * read and signal until none is new). */
int cgroup_kill(struct cgroup *cg, int signal, struct err *e);

/* Pids in the cgroup and below, as seen in the caller's pid namespace; malloc'ed array. Returns 0 or -errno.
 */
int cgroup_pids(struct cgroup *cg, pid_t **ret, size_t *ret_n);

/* Statistics as a JSON object in runc's `events --stats` shape ("data" member): cpu, memory, pids, blkio,
 * hugetlb. Appended to @out. */
int cgroup_stats(struct cgroup *cg, struct buf *out, struct err *e);

/* Remove the cgroup with all below it (retrying while the kernel still reaps, bounded), stop the scope. 0
 * when already gone. */
int cgroup_destroy(struct cgroup *cg, struct err *e);

/* Close descriptors and the bus. */
void cgroup_close(struct cgroup *cg);

/* "systemd", "cgroupfs", "disabled" (crun's words; "none" too). Returns 0 or -EINVAL. */
int cgroup_manager_parse(const char *text, enum cgroup_manager *ret, struct err *e);
const char *cgroup_manager_name(enum cgroup_manager manager);

#endif
