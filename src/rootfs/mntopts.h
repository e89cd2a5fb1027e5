// SPDX-License-Identifier: Apache-2.0
/* Mount options: config.md "Linux mount options" as one table, which `features` prints too. */
#ifndef LICHEN_ROOTFS_MNTOPTS_H
#define LICHEN_ROOTFS_MNTOPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "spec/spec.h"

struct mount_options {
    uint64_t set, clear;         /* MOUNT_ATTR_* of this mount */
    uint64_t rec_set, rec_clear; /* MOUNT_ATTR_* of this mount and all below (rro, rnosuid ...) */
    size_t n_propagations;       /* applied one after the other: "slave", then "shared" is both (mount(8)) */
    struct {
        unsigned long flag; /* MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE */
        bool recursive;
    } propagations[4];
    bool bind, recursive_bind;
    bool idmap, idmap_recursive; /* an id mapping is applied to the mount (idmap, ridmap, uidMappings) */
    bool copy_up;                /* tmpcopyup: fill the new tmpfs with what the destination held */
    bool remount;
    size_t n_data; /* what is left for the file system: "key" or "key=value" */
    const char **data;
};

/*
 * Sort the option strings of @mount. @field is the mount's JSON path for errors. Later options win over
 * earlier ones, as in mount(8). The arrays belong to @arena. Returns 0 or -EINVAL.
 */
int mntopts_parse(const struct spec_mount *mount, const char *field, struct arena *arena,
                  struct mount_options *ret, struct err *e);

/* The names this table knows, for `features`, sorted; NULL-terminated. */
const char *const *mntopts_names(void);

#endif
