// SPDX-License-Identifier: Apache-2.0
/* The linux object: config-linux.md. Runs where parse.c runs. */
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <sys/personality.h>

#include "base/str.h"
#include "spec/parse.h"

/* The kernel's dev_t: 12 bits of major, 20 of minor. */
#define MAX_MAJOR 0xfff
#define MAX_MINOR 0xfffff

/* One element of linux.namespaces, before it goes to its slot. */
struct namespace_entry {
    unsigned ns; /* enum spec_ns */
    const char *path;
};

static int read_namespace_type(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct namespace_entry *entry = out;
    const char *name;
    int r;

    (void)f;
    r = parse_get_string(p, v, &name);
    if (r < 0)
        return r;
    for (unsigned ns = 0; ns < NS_N; ns++) {
        if (str_eq(spec_ns_table[ns].name, name)) {
            entry->ns = ns;
            return 0;
        }
    }
    return parse_fail(p, "\"%.64s\" is not a known namespace", name);
}

static const struct field namespace_fields[] = {
    { .key = "type", .type = TYPE_STRING, .read = read_namespace_type, .flags = FIELD_REQUIRED },
    { .key = "path", ROW_STRING(struct namespace_entry, path), .flags = FIELD_ABSOLUTE },
};
static const struct table namespace_table = { TABLE_FIELDS(namespace_fields),
                                              .section = "config-linux.md#namespaces" };

/* An array in the file, one slot per kind in memory: a kind given twice is an error of the spec's. */
static int read_namespaces(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec *spec = out;

    for (size_t i = 0; i < json_object_array_length(v); i++) {
        struct json_object *element = json_object_array_get_idx(v, i);
        struct namespace_entry entry = { 0 };
        int r;

        parse_enter_index(p, i);
        r = parse_want(p, element, TYPE_OBJECT);
        if (r == 0)
            r = parse_object(p, f->table, element, &entry);
        if (r < 0)
            return r;
        if (spec->namespaces[entry.ns].present)
            return parse_fail_key(p, "type", "\"%s\" is given twice", spec_ns_table[entry.ns].name);
        spec->namespaces[entry.ns] = (struct spec_namespace){ .present = true, .path = entry.path };
        parse_leave(p);
    }
    return 0;
}

static int check_uid_mappings(struct parse *p, void *out)
{
    const struct spec *spec = out;

    return parse_check_mappings(p, spec->uid_mappings, spec->n_uid_mappings);
}

static int check_gid_mappings(struct parse *p, void *out)
{
    const struct spec *spec = out;

    return parse_check_mappings(p, spec->gid_mappings, spec->n_gid_mappings);
}

static const struct spec_name device_type_names[] = {
    { "c", 'c' }, { "u", 'c' }, { "b", 'b' }, { "p", 'p' }, { NULL, 0 },
};

/* Engines write the whole st_mode (8630 for a character device); only the permission bits are meant. */
static int check_file_mode(struct parse *p, void *out)
{
    struct spec_device *device = out;

    (void)p;
    device->mode &= 07777;
    return 0;
}

/* major and minor are REQUIRED except for a fifo; no device is 0:0. */
static int check_device(struct parse *p, void *out)
{
    const struct spec_device *device = out;

    if (device->type != 'p' && !device->major && !device->minor)
        return parse_fail_key(p, "major", "major and minor are required for a device of type \"%c\"",
                              device->type);
    return 0;
}

static const struct field device_fields[] = {
    { .key = "type", ROW_NAME(struct spec_device, type, device_type_names), .flags = FIELD_REQUIRED },
    { .key = "path", ROW_STRING(struct spec_device, path), .flags = FIELD_REQUIRED | FIELD_ABSOLUTE },
    { .key = "major", ROW_INT(struct spec_device, major, 0, MAX_MAJOR) },
    { .key = "minor", ROW_INT(struct spec_device, minor, 0, MAX_MINOR) },
    { .key = "fileMode",
      ROW_INT(struct spec_device, mode, 0, 0177777),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec_device, has_mode, bool),
      .check = check_file_mode },
    { .key = "uid", ROW_INT(struct spec_device, uid, 0, UINT32_MAX - 1) },
    { .key = "gid", ROW_INT(struct spec_device, gid, 0, UINT32_MAX - 1) },
};

static const struct table device_table = { TABLE_FIELDS(device_fields),
                                           .element_size = sizeof(struct spec_device),
                                           .section = "config-linux.md#devices", .check = check_device };

