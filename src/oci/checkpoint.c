// SPDX-License-Identifier: Apache-2.0
/* lichen-oci checkpoint and restore: there to say no. */
#include <errno.h>

#include "oci/cli.h"

int verb_checkpoint(struct cli *cli, struct err *e)
{
    (void)cli;
    err_set(e, EOPNOTSUPP,
            "checkpoint and restore are not supported: CRIU needs CAP_CHECKPOINT_RESTORE and CAP_SYS_ADMIN "
            "on the "
            "host to dump and restore the mounts and namespaces of a container");
    return err_remedy(
        e,
        "stop the container and keep its data in a volume or in the upper layer (io.lichen.rootfs.upper); or "
        "run it as root with crun or runc, which drive CRIU");
}
