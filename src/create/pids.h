// SPDX-License-Identifier: Apache-2.0
/* The processes of a container: for ps and kill --all. */
#ifndef LICHEN_CREATE_PIDS_H
#define LICHEN_CREATE_PIDS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "create/container.h"

/*
 * The pids of every process of container @c as the caller sees them: from its cgroup, or without one from its
 * pid namespace. *ret is malloc'ed. Returns 0 or -errno.
 */
int container_pids(struct container *c, pid_t **ret, size_t *ret_n, struct err *e);

/*
 * Send @signal to every process of a container that has no cgroup but a pid namespace of its own. Each is
 * held by a pidfd and looked at again before it is signalled, so that a recycled number is never hit. Returns
 * 0 or -errno.
 */
int container_signal_namespace(struct container *c, int signal, struct err *e);

#endif
