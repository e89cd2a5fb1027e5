// SPDX-License-Identifier: Apache-2.0
/* rlimits, oom_score_adj, scheduler, io priority: what one process is allowed to use. */
#ifndef LICHEN_SECURITY_LIMITS_H
#define LICHEN_SECURITY_LIMITS_H

#include "base/err.h"
#include "spec/spec.h"

/*
 * Check, before anything is created, that an unprivileged caller may set these: an rlimit above the hard
 * limit or an oom_score_adj below the caller's is an error naming both values (FIELD-NOTES.md). @privileged:
 * CAP_SYS_RESOURCE in the initial user namespace, nothing to check. Returns 0 or -errno.
 */
int limits_check(const struct spec_process *process, bool privileged, struct err *e);

/* The part of it about scheduler and io priority. */
int limits_check_scheduling(const struct spec_process *process, struct err *e);

/* setrlimit for each row; errors name the limit and both values. Runs in init and exec's process. */
int limits_apply_rlimits(const struct spec_process *process, struct err *e);

/* Write /proc/self/oom_score_adj (inherited by children). A no-op when absent or already so. */
int limits_apply_oom_score(const struct spec_process *process, struct err *e);

/* sched_setattr(2) and ioprio_set(2) as asked. */
int limits_apply_scheduling(const struct spec_process *process, struct err *e);

#endif
