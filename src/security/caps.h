// SPDX-License-Identifier: Apache-2.0
/* Capabilities of the container's process: capabilities(7). */
#ifndef LICHEN_SECURITY_CAPS_H
#define LICHEN_SECURITY_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "spec/spec.h"

/*
 * Before the change of user: drop everything outside the bounding set (PR_CAPBSET_DROP) and keep the
 * permitted set over the coming setresuid (PR_SET_KEEPCAPS). Runs in init and exec's process. Capabilities
 * the namespace lacks can't be dropped or had; that is no error. Returns 0 or -errno.
 */
int caps_drop_bounding(const struct spec_capabilities *caps, struct err *e);

/*
 * After the change of user: set effective, permitted and inheritable exactly as asked (masked by what the
 * process has: a capability it lacks is left out, as the spec says), then clear and raise the ambient set.
 * With @caps->set false everything is cleared. Inheritable and ambient are empty unless asked for
 * (CVE-2022-29162). Returns 0 or -errno.
 */
int caps_apply(const struct spec_capabilities *caps, struct err *e);

/* The last capability number the running kernel knows (PR_CAPBSET_READ); never less than 36. */
unsigned caps_last(void);

/* The caller's bounding set, as bits. */
uint64_t caps_bounding(void);

/* Capabilities among @caps that are not in @available, as "CAP_A, CAP_B" in @buf; returns how many. */
size_t caps_missing(const struct spec_capabilities *caps, uint64_t available, char *buf, size_t size);

#endif
