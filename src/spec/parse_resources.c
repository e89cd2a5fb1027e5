// SPDX-License-Identifier: Apache-2.0
/* linux.resources: config-linux.md "Control groups". Limits in the spec's units; cgroup/ converts them. Runs
 * where parse.c runs. */
#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "spec/parse.h"

/* The kernel's dev_t: 12 bits of major, 20 of minor. */
#define MAX_MAJOR 0xfff
#define MAX_MINOR 0xfffff

/* -1 means unlimited. */
static const struct field memory_fields[] = {
    { .key = "limit", ROW_OPT_I64(struct spec_resources, memory.limit, -1, INT64_MAX) },
    { .key = "reservation", ROW_OPT_I64(struct spec_resources, memory.reservation, -1, INT64_MAX) },
    { .key = "swap", ROW_OPT_I64(struct spec_resources, memory.swap, -1, INT64_MAX) },
    /* cgroup v1 only; the spec: "may be ignored by runtimes". */
    { .key = "kernel", ROW_IGNORED(TYPE_INTEGER) },
    { .key = "kernelTCP", ROW_IGNORED(TYPE_INTEGER) },
    { .key = "swappiness", ROW_OPT_U64(struct spec_resources, memory.swappiness, 100) },
    { .key = "disableOOMKiller", ROW_OPT_BOOL(struct spec_resources, memory.disable_oom_killer) },
    { .key = "useHierarchy", ROW_OPT_BOOL(struct spec_resources, memory.use_hierarchy) },
    { .key = "checkBeforeUpdate", ROW_OPT_BOOL(struct spec_resources, memory.check_before_update) },
};
static const struct table memory_table = { TABLE_FIELDS(memory_fields), .section = "config-linux.md#memory" };

/* The kernel's list format of cpusets: "0-3,7" (cgroup-v2.rst "Cpuset"). */
static int check_list(struct parse *p, const char *s)
{
    if (s && s[strspn(s, "0123456789,- ")])
        return parse_fail(p, "\"%.128s\" is not a list of numbers and ranges (0-3,7)", s);
    return 0;
}

static int check_cpus(struct parse *p, void *out)
{
    return check_list(p, ((struct spec_resources *)out)->cpu.cpus);
}

static int check_mems(struct parse *p, void *out)
{
    return check_list(p, ((struct spec_resources *)out)->cpu.mems);
}

static const struct field cpu_fields[] = {
    { .key = "shares", ROW_OPT_U64(struct spec_resources, cpu.shares, UINT64_MAX) },
    { .key = "quota", ROW_OPT_I64(struct spec_resources, cpu.quota, INT64_MIN, INT64_MAX) },
    { .key = "burst", ROW_OPT_U64(struct spec_resources, cpu.burst, UINT64_MAX) },
    { .key = "period", ROW_OPT_U64(struct spec_resources, cpu.period, UINT64_MAX) },
    { .key = "realtimeRuntime",
      ROW_OPT_I64(struct spec_resources, cpu.realtime_runtime, INT64_MIN, INT64_MAX) },
    { .key = "realtimePeriod", ROW_OPT_U64(struct spec_resources, cpu.realtime_period, UINT64_MAX) },
    { .key = "cpus", ROW_STRING(struct spec_resources, cpu.cpus), .check = check_cpus },
    { .key = "mems", ROW_STRING(struct spec_resources, cpu.mems), .check = check_mems },
    { .key = "idle", ROW_OPT_I64(struct spec_resources, cpu.idle, 0, 1) },
};
static const struct table cpu_table = { TABLE_FIELDS(cpu_fields), .section = "config-linux.md#cpu" };

static const struct field pids_fields[] = {
    { .key = "limit", ROW_OPT_I64(struct spec_resources, pids_limit, INT64_MIN, INT64_MAX) },
};
static const struct table pids_table = { TABLE_FIELDS(pids_fields), .section = "config-linux.md#pids" };

static const struct field io_weight_fields[] = {
    { .key = "major", ROW_INT(struct spec_io_weight, major, 0, MAX_MAJOR), .flags = FIELD_REQUIRED },
    { .key = "minor", ROW_INT(struct spec_io_weight, minor, 0, MAX_MINOR), .flags = FIELD_REQUIRED },
    { .key = "weight", ROW_OPT_U64(struct spec_io_weight, weight, 1000) },
    { .key = "leafWeight", ROW_OPT_U64(struct spec_io_weight, leaf_weight, 1000) },
};

static int check_io_weight(struct parse *p, void *out)
{
    const struct spec_io_weight *w = out;

    if (!w->weight.set && !w->leaf_weight.set)
        return parse_fail_key(p, "weight", "is required, or leafWeight, but both are missing");
    return 0;
}

static const struct table io_weight_table = { TABLE_FIELDS(io_weight_fields),
                                              .element_size = sizeof(struct spec_io_weight),
                                              .section = "config-linux.md#block-io",
                                              .check = check_io_weight };

