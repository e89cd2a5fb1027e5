// SPDX-License-Identifier: Apache-2.0
/*
 * sd_notify(3) out of a container, as runc has it: where the caller has $NOTIFY_SOCKET, the directory
 * ROOT/<id>/notify is bound to /run/notify, and what is sent to the socket in it is handed on. Only by line
 * and by name: a container must not tell the service manager which process it should watch, or have
 * descriptors stored.
 */
#ifndef LICHEN_CREATE_NOTIFY_H
#define LICHEN_CREATE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define NOTIFY_DIRECTORY "notify"      /* below ROOT/<id> */
#define NOTIFY_MOUNT     "/run/notify" /* in the container */
#define NOTIFY_ENV       NOTIFY_MOUNT "/notify.sock"

/* A container's socket and the way to the service manager; -1 and -1 where the caller has none. */
struct notify {
    int sock, host;
};

/* Check $NOTIFY_SOCKET: an absolute path or an abstract name ("@..."). Returns 0 or -EINVAL. */
int notify_check(const char *host, struct err *e);

/* Make the socket in the state directory @dir and connect to @host (NULL: nothing to do). Before the process
 * runs. notify_close releases. Returns 0 or -errno. */
int notify_open(int dir, const char *host, struct notify *ret, struct err *e);

/*
 * Hand on what the container's processes send, until its init (@pid, @pidfd) ends; with @detach only until
 * one has said READY=1, and with MAINPID=@pid, so that the service manager watches init when we are gone.
 * Blocks. Returns 0 or -errno.
 */
int notify_forward(struct notify *n, pid_t pid, int pidfd, bool detach, struct err *e);

/* The lines of a datagram that may be handed on, appended to @out; whether READY=1 is among them. Pure. */
bool notify_filter(const char *text, size_t size, struct buf *out);

void notify_close(struct notify *n);

#endif
