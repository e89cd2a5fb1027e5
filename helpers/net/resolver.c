// SPDX-License-Identifier: Apache-2.0
/*
 * The keeper of resolver.h. The child runs as the plain user outside of the sandbox, reads /etc/resolv.conf
 * and writes one file of the sandbox's tmpfs; nothing of the container's reaches it. It ends with lichen-net.
 */
#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"

#define PATH        "/etc/resolv.conf"
#define CONTENT_MAX (32U << 10)

/* Copy the file when it is another one than last time, by what tells libslirp too. 0 or -errno. */
static int copy_file(int copy, struct stat *last)
{
    _cleanup_buf_ struct buf b = { 0 };
    struct stat st;
    int r;

    if (stat(PATH, &st) < 0)
        return -errno;
    if (st.st_dev == last->st_dev && st.st_ino == last->st_ino && st.st_size == last->st_size &&
        memcmp(&st.st_mtim, &last->st_mtim, sizeof(st.st_mtim)) == 0)
        return 0;
    r = fd_read_file(AT_FDCWD, PATH, CONTENT_MAX, &b);
    if (r < 0)
        return r;
    if (pwrite(copy, b.data, b.len, 0) != (ssize_t)b.len || ftruncate(copy, (off_t)b.len) < 0)
        return -EIO;
    *last = st;
    return 0;
}

static void answer(int sock, int copy)
{
    struct stat last = { 0 };
    char byte;

    do {
        /* Removed for a moment, or unreadable: the last content is better than none. */
        (void)copy_file(copy, &last);
    } while (fd_send(sock, "f", 1, NULL, 0) == 0 && fd_recv(sock, &byte, 1, NULL, 0, NULL) == 1);
}

static void run(int sock)
{
    int copy = -1;
    size_t n = 0;
    char byte;

    proc_set_name("lichen-net-dns");
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (fd_recv(sock, &byte, 1, &copy, 1, &n) == 1 && n == 1)
        answer(sock, copy);
}

int resolver_start(void)
{
    int sockets[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        /* Onto 0, so that everything else can be closed: above all the tap device and the pidfd. */
        if (dup2(sockets[1], 0) == 0 && fd_close_from(1) == 0)
            run(0);
        _exit(0);
    }
    fd_close(sockets[1]);
    if (pid < 0) {
        int code = errno;

        fd_close(sockets[0]);
        return -code;
    }
    return sockets[0];
}

static int wait_filled(int sock)
{
    char byte;
    ssize_t n = fd_recv(sock, &byte, 1, NULL, 0, NULL);

    return n == 1 ? 0 : n < 0 ? (int)n : -EPIPE;
}

int resolver_fill(int sock, int copy)
{
    int r = fd_send(sock, "c", 1, &copy, 1);

    return r < 0 ? r : wait_filled(sock);
}

int resolver_refresh(int sock)
{
    int r = fd_send(sock, "r", 1, NULL, 0);

    return r < 0 ? r : wait_filled(sock);
}
