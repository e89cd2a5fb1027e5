// SPDX-License-Identifier: Apache-2.0
/* File descriptors. Runs in every process. */
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define MAX_PASSED_FDS 8
/* As far as descriptors are looked for where nothing lists them: fs.nr_open of most systems. */
#define WALK_MAX 1048576

#ifndef CLOSE_RANGE_CLOEXEC
#    define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

int fd_close(int fd)
{
    int saved = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = saved;
    return -1;
}

void fd_closep(int *fd)
{
    fd_close(*fd);
}

int fd_cloexec(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0)
        return -errno;
    flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
    return fcntl(fd, F_SETFD, flags) < 0 ? -errno : 0;
}

int fd_set_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    return fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

int fd_read_all(int fd, size_t max, struct buf *ret)
{
    struct buf b = { 0 };
    char chunk[16384];

    buf_append(&b, "", 0);
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            n = -errno;
            buf_free(&b);
            return (int)n;
        }
        if (n == 0)
            break;
        if (b.len + (size_t)n > max) {
            buf_free(&b);
            return -EFBIG;
        }
        buf_append(&b, chunk, (size_t)n);
    }
    buf_free(ret);
    *ret = b;
    return 0;
}

int fd_read_file(int dirfd, const char *path, size_t max, struct buf *ret)
{
    _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return -errno;
    return fd_read_all(fd, max, ret);
}

ssize_t fd_read_record(int fd, int timeout_ms, void *p, size_t n)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    int64_t end = clock_now_ms() + timeout_ms;
    ssize_t got;
    int r;

    do {
        int64_t left = end - clock_now_ms();

        r = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
    } while (r < 0 && errno == EINTR);
    if (r <= 0)
        return r < 0 ? -errno : -ETIMEDOUT;
    do {
        got = read(fd, p, n);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int fd_write_all(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t w = write(fd, at, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -errno;
        at += w;
        n -= (size_t)w;
    }
    return 0;
}

int fd_write_control(int dirfd, const char *path, const char *text)
{
    _cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    size_t n = strlen(text);
    ssize_t w;

    if (fd < 0)
        return -errno;
    do {
        w = write(fd, text, n);
    } while (w < 0 && errno == EINTR);
    if (w < 0)
        return -errno;
    return (size_t)w == n ? 0 : -EIO;
}

int fd_replace_file(int dirfd, const char *name, mode_t mode, const void *p, size_t n, bool durable)
{
    _cleanup_close_ int fd = -1;
    char temporary[NAME_MAX + 1];
    int r;

    r = str_format(temporary, sizeof(temporary), ".%s.%d", name, (int)getpid());
    if (r < 0)
        return r;
    fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, p, n);
    if (r >= 0 && durable && fsync(fd) < 0)
        r = -errno;
    if (r >= 0 && renameat(dirfd, temporary, dirfd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dirfd, temporary, 0);
    return r;
}

int fd_create_file(int dirfd, const char *name, mode_t mode, const struct iovec *parts, int n)
{
    _cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    int r = 0;

    if (fd < 0)
        return -errno;
    for (int i = 0; r >= 0 && i < n; i++)
        r = fd_write_all(fd, parts[i].iov_base, parts[i].iov_len);
    return r;
}

int fd_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * MAX_PASSED_FDS)] = { 0 };
    struct iovec iov = { .iov_base = (void *)p, .iov_len = n };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t sent;

    if (n_fds > MAX_PASSED_FDS)
        return -E2BIG;
    if (n_fds > 0) {
        struct cmsghdr *c;

        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    do {
        sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return -errno;
    return (size_t)sent == n ? 0 : -EIO;
}

ssize_t fd_recv(int sock, void *p, size_t n, int *fds, size_t max_fds, size_t *ret_n_fds)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * MAX_PASSED_FDS)];
    struct iovec iov = { .iov_base = p, .iov_len = n };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    size_t n_got = 0;
    ssize_t got;

    do {
        got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        size_t count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (n_got < max_fds)
                fds[n_got++] = fd;
            else
                fd_close(fd);
        }
    }
    if (ret_n_fds)
        *ret_n_fds = n_got;
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        for (size_t i = 0; i < n_got; i++)
            fd_close(fds[i]);
        if (ret_n_fds)
            *ret_n_fds = 0;
        return -EMSGSIZE;
    }
    return got;
}

/* Without a /proc to ask: every number there can be. */
static int walk_numbers(unsigned first, bool close_them)
{
    struct rlimit limit = { 0 };

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    /* One opened before the limit was lowered may be above it; those of ours are not. */
    for (rlim_t fd = first; fd < limit.rlim_max && fd <= WALK_MAX; fd++) {
        if (close_them)
            (void)close((int)fd);
        else
            (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
    return 0;
}

/* The fallback for seccomp filters without close_range(2): walk /proc/self/fd. In a container that directory
 * may be anything: only procfs's own answer counts. */
static int walk_from(unsigned first, bool close_them)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *entry;
    struct statfs fs;

    if (!d || fstatfs(dirfd(d), &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
        if (d)
            closedir(d);
        return walk_numbers(first, close_them);
    }
    while ((entry = readdir(d))) {
        uint32_t fd;

        if (str_to_u32(entry->d_name, &fd) < 0 || fd < first || (int)fd == dirfd(d))
            continue;
        if (close_them)
            fd_close((int)fd);
        else
            (void)fd_cloexec((int)fd, true);
    }
    closedir(d);
    return 0;
}

int fd_cloexec_from(unsigned first)
{
    if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return 0;
    return walk_from(first, false);
}

int fd_close_from(unsigned first)
{
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return 0;
    return walk_from(first, true);
}

static int compare_fds(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void close_between(int first, int last)
{
    if (first > last)
        return;
    if (syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) == 0)
        return;
    for (int fd = first; fd <= last && fd < 65536; fd++)
        fd_close(fd);
}

void fd_keep_only(unsigned preserve, const int *keep, size_t n)
{
    _cleanup_free_ int *sorted = mem_dup(keep, n * sizeof(int));
    int first = 3 + (int)preserve;

    qsort(sorted, n, sizeof(int), compare_fds);
    for (size_t i = 0; i < n; i++) {
        if (sorted[i] < first)
            continue;
        close_between(first, sorted[i] - 1);
        first = sorted[i] + 1;
    }
    (void)fd_close_from((unsigned)first);
}

int fd_ensure_stdio(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        int opened;

        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        opened = open("/dev/null", O_RDWR | O_NOCTTY);
        if (opened < 0)
            return -errno;
        if (opened != fd) {
            fd_close(opened);
            return -EBADF;
        }
    }
    return 0;
}

int fd_move_above(int fd, int min)
{
    int moved;

    if (fd >= min)
        return fd;
    moved = fcntl(fd, F_DUPFD_CLOEXEC, min);
    if (moved < 0)
        return -errno;
    fd_close(fd);
    return moved;
}
