// SPDX-License-Identifier: Apache-2.0
/* lichen-oci start. Under a service manager it ends when the container's service says that it is ready. */
#include "base/fd.h"
#include "base/proc.h"
#include "oci/common.h"
#include "state/dir.h"

static int await_ready(struct container *c, struct notify *notify, struct err *e)
{
    _cleanup_close_ int init = container_init_pidfd(c, NULL);

    /* It may take its time: kill, delete and the others must get through. */
    state_unlock(c->dir);
    return init < 0 ? 0 : notify_forward(notify, c->record.init.pid, init, true, e);
}

int verb_start(struct cli *cli, struct err *e)
{
    struct notify notify;
    struct container c;
    int r = common_open(cli, true, &c, e);

    if (r < 0)
        return r;
    r = container_start(&c, &notify, e);
    if (r >= 0)
        r = await_ready(&c, &notify, e);
    notify_close(&notify);
    container_close(&c);
    return r;
}
