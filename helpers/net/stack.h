// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-net's working part: a libslirp instance between a tap device and the host's sockets, driven by
 * epoll.
 */
#ifndef LICHEN_HELPERS_NET_STACK_H
#define LICHEN_HELPERS_NET_STACK_H

#include <libslirp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "guard.h"
#include "net/net.h"

/* One descriptor of libslirp's, indexed by its number. */
struct stack_fd {
    uint32_t registered; /* EPOLL* bits it is in the epoll set with; 0: not in it */
    uint32_t ready;      /* what the last wait reported */
    uint32_t round;      /* the round in which libslirp last asked for it */
    bool listed;         /* its number is in struct stack's list */
};

struct stack_timer {
    SlirpTimerCb callback;
    void *argument;
    int64_t expires_ms; /* -1: not running */
    struct stack_timer *next;
};

struct stack {
    Slirp *slirp;
    int tap, container, epoll; /* borrowed, borrowed, owned; the process's exit releases all */
    int64_t now_ns;            /* read once per round: libslirp asks for the time per packet */
    int keeper;                /* socket of resolver.h, or -1; owned */
    int64_t resolver_checked_ns;
    int64_t drain_until_ns;          /* 0 while the container lives */
    const struct net_config *config; /* borrowed */
    uint32_t round;
    struct stack_fd *fds;
    size_t n_fds;
    int *registered; /* numbers that are or lately were in the epoll set */
    size_t n_registered, registered_size;
    struct stack_timer *timers;
    struct guard guard;
};

/* Make the libslirp instance and the epoll set. @tap is made non-blocking; @c, @tap and
 * @container outlive @s. 0 or -errno. */
int stack_open(struct stack *s, const struct net_config *c, int tap, int container, struct err *e);

/* Listen on the published ports. 0 or -errno with the port named. */
int stack_publish(struct stack *s, const struct net_config *c, struct err *e);

/* Stop listening on them; established connections go on. */
void stack_unpublish(struct stack *s);

/* Serve until the container's process is dead (0) or the tap device fails (-errno). */
int stack_run(struct stack *s, struct err *e);

/* callbacks.c: what libslirp calls; @opaque of all is the struct stack. */
extern const SlirpCb stack_callbacks;

/* loop.c: bookkeeping that the callbacks need. */
void stack_forget_fd(struct stack *s, int fd);
void stack_read_clock(struct stack *s);

#endif
