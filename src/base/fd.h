// SPDX-License-Identifier: Apache-2.0
/* File descriptors: ownership, whole reads and writes, atomic replacement, passing over sockets. */
#ifndef LICHEN_BASE_FD_H
#define LICHEN_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

/* close() once, never retried on EINTR (Linux has released the number by then), errno kept. Accepts -1.
 * Returns -1. */
int fd_close(int fd);
void fd_closep(int *fd);

#define _cleanup_close_ __attribute__((cleanup(fd_closep)))

/* Hand over ownership of a descriptor: yields it and leaves -1 behind. */
#define TAKE_FD(fd)                \
    ({                             \
        int *take_fdp_ = &(fd);    \
        int take_fd_ = *take_fdp_; \
        *take_fdp_ = -1;           \
        take_fd_;                  \
    })

/* Set or clear FD_CLOEXEC. Returns 0 or -errno. */
int fd_cloexec(int fd, bool on);

/* Clear O_NONBLOCK. Returns 0 or -errno. */
int fd_set_blocking(int fd);

/*
 * Read everything up to @max bytes from @fd (a regular or kernel file). -EFBIG when there is more.
 * *ret is replaced on success.
 */
int fd_read_all(int fd, size_t max, struct buf *ret);

/* Open @path below @dirfd (AT_FDCWD allowed) read-only, read it all (at most @max bytes) and close it. */
int fd_read_file(int dirfd, const char *path, size_t max, struct buf *ret);

/*
 * What a process writes in one piece (less than PIPE_BUF) and then ends or goes on, waited for at most
 * @timeout_ms. Returns the number of bytes, 0 when it has ended without a word, -ETIMEDOUT, -errno.
 */
ssize_t fd_read_record(int fd, int timeout_ms, void *p, size_t n);

/* Write all of it, going on after short writes and EINTR. Returns 0 or -errno. */
int fd_write_all(int fd, const void *p, size_t n);

/* One write() to an existing file, as kernel control files (procfs, cgroupfs) want it. Returns 0 or -errno.
 */
int fd_write_control(int dirfd, const char *path, const char *text);

/*
 * Replace @name in @dirfd atomically: a temporary name, write, (fsync when @durable), rename. A crash leaves
 * either the old or the new content. Returns 0 or -errno.
 */
int fd_replace_file(int dirfd, const char *name, mode_t mode, const void *p, size_t n, bool durable);

/*
 * Make the file @name in @dirfd (-EEXIST when it is there) with @n bytes from @parts, one after the other.
 * For directories nobody reads yet.
 */
struct iovec;
int fd_create_file(int dirfd, const char *name, mode_t mode, const struct iovec *parts, int n);

/*
 * Send one datagram (or, on a stream socket, one byte sequence) with up to 8 descriptors attached
 * (SCM_RIGHTS, unix(7)). Returns 0 or -errno. MSG_NOSIGNAL is set: a closed peer is -EPIPE.
 */
int fd_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds);

/*
 * Receive into @p; descriptors arrive close-on-exec in @fds (room for @max_fds; surplus ones are closed),
 * *ret_n_fds says how many. Returns the number of bytes, 0 at the end of the stream, or -errno (-EMSGSIZE
 * when truncated).
 */
ssize_t fd_recv(int sock, void *p, size_t n, int *fds, size_t max_fds, size_t *ret_n_fds);

/* Mark every descriptor from @first on close-on-exec (close_range(2), with a /proc/self/fd fallback). */
int fd_cloexec_from(unsigned first);

/* Close every descriptor >= @first for real (close_range(2), with a /proc/self/fd fallback). */
int fd_close_from(unsigned first);

/*
 * Close every descriptor but 0, 1, 2, 3 .. 3 + @preserve - 1 and the @n in @keep (-1 entries are passed
 * over). For a process that must hold nothing of its parent's by accident.
 */
void fd_keep_only(unsigned preserve, const int *keep, size_t n);

/* Make sure 0, 1 and 2 are open (on /dev/null when not), so that no later open lands there. Returns 0 or
 * -errno. */
int fd_ensure_stdio(void);

/* Move @fd to the lowest free number >= @min, close-on-exec; closes the old one. Returns the new number or
 * -errno. */
int fd_move_above(int fd, int min);

#endif
