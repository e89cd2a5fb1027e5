// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-oci events: one JSON object a line, in runc's form: {"type":"stats","id":ID,"data":{...}} every
 * interval and
 * {"type":"oom","id":ID} for each process the OOM killer took; ends with the container. --stats prints the
 * first kind once. Runs as the caller, without the container's lock: it lasts.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "oci/common.h"

#define DEFAULT_INTERVAL "5s"

/* Whoever reads us may go away: the end of the stream, not a failure. */
static bool put_line(const char *text)
{
    return puts(text) >= 0 && fflush(stdout) == 0;
}

/* An id needs no escaping: its grammar has no special characters. 1 printed, 0 nobody reads any more, -errno.
 */
static int put_stats(const struct container *c, struct cgroup *cg, struct err *e)
{
    _cleanup_buf_ struct buf line = { 0 };
    int r;

    buf_printf(&line, "{\"type\":\"stats\",\"id\":\"%s\",\"data\":", c->id);
    r = cgroup_stats(cg, &line, e);
    if (r < 0)
        return r;
    buf_puts(&line, "}");
    return put_line(line.data);
}

static bool put_kills(const struct container *c, struct cgroup_watch *watch)
{
    _cleanup_buf_ struct buf line = { 0 };
    bool read = true;

    buf_printf(&line, "{\"type\":\"oom\",\"id\":\"%s\"}", c->id);
    for (uint64_t n = cgroup_watch_kills(watch); n > 0 && read; n--)
        read = put_line(line.data);
    return read;
}

enum { FD_INIT, FD_MEMORY, FD_STDOUT, FD_N };

static int stream(struct container *c, struct cgroup *cg, int init, int interval, struct cgroup_watch *watch,
                  struct err *e)
{
    int64_t next = clock_now_ms() + interval;
    int r = 1;

    while (r > 0) {
        struct pollfd fds[FD_N] = {
            [FD_INIT] = { .fd = init, .events = POLLIN },
            [FD_MEMORY] = { .fd = watch->fd, .events = POLLPRI },
            /* No events asked for: only whether the other side is gone. */
            [FD_STDOUT] = { .fd = fileno(stdout) },
        };
        int64_t left = next - clock_now_ms();

        if (left > 0 && poll(fds, FD_N, (int)left) < 0 && errno != EINTR)
            return err_sys(e, errno, "poll");
        if (fds[FD_STDOUT].revents & POLLERR)
            return 0;
        if (!put_kills(c, watch) || fds[FD_INIT].revents)
            return 0;
        if (clock_now_ms() >= next) {
            r = put_stats(c, cg, e);
            next += interval;
        }
    }
    return r;
}

static int watch_container(struct container *c, struct cgroup *cg, int interval, struct err *e)
{
    _cleanup_close_ int init = container_init_pidfd(c, e);
    struct cgroup_watch watch;
    int r;

    if (init < 0)
        return init;
    cgroup_watch_begin(cg, &watch);
    r = stream(c, cg, init, interval, &watch, e);
    cgroup_watch_end(&watch);
    return r;
}

int verb_events(struct cli *cli, struct err *e)
{
    const char *text = cli->interval ? cli->interval : DEFAULT_INTERVAL;
    struct container c;
    struct cgroup cg;
    int interval, r;

    if (str_to_duration(text, &interval) < 0 || interval == 0)
        return err_set(e, EINVAL, "--interval %s: a duration above 0 (5s, 500ms, 1m30s)", text);
    r = common_open(cli, false, &c, e);
    if (r < 0)
        return r;
    r = lifecycle_check(VERB_EVENTS, container_status(&c), c.id, e);
    if (r >= 0)
        r = container_cgroup(&c, &cg, e);
    if (r >= 0) {
        if (cg.plan.manager == CGROUP_NONE)
            r = container_no_cgroup(&c, "events", e);
        else
            r = cli->stats ? put_stats(&c, &cg, e) : watch_container(&c, &cg, interval, e);
        cgroup_close(&cg);
    }
    container_close(&c);
    return r < 0 ? r : 0;
}
