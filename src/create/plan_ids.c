// SPDX-License-Identifier: Apache-2.0
/* The plan's identity part: id maps. Pure. */
#include <errno.h>

#include "create/plan_parts.h"
#include "userns/mapping.h"

bool plan_needs_ranges(const struct spec *spec, const struct create_options *options, const struct host *host)
{
    bool layers = options->overlay || spec_annotation(spec, "io.lichen.rootfs.lower") ||
                  spec_annotation(spec, "io.lichen.rootfs.upper");

    if (host->privileged || host->namespace_root)
        return false;
    /* With layers they also tell how the layers' owners have to be shifted. */
    if (layers)
        return true;
    if (spec->n_uid_mappings || spec->n_gid_mappings)
        return false;
    if (spec->namespaces[NS_USER].present && spec->namespaces[NS_USER].path)
        return false;
    return !(options->ids_given && options->ids == IDS_SINGLE);
}

static int from_config(const struct spec_id_mapping *v, size_t n, const char *field, struct idmap *ret,
                       struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int r = idmap_add(ret, v[i].container_id, v[i].host_id, v[i].size);

        if (r < 0)
            return err_sys(e, r, "linux.%s[%zu]", field, i);
    }
    return 0;
}

/* A bundle without mappings, or without a user namespace at all. */
static int default_maps(struct plan *plan, const struct host *host, struct err *e)
{
    static const char *const names[] = {
        [IDS_DEFAULT] = "default", [IDS_KEEP] = "keep-id", [IDS_SINGLE] = "single"
    };
    enum ids_mode mode = plan->options.ids_given ? plan->options.ids : IDS_DEFAULT;
    int r;

    if (host->privileged) {
        err_set(e, EINVAL,
                "linux.namespaces asks for a new user namespace, but linux.uidMappings and linux.gidMappings "
                "are missing");
        return err_remedy(e, "as root, say which ids to map, for example {\"containerID\": 0, \"hostID\": "
                             "100000, \"size\": 65536}");
    }
    r = idmap_build(mode, host->uid, &host->subuids, "/etc/subuid", &plan->uids, e);
    if (r >= 0)
        r = idmap_build(mode, host->gid, &host->subgids, "/etc/subgid", &plan->gids, e);
    if (r < 0)
        return r;
    if (mode == IDS_DEFAULT && (!host->subuids.n || !host->subgids.n))
        plan_downgrade(plan,
                       "no subordinate ids for uid %u in /etc/subuid or /etc/subgid: only one id is mapped; "
                       "files of other owners cannot be "
                       "created (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER)",
                       (unsigned)host->uid);
    plan->id_map_name = names[mode];
    return 0;
}

int plan_ids(struct plan *plan, const struct host *host, struct err *e)
{
    const struct spec *spec = plan->spec;
    uint32_t host_id;
    int r;

    plan->id_map_name = "none";
    plan->become_root = true;
    if (!plan->make_userns) {
        if (plan->options.ids_given)
            return err_set(e, EINVAL, "--ids: the container gets no new user namespace");
        if ((spec->n_uid_mappings || spec->n_gid_mappings) && !plan->join_userns)
            return err_set(e, EINVAL, "linux.uidMappings: linux.namespaces has no user namespace");
        return 0;
    }
    if (spec->n_uid_mappings || spec->n_gid_mappings) {
        if (!spec->n_uid_mappings || !spec->n_gid_mappings)
            return err_set(e, EINVAL, "linux.%s is missing (the other mapping is there)",
                           spec->n_uid_mappings ? "gidMappings" : "uidMappings");
        if (plan->options.ids_given)
            return err_set(e, EINVAL, "--ids: config.json brings its own linux.uidMappings");
        r = from_config(spec->uid_mappings, spec->n_uid_mappings, "uidMappings", &plan->uids, e);
        if (r >= 0)
            r = from_config(spec->gid_mappings, spec->n_gid_mappings, "gidMappings", &plan->gids, e);
        plan->id_map_name = "config";
    } else {
        r = default_maps(plan, host, e);
    }
    if (r < 0)
        return r;
    plan->has_map = true;
    plan->map_privileged = host->privileged || host->namespace_root;
    plan->map_directly =
        mapping_can_write_directly(&plan->uids, &plan->gids, plan->map_privileged, host->uid, host->gid);
    /* Any map made of ids the anchor has will do. */
    if (!plan->map_directly && host->anchor &&
        idmap_below(&plan->uids, &host->anchor->uids, &plan->anchor_uids, NULL) == 0 &&
        idmap_below(&plan->gids, &host->anchor->gids, &plan->anchor_gids, NULL) == 0)
        plan->anchor = host->anchor;
    plan->become_root =
        idmap_to_host(&plan->uids, 0, &host_id) == 0 && idmap_to_host(&plan->gids, 0, &host_id) == 0;
    return 0;
}
