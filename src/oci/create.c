// SPDX-License-Identifier: Apache-2.0
/* lichen-oci create */
#include <stdio.h>

#include "base/mem.h"
#include "oci/common.h"

int verb_create(struct cli *cli, struct err *e)
{
    _cleanup_free_ char *bundle = NULL;
    _cleanup_buf_ struct buf plan = { 0 };
    struct create_request request;
    struct created created;
    int r;

    r = common_create_request(cli, &request, &bundle, e);
    if (r < 0)
        return r;
    request.options.detach = true;
    request.plan_text = &plan;
    r = container_create(&request, &created, e);
    if (r < 0)
        return r;
    if (plan.len)
        fputs(plan.data, stdout);
    created_close(&created);
    return 0;
}
