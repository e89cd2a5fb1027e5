// SPDX-License-Identifier: Apache-2.0
/* The readiness of a container's service. Runs in start, and in a process of its own beside a foreground run;
 * as the caller. What arrives is the container's and not trusted. */
#include "create/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define SOCKET_FILE  NOTIFY_DIRECTORY "/notify.sock"
#define DATAGRAM_MAX 4096
/* After the end of init. A socket takes fewer (net.unix.max_dgram_qlen is 10 to 512). */
#define LAST_DATAGRAMS      1024
#define BARRIER_PATIENCE_MS 30000

/* sd_notify(3). Not MAINPID, BUSERROR, FDSTORE and its kin, NOTIFYACCESS, BARRIER. */
static const char *const allowed[] = { "READY=",   "RELOADING=", "STOPPING=",    "MONOTONIC_USEC=",
                                       "STATUS=",  "ERRNO=",     "EXIT_STATUS=", "EXTEND_TIMEOUT_USEC=",
                                       "WATCHDOG=" };

bool notify_filter(const char *text, size_t size, struct buf *out)
{
    bool ready = false;

    while (size) {
        const char *end = memchr(text, '\n', size);
        size_t n = end ? (size_t)(end - text) : size;
        bool clean = memchr(text, '\0', n) == NULL;

        for (size_t i = 0; clean && i < ARRAY_SIZE(allowed); i++) {
            size_t name = strlen(allowed[i]);

            if (n < name || memcmp(text, allowed[i], name) != 0)
                continue;
            buf_append(out, text, n);
            buf_puts(out, "\n");
            ready = ready || (n == 7 && memcmp(text, "READY=1", 7) == 0);
        }
        text += n + (end != NULL);
        size -= n + (end != NULL);
    }
    return ready;
}

int notify_check(const char *host, struct err *e)
{
    struct sockaddr_un address;

    if ((host[0] != '/' && host[0] != '@') || strlen(host) >= sizeof(address.sun_path)) {
        err_set(e, EINVAL,
                "NOTIFY_SOCKET=%s: neither an absolute path nor an abstract name that a socket may have",
                host);
        return err_remedy(e, "unset NOTIFY_SOCKET, or let the service manager set it");
    }
    return 0;
}

static int connect_host(const char *host, struct err *e)
{
    _cleanup_close_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(host));

    (void)str_format(address.sun_path, sizeof(address.sun_path), "%s", host);
    if (host[0] == '@')
        address.sun_path[0] = '\0';
    else
        size++;
    if (sock < 0 || connect(sock, (struct sockaddr *)&address, size) < 0)
        return err_sys(e, errno, "NOTIFY_SOCKET=%s", host);
    return TAKE_FD(sock);
}

static int listen_below(int dir, struct err *e)
{
    _cleanup_close_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    mode_t mask;
    int r;

    if (sock < 0)
        return err_sys(e, errno, "socket");
    /* As the start socket: sun_path is short, a state directory may not be. */
    (void)str_format(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_FILE, dir);
    (void)unlinkat(dir, SOCKET_FILE, 0);
    /* For every user in the container. Not by chmod: the container may have put a link in its place by then.
     */
    mask = umask(0);
    r = bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    (void)umask(mask);
    if (r < 0)
        return err_sys(e, r, "NOTIFY_SOCKET: the container's socket in the state directory");
    return TAKE_FD(sock);
}

int notify_open(int dir, const char *host, struct notify *ret, struct err *e)
{
    int r = 0;

    *ret = (struct notify){ .sock = -1, .host = -1 };
    if (!host)
        return 0;
    r = ret->host = connect_host(host, e);
    if (r >= 0)
        r = ret->sock = listen_below(dir, e);
    if (r < 0)
        notify_close(ret);
    return r < 0 ? r : 0;
}

/* Wait until the service manager has read all that was sent: it closes the descriptor then
 * (sd_notify_barrier(3)). */
static void barrier(int host)
{
    static const char text[] = "BARRIER=1";
    int pipefd[2];

    if (pipe2(pipefd, O_CLOEXEC) < 0)
        return;
    if (fd_send(host, text, sizeof(text) - 1, &pipefd[1], 1) >= 0) {
        struct pollfd p = { .fd = pipefd[0] };

        fd_close(pipefd[1]);
        pipefd[1] = -1;
        (void)poll(&p, 1, BARRIER_PATIENCE_MS);
    }
    fd_close(pipefd[0]);
    fd_close(pipefd[1]);
}

/* One datagram. Returns 1 when it said READY=1, 0, or -errno (-EAGAIN: there is none). */
static int hand_on(struct notify *n, pid_t pid, bool detach, struct err *e)
{
    _cleanup_buf_ struct buf out = { 0 };
    char text[DATAGRAM_MAX];
    /* Without room for ancillary data: descriptors that came along are dropped by the kernel. */
    ssize_t size = recv(n->sock, text, sizeof(text), 0);
    bool ready;
    int r;

    if (size < 0)
        return -errno;
    ready = notify_filter(text, (size_t)size, &out);
    if (!out.len)
        return 0;
    if (ready && detach)
        buf_printf(&out, "MAINPID=%d\n", (int)pid);
    r = fd_send(n->host, out.data, out.len, NULL, 0);
    return r < 0 ? err_sys(e, r, "NOTIFY_SOCKET: handing on") : ready;
}

int notify_forward(struct notify *n, pid_t pid, int pidfd, bool detach, struct err *e)
{
    int left = LAST_DATAGRAMS;

    if (n->sock < 0)
        return 0;
    for (;;) {
        struct pollfd fds[2] = { { .fd = n->sock, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
        int r;

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return err_sys(e, errno, "poll");
        r = fds[0].revents ? hand_on(n, pid, detach, e) : -EAGAIN;
        if (r > 0 && detach) {
            barrier(n->host);
            return 0;
        }
        if (r < 0 && r != -EAGAIN && r != -EINTR)
            return r;
        /* What init has said before its end is handed on; what others go on saying is not waited for. */
        if (fds[1].revents && (r < 0 || --left == 0))
            return 0;
    }
}

void notify_close(struct notify *n)
{
    n->sock = fd_close(n->sock);
    n->host = fd_close(n->host);
}
