// SPDX-License-Identifier: Apache-2.0
/* lichen-oci pause and resume */
#include "oci/common.h"

static int set_paused(struct cli *cli, bool pause, struct err *e)
{
    struct container c;
    int r = common_open(cli, true, &c, e);

    if (r < 0)
        return r;
    r = container_pause(&c, pause, e);
    container_close(&c);
    return r;
}

int verb_pause(struct cli *cli, struct err *e)
{
    return set_paused(cli, true, e);
}

int verb_resume(struct cli *cli, struct err *e)
{
    return set_paused(cli, false, e);
}
