// SPDX-License-Identifier: Apache-2.0
/* lichen-oci run: create and start in one process, be its foreground, delete. */
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "create/hooks.h"
#include "create/supervise.h"
#include "oci/common.h"

/* The container as later verbs see it, made from what create left us, without reading it all again. */
static void view(struct created *c, struct container *ret)
{
    *ret = (struct container){ .root = c->root, .dir = c->dir, .id = c->record.id, .record = c->record };
}

static int start(struct created *c, struct err *e)
{
    int r = container_release(c->sync, &c->record, e);

    c->sync = fd_close(c->sync);
    if (r >= 0)
        r = hooks_run(&c->spec->hooks, HOOK_POSTSTART, &c->record, STATUS_RUNNING, e);
    return r;
}

static int foreground(struct created *c, int signals, bool keep, struct err *e)
{
    struct container container;
    int status, r;

    r = supervise(c->record.init.pid, c->init_pidfd, signals, TAKE_FD(c->master), &status, e);
    if (r < 0)
        return r;
    if (!keep) {
        struct err gone = { 0 };

        view(c, &container);
        r = container_delete(&container, true, &gone);
        if (r < 0 || gone.code)
            log_error(&gone);
    }
    return status;
}

int verb_run(struct cli *cli, struct err *e)
{
    _cleanup_close_ int signals = -1;
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
    r = start(&created, e);
    if (r < 0)
        created_abort(&created);
    else if (!cli->detach)
        r = foreground(&created, signals, cli->keep, e);
    created_close(&created);
    return r;
}
