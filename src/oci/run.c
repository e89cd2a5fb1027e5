// SPDX-License-Identifier: Apache-2.0
/* lichen-oci run: create and start in one process, be its foreground, delete. */
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "create/hooks.h"
#include "create/supervise.h"
#include "oci/common.h"
#include "state/dir.h"

#define LOCK_TIMEOUT_MS 30000

/* The container as later verbs see it, made from what create left us, without reading it all again. */
static void view(struct created *c, struct container *ret)
{
    *ret = (struct container){ .root = c->root, .dir = c->dir, .id = c->record.id, .record = c->record };
}

static int start(struct created *c, struct notify *notify, struct err *e)
{
    int r = notify_open(c->dir, c->record.notify_socket, notify, e);

    if (r >= 0)
        r = container_release(c->sync, &c->record, e);
    c->sync = fd_close(c->sync);
    if (r >= 0)
        r = hooks_run(&c->spec->hooks, HOOK_POSTSTART, &c->record, STATUS_RUNNING, e);
    return r;
}

/* Readiness, status and watchdog messages are handed on by a process beside us until the container ends. We
 * stay the service's main process, so no MAINPID. Returns its pid, 0 where there is nothing to do, -errno. */
static pid_t forward_beside(struct created *c, struct notify *notify, struct err *e)
{
    pid_t pid;

    if (notify->sock < 0)
        return 0;
    pid = proc_clone(0, -1, NULL);
    if (pid == 0) {
        proc_set_name("lichen:[notify]");
        fd_keep_only(0, (const int[]){ notify->sock, notify->host, c->init_pidfd }, 3);
        _exit(notify_forward(notify, c->record.init.pid, c->init_pidfd, false, NULL) < 0);
    }
    return pid < 0 ? err_sys(e, pid, "NOTIFY_SOCKET: cannot fork") : pid;
}

/* The container has ended. Meanwhile the lock was free: somebody else may have deleted it. */
static void take_away(struct created *c)
{
    struct container container;
    struct err gone = { 0 };
    int r = state_lock(c->dir, LOCK_TIMEOUT_MS, c->record.id, &gone);

    if (r >= 0 && !path_is_current(c->root, c->record.id, c->dir))
        return;
    view(c, &container);
    if (r >= 0)
        r = container_delete(&container, true, &gone);
    if (r < 0 || gone.code)
        log_error(&gone);
}

static int foreground(struct created *c, struct notify *notify, int signals, bool keep, struct err *e)
{
    pid_t forwarder = forward_beside(c, notify, e);
    int status, ignored, r;

    if (forwarder < 0)
        return forwarder;
    /* As long as it runs, other verbs have their say. */
    state_unlock(c->dir);
    r = supervise(c->record.init.pid, c->init_pidfd, signals, TAKE_FD(c->master), &status, e);
    if (forwarder > 0 && r >= 0)
        (void)proc_wait(forwarder, &ignored);
    if (r < 0)
        return r;
    if (!keep)
        take_away(c);
    return status;
}

int verb_run(struct cli *cli, struct err *e)
{
    _cleanup_close_ int signals = -1;
    struct notify notify = { .sock = -1, .host = -1 };
    struct created created;
    bool made;
    int r;

    if (!cli->detach && !cli->dry_run) {
        signals = supervise_prepare(e);
        if (signals < 0)
            return signals;
    }
    r = common_create(cli, true, &created, &made, e);
    if (r < 0 || !made)
        return r;
    r = start(&created, &notify, e);
    if (r < 0) {
        created_abort(&created);
    } else if (!cli->detach) {
        r = foreground(&created, &notify, signals, cli->keep, e);
    } else {
        state_unlock(created.dir);
        r = notify_forward(&notify, created.record.init.pid, created.init_pidfd, true, e);
    }
    notify_close(&notify);
    created_close(&created);
    return r;
}
