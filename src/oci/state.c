// SPDX-License-Identifier: Apache-2.0
/* lichen-oci state */
#include <stdio.h>

#include "oci/common.h"

int verb_state(struct cli *cli, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    struct container c;
    int r = common_open(cli, false, &c, e);

    if (r < 0)
        return r;
    record_state_json(&c.record, container_status(&c), &text);
    fputs(text.data, stdout);
    container_close(&c);
    return 0;
}
