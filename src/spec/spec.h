// SPDX-License-Identifier: Apache-2.0
/*
 * The OCI runtime configuration (config.json, runtime-spec 1.3) as plain structs.
 *
 * Everything is parsed and validated before anything is forked (docs/architecture.md). The structs hold what
 * was asked, in the spec's units; turning it into kernel flags is the domain folders' and create/plan.c's
 * work. Strings and arrays belong to the spec's arena and live as long as the struct spec. A NULL string, a
 * zero count or a false `has_` flag mean "absent".
 */
#ifndef LICHEN_SPEC_SPEC_H
#define LICHEN_SPEC_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

#define SPEC_VERSION "1.3.0"
/* Larger files are refused before parsing. */
#define SPEC_MAX_SIZE (16U << 20)

/* Optional numbers of the spec: absent and 0 mean different things. */
struct opt_u64 {
    bool set;
    uint64_t value;
};
struct opt_i64 {
    bool set;
    int64_t value;
};
struct opt_bool {
    bool set;
    bool value;
};

struct spec_strings {
    size_t n;
    const char **v; /* n strings and a NULL */
};

struct spec_key_value {
    const char *key;
    const char *value;
};

/* config.md, "Process" */
struct spec_rlimit {
    int resource; /* RLIMIT_* */
    const char *name;
    uint64_t soft, hard; /* RLIM_INFINITY passes through */
};

enum spec_cap_set {
    CAP_SET_BOUNDING,
    CAP_SET_EFFECTIVE,
    CAP_SET_INHERITABLE,
    CAP_SET_PERMITTED,
    CAP_SET_AMBIENT,
    CAP_SET_N
};

struct spec_capabilities {
    bool set;                    /* the object was there; otherwise the process gets none (rootful) */
    uint64_t mask[CAP_SET_N];    /* bit = capability number */
    struct spec_strings unknown; /* names this build does not know: warned about, as the spec asks */
};

struct spec_user {
    uint32_t uid, gid;
    bool has_umask;
    mode_t umask;
    size_t n_additional_gids;
    gid_t *additional_gids;
};

struct spec_scheduler {
    bool set;
    int policy; /* SCHED_* */
    int32_t nice;
    uint64_t flags;                     /* SCHED_FLAG_* */
    uint64_t runtime, deadline, period; /* ns */
    int32_t priority;
};

struct spec_process {
    bool terminal;
    uint16_t console_height, console_width; /* characters; 0 = not given */
    struct spec_strings args;
    struct spec_strings env;
    const char *cwd;
    struct spec_user user;
    struct spec_capabilities capabilities;
    size_t n_rlimits;
    struct spec_rlimit *rlimits;
    bool no_new_privileges;
    struct opt_i64 oom_score_adj;
    const char *apparmor_profile;
    const char *selinux_label;
    struct spec_scheduler scheduler;
    struct {
        bool set;
        int class; /* IOPRIO_CLASS_* */
        int priority;
    } io_priority;
    struct {
        const char *initial, *final; /* CPU lists ("0-3,7"); exec only */
    } exec_cpu_affinity;
};

/* Lists of CPUs and of memory nodes have numbers below these. */
#define SPEC_MAX_CPUS  8192
#define SPEC_MAX_NODES 1024

/* config.md, "Mounts"; options stay strings here, rootfs/mntopts.c knows them */
struct spec_id_mapping {
    uint32_t container_id, host_id, size;
};

struct spec_mount {
    const char *destination;
    const char *type;   /* may be NULL */
    const char *source; /* may be NULL */
    struct spec_strings options;
    size_t n_uid_mappings, n_gid_mappings;
    struct spec_id_mapping *uid_mappings, *gid_mappings;
};

/* config.md, "POSIX-platform Hooks" */
enum spec_hook_kind {
    HOOK_PRESTART,
    HOOK_CREATE_RUNTIME,
    HOOK_CREATE_CONTAINER,
    HOOK_START_CONTAINER,
    HOOK_POSTSTART,
    HOOK_POSTSTOP,
    HOOK_KIND_N
};

