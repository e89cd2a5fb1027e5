// SPDX-License-Identifier: Apache-2.0
/* The listening socket. */
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define BACKLOG 128

static int resolve(const char *where, struct addrinfo **ret, struct err *e)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
    _cleanup_free_ char *copy = str_printf("%s", where);
    char *colon = strrchr(copy, ':'), *host = copy;
    uint64_t port;

    if (!colon || str_to_u64(colon + 1, 0, 65535, &port) < 0)
        return err_set(e, EINVAL, "--listen: \"%s\" is not ADDRESS:PORT", where);
    *colon = '\0';
    if (*host == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        host++;
    } else if (str_eq(host, "localhost")) {
        (void)strcpy(host, "127.0.0.1");
    }
    if (!*host || getaddrinfo(host, colon + 1, &hints, ret) != 0)
        return err_set(e, EINVAL, "--listen: \"%s\" is not a numeric address", where);
    return 0;
}

static int name_of(int fd, char *ret, size_t size)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof(address);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    bool v6;

    if (getsockname(fd, (struct sockaddr *)&address, &n) < 0)
        return -errno;
    if (getnameinfo((struct sockaddr *)&address, n, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -EINVAL;
    v6 = address.ss_family == AF_INET6;
    return str_format(ret, size, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

int listen_at(const char *where, char *ret_address, size_t size, struct err *e)
{
    struct addrinfo *list = NULL;
    _cleanup_close_ int fd = -1;
    int r = resolve(where, &list, e), one = 1;

    if (r < 0)
        return r;
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        r = err_sys(e, errno, "--listen %s", where);
    freeaddrinfo(list);
    if (r >= 0)
        r = name_of(fd, ret_address, size);
    return r < 0 ? r : TAKE_FD(fd);
}
