// SPDX-License-Identifier: Apache-2.0
/* doctor's probes: each prerequisite of the host, tried by doing it in a child. */
#ifndef LICHEN_CREATE_PROBE_H
#define LICHEN_CREATE_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct probe {
    const char *name;  /* for --json and the suites: "userns" */
    const char *title; /* for people */
    bool needed;       /* without it no container runs; otherwise a feature is missing */
    /* Try it. @detail (128 bytes) says what was found. 0, or -errno with cause and remedy in @e. */
    int (*run)(char *detail, size_t size, struct err *e);
};

/* Ends with a NULL name. */
extern const struct probe probes[];

#endif
