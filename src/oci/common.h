// SPDX-License-Identifier: Apache-2.0
/* What several verbs need. Private to src/oci. */
#ifndef LICHEN_OCI_COMMON_H
#define LICHEN_OCI_COMMON_H

#include "create/container.h"
#include "create/create.h"
#include "oci/cli.h"

/*
 * Descriptors for the process: those of LISTEN_FDS, when they are for us (sd_listen_fds(3)), then
 * --preserve-fds @text more. *ret is their sum, checked to be open. Returns 0 or -errno.
 */
int common_preserve_fds(const char *text, unsigned *ret, struct process_passed *ret_passed, struct err *e);

/* Read the file @path that @option names, "-" for stdin. Returns 0 or -errno. */
int common_read_input(const char *option, const char *path, struct buf *ret, struct err *e);

/* The ids of all containers below the state root, sorted; none where there is no root yet. Returns 0 or
 * -errno. */
int common_ids(const struct cli *cli, char ***ret, size_t *ret_n, struct err *e);

/*
 * Call @act for the container named by operand 0, or with --regex for every one whose id matches it (POSIX
 * extended). With --regex a failure is logged, the rest goes on, and the last is returned. Returns 0 or
 * -errno.
 */
int common_each(struct cli *cli, int (*act)(struct cli *cli, const char *id, struct err *e), struct err *e);

/* create's and run's beginning: the request from the command line, the container, or with --dry-run its plan
 * on stdout and *ret_made false. created_close releases @ret. Returns 0 or -errno. */
int common_create(const struct cli *cli, bool for_run, struct created *ret, bool *ret_made, struct err *e);

/* Open the verb's container (operand 0). */
int common_open(const struct cli *cli, bool lock, struct container *ret, struct err *e);

#endif
