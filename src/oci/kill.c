// SPDX-License-Identifier: Apache-2.0
/* lichen-oci kill */
#include <errno.h>

#include "base/proc.h"
#include "oci/common.h"

/* No lock: a kill must get through while another verb is at work. */
static int kill_one(struct cli *cli, const char *id, struct err *e)
{
    const char *name = cli->n_operands > 1 ? cli->operands[1] : "TERM";
    int signal = proc_signal_by_name(name), r;
    struct container c;

    if (signal < 0) {
        err_set(e, EINVAL, "unknown signal %s", name);
        return err_remedy(e, "give a name (TERM, SIGTERM, RTMIN+3) or a number");
    }
    r = container_open(cli->root, id, false, &c, e);
    if (r < 0)
        return r;
    r = container_kill(&c, signal, cli->all, e);
    container_close(&c);
    return r;
}

int verb_kill(struct cli *cli, struct err *e)
{
    return common_each(cli, kill_one, e);
}
