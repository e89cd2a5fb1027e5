// SPDX-License-Identifier: Apache-2.0
/*
 * The start socket: ROOT/<id>/start.sock. init listens on it from READY until START; that it answers is the
 * proof that the container is "created". Private to src/create.
 */
#ifndef LICHEN_CREATE_START_SOCKET_H
#define LICHEN_CREATE_START_SOCKET_H

#include "base/err.h"

/* Make and listen in the state directory @dir. Returns the socket or -errno. */
int start_socket_listen(int dir, struct err *e);

/* Connect. Returns the socket, -ECONNREFUSED (init no longer waits), -ENOENT, -errno. */
int start_socket_connect(int dir);

#endif
