// SPDX-License-Identifier: Apache-2.0
/* The parent's side of the conversation. Private to src/create. */
#ifndef LICHEN_CREATE_PARENT_H
#define LICHEN_CREATE_PARENT_H

#include "create/create.h"

/*
 * Execute c->plan: make the stage, its id maps, the cgroup; answer init until READY. On success
 * c->init_pidfd, c->record.init and c->sync are set. On failure the caller takes everything away
 * (created_abort). Returns 0 or -errno.
 */
int parent_build(struct created *c, bool for_run, struct err *e);

#endif
