// SPDX-License-Identifier: Apache-2.0
/* linux.netDevices: devices of the caller's network namespace that are moved into the container's
 * (config-linux.md, "Network Devices"). */
#ifndef LICHEN_NET_NETDEV_H
#define LICHEN_NET_NETDEV_H

#include "base/err.h"
#include "net/rtnl.h"
#include "spec/spec.h"

/*
 * Before anything is created: the devices exist, and the caller may take them out of its network namespace.
 * Returns 0 or -errno.
 */
int netdev_check(const struct spec_net_device *devices, size_t n, struct err *e);

/*
 * Move one device from the network namespace of @from to that of @to, give it its new name, the permanent
 * global addresses it had, and set it up. A name with %d is completed by the kernel. Both sockets are idle
 * (no request begun). Returns 0 or -errno; the device may be on the other side then.
 */
int netdev_move(const struct spec_net_device *device, struct rtnl_batch *from, struct rtnl_batch *to,
                int to_netns, struct err *e);

#endif
