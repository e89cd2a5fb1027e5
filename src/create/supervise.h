// SPDX-License-Identifier: Apache-2.0
/* Being the foreground of a container's process: signals forwarded, terminal relayed, exit status returned.
 */
#ifndef LICHEN_CREATE_SUPERVISE_H
#define LICHEN_CREATE_SUPERVISE_H

#include <sys/types.h>

#include "base/err.h"

/*
 * Block the signals to forward; call before the process is started, so that none is lost. Returns a signalfd
 * or -errno.
 */
int supervise_prepare(struct err *e);

/*
 * Wait for @pid (our child; @pidfd refers to it), forwarding every signal of @signals to it and, with @master
 * >= 0 (taken), relaying between the caller's stdio and the container's terminal. *ret_status is the exit
 * code, 128 + n after signal n. Returns 0 or -errno.
 */
int supervise(pid_t pid, int pidfd, int signals, int master, int *ret_status, struct err *e);

#endif
