// SPDX-License-Identifier: Apache-2.0
/* lichen-oci doctor */
#include "oci/cli.h"

int verb_doctor(struct cli *cli, struct err *e)
{
    (void)cli;
    (void)e;
    return 0;
}
