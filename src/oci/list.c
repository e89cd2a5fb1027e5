// SPDX-License-Identifier: Apache-2.0
/* lichen-oci list: every container below the state root. A container that cannot be read is shown with what
 * is known of it. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/user.h"
#include "oci/common.h"

struct row {
    struct container c;
    enum lifecycle_status status;
    char *id;
};

/* Containers come and go while we look: one that is gone by now is no error. */
static int collect(const struct cli *cli, struct row **ret, size_t *ret_n, struct err *e)
{
    _cleanup_strv_ char **ids = NULL;
    struct row *rows = NULL;
    size_t n = 0, n_ids = 0;
    int r;

    r = common_ids(cli, &ids, &n_ids, e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n_ids; i++) {
        struct row row = { .id = str_printf("%s", ids[i]) };
        struct err why = { 0 };

        r = container_open(cli->root, row.id, false, &row.c, &why);
        if (r < 0) {
            if (r != -ENOENT)
                log_error(&why);
            free(row.id);
            continue;
        }
        row.status = container_status(&row.c);
        rows = mem_realloc_array(rows, n + 1, sizeof(*rows));
        rows[n++] = row;
    }
    *ret = rows;
    *ret_n = n;
    return 0;
}

static void put_stats(const struct row *row, struct buf *out)
{
    struct cgroup cg;

    if (container_cgroup(&row->c, &cg, NULL) < 0)
        return;
    (void)cgroup_stats(&cg, out, NULL);
    cgroup_close(&cg);
}

static void print_json(const struct row *rows, size_t n, bool stats)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < n; i++) {
        _cleanup_buf_ struct buf text = { 0 }, numbers = { 0 };
        struct json_object *o;

        record_state_json(&rows[i].c.record, rows[i].status, &text);
        o = json_tokener_parse(text.data);
        if (stats)
            put_stats(&rows[i], &numbers);
        if (numbers.len)
            json_object_object_add(o, "stats", json_tokener_parse(numbers.data));
        json_object_array_add(list, o);
    }
    puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(list);
}

/* One number out of the statistics, or "-". */
static const char *stat_text(struct json_object *stats, const char *group, const char *member,
                             const char *inner, char *buf, size_t size)
{
    struct json_object *o = NULL;

    (void)str_format(buf, size, "-");
    if (!stats || !json_object_object_get_ex(stats, group, &o) || !json_object_object_get_ex(o, member, &o))
        return buf;
    if (inner && !json_object_object_get_ex(o, inner, &o))
        return buf;
    (void)str_format(buf, size, "%llu", (unsigned long long)json_object_get_uint64(o));
    return buf;
}

static void print_table(const struct row *rows, size_t n, bool stats)
{
    printf("%-20s %-8s %-10s %-40s %-31s %s%s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER",
           stats ? "      MEMORY       CPU-NS       PIDS" : "");
    for (size_t i = 0; i < n; i++) {
        const struct record *r = &rows[i].c.record;
        char name[USER_NAME_MAX];
        const char *owner = user_name(r->owner_uid, name, sizeof(name));

        printf("%-20s %-8d %-10s %-40s %-31s %-10s", rows[i].id,
               rows[i].status == STATUS_STOPPED ? 0 : (int)r->init.pid, lifecycle_status_name(rows[i].status),
               r->bundle, r->created ? r->created : "-", owner ? owner : "-");
        if (stats) {
            _cleanup_buf_ struct buf numbers = { 0 };
            struct json_object *o;
            char memory[24], cpu[24], pids[24];

            put_stats(&rows[i], &numbers);
            o = numbers.len ? json_tokener_parse(numbers.data) : NULL;
            printf(" %-12s %-12s %s", stat_text(o, "memory", "usage", "usage", memory, sizeof(memory)),
                   stat_text(o, "cpu", "usage", "total", cpu, sizeof(cpu)),
                   stat_text(o, "pids", "current", NULL, pids, sizeof(pids)));
            json_object_put(o);
        }
        printf("\n");
    }
}

int verb_list(struct cli *cli, struct err *e)
{
    bool json = cli->format && str_eq(cli->format, "json");
    struct row *rows = NULL;
    size_t n = 0;
    int r;

    if (cli->format && !json && !str_eq(cli->format, "table"))
        return err_set(e, EINVAL, "--format %s: table or json", cli->format);
    r = collect(cli, &rows, &n, e);
    if (r < 0)
        return r;
    if (cli->quiet) {
        for (size_t i = 0; i < n; i++)
            puts(rows[i].id);
    } else if (json) {
        print_json(rows, n, cli->stats);
    } else {
        print_table(rows, n, cli->stats);
    }
    for (size_t i = 0; i < n; i++) {
        container_close(&rows[i].c);
        free(rows[i].id);
    }
    free(rows);
    return 0;
}