static const struct field io_throttle_fields[] = {
    { .key = "major", ROW_INT(struct spec_io_throttle, major, 0, MAX_MAJOR), .flags = FIELD_REQUIRED },
    { .key = "minor", ROW_INT(struct spec_io_throttle, minor, 0, MAX_MINOR), .flags = FIELD_REQUIRED },
    { .key = "rate", ROW_INT(struct spec_io_throttle, rate, 0, UINT64_MAX), .flags = FIELD_REQUIRED },
};
static const struct table io_throttle_table = { TABLE_FIELDS(io_throttle_fields),
                                                .element_size = sizeof(struct spec_io_throttle),
                                                .section = "config-linux.md#block-io" };

#define ROW_THROTTLE(kind) \
    ROW_LIST(struct spec_resources, block_io.n_throttles[kind], block_io.throttles[kind], &io_throttle_table)

/* 0 asks for nothing, otherwise 10 to 1000. */
static int check_weight(struct parse *p, const struct opt_u64 *weight)
{
    if (weight->value > 0 && weight->value < 10)
        return parse_fail(p, "%u is out of range (10 to 1000)", (unsigned)weight->value);
    return 0;
}

static int check_blkio_weight(struct parse *p, void *out)
{
    return check_weight(p, &((struct spec_resources *)out)->block_io.weight);
}

static int check_leaf_weight(struct parse *p, void *out)
{
    return check_weight(p, &((struct spec_resources *)out)->block_io.leaf_weight);
}

static const struct field block_io_fields[] = {
    { .key = "weight",
      ROW_OPT_U64(struct spec_resources, block_io.weight, 1000),
      .check = check_blkio_weight },
    { .key = "leafWeight",
      ROW_OPT_U64(struct spec_resources, block_io.leaf_weight, 1000),
      .check = check_leaf_weight },
    { .key = "weightDevice",
      ROW_LIST(struct spec_resources, block_io.n_weights, block_io.weights, &io_weight_table) },
    { .key = "throttleReadBpsDevice", ROW_THROTTLE(THROTTLE_READ_BPS) },
    { .key = "throttleWriteBpsDevice", ROW_THROTTLE(THROTTLE_WRITE_BPS) },
    { .key = "throttleReadIOPSDevice", ROW_THROTTLE(THROTTLE_READ_IOPS) },
    { .key = "throttleWriteIOPSDevice", ROW_THROTTLE(THROTTLE_WRITE_IOPS) },
};
static const struct table block_io_table = { TABLE_FIELDS(block_io_fields),
                                             .section = "config-linux.md#block-io" };

/* "64KB", "2MB", "1GB": it becomes part of a file name, hugetlb.2MB.max. */
static int check_page_size(struct parse *p, void *out)
{
    const char *s = ((struct spec_hugepage *)out)->page_size;
    size_t n = strspn(s, "0123456789");

    if (n == 0 || n > 9 || s[0] == '0' || !strchr("KMG", s[n]) || !str_eq(s + n + 1, "B"))
        return parse_fail(p, "\"%.32s\" is not a page size (64KB, 2MB, 1GB)", s);
    return 0;
}

static const struct field hugepage_fields[] = {
    { .key = "pageSize",
      ROW_STRING(struct spec_hugepage, page_size),
      .flags = FIELD_REQUIRED,
      .check = check_page_size },
    { .key = "limit", ROW_INT(struct spec_hugepage, limit, 0, UINT64_MAX), .flags = FIELD_REQUIRED },
};
static const struct table hugepage_table = { TABLE_FIELDS(hugepage_fields),
                                             .element_size = sizeof(struct spec_hugepage),
                                             .section = "config-linux.md#huge-page-limits" };

static const struct field rdma_fields[] = {
    { .key = "hcaHandles", ROW_OPT_U64(struct spec_rdma, handles, UINT32_MAX) },
    { .key = "hcaObjects", ROW_OPT_U64(struct spec_rdma, objects, UINT32_MAX) },
};

static int check_rdma(struct parse *p, void *out)
{
    const struct spec_rdma *rdma = out;

    if (!rdma->handles.set && !rdma->objects.set)
        return parse_fail(p, "needs hcaHandles or hcaObjects");
    return 0;
}

static const struct table rdma_table = { TABLE_FIELDS(rdma_fields), .element_size = sizeof(struct spec_rdma),
                                         .section = "config-linux.md#rdma", .check = check_rdma };

