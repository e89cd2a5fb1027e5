// SPDX-License-Identifier: Apache-2.0
/* The listening socket, and telling that it is served. */
#ifndef LICHEN_REGISTRY_LISTEN_H
#define LICHEN_REGISTRY_LISTEN_H

#include <stddef.h>

#include "base/err.h"

/*
 * Listen at ADDRESS:PORT (numeric, IPv6 in brackets, or "localhost"). @ret_address (@size bytes, 64 are
 * enough) is where it came to be, with the port that port 0 has found. Returns the socket or -errno.
 */
int listen_at(const char *where, char *ret_address, size_t size, struct err *e);

#endif
