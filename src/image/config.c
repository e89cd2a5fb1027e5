// SPDX-License-Identifier: Apache-2.0
/* The tables of an image's configuration. No system calls. */
#include "image/config.h"

#include <errno.h>
#include <string.h>

#include "spec/parse.h"

/* {"80/tcp": {}, ...}: Go's way to write a set. The keys are what counts. */
static int read_set(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec_strings *ret = (struct spec_strings *)((char *)out + f->offset);
    const char **keys;
    size_t n = 0;

    if ((size_t)json_object_object_length(v) > PARSE_MAX_ELEMENTS)
        return parse_fail(p, "more than %d members", PARSE_MAX_ELEMENTS);
    keys = ARENA_ARRAY(p->arena, (size_t)json_object_object_length(v) + 1, const char *);
    json_object_object_foreach(v, key, value)
    {
        (void)value;
        if (!*key)
            return parse_fail(p, "an empty name");
        keys[n++] = arena_strdup(p->arena, key);
    }
    *ret = (struct spec_strings){ n, keys };
    return 0;
}

#define ROW_SET(s, m) .type = TYPE_OBJECT, .read = read_set, .offset = FIELD_AT(s, m, struct spec_strings)

/* clang-format off */
static const struct field healthcheck_fields[] = {
    { "Test", ROW_STRINGS(struct image_healthcheck, test) },
    { "Interval", ROW_INT(struct image_healthcheck, interval, 0, INT64_MAX) },
    { "Timeout", ROW_INT(struct image_healthcheck, timeout, 0, INT64_MAX) },
    { "StartPeriod", ROW_INT(struct image_healthcheck, start_period, 0, INT64_MAX) },
    { "StartInterval", ROW_INT(struct image_healthcheck, start_interval, 0, INT64_MAX) },
    { "Retries", ROW_INT(struct image_healthcheck, retries, 0, INT32_MAX) },
};
static const struct table healthcheck_table = { TABLE_FIELDS(healthcheck_fields) };

static const struct field execution_fields[] = {
    { "User", ROW_STRING(struct image_config, user) },
    { "ExposedPorts", ROW_SET(struct image_config, exposed_ports) },
    { "Env", ROW_STRINGS(struct image_config, env), .flags = FIELD_ENV },
    { "Entrypoint", ROW_STRINGS(struct image_config, entrypoint) },
    { "Cmd", ROW_STRINGS(struct image_config, cmd) },
    { "Shell", ROW_STRINGS(struct image_config, shell) },
    { "Volumes", ROW_SET(struct image_config, volumes) },
    { "WorkingDir", ROW_STRING(struct image_config, working_dir) },
    { "Labels", ROW_MAP(struct image_config, n_labels, labels) },
    { "StopSignal", ROW_STRING(struct image_config, stop_signal) },
    { "Healthcheck", ROW_OBJECT(struct image_config, healthcheck, &healthcheck_table), .flags = FIELD_MARKS,
      .mark_offset = offsetof(struct image_config, healthcheck) + offsetof(struct image_healthcheck, set) },
};
static const struct table execution_table = { TABLE_FIELDS(execution_fields) };

static const struct field rootfs_fields[] = {
    { "diff_ids", ROW_STRINGS(struct image_config, diff_ids) },
};
static const struct table rootfs_table = { TABLE_FIELDS(rootfs_fields) };

static const struct field config_fields[] = {
    { "created", ROW_STRING(struct image_config, created) },
    { "author", ROW_STRING(struct image_config, author) },
    { "architecture", ROW_STRING(struct image_config, architecture), .flags = FIELD_REQUIRED },
    { "os", ROW_STRING(struct image_config, os), .flags = FIELD_REQUIRED },
    { "variant", ROW_STRING(struct image_config, variant) },
    { "config", ROW_OBJECT_HERE(&execution_table) },
    { "rootfs", ROW_OBJECT_HERE(&rootfs_table), .flags = FIELD_REQUIRED },
};
/* clang-format on */
static const struct table config_table = { TABLE_FIELDS(config_fields) };

int image_config_parse(const char *text, size_t size, struct image_config *ret, struct err *e)
{
    struct image_config c = { 0 };
    struct arena arena = { 0 };
    int r = parse_document(text, size, "image config", &config_table, &arena, &c, e);

    if (r < 0) {
        arena_free(&arena);
        return r;
    }
    c.arena = arena;
    *ret = c;
    return 0;
}

void image_config_free(struct image_config *c)
{
    arena_free(&c->arena);
}
