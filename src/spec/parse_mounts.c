// SPDX-License-Identifier: Apache-2.0
/* Mounts (config.md "Mounts") and id mappings (config-linux.md "User namespace mappings"). Runs where parse.c
 * runs. */
#include <limits.h>
#include <string.h>

#include "spec/parse.h"

/* UID_GID_MAP_MAX_EXTENTS of the kernel */
#define MAX_MAPPINGS 340

static const struct field id_mapping_fields[] = {
    { .key = "containerID",
      ROW_INT(struct spec_id_mapping, container_id, 0, UINT32_MAX - 1),
      .flags = FIELD_REQUIRED },
    { .key = "hostID", ROW_INT(struct spec_id_mapping, host_id, 0, UINT32_MAX - 1), .flags = FIELD_REQUIRED },
    { .key = "size", ROW_INT(struct spec_id_mapping, size, 1, UINT32_MAX), .flags = FIELD_REQUIRED },
};
const struct table id_mapping_table = { TABLE_FIELDS(id_mapping_fields),
                                        .element_size = sizeof(struct spec_id_mapping),
                                        .section = "config-linux.md#user-namespace-mappings" };

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
    return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

int parse_check_mappings(struct parse *p, const struct spec_id_mapping *v, size_t n)
{
    if (n > MAX_MAPPINGS)
        return parse_fail(p, "has %zu mappings, more than the kernel's %d", n, MAX_MAPPINGS);
    for (size_t i = 0; i < n; i++) {
        /* The last id that exists is UINT32_MAX - 1. */
        if ((uint64_t)v[i].container_id + v[i].size > UINT32_MAX)
            return parse_fail_at(p, i, "size", "%u ids from containerID %u go past the last id", v[i].size,
                                 v[i].container_id);
        if ((uint64_t)v[i].host_id + v[i].size > UINT32_MAX)
            return parse_fail_at(p, i, "size", "%u ids from hostID %u go past the last id", v[i].size,
                                 v[i].host_id);
        for (size_t j = 0; j < i; j++) {
            if (overlap(v[i].container_id, v[i].size, v[j].container_id, v[j].size))
                return parse_fail_at(p, i, "containerID", "%u overlaps with element %zu", v[i].container_id,
                                     j);
            if (overlap(v[i].host_id, v[i].size, v[j].host_id, v[j].size))
                return parse_fail_at(p, i, "hostID", "%u overlaps with element %zu", v[i].host_id, j);
        }
    }
    return 0;
}

static int check_mount_uids(struct parse *p, void *out)
{
    const struct spec_mount *m = out;

    return parse_check_mappings(p, m->uid_mappings, m->n_uid_mappings);
}

static int check_mount_gids(struct parse *p, void *out)
{
    const struct spec_mount *m = out;

    return parse_check_mappings(p, m->gid_mappings, m->n_gid_mappings);
}

/* The spec wants an absolute destination; runc takes a relative one as relative to the root, and so do we. */
static int check_destination(struct parse *p, void *out)
{
    struct spec_mount *m = out;

    if (strlen(m->destination) + 1 >= PATH_MAX)
        return parse_fail(p, "has %zu bytes, more than a path may have", strlen(m->destination));
    if (m->destination[0] != '/')
        m->destination = arena_printf(p->arena, "/%s", m->destination);
    return 0;
}

static int check_mount(struct parse *p, void *out)
{
    const struct spec_mount *m = out;

    if (!m->n_uid_mappings != !m->n_gid_mappings)
        return parse_fail_key(p, m->n_uid_mappings ? "gidMappings" : "uidMappings",
                              "is missing: uidMappings and gidMappings go together");
    return 0;
}

static const struct field mount_fields[] = {
    { .key = "destination",
      ROW_STRING(struct spec_mount, destination),
      .flags = FIELD_REQUIRED,
      .check = check_destination },
    { .key = "source", ROW_STRING(struct spec_mount, source) },
    { .key = "type", ROW_STRING(struct spec_mount, type) },
    { .key = "options", ROW_STRINGS(struct spec_mount, options) },
    { .key = "uidMappings",
      ROW_LIST(struct spec_mount, n_uid_mappings, uid_mappings, &id_mapping_table),
      .check = check_mount_uids },
    { .key = "gidMappings",
      ROW_LIST(struct spec_mount, n_gid_mappings, gid_mappings, &id_mapping_table),
      .check = check_mount_gids },
};
const struct table mount_table = { TABLE_FIELDS(mount_fields), .element_size = sizeof(struct spec_mount),
                                   .section = "config.md#posix-platform-mounts", .check = check_mount };
