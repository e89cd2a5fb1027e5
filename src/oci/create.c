// SPDX-License-Identifier: Apache-2.0
/* lichen-oci create */
#include "oci/common.h"

int verb_create(struct cli *cli, struct err *e)
{
    struct created created;
    bool made;
    int r = common_create(cli, false, &created, &made, e);

    if (r >= 0 && made)
        created_close(&created);
    return r;
}
