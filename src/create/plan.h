// SPDX-License-Identifier: Apache-2.0
/*
 * The plan: every decision about a container, taken once, before anything is forked. plan_make is pure
 * (config, options and probed host in, plan or error out); parent, stage and init only execute it.
 * `lichen-oci create --dry-run` prints it.
 */
#ifndef LICHEN_CREATE_PLAN_H
#define LICHEN_CREATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "create/host.h"
#include "create/process.h"
#include "net/net.h"
#include "rootfs/mount.h"
#include "rootfs/overlay.h"
#include "spec/spec.h"
#include "userns/idmap.h"

/* What the command line asks of create and run. Strings are borrowed. */
struct create_options {
    const char *id;
    const char *bundle;    /* absolute, cleaned */
    const char *state_dir; /* absolute path of ROOT/<id>; the mount point of layered roots is below it */
    const char *console_socket;
    const char *pid_file;
    const char *pidfd_socket;     /* where a pidfd of init is sent, or NULL */
    const char *seccomp_receiver; /* RUN_OCI_SECCOMP_RECEIVER, crun's way to name the agent, or NULL */
    bool no_pivot, no_new_keyring;
    unsigned preserve_fds; /* descriptors 3 .. 3 + n - 1 are handed to the process, the passed ones first */
    struct process_passed passed; /* its notify is the plan's to fill in */
    const char *notify_socket;    /* the caller's NOTIFY_SOCKET, checked, or NULL */
    bool systemd_cgroup;
    enum cgroup_manager cgroup_manager;
    bool ids_given;
    enum ids_mode ids;
    const char *net;             /* --net or NULL */
    struct spec_strings publish; /* --publish */
    bool overlay;                /* --overlay: a throw-away upper over root.path */
    const char *overlay_dir;     /* with overlay: the directory that holds upper/ and work/ */
    bool detach;                 /* no terminal of the caller's to use */
};

struct plan {
    struct arena arena;
    const struct spec *spec; /* borrowed */
    struct create_options options;

    /* namespaces */
    bool make_userns, join_userns;
    bool own[NS_N];         /* a new one is made */
    const char *join[NS_N]; /* an existing one, by path */
    uint64_t clone_flags;   /* for init: the new ones except user and time */
    bool has_map;
    struct idmap uids, gids; /* of the container's user namespace, relative to the caller's */
    bool map_directly;
    bool map_privileged;
    const struct anchor *anchor; /* the namespace is made below this one; NULL: below the caller's */
    struct idmap anchor_uids, anchor_gids; /* then: the maps as they are written there */
    const char *id_map_name; /* for the state: "default", "keep-id", "single", "config", "none" */
    bool in_userns;          /* the container's processes are not in the initial user namespace */
    bool become_root;        /* container id 0 is mapped: stage and init take it on */

    /* root file system */
    enum rootfs_driver driver; /* ROOTFS_AUTO: try the kernel's overlay, then fuse-overlayfs */
    struct overlay_spec overlay;
    const char *fuse_program;
    const char *rootfs;      /* absolute path of root.path */
    const char *mount_point; /* where init mounts it: rootfs itself, or below the state directory */
    size_t n_mounts;
    struct mount_op *mounts;
    struct plan_idmap {
        bool in_parent; /* applied by the parent, with the caller's rights over the source; else the stage
                           makes the user namespace and init applies it to its new file system */
        struct idmap *uids, *gids; /* in the namespace that applies it; NULL: the joined user namespace's */
    } * idmaps;                    /* one for each of mounts, used where its options.idmap is set */
    const char *resolv_conf;       /* the file to write and bind for a slirp network, or NULL */
    bool setup_dev;                /* /dev is not the host's, bound in */
    bool bind_devices;             /* mknod is not permitted: bind the host's nodes */

    struct cgroup_plan cgroup;
    struct net_config net;
    bool setup_tap; /* a slirp network has to be set up in the new network namespace */
    bool setup_loopback;

    const char *seccomp_listener; /* the agent's socket for SCMP_ACT_NOTIFY, NULL without such a rule */
    bool terminal;
    bool runtime_hooks; /* prestart or createRuntime exist */
    struct spec_strings downgrades;
    struct spec_strings warnings; /* those of them that create and run log */
};

/*
 * Decide everything. @host's ranges are loaded by the caller when the config has no mapping of its own
 * (plan_needs_ranges). Errors name the field of config.json or the option. *ret must be released with
 * plan_free, also after an error. Returns 0 or -errno.
 */
int plan_make(const struct spec *spec, const struct create_options *options, const struct host *host,
              struct plan *ret, struct err *e);

/* Whether plan_make will look at the host's subordinate ranges. Pure. */
bool plan_needs_ranges(const struct spec *spec, const struct create_options *options,
                       const struct host *host);

void plan_free(struct plan *plan);

/* Note a default that could not be had. */
void plan_downgrade(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The plan as JSON, for --dry-run. */
void plan_print(const struct plan *plan, struct buf *out);

#endif