/* dev_valid_name of the kernel: what can be a file in sysfs and is no address. */
static bool is_device_name(const char *s)
{
    if (!*s || strlen(s) >= 16 || str_eq(s, ".") || str_eq(s, ".."))
        return false;
    for (; *s; s++) {
        if (*s == '/' || *s == ':' || isspace((unsigned char)*s))
            return false;
    }
    return true;
}

/* A template has one "%d", and no other "%". */
static int check_new_name(struct parse *p, void *out)
{
    const char *s = ((struct spec_net_device *)out)->new_name;
    const char *percent = s ? strchr(s, '%') : NULL;

    if (s && !is_device_name(s))
        return parse_fail(p, "\"%.32s\" cannot be the name of a network device", s);
    if (percent && (percent[1] != 'd' || strchr(percent + 1, '%')))
        return parse_fail(p, "\"%.32s\" has a %% that is not the one %%d of a template", s);
    return 0;
}

static const struct field net_device_fields[] = {
    { .key = "name", ROW_STRING(struct spec_net_device, new_name), .check = check_new_name },
};
static const struct table net_device_table = { TABLE_FIELDS(net_device_fields),
                                               .section = "config-linux.md#network-devices" };

/* A map of the host's names. */
static int read_net_devices(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec *spec = out;
    size_t n = (size_t)json_object_object_length(v);

    if (n > PARSE_MAX_ELEMENTS)
        return parse_fail(p, "has %zu devices, more than the %d allowed", n, PARSE_MAX_ELEMENTS);
    spec->net_devices = n ? ARENA_ARRAY(p->arena, n, struct spec_net_device) : NULL;
    json_object_object_foreach(v, key, value)
    {
        struct spec_net_device *device = &spec->net_devices[spec->n_net_devices];
        int r;

        parse_enter_map(p, key);
        if (!is_device_name(key))
            return parse_fail(p, "is not the name of a network device");
        /* {"eth0": null} is what Go writes for an entry without properties. */
        r = value ? parse_want(p, value, TYPE_OBJECT) : 0;
        if (r == 0 && value)
            r = parse_object(p, f->table, value, device);
        if (r < 0)
            return r;
        device->name = arena_strdup(p->arena, key);
        spec->n_net_devices++;
        parse_leave(p);
    }
    return 0;
}

/* No component "..": the path is below the cgroup root for everybody (crun 1.28 notes). */
static int check_cgroups_path(struct parse *p, void *out)
{
    const char *s = ((struct spec *)out)->cgroups_path;

    if (s && strlen(s) >= PATH_MAX)
        return parse_fail(p, "has %zu bytes, more than a path may have", strlen(s));
    while (s && *s) {
        size_t n = strcspn(s, "/");

        if (n == 2 && s[0] == '.' && s[1] == '.')
            return parse_fail(p, "\"%.128s\" contains \"..\"", ((struct spec *)out)->cgroups_path);
        s += n + (s[n] == '/');
    }
    return 0;
}

/* The spec names four; engines write the recursive forms too, as mount options have them. */
static const struct spec_name propagation_names[] = {
    { "private", 0 }, { "rprivate", 0 },   { "slave", 0 },       { "rslave", 0 }, { "shared", 0 },
    { "rshared", 0 }, { "unbindable", 0 }, { "runbindable", 0 }, { NULL, 0 },
};

static const struct spec_name personality_names[] = {
    { "LINUX", PER_LINUX },
    { "LINUX32", PER_LINUX32 },
    { NULL, 0 },
};

static const struct field personality_fields[] = {
    { .key = "domain",
      ROW_NAME(struct spec, personality.domain, personality_names),
      .flags = FIELD_REQUIRED },
    /* The spec: "Currently no flag values are supported". */
    { .key = "flags", ROW_REFUSED(TYPE_ARRAY) },
};
static const struct table personality_table = { TABLE_FIELDS(personality_fields),
                                                .section = "config-linux.md#personality" };

/* A directory right below resctrl's root, which has some of its own. */
static int check_clos_id(struct parse *p, void *out)
{
    const char *s = ((struct spec_intel_rdt *)out)->clos_id;
    static const char *const reserved[] = { ".", "..", "info", "mon_data", "mon_groups" };

    if (!s || str_eq(s, "/"))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        if (str_eq(s, reserved[i]))
            return parse_fail(p, "\"%s\" cannot be a class of service", s);
    }
    if (strpbrk(s, "/\n") || strlen(s) > NAME_MAX)
        return parse_fail(p, "\"%.64s\" is not the name of a directory", s);
    return 0;
}

