// SPDX-License-Identifier: Apache-2.0
/* Handing descriptors to the caller's sockets. Runs in the parent and the verbs, as the caller. */
#include "create/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/path.h"

int socket_connect(const char *what, const char *path, struct err *e)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_close_ int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), dir = -1;
    const char *leaf;

    if (sock < 0)
        return err_sys(e, errno, "socket");
    dir = path_open_parent(path, &leaf);
    if (dir < 0)
        return err_sys(e, dir, "%s %s", what, path);
    /* Through its directory, since sun_path holds 108 bytes and the path may be longer. */
    if (str_format(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, leaf) < 0)
        return err_set(e, ENAMETOOLONG, "%s %s: the socket's name is too long", what, path);
    if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
        return err_sys(e, errno, "%s %s", what, path);
    return TAKE_FD(sock);
}

int socket_check(const char *what, const char *path, struct err *e)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return err_sys(e, errno, "%s %s", what, path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ENOTSOCK, "%s %s: not a socket", what, path);
    return 0;
}

int socket_send_fd(const char *what, const char *path, const char *text, int fd, struct err *e)
{
    _cleanup_close_ int sock = socket_connect(what, path, e);
    int r;

    if (sock < 0)
        return sock;
    r = fd_send(sock, text, strlen(text), &fd, 1);
    return r < 0 ? err_sys(e, r, "%s %s: sending the descriptor", what, path) : 0;
}
