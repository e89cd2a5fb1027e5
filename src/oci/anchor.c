// SPDX-License-Identifier: Apache-2.0
/* lichen-oci anchor: start, stop or show the process that keeps the user namespace (create/anchor.h). */
#include "create/anchor.h"

#include <errno.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/str.h"
#include "oci/common.h"

/* Exit status 0 with its pid when there is one, 3 when there is none (systemctl's status of what does not
 * run). */
static int show(const struct cli *cli, struct err *e)
{
    struct container root;
    struct anchor a = { .userns = -1 };
    int r = container_open_root(cli->root, &root, e);

    if (r < 0 && r != -ENOENT)
        return r;
    if (r >= 0)
        (void)anchor_open(root.root, &a);
    if (r >= 0)
        container_close(&root);
    if (a.userns < 0) {
        puts("none");
        return 3;
    }
    printf("pid %d, %llu uids, %llu gids\n", (int)a.process.pid, (unsigned long long)idmap_size(&a.uids),
           (unsigned long long)idmap_size(&a.gids));
    anchor_close(&a);
    return 0;
}

int verb_anchor(struct cli *cli, struct err *e)
{
    const char *what = cli->operands[0];

    if (str_eq(what, "start"))
        return anchor_start(cli->root, e);
    if (str_eq(what, "stop"))
        return anchor_stop(cli->root, e);
    if (str_eq(what, "status"))
        return show(cli, e);
    return err_set(e, EINVAL, "anchor %s: start, stop or status", what);
}
