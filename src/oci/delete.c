// SPDX-License-Identifier: Apache-2.0
/* lichen-oci delete */
#include <errno.h>
#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "oci/common.h"
#include "state/dir.h"

/* A create still at work holds the lock; --force ends it instead of waiting for it. */
static void end_creator(const struct cli *cli)
{
    struct container c;

    if (common_open(cli, false, &c, NULL) < 0)
        return;
    if (!c.record.complete) {
        int creator = proc_open_id(&c.record.creator);

        if (creator >= 0) {
            (void)proc_signal(creator, SIGKILL);
            (void)proc_wait_dead(creator, 5000);
            (void)fd_close(creator);
        }
    }
    container_close(&c);
}

/* Whatever the record named, only its process would be left now, and nothing names that any more. */
static int discard(const struct cli *cli, struct err *e)
{
    log_message(LOG_WARNING, "%s; only its state directory is removed", e->message);
    return container_discard(cli->root, cli->operands[0], e);
}

int verb_delete(struct cli *cli, struct err *e)
{
    struct err hook = { 0 };
    struct container c;
    int r;

    r = state_check_id(cli->operands[0], e);
    if (r < 0)
        return r;
    if (cli->force)
        end_creator(cli);
    r = common_open(cli, true, &c, e);
    if (r == -ENOENT && cli->force)
        return 0;
    if ((r == -EINVAL || r == -EFBIG) && cli->force)
        return discard(cli, e);
    if (r < 0)
        return r;
    r = container_delete(&c, cli->force, &hook);
    container_close(&c);
    if (r < 0) {
        *e = hook;
        return r;
    }
    if (hook.code)
        log_message(LOG_WARNING, "%s", hook.message);
    return 0;
}
