// SPDX-License-Identifier: Apache-2.0
/* linux.intelRdt over a container's life: create, exec, delete. The groups' names are kept in the record. */
#ifndef LICHEN_CREATE_RDT_H
#define LICHEN_CREATE_RDT_H

#include <sys/types.h>

#include "base/err.h"
#include "spec/spec.h"
#include "state/record.h"

/* In the parent: make the groups, note them in @record, put @init in. Returns 0 or -errno. */
int rdt_begin(const struct spec_intel_rdt *rdt, pid_t init, struct record *record, struct err *e);

/* exec: @pid joins the container's groups. Nothing without any. Returns 0 or -errno. */
int rdt_join(const struct record *record, pid_t pid, struct err *e);

/* update: new schemata, lines or NULL. Returns 0, -EINVAL without a group, -errno. */
int rdt_update(const struct record *record, const char *l3_cache, const char *mem_bw, struct err *e);

/* delete: remove what is the container's own. Returns 0 or -errno. */
int rdt_end(const struct record *record, struct err *e);

#endif
