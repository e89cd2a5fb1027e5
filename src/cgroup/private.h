// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share; nobody else includes it. */
#ifndef LICHEN_CGROUP_PRIVATE_H
#define LICHEN_CGROUP_PRIVATE_H

#include "base/clock.h"
#include "base/mem.h"
#include "cgroup/cgroup.h"

/* One thing to write into the container's cgroup. */
struct cgroup_setting {
    const char *field;   /* the spec's: "linux.resources.memory.limit" */
    const char *file;    /* "memory.max" */
    const char *value;   /* as written; several settings may name one file (io.max: a line per device) */
    const char *instead; /* a file that, where it exists, makes this setting unnecessary; NULL */
    unsigned controller; /* CGROUP_*; 0 for cgroup.* files */
    bool nothing;        /* asks for no more than a new cgroup has ("max"): fine without the controller */
    bool optional;       /* skipped where the file is missing */
};

struct cgroup_settings {
    struct arena arena;
    size_t n;
    struct cgroup_setting *v;
};

/*
 * linux.resources as cgroup v2 settings, in the order to write them. Pure. Values that only cgroup v1 knows
 * are refused by name. The list is released by cgroup_settings_free. Returns 0 or -EINVAL / -EOPNOTSUPP.
 */
int cgroup_settings_make(const struct spec_resources *resources, struct cgroup_settings *ret, struct err *e);
void cgroup_settings_free(struct cgroup_settings *s);

#define _cleanup_settings_ __attribute__((cleanup(cgroup_settings_free)))

/* The controllers the settings can't do without. */
unsigned cgroup_settings_needed(const struct cgroup_settings *s);

/* The first setting that needs one of @controllers; with 0, the first that asks for anything. NULL when none
 * does. */
const struct cgroup_setting *cgroup_settings_find(const struct cgroup_settings *s, unsigned controllers);

/* Write the settings below @dirfd. Returns 0 or -errno, naming field, file and value, or the missing
 * controller and @plan's way to get it. */
int cgroup_settings_write(const struct cgroup_settings *s, const struct cgroup_plan *plan, int dirfd,
                          struct err *e);

/* *@change with what update needs of @current beside it (cgroup.h, cgroup_update). Pure. */
struct spec_resources cgroup_change_complete(const struct spec_resources *current,
                                             const struct spec_resources *change);

/* cpu.shares (2..262144) as cpu.weight (1..10000), blkio weight (10..1000) as io.weight (1..10000). */
uint64_t cgroup_weight_of_shares(uint64_t shares);
uint64_t cgroup_io_weight(uint64_t weight);

/* How systemd's unit properties say what a cgroup file says. */
enum cgroup_property_type {
    PROPERTY_LIMIT,  /* t: a number or "max" */
    PROPERTY_NUMBER, /* t */
    PROPERTY_QUOTA,  /* cpu.max: CPUQuotaPeriodUSec and CPUQuotaPerSecUSec, t each */
    PROPERTY_SET,    /* ay: a bit mask made of "0-3,7" */
};

struct cgroup_property {
    const char *file;
    const char *name;
    enum cgroup_property_type type;
};

/* The property for @file, or NULL when systemd has none and the file alone has to do. */
const struct cgroup_property *cgroup_property_of(const char *file);

/* "50000 100000" or "max 100000" -> period and microseconds per second (UINT64_MAX: none), rounded up to what
 * systemd keeps (10 ms). False when @value is neither. */
bool cgroup_quota(const char *value, uint64_t *ret_per_sec, uint64_t *ret_period);

/* A list such as "0-3,7" as a little-endian bit mask of at most @size bytes. Returns the bytes used or
 * -EINVAL / -ERANGE. */
int cgroup_bitmask(const char *list, uint8_t *mask, size_t size);

/* "memory" -> CGROUP_MEMORY; 0 for an unknown one. */
unsigned cgroup_controller_by_name(const char *name, size_t len);
/* A cgroup.controllers line as bits. */
unsigned cgroup_controllers_parse(const char *text);
/* Bits as "cpu memory pids", each with @prefix before it. Fills @buf (64 bytes are enough) and returns it. */
const char *cgroup_controllers_text(unsigned controllers, const char *prefix, char *buf, size_t size);

/* Put the way to delegate @controllers to an unprivileged user into the record. */
int cgroup_delegate_remedy(struct err *e, unsigned controllers);

/* Every controller of enum cgroup_controller that systemd can enable for a unit
 * (systemd.resource-control(5)). */
#define CGROUP_SYSTEMD_CONTROLLERS (CGROUP_CPU | CGROUP_CPUSET | CGROUP_IO | CGROUP_MEMORY | CGROUP_PIDS)

/* A manager: what differs between a scope and a directory. Any may be NULL: nothing to do. */
struct cgroup_vtable {
    int (*begin)(struct cgroup *cg, const struct cgroup_settings *settings, pid_t pid, struct err *e);
    int (*finish)(struct cgroup *cg, const struct cgroup_settings *settings, pid_t pid, struct err *e);
    int (*locate)(struct cgroup *cg, struct err *e); /* fill plan.path when the state lacks it; -ENOENT */
    int (*attach)(struct cgroup *cg, pid_t pid, struct err *e);
    int (*update)(struct cgroup *cg, const struct cgroup_settings *settings, struct err *e);
    int (*destroy)(struct cgroup *cg, struct err *e);
};

extern const struct cgroup_vtable cgroup_fs_vtable;
extern const struct cgroup_vtable cgroup_systemd_vtable;

/* Release the request a scope's begin left open; NULL is fine. */
void cgroup_bus_free(struct cgroup_bus *bus);

/* Descriptor of the cgroup2 mount, checked to be one. Returns it or -errno. */
int cgroup_open_mount(const char *mount, struct err *e);
/* Open @path ("/a/b") below the mount @root: no symbolic links, no "..". Returns a descriptor or -errno. */
int cgroup_open_below(int root, const char *path);

/* What tells a cgroup from a later one of the same name; 0 when that can't be found out. */
uint64_t cgroup_inode(int dirfd);

/* Remove the (empty of processes) cgroup @path with the cgroups below it, waiting while the kernel still
 * reaps, at most @patience_ms. 0 when gone. */
int cgroup_remove(const struct cgroup_plan *plan, int patience_ms, struct err *e);

/* The cgroup v2 path of a process ("self" or a number) as this cgroup namespace shows it. Returns 0 or
 * -errno. */
int cgroup_of_process(const char *process, char *path, size_t size);

/* The value of "KEY number" in a flat keyed file; -errno, -ENOENT when the key is absent. */
int cgroup_read_key(int dirfd, const char *file, const char *key, uint64_t *ret);
/* A file that holds one number; "max" is UINT64_MAX. */
int cgroup_read_number(int dirfd, const char *file, uint64_t *ret);

/* Trees deeper than this are not walked; a container's own is never (cgroup.max.depth is "max" by default).
 */
#define CGROUP_MAX_DEPTH 64
/* Names of the cgroups right below @dirfd. Returns 0 or -errno. */
int cgroup_children(int dirfd, char ***ret, size_t *ret_n);

/* A pause of @ms. */
void cgroup_pause_ms(int ms);

/* The user's id outside a user namespace that maps it to 0 (podman unshare); geteuid() else. */
uid_t cgroup_outer_uid(void);

#endif
