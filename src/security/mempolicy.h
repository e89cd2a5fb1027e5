// SPDX-License-Identifier: Apache-2.0
/* linux.memoryPolicy: from which NUMA nodes the container's memory comes (set_mempolicy(2)). */
#ifndef LICHEN_SECURITY_MEMPOLICY_H
#define LICHEN_SECURITY_MEMPOLICY_H

#include "base/err.h"
#include "spec/spec.h"

/*
 * Whether this kernel and machine take the policy: tried in a child, before anything is created. Nothing to
 * do when it isn't set. Returns 0 or -errno.
 */
int mempolicy_check(const struct spec_memory_policy *policy, struct err *e);

/* Take it on. It is inherited and survives exec; no privilege is needed. Returns 0 or -errno. */
int mempolicy_apply(const struct spec_memory_policy *policy, struct err *e);

#endif
