// SPDX-License-Identifier: Apache-2.0
/* lichen-oci delete */
#include <errno.h>

#include "base/log.h"
#include "oci/common.h"
#include "state/dir.h"

/* A create still at work holds the lock; --force ends it instead of waiting for it. */
static void end_creator(const struct cli *cli, const char *id)
{
    struct container c;

    if (container_open(cli->root, id, false, &c, NULL) < 0)
        return;
    container_end_creator(&c);
    container_close(&c);
}

/* Whatever the record named, only its process would be left now, and nothing names that any more. */
static int discard(const struct cli *cli, const char *id, struct err *e)
{
    log_message(LOG_WARNING, "%s; only its state directory is removed", e->message);
    return container_discard(cli->root, id, e);
}

static int delete_one(struct cli *cli, const char *id, struct err *e)
{
    struct err hook = { 0 };
    struct container c;
    int r;

    r = state_check_id(id, e);
    if (r < 0)
        return r;
    if (cli->force)
        end_creator(cli, id);
    r = container_open(cli->root, id, true, &c, e);
    if (r == -ENOENT && cli->force)
        return 0;
    if ((r == -EINVAL || r == -EFBIG) && cli->force)
        return discard(cli, id, e);
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

int verb_delete(struct cli *cli, struct err *e)
{
    return common_each(cli, delete_one, e);
}
