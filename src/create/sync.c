// SPDX-License-Identifier: Apache-2.0
/* The messages of create. Runs in parent, stage, init and the start verb. */
#include "create/sync.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"

static const char *const names[] = {
#define SYNC_NAME(name, meaning) [SYNC_##name] = #name,
    SYNC_MESSAGES(SYNC_NAME)
#undef SYNC_NAME
};

const char *sync_name(uint32_t type)
{
    return type < SYNC_N ? names[type] : "an unknown message";
}

int sync_pair(int pair[2], struct err *e)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(e, errno, "socketpair");
    return 0;
}

static int send_message(int sock, const struct sync_msg *msg, int fd, struct err *e)
{
    int r = fd_send(sock, msg, sizeof(*msg), &fd, fd >= 0 ? 1 : 0);

    return r < 0 ? err_sys(e, r, "sending %s", sync_name(msg->type)) : 0;
}

int sync_send(int sock, enum sync_type type, int32_t value, int fd, struct err *e)
{
    struct sync_msg msg = { .type = type, .value = value };

    return send_message(sock, &msg, fd, e);
}

int sync_send_text(int sock, enum sync_type type, int32_t value, const char *text, struct err *e)
{
    struct sync_msg msg = { .type = type, .value = value };

    (void)str_format(msg.text, sizeof(msg.text), "%.*s", (int)sizeof(msg.text) - 1, text);
    return send_message(sock, &msg, -1, e);
}

void sync_send_failed(int sock, const struct err *failure)
{
    struct sync_msg msg = { .type = SYNC_FAILED, .err = *failure };

    (void)send_message(sock, &msg, -1, NULL);
}

int sync_recv(int sock, struct sync_msg *msg, int *ret_fd, const char *awaited, struct err *e)
{
    int fd = -1;
    size_t n_fds = 0;
    ssize_t n;

    if (ret_fd)
        *ret_fd = -1;
    n = fd_recv(sock, msg, sizeof(*msg), &fd, 1, &n_fds);
    /* A peer that was killed with our message unread resets the connection: the same as its end. */
    if (n == 0 || n == -ECONNRESET)
        return err_set(e, ECONNRESET, "the container's process died while %s was awaited", awaited);
    if (n < 0)
        return err_sys(e, (int)n, "receiving %s", awaited);
    if ((size_t)n != sizeof(*msg)) {
        fd_close(n_fds ? fd : -1);
        return err_set(e, EPROTO, "receiving %s: %zd bytes instead of %zu", awaited, n, sizeof(*msg));
    }
    if (n_fds && ret_fd)
        *ret_fd = fd;
    else if (n_fds)
        fd_close(fd);
    if (msg->type == SYNC_FAILED) {
        /* The sender is our own code, but a record must end where it should whoever wrote it. */
        msg->err.message[sizeof(msg->err.message) - 1] = '\0';
        msg->err.remedy[sizeof(msg->err.remedy) - 1] = '\0';
        if (e)
            *e = msg->err;
        return msg->err.code > 0 ? -msg->err.code : -EIO;
    }
    msg->text[sizeof(msg->text) - 1] = '\0';
    return 0;
}

int sync_unexpected(const struct sync_msg *msg, const char *expected, struct err *e)
{
    return err_set(e, EPROTO, "expected %s, received %s", expected, sync_name(msg->type));
}

int sync_expect(int sock, enum sync_type type, struct sync_msg *msg, int *ret_fd, struct err *e)
{
    int r = sync_recv(sock, msg, ret_fd, sync_name(type), e);

    if (r < 0)
        return r;
    if (msg->type == type)
        return 0;
    if (ret_fd)
        *ret_fd = fd_close(*ret_fd);
    return sync_unexpected(msg, sync_name(type), e);
}

void sync_test_step(const char *step)
{
#ifdef LICHEN_TEST_HOOKS
    const char *at = getenv("LICHEN_TEST_KILL_AT");

    if (!at || !str_eq(at, step))
        return;
    (void)kill(getpid(), SIGKILL);
    /* pid_namespaces(7): pid 1 is immune to its own signals. Its end by any way is the end of the namespace.
     */
    _exit(128 + SIGKILL);
#else
    (void)step;
#endif
}
