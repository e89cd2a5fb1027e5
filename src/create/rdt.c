// SPDX-License-Identifier: Apache-2.0
/* Between the record and resctrl. Runs in the parent and in the verbs, as root. */
#include "create/rdt.h"

#include <errno.h>

#include "base/fd.h"
#include "base/str.h"
#include "cgroup/resctrl.h"

/* The container's groups, and a descriptor of the mounted resctrl or -errno. */
static int open_groups(const struct record *record, struct resctrl *ret, struct err *e)
{
    *ret = (struct resctrl){ .made = record->rdt_made };
    (void)str_format(ret->group, sizeof(ret->group), "%s", record->rdt_group);
    (void)str_format(ret->monitor, sizeof(ret->monitor), "%s",
                     record->rdt_monitor ? record->rdt_monitor : "");
    return resctrl_open(e);
}

int rdt_begin(const struct spec_intel_rdt *rdt, pid_t init, struct record *record, struct err *e)
{
    _cleanup_close_ int root = -1;
    struct resctrl groups;
    int r;

    if (!rdt->set)
        return 0;
    root = resctrl_open(e);
    r = root < 0 ? root : resctrl_begin(root, rdt, record->id, &groups, e);
    if (r < 0)
        return r;
    record->rdt_group = arena_strdup(&record->arena, groups.group);
    record->rdt_monitor = groups.monitor[0] ? arena_strdup(&record->arena, groups.monitor) : NULL;
    record->rdt_made = groups.made;
    return resctrl_add(root, &groups, init, e);
}

int rdt_join(const struct record *record, pid_t pid, struct err *e)
{
    _cleanup_close_ int root = -1;
    struct resctrl groups;

    if (!record->rdt_group)
        return 0;
    root = open_groups(record, &groups, e);
    return root < 0 ? root : resctrl_add(root, &groups, pid, e);
}

int rdt_update(const struct record *record, const char *l3_cache, const char *mem_bw, struct err *e)
{
    _cleanup_close_ int root = -1;
    struct resctrl groups;

    if (!l3_cache && !mem_bw)
        return 0;
    if (!record->rdt_group)
        return err_set(e, EINVAL, "--%s: container %s was created without linux.intelRdt",
                       l3_cache ? "l3-cache-schema" : "mem-bw-schema", record->id);
    root = open_groups(record, &groups, e);
    return root < 0 ? root : resctrl_update(root, &groups, l3_cache, mem_bw, e);
}

int rdt_end(const struct record *record, struct err *e)
{
    _cleanup_close_ int root = -1;
    struct resctrl groups;

    if (!record->rdt_group)
        return 0;
    /* Unmounted by now, its groups are gone too. */
    root = open_groups(record, &groups, NULL);
    return root < 0 ? 0 : resctrl_remove(root, &groups, e);
}
