// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-net's event loop. libslirp is written for poll(): before each wait it names every descriptor with
 * the events it wants, afterwards it asks for the results. Here the set lives in epoll and only changes cost
 * a system call. Sandboxed, no privileges.
 */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "resolver.h"
#include "stack.h"

#define NS_PER_MS     1000000
#define NS_PER_SECOND 1000000000
#define EVENTS_MAX    64
/* Frames read before the sockets get their turn: bounded, so an uploading container can't starve downloads.
 */
#define TAP_BATCH 64
#define FRAME_MAX (NET_MTU_MAX + 64)
/* After the container's end: until nothing happens for so long, and in any case no longer than that. */
#define DRAIN_QUIET_MS 10
#define DRAIN_MS       250
/* slirp_pollfds_fill never asks for a longer sleep than this, also when nothing is pending. */
#define SLIRP_IDLE_MS 1000

void stack_read_clock(struct stack *s)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    s->now_ns = (int64_t)t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

/* The record of a descriptor number; the table grows with the highest one. */
static struct stack_fd *fd_record(struct stack *s, int fd)
{
    size_t n = s->n_fds ? s->n_fds : 64;

    if ((size_t)fd < s->n_fds)
        return &s->fds[fd];
    while (n <= (size_t)fd)
        n *= 2;
    s->fds = mem_realloc_array(s->fds, n, sizeof(*s->fds));
    for (size_t i = s->n_fds; i < n; i++)
        s->fds[i] = (struct stack_fd){ 0 };
    s->n_fds = n;
    return &s->fds[fd];
}

