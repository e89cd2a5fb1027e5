// SPDX-License-Identifier: Apache-2.0
/* The plan as JSON: what create would do, for --dry-run and bug reports. Pure. */
#include <json-c/json.h>

#include "create/plan.h"
#include "spec/names.h"

static struct json_object *string_or_null(const char *s)
{
    return s ? json_object_new_string(s) : NULL;
}

static struct json_object *map_json(const struct idmap *map)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < map->n; i++) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "containerID", json_object_new_int64(map->v[i].container));
        json_object_object_add(o, "hostID", json_object_new_int64(map->v[i].host));
        json_object_object_add(o, "size", json_object_new_int64(map->v[i].size));
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *namespaces_json(const struct plan *plan)
{
    struct json_object *o = json_object_new_object();

    for (int ns = 0; ns < NS_N; ns++)
        json_object_object_add(o, spec_ns_table[ns].name,
                               json_object_new_string(plan->own[ns]    ? "new"
                                                      : plan->join[ns] ? plan->join[ns]
                                                                       : "host"));
    return o;
}

static struct json_object *rootfs_json(const struct plan *plan)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "driver", json_object_new_string(rootfs_driver_name(plan->driver)));
    json_object_object_add(o, "path", string_or_null(plan->rootfs));
    json_object_object_add(o, "lower", string_or_null(plan->overlay.lower));
    json_object_object_add(o, "upper", string_or_null(plan->overlay.upper));
    json_object_object_add(o, "devices",
                           json_object_new_string(plan->bind_devices ? "bound from the host" : "made"));
    return o;
}

static struct json_object *mounts_json(const struct plan *plan)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < plan->n_mounts; i++) {
        const struct mount_op *op = &plan->mounts[i];
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "destination", json_object_new_string(op->destination));
        json_object_object_add(o, "type", json_object_new_string(op->type));
        json_object_object_add(o, "source", string_or_null(op->source));
        json_object_object_add(o, "readonly", json_object_new_boolean(op->force_readonly));
        json_object_array_add(list, o);
    }
    return list;
}

void plan_print(const struct plan *plan, struct buf *out)
{
    struct json_object *o = json_object_new_object(), *list = json_object_new_array();

    json_object_object_add(o, "id", json_object_new_string(plan->options.id));
    json_object_object_add(o, "namespaces", namespaces_json(plan));
    json_object_object_add(o, "ids", json_object_new_string(plan->id_map_name));
    json_object_object_add(o, "uidMappings", map_json(&plan->uids));
    json_object_object_add(o, "gidMappings", map_json(&plan->gids));
    json_object_object_add(o, "mapping",
                           json_object_new_string(!plan->has_map       ? "none"
                                                  : plan->map_directly ? "direct"
                                                  : plan->anchor       ? "anchor"
                                                                       : "newuidmap and newgidmap"));
    json_object_object_add(o, "rootfs", rootfs_json(plan));
    json_object_object_add(o, "mounts", mounts_json(plan));
    json_object_object_add(o, "cgroupManager",
                           json_object_new_string(cgroup_manager_name(plan->cgroup.manager)));
    for (size_t i = 0; i < plan->downgrades.n; i++)
        json_object_array_add(list, json_object_new_string(plan->downgrades.v[i]));
    json_object_object_add(o, "downgrades", list);
    buf_puts(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                        JSON_C_TO_STRING_NOSLASHESCAPE));
    buf_puts(out, "\n");
    json_object_put(o);
}
