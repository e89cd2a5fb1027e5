// SPDX-License-Identifier: Apache-2.0
/* The command line of lichen-registry: one table for parsing and help. */
#ifndef LICHEN_REGISTRY_OPTIONS_H
#define LICHEN_REGISTRY_OPTIONS_H

#include "server.h"

/* Fill @o, whose texts are argv's. Returns 0 or -EINVAL. */
int options_parse(int argc, char **argv, struct options *o, struct err *e);
void options_free(struct options *o);
void options_help(void);

#endif
