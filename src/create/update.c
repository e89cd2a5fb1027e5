// SPDX-License-Identifier: Apache-2.0
/* Changing the limits of a container. Runs in the update verb, as the caller, with the container's lock held.
 */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "create/container.h"

/* The limits as they are asked for now: by the last update, else by the frozen configuration. Malloc'ed. */
static int current_text(const struct container *c, char **ret, struct err *e)
{
    _cleanup_buf_ struct buf config = { 0 };
    int r;

    if (c->record.resources) {
        *ret = str_printf("%s", c->record.resources);
        return 0;
    }
    r = fd_read_file(c->dir, "config.json", SPEC_MAX_SIZE, &config);
    if (r < 0)
        return err_sys(e, r, "container %s: its frozen config.json", c->id);
    *ret = spec_resources_of(config.data, config.len);
    return 0;
}

static int apply(struct container *c, const struct spec_resources *current,
                 const struct spec_resources *change, struct err *e)
{
    struct cgroup cg;
    int r = container_cgroup(c, &cg, e);

    if (r < 0)
        return r;
    r = cg.plan.manager == CGROUP_NONE ? container_no_cgroup(c, "update", e)
                                       : cgroup_update(&cg, current, change, e);
    cgroup_close(&cg);
    return r;
}

int container_update(struct container *c, const char *patch, size_t size, struct err *e)
{
    _cleanup_free_ char *base = NULL, *merged = NULL;
    struct spec_resources current, change;
    struct arena arena = { 0 };
    int r;

    r = lifecycle_check(VERB_UPDATE, container_status(c), c->id, e);
    if (r >= 0)
        r = spec_parse_resources(patch, size, &arena, &change, e);
    if (r >= 0)
        r = current_text(c, &base, e);
    if (r >= 0)
        r = spec_parse_resources(base, strlen(base), &arena, &current, e);
    if (r >= 0)
        r = apply(c, &current, &change, e);
    if (r >= 0) {
        merged = spec_resources_merge(base, patch);
        c->record.resources = merged;
        r = record_write(c->dir, &c->record, e);
        c->record.resources = NULL;
    }
    arena_free(&arena);
    return r;
}
