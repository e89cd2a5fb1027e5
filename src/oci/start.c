// SPDX-License-Identifier: Apache-2.0
/* lichen-oci start */
#include "oci/common.h"

int verb_start(struct cli *cli, struct err *e)
{
    struct container c;
    int r = common_open(cli, true, &c, e);

    if (r < 0)
        return r;
    r = container_start(&c, e);
    container_close(&c);
    return r;
}
