// SPDX-License-Identifier: Apache-2.0
/* Other programs: where our helpers are, and running one for what it prints. */
#ifndef LICHEN_BASE_PROGRAM_H
#define LICHEN_BASE_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/*
 * The path of a helper of this package ("lichen-net"): in $LICHEN_LIBEXECDIR, else beside the running binary
 * (a build tree), else where it is installed. *ret is the caller's to free. Returns 0 or -ENOENT.
 */
int program_helper_path(const char *name, char **ret, struct err *e);

/*
 * Start @argv (found in $PATH unless argv[0] has a slash) with its standard output on a pipe, standard input
 * from /dev/null and nothing else of ours open. *ret_out is the pipe's read end, the caller's to close; the
 * child is the caller's to wait for. Returns 0 or -errno (-ENOENT: no such program).
 */
int program_start(char *const argv[], pid_t *ret_pid, int *ret_out);

/* program_start, its output (at most @max bytes) into @ret, and its end. Returns 0, or -EIO when it did not
 * exit with 0. */
int program_capture(char *const argv[], size_t max, struct buf *ret);

#endif
