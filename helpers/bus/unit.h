// SPDX-License-Identifier: Apache-2.0
/* What lichen-bus can be asked for: one function per request. */
#ifndef LICHEN_HELPERS_BUS_UNIT_H
#define LICHEN_HELPERS_BUS_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* One request as the command line says it. Strings belong to the caller. */
struct unit_request {
    bool user;         /* the user's systemd, else the system's */
    const char *unit;  /* "lichen-ID.scope" */
    const char *slice; /* start: where the scope belongs */
    pid_t pid;         /* start, attach: the process */
    size_t n_limits;
    const char *const *limits; /* start, update: "memory.max=1000", as the cgroup file says it */
    size_t n_properties;
    const char *const *properties; /* start: "NAME=VALUE" of cgroup/unit_property.h */
};

/*
 * Each returns 0 or -errno with @e naming the unit. @text (@size bytes) receives what was asked for: the
 * scope's cgroup of unit_locate; others leave it empty.
 */
typedef int unit_function(const struct unit_request *q, char *text, size_t size, struct err *e);

unit_function unit_start;  /* StartTransientUnit with q->pid inside, and the end of its job */
unit_function unit_locate; /* the scope's ControlGroup; -ENOENT: no such unit */
unit_function unit_attach; /* AttachProcessesToUnit */
unit_function unit_update; /* SetUnitProperties, for the unit's lifetime only */
unit_function unit_stop;   /* StopUnit and the end of its job; a unit that is gone is stopped */

#endif
