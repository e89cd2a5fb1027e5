// SPDX-License-Identifier: Apache-2.0
/* System calls that are not let through: by an old kernel, or by the seccomp profile of a container around
 * us. */
#ifndef LICHEN_CREATE_DENIED_H
#define LICHEN_CREATE_DENIED_H

#include "base/err.h"

/*
 * For an error with EPERM or ENOSYS, which alone say nothing about the reason: tries each system call that
 * there is no other way around, in a child with namespaces of its own, and when one is denied puts that into
 * the remedy. @e stays as it is where all of them work or nothing can be tried. For the failure path: a few
 * milliseconds.
 */
void denied_explain(struct err *e);

/* doctor's probe: 0, or -errno with the denied calls and what to do in @e. */
int denied_probe(struct err *e);

#endif
