// SPDX-License-Identifier: Apache-2.0
/* lichen-oci update: the options as a linux.resources object, or one from a file. */
#include <errno.h>
#include <json-c/json.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "create/rdt.h"
#include "oci/common.h"

enum value_kind { VALUE_UNSIGNED, VALUE_SIGNED, VALUE_BYTES, VALUE_TEXT };

/* Option -> linux.resources.GROUP.KEY. */
static const struct {
    const char *option;
    size_t offset;
    const char *group, *key;
    enum value_kind kind;
} rows[] = {
    { "blkio-weight", offsetof(struct cli, blkio_weight), "blockIO", "weight", VALUE_UNSIGNED },
    { "cpu-period", offsetof(struct cli, cpu_period), "cpu", "period", VALUE_UNSIGNED },
    { "cpu-quota", offsetof(struct cli, cpu_quota), "cpu", "quota", VALUE_SIGNED },
    { "cpu-burst", offsetof(struct cli, cpu_burst), "cpu", "burst", VALUE_UNSIGNED },
    { "cpu-share", offsetof(struct cli, cpu_shares), "cpu", "shares", VALUE_UNSIGNED },
    { "cpu-idle", offsetof(struct cli, cpu_idle), "cpu", "idle", VALUE_SIGNED },
    { "cpu-rt-period", offsetof(struct cli, cpu_rt_period), "cpu", "realtimePeriod", VALUE_UNSIGNED },
    { "cpu-rt-runtime", offsetof(struct cli, cpu_rt_runtime), "cpu", "realtimeRuntime", VALUE_SIGNED },
    { "cpuset-cpus", offsetof(struct cli, cpuset_cpus), "cpu", "cpus", VALUE_TEXT },
    { "cpuset-mems", offsetof(struct cli, cpuset_mems), "cpu", "mems", VALUE_TEXT },
    { "memory", offsetof(struct cli, memory), "memory", "limit", VALUE_BYTES },
    { "memory-reservation", offsetof(struct cli, memory_reservation), "memory", "reservation", VALUE_BYTES },
    { "memory-swap", offsetof(struct cli, memory_swap), "memory", "swap", VALUE_BYTES },
    { "pids-limit", offsetof(struct cli, pids_limit), "pids", "limit", VALUE_SIGNED },
};

static int parse_value(const char *option, const char *text, enum value_kind kind, struct json_object **ret,
                       struct err *e)
{
    uint64_t number;
    int64_t value;

    switch (kind) {
    case VALUE_UNSIGNED:
        if (str_to_u64(text, 0, UINT64_MAX, &number) < 0)
            return err_set(e, EINVAL, "--%s %s: a number, 0 or more", option, text);
        *ret = json_object_new_uint64(number);
        return 0;
    case VALUE_SIGNED:
        if (str_to_i64(text, INT64_MIN, INT64_MAX, &value) < 0)
            return err_set(e, EINVAL, "--%s %s: a number", option, text);
        *ret = json_object_new_int64(value);
        return 0;
    case VALUE_BYTES:
        value = -1;
        if (!str_eq(text, "-1") && str_to_bytes(text, &value) < 0)
            return err_set(e, EINVAL, "--%s %s: a number of bytes (1048576, 512m, 2g), or -1 for no limit",
                           option, text);
        *ret = json_object_new_int64(value);
        return 0;
    case VALUE_TEXT:
        *ret = json_object_new_string(text);
        return 0;
    }
    return -EINVAL;
}

static int from_options(const struct cli *cli, struct json_object *root, struct err *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *text = *(const char *const *)((const char *)cli + rows[i].offset);
        struct json_object *group, *value = NULL;
        int r;

        if (!text)
            continue;
        r = parse_value(rows[i].option, text, rows[i].kind, &value, e);
        if (r < 0)
            return r;
        if (!json_object_object_get_ex(root, rows[i].group, &group)) {
            group = json_object_new_object();
            json_object_object_add(root, rows[i].group, group);
        }
        json_object_object_add(group, rows[i].key, value);
    }
    return 0;
}

static int make_patch(const struct cli *cli, struct buf *ret, struct err *e)
{
    struct json_object *root;
    int r;

    if (cli->resources)
        return common_read_input("--resources", cli->resources, ret, e);
    if (cli->kernel_memory || cli->kernel_memory_tcp)
        log_message(LOG_WARNING, "--kernel-memory and --kernel-memory-tcp are cgroup v1's and are ignored");
    root = json_object_new_object();
    r = from_options(cli, root, e);
    if (r >= 0)
        buf_puts(ret, json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
    json_object_put(root);
    return r;
}

int verb_update(struct cli *cli, struct err *e)
{
    _cleanup_buf_ struct buf patch = { 0 };
    struct container c;
    int r;

    r = make_patch(cli, &patch, e);
    if (r >= 0)
        r = common_open(cli, true, &c, e);
    if (r < 0)
        return r;
    r = container_update(&c, patch.data, patch.len, e);
    if (r < 0 && cli->resources)
        (void)err_prefix(e, "--resources %s", cli->resources);
    if (r >= 0)
        r = rdt_update(&c.record, cli->l3_cache_schema, cli->mem_bw_schema, e);
    container_close(&c);
    return r;
}