void stack_forget_fd(struct stack *s, int fd)
{
    if (fd < 0 || (size_t)fd >= s->n_fds)
        return;
    /* Explicitly: a descriptor that something else still holds open would stay in the set. */
    if (s->fds[fd].registered)
        (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
    s->fds[fd].registered = 0;
    s->fds[fd].ready = 0;
}

static uint32_t to_epoll(int events)
{
    return (events & SLIRP_POLL_IN ? EPOLLIN : 0U) | (events & SLIRP_POLL_OUT ? EPOLLOUT : 0U) |
           (events & SLIRP_POLL_PRI ? EPOLLPRI : 0U) | (events & SLIRP_POLL_ERR ? EPOLLERR : 0U) |
           (events & SLIRP_POLL_HUP ? EPOLLHUP : 0U);
}

static int from_epoll(uint32_t events)
{
    return (events & EPOLLIN ? SLIRP_POLL_IN : 0) | (events & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
           (events & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (events & EPOLLERR ? SLIRP_POLL_ERR : 0) |
           (events & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static void note_registered(struct stack *s, int fd)
{
    if (s->n_registered == s->registered_size) {
        s->registered_size = s->registered_size ? 2 * s->registered_size : 64;
        s->registered = mem_realloc_array(s->registered, s->registered_size, sizeof(*s->registered));
    }
    s->registered[s->n_registered++] = fd;
}

/* SlirpAddPollCb: @fd is wanted in this round. The index handed back is the number itself. */
static int add_poll(int fd, int events, void *opaque)
{
    struct stack *s = opaque;
    struct stack_fd *r = fd_record(s, fd);
    struct epoll_event ev = { .events = to_epoll(events), .data.fd = fd };
    bool known = r->registered != 0;

    if (!r->listed)
        note_registered(s, fd);
    r->listed = true;
    r->round = s->round;
    if (r->registered == ev.events)
        return fd;
    if (epoll_ctl(s->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) < 0) {
        /* The number changed its meaning behind our back: say it to epoll the other way. */
        if ((errno != ENOENT && errno != EEXIST) ||
            epoll_ctl(s->epoll, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev) < 0)
            return fd;
    }
    r->registered = ev.events;
    return fd;
}

static int get_revents(int index, void *opaque)
{
    struct stack *s = opaque;

    return index >= 0 && (size_t)index < s->n_fds ? from_epoll(s->fds[index].ready) : 0;
}

/* Take those out of the set that libslirp did not ask for in this round. */
static void drop_unwanted(struct stack *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n_registered; i++) {
        int fd = s->registered[i];

        if (s->fds[fd].round == s->round) {
            s->registered[kept++] = fd;
            continue;
        }
        stack_forget_fd(s, fd);
        s->fds[fd].listed = false;
    }
    s->n_registered = kept;
}

/* Run the timers that are due; the sleep until the next one, at most @sleep_ms (-1: for ever). */
static int run_timers(struct stack *s, int sleep_ms)
{
    int64_t now = s->now_ns / NS_PER_MS;

    for (struct stack_timer *t = s->timers, *next; t; t = next) {
        next = t->next;
        if (t->expires_ms >= 0 && t->expires_ms <= now) {
            t->expires_ms = -1;
            t->callback(t->argument);
        }
    }
    for (struct stack_timer *t = s->timers; t; t = t->next) {
        int64_t left = t->expires_ms - now;

        if (t->expires_ms >= 0 && (sleep_ms < 0 || left < sleep_ms))
            sleep_ms = left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
    }
    return sleep_ms;
}

/* Ask libslirp what to wait for. Returns the sleep in ms, -1 for ever. */
static int prepare(struct stack *s)
{
    uint32_t timeout = UINT32_MAX;

    s->round++;
    slirp_pollfds_fill(s->slirp, &timeout, add_poll, s);
    drop_unwanted(s);
    return run_timers(s, timeout >= SLIRP_IDLE_MS ? -1 : (int)timeout);
}

/* A query is on its way: libslirp looks at its resolv.conf again at most once a second, so do we. */
static void refresh_resolver(struct stack *s)
{
    if (s->resolver_checked_ns && s->now_ns - s->resolver_checked_ns < NS_PER_SECOND)
        return;
    s->resolver_checked_ns = s->now_ns;
    if (resolver_refresh(s->keeper) < 0)
        s->keeper = fd_close(s->keeper);
}

/* Hand the container's frames to libslirp. 1 when there may be more, 0 when drained, -errno. */
static int read_tap(struct stack *s, struct err *e)
{
    static uint8_t frame[FRAME_MAX];
    uint32_t now = (uint32_t)(s->now_ns / NS_PER_SECOND);

    for (int i = 0; i < TAP_BATCH; i++) {
        ssize_t n = read(s->tap, frame, sizeof(frame));

        /* EIO: the container took its device down; it may come up again. */
        if (n < 0 && (errno == EAGAIN || errno == EIO))
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, errno, "read the tap device");
        if (n <= 0 || !guard_from_container(&s->guard, frame, (size_t)n, now))
            continue;
        if (s->keeper >= 0 && guard_is_for_nameserver(&s->guard, frame))
            refresh_resolver(s);
        slirp_input(s->slirp, frame, (int)n);
    }
    return 1;
}

/*
 * The container's process is dead. What its sockets and libslirp still hold is delivered while it flows, for
 * a moment: a server that answers and exits must not lose the end of its answer. The published ports are
 * given back at once, for the container that may be started next.
 */
static void begin_drain(struct stack *s)
{
    (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->container, NULL);
    s->drain_until_ns = s->now_ns + (int64_t)DRAIN_MS * NS_PER_MS;
    stack_unpublish(s);
}

int stack_run(struct stack *s, struct err *e)
{
    struct epoll_event events[EVENTS_MAX];

    for (;;) {
        int sleep_ms, n, r;
        bool tap = false;

        sleep_ms = prepare(s);
        if (s->drain_until_ns > 0)
            sleep_ms = DRAIN_QUIET_MS;
        n = epoll_wait(s->epoll, events, EVENTS_MAX, sleep_ms);
        if (n < 0 && errno != EINTR)
            return err_sys(e, errno, "wait for events");
        stack_read_clock(s);
        if (s->drain_until_ns > 0 && (n == 0 || s->now_ns > s->drain_until_ns))
            return 0;
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == s->container)
                begin_drain(s);
            else if (events[i].data.fd == s->tap)
                tap = true;
            else
                s->fds[events[i].data.fd].ready = events[i].events;
        }
        /* Before the tap is read: this is what tells libslirp the time. */
        slirp_pollfds_poll(s->slirp, 0, get_revents, s);
        for (int i = 0; i < n; i++) {
            if ((size_t)events[i].data.fd < s->n_fds)
                s->fds[events[i].data.fd].ready = 0;
        }
        r = tap ? read_tap(s, e) : 0;
        if (r < 0)
            return r;
    }
}