struct spec_hook {
    const char *path;
    struct spec_strings args;
    struct spec_strings env;
    int timeout; /* s; 0 = none */
};

struct spec_hooks {
    size_t n[HOOK_KIND_N];
    struct spec_hook *v[HOOK_KIND_N];
};

/* config-linux.md, "Namespaces" */
enum spec_ns { NS_USER, NS_MOUNT, NS_PID, NS_NETWORK, NS_IPC, NS_UTS, NS_CGROUP, NS_TIME, NS_N };

struct spec_namespace {
    bool present;
    const char *path; /* NULL: a new one */
};

struct spec_device {
    const char *path;
    char type; /* 'c' (and 'u'), 'b', 'p' */
    unsigned major, minor;
    bool has_mode;
    mode_t mode; /* permission bits */
    uint32_t uid, gid;
};

/* config-linux.md, "Network Devices" */
struct spec_net_device {
    const char *name;     /* on the host */
    const char *new_name; /* in the container; NULL: the same. May hold one "%d" for the kernel to fill in */
};

/* config-linux.md, "Control groups" */
struct spec_device_rule {
    bool allow;
    char type; /* 'a', 'c', 'b' */
    struct opt_i64 major, minor;
    const char *access; /* subset of "rwm" */
};

struct spec_io_throttle {
    unsigned major, minor;
    uint64_t rate;
};

struct spec_io_weight {
    unsigned major, minor;
    struct opt_u64 weight, leaf_weight;
};

enum spec_throttle {
    THROTTLE_READ_BPS,
    THROTTLE_WRITE_BPS,
    THROTTLE_READ_IOPS,
    THROTTLE_WRITE_IOPS,
    THROTTLE_N
};

struct spec_resources {
    struct {
        struct opt_i64 limit, reservation, swap; /* bytes, -1 = unlimited */
        struct opt_bool disable_oom_killer, use_hierarchy, check_before_update;
        struct opt_u64 swappiness;
    } memory;
    struct {
        struct opt_u64 shares;
        struct opt_i64 quota;         /* us; <0 = none */
        struct opt_u64 period, burst; /* us */
        struct opt_i64 idle;
        struct opt_i64 realtime_runtime;
        struct opt_u64 realtime_period;
        const char *cpus, *mems;
    } cpu;
    struct opt_i64 pids_limit; /* <= 0 per runc: unlimited when negative */
    struct {
        struct opt_u64 weight, leaf_weight;
        size_t n_weights;
        struct spec_io_weight *weights;
        size_t n_throttles[THROTTLE_N];
        struct spec_io_throttle *throttles[THROTTLE_N];
    } block_io;
    size_t n_hugepages;
    struct spec_hugepage {
        const char *page_size;
        uint64_t limit;
    } * hugepages;
    size_t n_rdma;
    struct spec_rdma {
        const char *device;
        struct opt_u64 handles, objects;
    } * rdma;
    size_t n_unified;
    struct spec_key_value *unified;
    size_t n_device_rules;
    struct spec_device_rule *device_rules;
};

/* config-linux.md, "Seccomp" */
struct spec_seccomp_arg {
    unsigned index;
    uint64_t value, value_two;
    uint32_t op; /* enum scmp_compare, kept as a number so that spec/ needs no libseccomp types */
};

struct spec_seccomp_rule {
    struct spec_strings names;
    uint32_t action; /* SCMP_ACT_* with the errno already put in */
    size_t n_args;
    struct spec_seccomp_arg *args;
};

struct spec_seccomp {
    bool set;
    uint32_t default_action;
    struct spec_strings architectures; /* SCMP_ARCH_* names */
    uint32_t flags;                    /* SECCOMP_FILTER_FLAG_* */
    const char *listener_path, *listener_metadata;
    size_t n_rules;
    struct spec_seccomp_rule *rules;
};

