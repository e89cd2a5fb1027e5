// SPDX-License-Identifier: Apache-2.0
/*
 * What lichen-net writes, once, to its readiness descriptor: one write of less than PIPE_BUF, so the reader
 * sees all of it or nothing.
 */
#ifndef LICHEN_NET_STATUS_H
#define LICHEN_NET_STATUS_H

#include <limits.h>
#include <stdint.h>

#include "base/err.h"
#include "net/net.h"

#define NET_STATUS_MAGIC 0x6c6e6574 /* "lnet"; a different lichen-net build must not be misread */

struct net_status {
    uint32_t magic;
    uint32_t size;                 /* sizeof(struct net_status) of the writer */
    char warning[NET_WARNING_MAX]; /* "" or a downgrade the caller records */
    struct err error;              /* code 0: ready */
};

_Static_assert(sizeof(struct net_status) <= PIPE_BUF, "the status must be written atomically");

/* Descriptors of lichen-net as net_helper_start lays them out. */
enum { NET_HELPER_TAP_FD = 3, NET_HELPER_PIDFD, NET_HELPER_READY_FD, NET_HELPER_FDS_END };

#endif
