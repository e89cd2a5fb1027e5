// SPDX-License-Identifier: Apache-2.0
/* rtnetlink requests in one batch. Runs in the container's init, with CAP_NET_ADMIN over its network
 * namespace. */
#include "net/rtnl.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

int rtnl_open(struct rtnl_batch *b, struct err *e)
{
    b->len = b->start = 0;
    b->n = 0;
    b->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (b->fd < 0)
        return err_sys(e, errno, "open an rtnetlink socket");
    return 0;
}

void rtnl_close(struct rtnl_batch *b)
{
    b->fd = fd_close(b->fd);
}

/* What goes into a batch is fixed at compile time, so running out of room is a bug, not an error. */
static void *reserve(struct rtnl_batch *b, size_t size)
{
    size_t aligned = NLMSG_ALIGN(size);
    void *p = b->data + b->len;

    if (aligned > sizeof(b->data) - b->len)
        abort();
    memset(p, 0, aligned);
    b->len += aligned;
    return p;
}

static void finish_request(struct rtnl_batch *b)
{
    if (b->n > 0)
        ((struct nlmsghdr *)(void *)(b->data + b->start))->nlmsg_len = (uint32_t)(b->len - b->start);
}

void rtnl_request(struct rtnl_batch *b, const char *what, bool optional, uint16_t type, uint16_t flags,
                  const void *header, size_t size)
{
    struct nlmsghdr *h;

    finish_request(b);
    if (b->n == RTNL_REQUESTS_MAX)
        abort();
    b->start = b->len;
    h = reserve(b, sizeof(*h));
    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | flags;
    h->nlmsg_seq = b->n + 1;
    b->requests[b->n].what = what;
    b->requests[b->n].optional = optional;
    b->n++;
    memcpy(reserve(b, size), header, size);
}

void rtnl_attr(struct rtnl_batch *b, uint16_t type, const void *data, size_t size)
{
    struct rtattr *a = reserve(b, RTA_LENGTH(size));

    a->rta_type = type;
    a->rta_len = (uint16_t)RTA_LENGTH(size);
    memcpy(RTA_DATA(a), data, size);
}

size_t rtnl_nest(struct rtnl_batch *b, uint16_t type)
{
    size_t at = b->len;
    struct rtattr *a = reserve(b, RTA_LENGTH(0));

    a->rta_type = type | NLA_F_NESTED;
    return at;
}

void rtnl_nest_end(struct rtnl_batch *b, size_t nest)
{
    ((struct rtattr *)(void *)(b->data + nest))->rta_len = (uint16_t)(b->len - nest);
}

/* What a kernel without IPv6, or with it switched off, answers to an IPv6 request. */
static bool means_unsupported(int code)
{
    return code == EAFNOSUPPORT || code == EOPNOTSUPP || code == EACCES || code == ENODEV || code == EINVAL ||
           code == EHOSTUNREACH || code == ENETUNREACH;
}

/* One answer of the kernel. Returns 1 when it is the last request's, 0 for another one, -errno. */
static int take_answer(struct rtnl_batch *b, const struct nlmsghdr *h, struct err *e)
{
    const struct nlmsgerr *answer = NLMSG_DATA(h);
    uint32_t seq = h->nlmsg_seq;

    if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*answer)) || seq < 1 || seq > b->n)
        return err_set(e, EPROTO, "rtnetlink: unexpected answer of type %u", h->nlmsg_type);
    if (answer->error != 0 && !(b->requests[seq - 1].optional && means_unsupported(-answer->error)))
        return err_sys(e, answer->error, "%s", b->requests[seq - 1].what);
    return seq == b->n;
}

int rtnl_commit(struct rtnl_batch *b, struct err *e)
{
    _Alignas(NLMSG_ALIGNTO) unsigned char answers[4096];
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    int done = 0;

    finish_request(b);
    /* Errors are always answered; an acknowledgement of the last request ends the list. */
    ((struct nlmsghdr *)(void *)(b->data + b->start))->nlmsg_flags |= NLM_F_ACK;
    if (sendto(b->fd, b->data, b->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return err_sys(e, errno, "send to rtnetlink");
    while (!done) {
        ssize_t n = recv(b->fd, answers, sizeof(answers), 0);
        size_t left;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, errno, "receive from rtnetlink");
        left = (size_t)n;
        for (struct nlmsghdr *h = (void *)answers; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            done = take_answer(b, h, e);
            if (done)
                break;
        }
    }
    b->len = b->start = 0;
    b->n = 0;
    return done < 0 ? done : 0;
}
