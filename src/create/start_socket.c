// SPDX-License-Identifier: Apache-2.0
/* The start socket. listen in the parent (init inherits it), connect in state, list and start. */
#include "create/start_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define SOCKET_NAME "start.sock"

/* Through /proc/self/fd, since sun_path holds 108 bytes and a state directory may be longer. */
static int address_in(int dir, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return str_format(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" SOCKET_NAME, dir);
}

int start_socket_listen(int dir, struct err *e)
{
    _cleanup_close_ int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;

    if (sock < 0)
        return err_sys(e, errno, "start socket");
    (void)address_in(dir, &address);
    if (bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(sock, 16) < 0)
        return err_sys(e, errno, "start socket in the state directory");
    return TAKE_FD(sock);
}

int start_socket_connect(int dir)
{
    _cleanup_close_ int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;

    if (sock < 0)
        return -errno;
    (void)address_in(dir, &address);
    if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(sock);
}
