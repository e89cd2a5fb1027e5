// SPDX-License-Identifier: Apache-2.0
/* Kernel parameters of the container's namespaces: namespaces(7), config-linux.md "Sysctl". */
#ifndef LICHEN_SECURITY_SYSCTL_H
#define LICHEN_SECURITY_SYSCTL_H

#include "base/err.h"
#include "spec/spec.h"

/*
 * Refuse, before anything is created, a parameter that does not belong to a namespace the container has of
 * its own: net.* (network), kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.* (ipc), kernel.hostname and
 * kernel.domainname (uts; refused with a pointer to the fields meant for it), user.* (user). @own[ns] says
 * which namespaces are new. Names are accepted with dots or slashes. Returns 0, -EINVAL.
 */
int sysctl_check(const struct spec *spec, const bool own[NS_N], struct err *e);

/*
 * Write them below the procfs directory @proc_fd, resolved beneath it and checked to be procfs (base/path.h).
 * Runs in init. Returns 0 or -errno naming the parameter and value.
 */
int sysctl_apply(const struct spec *spec, int proc_fd, struct err *e);

#endif
