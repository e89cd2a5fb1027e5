// SPDX-License-Identifier: Apache-2.0
/*
 * Which id mapping a mount gets and who applies it. Pure. config.md, "Mounts": uidMappings and gidMappings
 * say ids of the file system on the left and ids of the host, as the caller sees them, on the right; without
 * them it is the container's own mapping.
 */
#include <errno.h>

#include "create/plan_parts.h"

static struct idmap *copy_map(struct plan *plan, const struct idmap *map)
{
    struct idmap *copy = ARENA_NEW(&plan->arena, struct idmap);

    *copy = *map;
    return copy;
}

static int from_mount(struct plan *plan, const struct spec_id_mapping *v, size_t n, const char *field,
                      struct idmap **ret, struct err *e)
{
    *ret = ARENA_NEW(&plan->arena, struct idmap);
    for (size_t i = 0; i < n; i++) {
        int r = idmap_add(*ret, v[i].container_id, v[i].host_id, v[i].size);

        if (r < 0)
            return err_sys(e, r, "%s[%zu]", field, i);
    }
    return 0;
}

/* In the container's user namespace the host's ids have other numbers. */
static int write_below(struct plan *plan, const struct idmap *outer, const char *field, struct idmap **map,
                       struct err *e)
{
    struct idmap *inner = ARENA_NEW(&plan->arena, struct idmap);
    uint32_t missing = 0;
    int r = idmap_below(*map, outer, inner, &missing);

    if (r == -ENOENT)
        return err_set(e, EINVAL, "%s: id %u of the host is not mapped in the container", field, missing);
    *map = inner;
    return r < 0 ? err_sys(e, r, "%s", field) : 0;
}

/* A bind: by the parent, if the caller may. */
static int plan_bind(struct plan *plan, const struct host *host, const struct mount_op *op,
                     struct plan_idmap *idmap, struct err *e)
{
    idmap->in_parent = true;
    if (!host->privileged && !host->namespace_root) {
        err_set(e, EPERM,
                "%s: id-mapped bind of %s: its file system belongs to the host, and the caller is not "
                "root there",
                op->field, op->source);
        return err_remedy(e, "fuse-overlayfs can map layers instead (annotations io.lichen.rootfs.lower and "
                             "io.lichen.rootfs.driver=fuse-overlayfs, with linux.uidMappings or --ids)");
    }
    if (idmap->uids)
        return 0;
    if (plan->has_map) {
        idmap->uids = copy_map(plan, &plan->uids);
        idmap->gids = copy_map(plan, &plan->gids);
        return 0;
    }
    if (plan->join_userns)
        return 0;
    err_set(e, EINVAL,
            "%s: option idmap: there are no uidMappings, and the container has no user namespace whose "
            "mapping could be taken",
            op->field);
    return err_remedy(e, "add uidMappings and gidMappings to the mount");
}

/* A new file system: its ids are the container's from the start. */
static int plan_filesystem(struct plan *plan, const struct mount_op *op, struct plan_idmap *idmap,
                           struct err *e)
{
    int r;

    if (!idmap->uids) {
        err_set(e, EINVAL, "%s: option idmap: a new %s has the container's ids already", op->field, op->type);
        return err_remedy(e, "leave out idmap, or add uidMappings and gidMappings to the mount");
    }
    if (plan->join_userns) {
        err_set(e, EINVAL,
                "%s: an id mapping for a new %s in a user namespace joined by path is not possible: "
                "its map is not the runtime's to write below",
                op->field, op->type);
        return err_remedy(e, "let the container make its user namespace, or leave out the mapping");
    }
    if (!plan->has_map)
        return 0;
    r = write_below(plan, &plan->uids, arena_printf(&plan->arena, "%s.uidMappings", op->field), &idmap->uids,
                    e);
    if (r >= 0)
        r = write_below(plan, &plan->gids, arena_printf(&plan->arena, "%s.gidMappings", op->field),
                        &idmap->gids, e);
    return r;
}

int plan_idmapped(struct plan *plan, const struct host *host, size_t i, struct err *e)
{
    const struct spec_mount *m = &plan->spec->mounts[i];
    const struct mount_op *op = &plan->mounts[i];
    struct plan_idmap *idmap = &plan->idmaps[i];
    int r = 0;

    if (op->options.remount)
        return err_set(e, EINVAL, "%s: remount cannot change an id mapping", op->field);
    if (m->n_uid_mappings)
        r = from_mount(plan, m->uid_mappings, m->n_uid_mappings,
                       arena_printf(&plan->arena, "%s.uidMappings", op->field), &idmap->uids, e);
    if (r >= 0 && m->n_gid_mappings)
        r = from_mount(plan, m->gid_mappings, m->n_gid_mappings,
                       arena_printf(&plan->arena, "%s.gidMappings", op->field), &idmap->gids, e);
    if (r < 0)
        return r;
    return op->options.bind ? plan_bind(plan, host, op, idmap, e) : plan_filesystem(plan, op, idmap, e);
}
