// SPDX-License-Identifier: Apache-2.0
/* What libslirp calls back into lichen-net for. Sandboxed, no privileges. */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "stack.h"

#define NS_PER_MS     1000000
#define NS_PER_SECOND 1000000000

static ssize_t send_packet(const void *frame, size_t size, void *opaque)
{
    struct stack *s = opaque;
    ssize_t n;

    guard_to_container(&s->guard, (uint8_t *)frame, size, (uint32_t)(s->now_ns / NS_PER_SECOND));
    do {
        n = write(s->tap, frame, size);
    } while (n < 0 && errno == EINTR);
    /* A full queue or a device that is down loses the frame, as a wire would; TCP sends it again. */
    return n < 0 ? (ssize_t)size : n;
}

static void guest_error(const char *message, void *opaque)
{
    /* Complaints about hostile or broken frames: a container must not be able to fill a log with them. */
    (void)message;
    (void)opaque;
}

static int64_t clock_get_ns(void *opaque)
{
    return ((struct stack *)opaque)->now_ns;
}

static void *timer_new(SlirpTimerCb callback, void *argument, void *opaque)
{
    struct stack *s = opaque;
    struct stack_timer *t = mem_zalloc(sizeof(*t));

    t->callback = callback;
    t->argument = argument;
    t->expires_ms = -1;
    t->next = s->timers;
    s->timers = t;
    return t;
}

static void timer_free(void *timer, void *opaque)
{
    struct stack *s = opaque;
    struct stack_timer *t = timer;

    for (struct stack_timer **at = &s->timers; *at; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            break;
        }
    }
    mem_freep(&t);
}

static void timer_mod(void *timer, int64_t expires_ms, void *opaque)
{
    (void)opaque;
    ((struct stack_timer *)timer)->expires_ms = expires_ms;
}

/*
 * libslirp announces a descriptor when it is made and before it is closed. Both forget it: the kernel drops a
 * closed one from the epoll set by itself, and a number that comes back must be added anew.
 */
static void poll_fd_changed(int fd, void *opaque)
{
    stack_forget_fd(opaque, fd);
}

static void notify(void *opaque)
{
    /* The loop asks libslirp for its descriptors after every batch anyway. */
    (void)opaque;
}

const SlirpCb stack_callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_get_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = poll_fd_changed,
    .unregister_poll_fd = poll_fd_changed,
    .notify = notify,
};