struct spec {
    struct arena arena;
    const char *oci_version;
    const char *hostname, *domainname;
    struct {
        const char *path; /* as written; relative to the bundle */
        bool readonly;
    } root;
    bool has_root;
    bool has_process;
    struct spec_process process;
    size_t n_mounts;
    struct spec_mount *mounts;
    struct spec_hooks hooks;
    size_t n_annotations;
    struct spec_key_value *annotations;

    /* linux.* */
    bool has_linux;
    struct spec_namespace namespaces[NS_N];
    size_t n_uid_mappings, n_gid_mappings;
    struct spec_id_mapping *uid_mappings, *gid_mappings;
    size_t n_devices;
    struct spec_device *devices;
    size_t n_net_devices;
    struct spec_net_device *net_devices;
    const char *cgroups_path;
    struct spec_resources resources;
    struct spec_intel_rdt {
        bool set;
        const char *clos_id; /* one name, or "/" */
        const char *l3_cache_schema, *mem_bw_schema;
        struct spec_strings schemata; /* one line each */
        bool enable_monitoring;
    } intel_rdt;
    const char *rootfs_propagation; /* validated: private, rprivate, slave, rslave, shared, rshared,
                                       unbindable, runbindable */
    struct spec_seccomp seccomp;
    size_t n_sysctl;
    struct spec_key_value *sysctl;
    struct spec_strings masked_paths, readonly_paths;
    const char *mount_label;
    struct spec_personality {
        bool set;
        unsigned long domain; /* personality(2) */
    } personality;
    struct spec_memory_policy {
        bool set;
        int mode;              /* MPOL_* */
        const char *mode_name; /* as it is written */
        int flags;             /* MPOL_F_* */
        const char *nodes;     /* a list, or NULL */
    } memory_policy;
    struct spec_time_offset {
        bool set;
        int64_t secs;
        uint32_t nanosecs;
    } time_offset_monotonic, time_offset_boottime;
};

/*
 * Parse and validate a whole config.json text of @size bytes. On success *ret is a new struct (spec_free
 * releases it). Errors name the field by its JSON path ("process.rlimits[2].type") and say what is wrong with
 * the value; a field known to runtime-spec 1.3 but not supported here is refused by name unless it asks for
 * nothing. Unknown fields are ignored, as the spec's "Extensibility" wants. Returns 0 or -EINVAL / -EFBIG.
 */
int spec_parse(const char *text, size_t size, struct spec **ret, struct err *e);

/*
 * Parse a process object alone (exec --process FILE): same checks. *process's strings belong to @arena.
 * Returns 0, -errno.
 */
int spec_parse_process(const char *text, size_t size, struct arena *arena, struct spec_process *process,
                       struct err *e);

/* Parse a resources object alone (update --resources). Strings belong to @arena. Returns 0 or -errno. */
int spec_parse_resources(const char *text, size_t size, struct arena *arena, struct spec_resources *resources,
                         struct err *e);

/* Parse a list of mounts alone (mounts add and remove): the array, or an object that has it as "mounts". The
 * list belongs to @arena. Returns 0 or -errno. */
int spec_parse_mounts(const char *text, size_t size, struct arena *arena, struct spec_mount **ret,
                      size_t *ret_n, struct err *e);

/*
 * For update, as JSON texts that spec_parse or spec_parse_resources have accepted: linux.resources of a whole
 * configuration ("{}" without), and @base with what @patch names put in its place (objects are merged, other
 * values and arrays replaced, null names nothing). Malloc'ed.
 */
char *spec_resources_of(const char *config, size_t size);
char *spec_resources_merge(const char *base, const char *patch);

/*
 * The text of the top-level member @key of a configuration that spec_parse has accepted: a slice of @text. An
 * escaped key ("pro\u0063ess") is not found: the caller must cope. Returns whether it is there.
 */
bool spec_member(const char *text, size_t size, const char *key, const char **ret, size_t *ret_size);

void spec_free(struct spec *spec);
void spec_freep(struct spec **spec);

/* The value of an annotation, or NULL. */
const char *spec_annotation(const struct spec *spec, const char *key);

#endif
