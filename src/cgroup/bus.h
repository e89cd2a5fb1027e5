// SPDX-License-Identifier: Apache-2.0
/* Requests to systemd, made by lichen-bus in a process of its own (helpers/bus); used by systemd.c. */
#ifndef LICHEN_CGROUP_BUS_H
#define LICHEN_CGROUP_BUS_H

#include <stddef.h>
#include <sys/types.h>

#include "cgroup/private.h"

/* A request under way: released by bus_finish or cgroup_bus_free. */
struct cgroup_bus {
    pid_t pid;
    int out;
};

/*
 * Start lichen-bus for @request about plan's scope: "start" (with @pid inside), "attach" (@pid), "update",
 * "stop", "locate". @pid 0: none. @settings (may be NULL) are handed on as far as systemd has properties for
 * them. Returns 0 or -errno.
 */
int bus_begin(const struct cgroup_plan *plan, const char *request, pid_t pid,
              const struct cgroup_settings *settings, struct cgroup_bus **ret, struct err *e);

/* Wait for its answer, bounded in time, and release it. @text (may be NULL, @size bytes) receives what was
 * asked for. Returns 0 or -errno with lichen-bus's error record. */
int bus_finish(struct cgroup_bus *b, char *text, size_t size, struct err *e);

/* Both. */
int bus_request(const struct cgroup_plan *plan, const char *request, pid_t pid,
                const struct cgroup_settings *settings, char *text, size_t size, struct err *e);

/* Whether systemd has a word for any of @settings. */
bool bus_has_words(const struct cgroup_settings *settings);

#endif
