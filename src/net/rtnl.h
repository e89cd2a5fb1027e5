// SPDX-License-Identifier: Apache-2.0
/*
 * rtnetlink(7) in one round trip: requests are collected, sent together, and answered together. On the start
 * path of every container, so no library and no "ip" program.
 */
#ifndef LICHEN_NET_RTNL_H
#define LICHEN_NET_RTNL_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RTNL_REQUESTS_MAX 12
#define RTNL_BATCH_SIZE   2048

struct rtnl_batch {
    int fd; /* owned; of the network namespace that was current at rtnl_open */
    size_t len, start;
    unsigned n;
    struct {
        const char *what; /* names the request in an error: a literal */
        bool optional;    /* the kernel may lack the feature (no IPv6): not an error */
    } requests[RTNL_REQUESTS_MAX];
    _Alignas(NLMSG_ALIGNTO) unsigned char data[RTNL_BATCH_SIZE];
};

/* Open the socket of the current network namespace. 0 or -errno. */
int rtnl_open(struct rtnl_batch *b, struct err *e);
void rtnl_close(struct rtnl_batch *b);

/* Start a request: an RTM_* type, NLM_F_* flags beside REQUEST, and its fixed header. */
void rtnl_request(struct rtnl_batch *b, const char *what, bool optional, uint16_t type, uint16_t flags,
                  const void *header, size_t size);

/* Add an attribute to the request started last. rtnl_nest opens one that holds attributes; close it with
 * rtnl_nest_end and the value it returned. */
void rtnl_attr(struct rtnl_batch *b, uint16_t type, const void *data, size_t size);
size_t rtnl_nest(struct rtnl_batch *b, uint16_t type);
void rtnl_nest_end(struct rtnl_batch *b, size_t nest);

/* Send all requests; the kernel runs them in order. 0, or -errno of the first that failed, named in @e. */
int rtnl_commit(struct rtnl_batch *b, struct err *e);

#endif
