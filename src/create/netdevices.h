// SPDX-License-Identifier: Apache-2.0
/* Moving the host's network devices into the container. */
#ifndef LICHEN_CREATE_NETDEVICES_H
#define LICHEN_CREATE_NETDEVICES_H

#include <sys/types.h>

#include "base/err.h"
#include "spec/spec.h"

/* In the parent, as soon as @init exists: move linux.netDevices to its network namespace. Returns 0 or
 * -errno. */
int netdevices_move(const struct spec *spec, pid_t init, struct err *e);

#endif