static int check_one_line(struct parse *p, const char *s, const char *prefix)
{
    if (s && (strchr(s, '\n') || !str_has_prefix(s, prefix)))
        return parse_fail(p, "\"%.64s\" is not one line%s%s", s, *prefix ? " beginning with " : "", prefix);
    return 0;
}

static int check_l3(struct parse *p, void *out)
{
    return check_one_line(p, ((struct spec_intel_rdt *)out)->l3_cache_schema, "");
}

static int check_mem_bw(struct parse *p, void *out)
{
    return check_one_line(p, ((struct spec_intel_rdt *)out)->mem_bw_schema, "MB:");
}

static int check_schemata(struct parse *p, void *out)
{
    const struct spec_strings *lines = &((struct spec_intel_rdt *)out)->schemata;

    for (size_t i = 0; i < lines->n; i++) {
        if (!*lines->v[i] || strchr(lines->v[i], '\n'))
            return parse_fail_at(p, i, NULL, "\"%.64s\" is not one line", lines->v[i]);
    }
    return 0;
}

static const struct field intel_rdt_fields[] = {
    { .key = "closID", ROW_STRING(struct spec_intel_rdt, clos_id), .check = check_clos_id },
    { .key = "schemata", ROW_STRINGS(struct spec_intel_rdt, schemata), .check = check_schemata },
    { .key = "l3CacheSchema", ROW_STRING(struct spec_intel_rdt, l3_cache_schema), .check = check_l3 },
    { .key = "memBwSchema", ROW_STRING(struct spec_intel_rdt, mem_bw_schema), .check = check_mem_bw },
    { .key = "enableMonitoring", ROW_BOOL(struct spec_intel_rdt, enable_monitoring) },
    /* Of 1.1 to 1.2.1; enableMonitoring has taken their place. */
    { .key = "enableCMT", ROW_REFUSED(TYPE_BOOL) },
    { .key = "enableMBM", ROW_REFUSED(TYPE_BOOL) },
};
static const struct table intel_rdt_table = { TABLE_FIELDS(intel_rdt_fields),
                                              .section = "config-linux.md#intelrdt" };

static int check_policy_nodes(struct parse *p, void *out)
{
    return parse_check_list(p, ((struct spec_memory_policy *)out)->nodes, SPEC_MAX_NODES);
}

static int check_policy_mode(struct parse *p, void *out)
{
    struct spec_memory_policy *policy = out;

    (void)p;
    policy->mode_name = spec_number_to_name(spec_memory_policy_mode_names, policy->mode);
    return 0;
}

/* set_mempolicy(2) answers a mismatch with a bare EINVAL. */
static int check_memory_policy(struct parse *p, void *out)
{
    const struct spec_memory_policy *policy = out;
    const int both = 1 << 14 | 1 << 15;
    const char *name = policy->mode_name;
    bool none = str_eq(name, "MPOL_DEFAULT") || str_eq(name, "MPOL_LOCAL");

    if (none && policy->nodes)
        return parse_fail_key(p, "nodes", "%s takes none", name);
    if (!none && !policy->nodes && !str_eq(name, "MPOL_PREFERRED"))
        return parse_fail_key(p, "nodes", "is required for %s, but missing", name);
    if ((policy->flags & both) == both)
        return parse_fail_key(p, "flags", "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other");
    if (policy->flags && !policy->nodes)
        return parse_fail_key(p, "flags", "are about nodes, and none are given");
    return 0;
}

static const struct field memory_policy_fields[] = {
    { .key = "mode",
      ROW_NAME(struct spec_memory_policy, mode, spec_memory_policy_mode_names),
      .flags = FIELD_REQUIRED,
      .check = check_policy_mode },
    { .key = "nodes", ROW_STRING(struct spec_memory_policy, nodes), .check = check_policy_nodes },
    { .key = "flags", ROW_FLAGS(struct spec_memory_policy, flags, spec_memory_policy_flag_names) },
};
static const struct table memory_policy_table = { TABLE_FIELDS(memory_policy_fields),
                                                  .section = "config-linux.md#memory-policy",
                                                  .check = check_memory_policy };

#define ROW_TIME_OFFSET(clock)                          \
    ROW_OBJECT(struct spec, clock, &time_offset_table), \
        .flags = FIELD_MARKS, .mark_offset = FIELD_AT(struct spec, clock.set, bool)

