// SPDX-License-Identifier: Apache-2.0
/*
 * Statistics as runc's "events --stats" writes them: the "data" member. Numbers only, read from the cgroup's
 * files; a file that is missing (its controller is not enabled) leaves its member out. Times in nanoseconds,
 * sizes in bytes. Runs in the verbs, as the caller.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/private.h"

#define MAX_STAT_FILE (1U << 20)

/* "key": value pairs with commas where needed. */
struct object {
    struct buf *out;
    bool some;
};

static void put_number(struct object *o, const char *key, uint64_t value)
{
    buf_printf(o->out, "%s\"%s\":%" PRIu64, o->some ? "," : "", key, value);
    o->some = true;
}

static struct object open_object(struct object *parent, const char *key)
{
    buf_printf(parent->out, "%s\"%s\":{", parent->some ? "," : "", key);
    parent->some = true;
    return (struct object){ .out = parent->out };
}

static void close_object(struct object *o)
{
    buf_puts(o->out, "}");
}

static void put_key(struct object *o, const char *key, int dirfd, const char *file, const char *from,
                    uint64_t factor)
{
    uint64_t value;

    if (cgroup_read_key(dirfd, file, from, &value) >= 0)
        put_number(o, key, value * factor);
}

static void put_file(struct object *o, const char *key, int dirfd, const char *file)
{
    uint64_t value;

    if (cgroup_read_number(dirfd, file, &value) >= 0)
        put_number(o, key, value);
}

/* Pressure stall information (accounting/psi.rst): lines "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". */
static void put_pressure(struct object *o, int dirfd, const char *file)
{
    static const char *const kinds[] = { "some", "full" };
    _cleanup_buf_ struct buf text = { 0 };
    struct object psi;

    if (fd_read_file(dirfd, file, 4096, &text) < 0 || !text.len)
        return;
    psi = open_object(o, "psi");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const char *line = strstr(text.data, kinds[i]);
        char avg[3][16];
        uint64_t total;

        if (!line || sscanf(line + 4, " avg10=%15[0-9.] avg60=%15[0-9.] avg300=%15[0-9.] total=%" SCNu64,
                            avg[0], avg[1], avg[2], &total) != 4)
            continue;
        buf_printf(psi.out, "%s\"%s\":{\"avg10\":%s,\"avg60\":%s,\"avg300\":%s,\"total\":%" PRIu64 "}",
                   psi.some ? "," : "", kinds[i], avg[0], avg[1], avg[2], total);
        psi.some = true;
    }
    close_object(&psi);
}

static void put_cpu(struct object *data, int dirfd)
{
    struct object cpu = open_object(data, "cpu"), inner;

    inner = open_object(&cpu, "usage");
    put_key(&inner, "total", dirfd, "cpu.stat", "usage_usec", 1000);
    put_key(&inner, "kernel", dirfd, "cpu.stat", "system_usec", 1000);
    put_key(&inner, "user", dirfd, "cpu.stat", "user_usec", 1000);
    close_object(&inner);
    inner = open_object(&cpu, "throttling");
    put_key(&inner, "periods", dirfd, "cpu.stat", "nr_periods", 1);
    put_key(&inner, "throttledPeriods", dirfd, "cpu.stat", "nr_throttled", 1);
    put_key(&inner, "throttledTime", dirfd, "cpu.stat", "throttled_usec", 1000);
    close_object(&inner);
    put_pressure(&cpu, dirfd, "cpu.pressure");
    close_object(&cpu);
}

