// SPDX-License-Identifier: Apache-2.0
/* The parts plan.c composes. Private to the plan. */
#ifndef LICHEN_CREATE_PLAN_PARTS_H
#define LICHEN_CREATE_PLAN_PARTS_H

#include "create/plan.h"

/* Identity: the maps of a new user namespace (DESIGN.md section 4). */
int plan_ids(struct plan *plan, const struct host *host, struct err *e);

/* Root file system: driver, layers, mounts, devices. */
int plan_rootfs(struct plan *plan, const struct host *host, struct err *e);

/* Mount @i's id mapping: who applies which (config.md, "Mounts"). @ops options are parsed. */
int plan_idmapped(struct plan *plan, const struct host *host, size_t i, struct err *e);

#endif
