// SPDX-License-Identifier: Apache-2.0
/* process.execCPUAffinity: on which CPUs exec runs (sched_setaffinity(2)). */
#ifndef LICHEN_SECURITY_AFFINITY_H
#define LICHEN_SECURITY_AFFINITY_H

#include "base/err.h"
#include "spec/spec.h"

/* In exec's caller, before anything of it is in the container's cgroup. Returns 0 or -errno. */
int affinity_apply_initial(const struct spec_process *process, struct err *e);

/* In exec's process, in its cgroup: the final list, or, where there was only an initial one, all CPUs the
 * cgroup has. Returns 0 or -errno. */
int affinity_apply_final(const struct spec_process *process, struct err *e);

#endif