static const struct field time_offset_fields[] = {
    { .key = "secs", ROW_INT(struct spec_time_offset, secs, INT64_MIN, INT64_MAX) },
    { .key = "nanosecs", ROW_INT(struct spec_time_offset, nanosecs, 0, 999999999) },
};
static const struct table time_offset_table = { TABLE_FIELDS(time_offset_fields),
                                                .section = "config-linux.md#offset-for-time-namespace" };

static const struct field time_offsets_fields[] = {
    { .key = "monotonic", ROW_TIME_OFFSET(time_offset_monotonic) },
    { .key = "boottime", ROW_TIME_OFFSET(time_offset_boottime) },
};
static const struct table time_offsets_table = { TABLE_FIELDS(time_offsets_fields),
                                                 .section = "config-linux.md#offset-for-time-namespace" };

/* A map in the spec, whose keys the kernel limits to two: any other would be an offset silently not applied.
 */
static int read_time_offsets(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    json_object_object_foreach(v, key, value)
    {
        (void)value;
        if (!str_eq(key, "monotonic") && !str_eq(key, "boottime")) {
            parse_enter_map(p, key);
            return parse_fail(p, "is not a clock of a time namespace (monotonic, boottime)");
        }
    }
    return parse_member(p, f, v, out);
}

static const struct field linux_fields[] = {
    { .key = "namespaces",
      .type = TYPE_ARRAY,
      .read = read_namespaces,
      .table = &namespace_table,
      .section = "config-linux.md#namespaces" },
    { .key = "uidMappings",
      ROW_LIST(struct spec, n_uid_mappings, uid_mappings, &id_mapping_table),
      .check = check_uid_mappings,
      .section = "config-linux.md#user-namespace-mappings" },
    { .key = "gidMappings",
      ROW_LIST(struct spec, n_gid_mappings, gid_mappings, &id_mapping_table),
      .check = check_gid_mappings,
      .section = "config-linux.md#user-namespace-mappings" },
    { .key = "timeOffsets",
      .type = TYPE_OBJECT,
      .read = read_time_offsets,
      .table = &time_offsets_table,
      .section = "config-linux.md#offset-for-time-namespace" },
    { .key = "devices",
      ROW_LIST(struct spec, n_devices, devices, &device_table),
      .section = "config-linux.md#devices" },
    { .key = "netDevices",
      .type = TYPE_OBJECT,
      .read = read_net_devices,
      .table = &net_device_table,
      .section = "config-linux.md#network-devices" },
    { .key = "cgroupsPath",
      ROW_STRING(struct spec, cgroups_path),
      .check = check_cgroups_path,
      .section = "config-linux.md#cgroups-path" },
    { .key = "resources",
      ROW_OBJECT(struct spec, resources, &resources_table),
      .section = "config-linux.md#control-groups" },
    { .key = "intelRdt",
      ROW_OBJECT(struct spec, intel_rdt, &intel_rdt_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec, intel_rdt.set, bool),
      .section = "config-linux.md#intelrdt" },
    { .key = "memoryPolicy",
      ROW_OBJECT(struct spec, memory_policy, &memory_policy_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec, memory_policy.set, bool),
      .section = "config-linux.md#memory-policy" },
    { .key = "sysctl", ROW_MAP(struct spec, n_sysctl, sysctl), .section = "config-linux.md#sysctl" },
    { .key = "seccomp",
      .type = TYPE_OBJECT,
      .read = parse_seccomp,
      .offset = FIELD_AT(struct spec, seccomp, struct spec_seccomp),
      .table = &seccomp_table,
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec, seccomp.set, bool),
      .section = "config-linux.md#seccomp" },
    { .key = "rootfsPropagation",
      ROW_CHOICE(struct spec, rootfs_propagation, propagation_names),
      .section = "config-linux.md#rootfs-mount-propagation" },
    { .key = "maskedPaths",
      ROW_STRINGS(struct spec, masked_paths),
      .flags = FIELD_ABSOLUTE,
      .section = "config-linux.md#masked-paths" },
    { .key = "readonlyPaths",
      ROW_STRINGS(struct spec, readonly_paths),
      .flags = FIELD_ABSOLUTE,
      .section = "config-linux.md#readonly-paths" },
    { .key = "mountLabel", ROW_STRING(struct spec, mount_label), .section = "config-linux.md#mount-label" },
    { .key = "personality",
      ROW_OBJECT_HERE(&personality_table),
      .flags = FIELD_MARKS,
      .mark_offset = FIELD_AT(struct spec, personality.set, bool),
      .section = "config-linux.md#personality" },
};
const struct table linux_table = { TABLE_FIELDS(linux_fields), .section = "config-linux.md" };
