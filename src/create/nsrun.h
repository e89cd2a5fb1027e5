// SPDX-License-Identifier: Apache-2.0
/* Running one function in a child with a user namespace (and others) of its own: removing trees of
 * subordinate owners, doctor's probes. */
#ifndef LICHEN_CREATE_NSRUN_H
#define LICHEN_CREATE_NSRUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "create/host.h"

enum nsrun_ids {
    NSRUN_ONE_ID,  /* the caller as root, written directly: no newuidmap */
    NSRUN_ALL_IDS, /* the caller as root and all its subordinate ids */
};

/*
 * Clone a child with CLONE_NEWUSER | @flags, map it, run @function(@argument) in it as root of the namespace,
 * and bring its error record back. The child makes no output and leaves nothing. Returns 0 or -errno of the
 * mapping or of @function.
 */
int nsrun(uint64_t flags, enum nsrun_ids ids, int (*function)(void *argument, struct err *e), void *argument,
          struct err *e);

#endif
