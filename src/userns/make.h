// SPDX-License-Identifier: Apache-2.0
/* A user namespace that nobody lives in: a map as the kernel wants to be handed it (mount_setattr(2)). */
#ifndef LICHEN_USERNS_MAKE_H
#define LICHEN_USERNS_MAKE_H

#include "base/err.h"
#include "userns/idmap.h"

/*
 * Make a user namespace below the caller's, with these maps, and return a close-on-exec descriptor of it. The
 * caller has CAP_SETUID and CAP_SETGID in its own namespace and is dumpable (it writes to its child's files
 * below /proc, which must be its pid namespace's). Returns a descriptor or -errno.
 */
int userns_make(const struct idmap *uids, const struct idmap *gids, struct err *e);

#endif
