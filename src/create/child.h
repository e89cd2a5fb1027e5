// SPDX-License-Identifier: Apache-2.0
/* Work in a child of the verb, for what its caller must not do to itself: joining namespaces, above all. */
#ifndef LICHEN_CREATE_CHILD_H
#define LICHEN_CREATE_CHILD_H

#include "base/err.h"

/*
 * Run @function(@argument) in a child and wait for it. @sock is what reports to the caller: READY and FAILED
 * are sent for the function by what it returns, 0 or -errno with @e filled; 1 says that a child of its own
 * does. @what says in an error what could not be made. Returns 0, or the function's error.
 */
int child_run(int (*function)(void *argument, int sock, struct err *e), void *argument, const char *what,
              struct err *e);

/* The report: READY, or FAILED with @e when @r is negative. */
void child_report(int sock, int r, const struct err *e);

#endif