/* A map of device name to limits; the name becomes the first word of a line in rdma.max. */
static int read_rdma(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec_resources *resources = out;
    size_t n = (size_t)json_object_object_length(v), i = 0;

    if (n > PARSE_MAX_ELEMENTS)
        return parse_fail(p, "has %zu devices, more than the %d allowed", n, PARSE_MAX_ELEMENTS);
    resources->rdma = n ? ARENA_ARRAY(p->arena, n, struct spec_rdma) : NULL;
    json_object_object_foreach(v, key, value)
    {
        int r;

        parse_enter_map(p, key);
        if (!*key || strpbrk(key, " \n"))
            return parse_fail(p, "is not a device name");
        r = parse_want(p, value, TYPE_OBJECT);
        if (r == 0)
            r = parse_object(p, f->table, value, &resources->rdma[i]);
        if (r < 0)
            return r;
        resources->rdma[i++].device = arena_strdup(p->arena, key);
        parse_leave(p);
    }
    resources->n_rdma = n;
    return 0;
}

/* Each key is a file name in the container's cgroup: CONTROLLER.WHAT, never a path. */
static int check_unified(struct parse *p, void *out)
{
    const struct spec_resources *resources = out;

    for (size_t i = 0; i < resources->n_unified; i++) {
        const char *key = resources->unified[i].key;

        if (strchr(key, '/') || !strchr(key, '.') || key[0] == '.') {
            parse_enter_map(p, key);
            return parse_fail(p, "is not the name of a cgroup file (memory.high)");
        }
    }
    return 0;
}

static int read_device_rule_type(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec_device_rule *rule = out;
    const char *s;
    int r;

    (void)f;
    r = parse_get_string(p, v, &s);
    if (r < 0)
        return r;
    if (*s && (s[1] || !strchr("abcup", *s)))
        return parse_fail(p, "\"%.32s\" is none of a, b, c", s);
    if (*s)
        rule->type = *s == 'u' ? 'c' : *s;
    return 0;
}

static int check_access(struct parse *p, void *out)
{
    const char *s = ((struct spec_device_rule *)out)->access;

    if (s && s[strspn(s, "rwm")])
        return parse_fail(p, "\"%.32s\" has letters other than r, w and m", s);
    return 0;
}

static int check_device_rule(struct parse *p, void *out)
{
    struct spec_device_rule *rule = out;

    (void)p;
    /* runc's template writes {"allow": false, "access": "rwm"}: all devices; -1 is its wildcard too. */
    rule->type = rule->type ? rule->type : 'a';
    rule->access = rule->access ? rule->access : "rwm";
    if (rule->major.value < 0)
        rule->major = (struct opt_i64){ 0 };
    if (rule->minor.value < 0)
        rule->minor = (struct opt_i64){ 0 };
    return 0;
}

static const struct field device_rule_fields[] = {
    { .key = "allow", ROW_BOOL(struct spec_device_rule, allow), .flags = FIELD_REQUIRED },
    { .key = "type", .type = TYPE_STRING, .read = read_device_rule_type },
    { .key = "major", ROW_OPT_I64(struct spec_device_rule, major, -1, MAX_MAJOR) },
    { .key = "minor", ROW_OPT_I64(struct spec_device_rule, minor, -1, MAX_MINOR) },
    { .key = "access", ROW_STRING(struct spec_device_rule, access), .check = check_access },
};
static const struct table device_rule_table = { TABLE_FIELDS(device_rule_fields),
                                                .element_size = sizeof(struct spec_device_rule),
                                                .section = "config-linux.md#allowed-device-list",
                                                .check = check_device_rule };

static const struct field resources_fields[] = {
    { .key = "devices",
      ROW_LIST(struct spec_resources, n_device_rules, device_rules, &device_rule_table),
      .section = "config-linux.md#allowed-device-list" },
    { .key = "memory", ROW_OBJECT_HERE(&memory_table), .section = "config-linux.md#memory" },
    { .key = "cpu", ROW_OBJECT_HERE(&cpu_table), .section = "config-linux.md#cpu" },
    { .key = "pids", ROW_OBJECT_HERE(&pids_table), .section = "config-linux.md#pids" },
    { .key = "blockIO", ROW_OBJECT_HERE(&block_io_table), .section = "config-linux.md#block-io" },
    { .key = "hugepageLimits",
      ROW_LIST(struct spec_resources, n_hugepages, hugepages, &hugepage_table),
      .section = "config-linux.md#huge-page-limits" },
    /* net_cls and net_prio: cgroup v1 only, and an unprivileged user has no v1. */
    { .key = "network", ROW_REFUSED(TYPE_OBJECT), .section = "config-linux.md#network" },
    { .key = "rdma",
      .type = TYPE_OBJECT,
      .read = read_rdma,
      .table = &rdma_table,
      .section = "config-linux.md#rdma" },
    { .key = "unified",
      ROW_MAP(struct spec_resources, n_unified, unified),
      .check = check_unified,
      .section = "config-linux.md#unified" },
};
const struct table resources_table = { TABLE_FIELDS(resources_fields),
                                       .section = "config-linux.md#control-groups" };
