// SPDX-License-Identifier: Apache-2.0
/* What several verbs need. Private to src/oci. */
#ifndef LICHEN_OCI_COMMON_H
#define LICHEN_OCI_COMMON_H

#include "create/container.h"
#include "create/create.h"
#include "oci/cli.h"

/* The create request for the command line; the bundle's path is made absolute and cleaned (malloc'ed in
 * *ret_bundle). Returns 0 or -errno. */
int common_create_request(const struct cli *cli, struct create_request *ret, char **ret_bundle,
                          struct err *e);

/* --preserve-fds: how many, checked to be open. Returns 0 or -errno. */
int common_preserve_fds(const char *text, unsigned *ret, struct err *e);

/* Read the file @path that @option names, "-" for stdin. Returns 0 or -errno. */
int common_read_input(const char *option, const char *path, struct buf *ret, struct err *e);

/* Open the verb's container (operand 0). */
int common_open(const struct cli *cli, bool lock, struct container *ret, struct err *e);

#endif
