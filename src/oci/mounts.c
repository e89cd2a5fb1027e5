// SPDX-License-Identifier: Apache-2.0
/* lichen-oci mounts add|remove, as crun has them */
#include <errno.h>

#include "base/str.h"
#include "oci/common.h"

int verb_mounts(struct cli *cli, struct err *e)
{
    bool add = str_eq(cli->operands[0], "add");
    _cleanup_buf_ struct buf text = { 0 };
    struct container c;
    int r;

    if (!add && !str_eq(cli->operands[0], "remove"))
        return err_set(e, EINVAL, "mounts %s: add or remove", cli->operands[0]);
    r = common_read_input("mounts", cli->operands[2], &text, e);
    if (r >= 0)
        r = container_open(cli->root, cli->operands[1], true, &c, e);
    if (r < 0)
        return r;
    r = container_mounts(&c, text.data ? text.data : "", text.len, add, e);
    container_close(&c);
    return r;
}