static void put_raw(struct object *memory, const char *text)
{
    struct object raw = open_object(memory, "raw");

    for (const char *line = text; *line;) {
        size_t len = strcspn(line, " \n");
        char key[64];

        /* The kernel's names are identifiers: nothing to escape. */
        if (line[len] == ' ' && str_format(key, sizeof(key), "%.*s", (int)len, line) >= 0)
            put_number(&raw, key, strtoull(line + len + 1, NULL, 10));
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    close_object(&raw);
}

static void put_memory(struct object *data, int dirfd)
{
    _cleanup_buf_ struct buf text = { 0 };
    struct object memory, inner;
    uint64_t value;

    if (cgroup_read_number(dirfd, "memory.current", &value) < 0)
        return;
    memory = open_object(data, "memory");
    put_key(&memory, "cache", dirfd, "memory.stat", "file", 1);
    inner = open_object(&memory, "usage");
    put_number(&inner, "usage", value);
    put_file(&inner, "max", dirfd, "memory.peak");
    put_file(&inner, "limit", dirfd, "memory.max");
    put_key(&inner, "failcnt", dirfd, "memory.events", "max", 1);
    close_object(&inner);
    inner = open_object(&memory, "swap");
    put_file(&inner, "usage", dirfd, "memory.swap.current");
    put_file(&inner, "limit", dirfd, "memory.swap.max");
    put_key(&inner, "failcnt", dirfd, "memory.swap.events", "fail", 1);
    close_object(&inner);
    if (fd_read_file(dirfd, "memory.stat", MAX_STAT_FILE, &text) >= 0)
        put_raw(&memory, text.data);
    put_pressure(&memory, dirfd, "memory.pressure");
    inner = open_object(&memory, "event_count");
    for (const char *const *key = (const char *const[]){ "low", "high", "max", "oom", "oom_kill", NULL };
         *key; key++)
        put_key(&inner, *key, dirfd, "memory.events", *key, 1);
    close_object(&inner);
    close_object(&memory);
}

static void put_pids(struct object *data, struct cgroup *cg)
{
    struct object pids = open_object(data, "pids");
    pid_t *list = NULL;
    uint64_t value;
    size_t n;

    if (cgroup_read_number(cg->dirfd, "pids.current", &value) >= 0) {
        put_number(&pids, "current", value);
        /* runc: no limit is no member. */
        if (cgroup_read_number(cg->dirfd, "pids.max", &value) >= 0 && value != UINT64_MAX)
            put_number(&pids, "limit", value);
    } else if (cgroup_pids(cg, &list, &n) >= 0) {
        put_number(&pids, "current", n);
        free(list);
    }
    close_object(&pids);
}

/* One list of io.stat: lines "MAJOR:MINOR rbytes=N wbytes=N rios=N ...". */
static void put_io_list(struct object *blkio, const char *name, const char *text, const char *const keys[2])
{
    static const char *const ops[] = { "Read", "Write" };
    bool some = false;

    buf_printf(blkio->out, "%s\"%s\":[", blkio->some ? "," : "", name);
    blkio->some = true;
    for (const char *line = text; *line; line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        unsigned major, minor;

        if (sscanf(line, "%u:%u", &major, &minor) == 2) {
            for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
                const char *at = strstr(line, keys[i]);

                if (!at || at > line + len)
                    continue;
                buf_printf(blkio->out, "%s{\"major\":%u,\"minor\":%u,\"op\":\"%s\",\"value\":%llu}",
                           some ? "," : "", major, minor, ops[i], strtoull(at + strlen(keys[i]), NULL, 10));
                some = true;
            }
        }
        line += len;
    }
    buf_puts(blkio->out, "]");
}

static void put_blkio(struct object *data, int dirfd)
{
    static const char *const bytes[] = { " rbytes=", " wbytes=" }, *const ios[] = { " rios=", " wios=" };
    _cleanup_buf_ struct buf text = { 0 };
    struct object blkio;

    if (fd_read_file(dirfd, "io.stat", MAX_STAT_FILE, &text) < 0)
        return;
    blkio = open_object(data, "blkio");
    put_io_list(&blkio, "ioServiceBytesRecursive", text.data, bytes);
    put_io_list(&blkio, "ioServicedRecursive", text.data, ios);
    put_pressure(&blkio, dirfd, "io.pressure");
    close_object(&blkio);
}

static void put_hugetlb(struct object *data, int dirfd)
{
    static const char *const sizes[] = { "64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB", "16GB" };
    struct object hugetlb = open_object(data, "hugetlb"), entry;

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        char file[48];
        uint64_t usage;

        (void)str_format(file, sizeof(file), "hugetlb.%s.current", sizes[i]);
        if (cgroup_read_number(dirfd, file, &usage) < 0)
            continue;
        entry = open_object(&hugetlb, sizes[i]);
        put_number(&entry, "usage", usage);
        (void)str_format(file, sizeof(file), "hugetlb.%s.events", sizes[i]);
        put_key(&entry, "failcnt", dirfd, file, "max", 1);
        close_object(&entry);
    }
    close_object(&hugetlb);
}

int cgroup_stats(struct cgroup *cg, struct buf *out, struct err *e)
{
    struct object data = { .out = out };

    if (cg->dirfd < 0) {
        err_set(e, EOPNOTSUPP, "the container has no cgroup, so there are no statistics");
        return err_remedy(e, "run it in a systemd user session or another delegated cgroup");
    }
    buf_puts(out, "{");
    put_cpu(&data, cg->dirfd);
    put_memory(&data, cg->dirfd);
    put_pids(&data, cg);
    put_blkio(&data, cg->dirfd);
    put_hugetlb(&data, cg->dirfd);
    buf_puts(out, "}");
    return 0;
}
