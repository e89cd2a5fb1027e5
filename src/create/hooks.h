// SPDX-License-Identifier: Apache-2.0
/* Hooks: config.md "POSIX-platform Hooks". */
#ifndef LICHEN_CREATE_HOOKS_H
#define LICHEN_CREATE_HOOKS_H

#include "base/err.h"
#include "spec/spec.h"
#include "state/record.h"

/*
 * Run all hooks of @kind in order, in the calling process's namespaces, each with the state on stdin, exactly
 * its own environment and its timeout. The first that fails stops the rest, except for poststop. What a
 * failing hook printed is part of the error. Returns 0 or -errno.
 */
int hooks_run(const struct spec_hooks *hooks, enum spec_hook_kind kind, const struct record *record,
              enum lifecycle_status status, struct err *e);

#endif
