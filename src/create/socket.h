// SPDX-License-Identifier: Apache-2.0
/* The caller's AF_UNIX sockets that descriptors are sent to: --console-socket, --pidfd-socket, the seccomp
 * agent's. */
#ifndef LICHEN_CREATE_SOCKET_H
#define LICHEN_CREATE_SOCKET_H

#include "base/err.h"

/* Connect a stream socket to @path. @what begins the errors ("--console-socket"). Returns the socket or
 * -errno. */
int socket_connect(const char *what, const char *path, struct err *e);

/* Check before anything is made that @path is a socket. Returns 0 or -errno. */
int socket_check(const char *what, const char *path, struct err *e);

/* Connect, send @text with @fd attached (SCM_RIGHTS), close. Returns 0 or -errno. */
int socket_send_fd(const char *what, const char *path, const char *text, int fd, struct err *e);

#endif
