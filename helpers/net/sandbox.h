// SPDX-License-Identifier: Apache-2.0
/*
 * The cage lichen-net locks itself into once everything it needs is open: libslirp has had memory errors
 * (CVE-2019-6778 and others), and what it parses comes from the container.
 *
 * After sandbox_enter the process can still: read and write the descriptors it holds; make IPv4 and IPv6
 * sockets in the host's network namespace and talk to anyone (that is its job); read the host's resolver
 * configuration. It can not: see any other file, start a program, signal or trace another process, gain a
 * privilege, be traced or dump core.
 */
#ifndef LICHEN_HELPERS_NET_SANDBOX_H
#define LICHEN_HELPERS_NET_SANDBOX_H

#include <stddef.h>

#include "base/err.h"
#include "net/net.h"

/*
 * Close the cage. *ret_keeper receives the socket for resolver_refresh, or -1 where nothing has to be.
 * @warning receives "" or which part could not be had (no user namespace): the rest still holds. 0, or -errno
 * when a part that must hold does not.
 */
int sandbox_enter(int *ret_keeper, char warning[NET_WARNING_MAX], struct err *e);

/* syscalls.c: load the system call allow-list. The last step. 0 or -errno. */
int sandbox_filter(struct err *e);

#endif
