// SPDX-License-Identifier: Apache-2.0
/* resctrl groups. Runs in the parent and in exec's caller and delete, as root in the initial user namespace.
 */
#include "cgroup/resctrl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#ifndef RDTGROUP_SUPER_MAGIC
#    define RDTGROUP_SUPER_MAGIC 0x7655821
#endif
#define RESCTRL_MOUNT "/sys/fs/resctrl"
#define MAX_SCHEMATA  (1U << 20)

int resctrl_open(struct err *e)
{
    _cleanup_close_ int fd = open(RESCTRL_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;

    if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != RDTGROUP_SUPER_MAGIC) {
        err_set(e, ENOTSUP, "linux.intelRdt: no resctrl file system is mounted on " RESCTRL_MOUNT);
        return err_remedy(e, "mount -t resctrl resctrl " RESCTRL_MOUNT ", on a processor that has resource "
                             "control, or remove the field");
    }
    return TAKE_FD(fd);
}

static bool has_schemata(const struct spec_intel_rdt *rdt)
{
    return rdt->l3_cache_schema || rdt->mem_bw_schema || rdt->schemata.n;
}

int resctrl_check(const struct spec_intel_rdt *rdt, bool privileged, struct err *e)
{
    _cleanup_close_ int root = -1;

    if (!rdt->set)
        return 0;
    if (!privileged) {
        err_set(e, EPERM, "linux.intelRdt: resctrl is the host's and can be written by root only");
        return err_remedy(e, "remove the field, or run the container as root");
    }
    root = resctrl_open(e);
    if (root < 0)
        return root;
    if (rdt->clos_id && !has_schemata(rdt) && !str_eq(rdt->clos_id, "/") &&
        faccessat(root, rdt->clos_id, F_OK, 0) < 0)
        return err_sys(e, errno,
                       "linux.intelRdt.closID: there is no group %s in resctrl, and no schemata to make "
                       "it with",
                       rdt->clos_id);
    return 0;
}

/* One file of a group. The kernel says in info/last_cmd_status why it refuses a line. */
static int write_line(int root, const char *group, const char *file, const char *text, const char *field,
                      struct err *e)
{
    _cleanup_free_ char *path = str_printf("%s/%s", group, file);
    _cleanup_free_ char *line = str_printf("%s\n", text);
    _cleanup_buf_ struct buf status = { 0 };
    int r = fd_write_control(root, path, line);

    if (r >= 0)
        return 0;
    (void)fd_read_file(root, "info/last_cmd_status", 4096, &status);
    if (status.data)
        status.data[strcspn(status.data, "\n")] = '\0';
    err_sys(e, r, "%s: writing \"%s\" to %s of resctrl", field, text, path);
    return status.len ? err_remedy(e, "the kernel says: %s", status.data) : r;
}

/* "0=7f0" of @have says the same as of @want: leading zeros and case of a bit mask mean nothing. */
static bool same_value(const char *a, size_t n, const char *b, size_t m)
{
    while (n > 1 && *a == '0')
        a++, n--;
    while (m > 1 && *b == '0')
        b++, m--;
    return n == m && strncasecmp(a, b, n) == 0;
}

/* Find domain @id of the line @have ("0=fff;1=fff") and compare. */
static bool domain_matches(const char *have, const char *want, size_t want_len)
{
    size_t id = strcspn(want, "=");

    while (*have && *have != '\n') {
        size_t n;

        have += strspn(have, "; ");
        n = strcspn(have, ";\n");
        if (n > id && strncmp(have, want, id + 1) == 0)
            return same_value(have + id + 1, n - id - 1, want + id + 1, want_len - id - 1);
        have += n;
    }
    return false;
}

/* Whether the schemata file's text has all that the line @want ("L3:0=7f0;1=1f") says. */
static bool line_matches(const char *schemata, const char *want)
{
    size_t name = strcspn(want, ":");

    for (const char *line = schemata; *line; line += *line == '\n') {
        const char *start = line + strspn(line, " ");

        if (strncmp(start, want, name + (want[name] == ':')) == 0) {
            const char *at = want[name] ? want + name + 1 : want + name;

            while (*at) {
                size_t n;

                at += strspn(at, "; ");
                n = strcspn(at, ";");
                if (n && !domain_matches(start + name + 1, at, n))
                    return false;
                at += n;
            }
            return true;
        }
        line += strcspn(line, "\n");
    }
    return false;
}

/* A group that was there: what is asked for must be what it has. */
static int compare(int root, const char *group, const struct spec_intel_rdt *rdt, struct err *e)
{
    const char *const wanted[] = { rdt->l3_cache_schema, rdt->mem_bw_schema };
    _cleanup_free_ char *path = str_printf("%s/schemata", group);
    _cleanup_buf_ struct buf have = { 0 };
    int r;

    if (!wanted[0] && !wanted[1])
        return 0;
    r = fd_read_file(root, path, MAX_SCHEMATA, &have);
    if (r < 0)
        return err_sys(e, r, "linux.intelRdt: reading %s of resctrl", path);
    for (size_t i = 0; i < 2; i++) {
        if (wanted[i] && !line_matches(have.data ? have.data : "", wanted[i]))
            return err_set(e, EEXIST, "linux.intelRdt.%s: the group %s exists with other values than %s",
                           i ? "memBwSchema" : "l3CacheSchema", group, wanted[i]);
    }
    return 0;
}

static int write_schemata(int root, const char *group, const struct spec_intel_rdt *rdt, struct err *e)
{
    int r = 0;

    if (rdt->l3_cache_schema)
        r = write_line(root, group, "schemata", rdt->l3_cache_schema, "linux.intelRdt.l3CacheSchema", e);
    if (r >= 0 && rdt->mem_bw_schema)
        r = write_line(root, group, "schemata", rdt->mem_bw_schema, "linux.intelRdt.memBwSchema", e);
    for (size_t i = 0; r >= 0 && i < rdt->schemata.n; i++) {
        char field[64];

        (void)str_format(field, sizeof(field), "linux.intelRdt.schemata[%zu]", i);
        r = write_line(root, group, "schemata", rdt->schemata.v[i], field, e);
    }
    return r;
}

/* The control group: the container's own, named after it, or closID's. *ret_new: it was not there. */
static int choose_group(int root, const struct spec_intel_rdt *rdt, const char *id, struct resctrl *ret,
                        bool *ret_new, struct err *e)
{
    const char *name = rdt->clos_id ? rdt->clos_id : id;
    int r = str_format(ret->group, sizeof(ret->group), "%s", str_eq(name, "/") ? "." : name);

    *ret_new = false;
    if (r < 0)
        return err_sys(e, r, "linux.intelRdt.closID %.64s", name);
    if (str_eq(ret->group, "."))
        return 0;
    if (mkdirat(root, ret->group, 0755) == 0) {
        *ret_new = true;
        ret->made = !rdt->clos_id;
        return 0;
    }
    r = -errno;
    if (r == -EEXIST && rdt->clos_id)
        return 0;
    ret->group[0] = '\0';
    err_sys(e, r, "linux.intelRdt: making the group %s in resctrl", name);
    return r == -ENOSPC ? err_remedy(e, "the processor has no class of service left") : r;
}

static int make_monitor(int root, const char *id, struct resctrl *groups, struct err *e)
{
    int r = str_format(groups->monitor, sizeof(groups->monitor), "%s/mon_groups/%s", groups->group, id);

    if (r >= 0 && mkdirat(root, groups->monitor, 0755) < 0)
        r = -errno;
    if (r >= 0)
        return 0;
    groups->monitor[0] = '\0';
    return err_sys(e, r, "linux.intelRdt.enableMonitoring: making mon_groups/%s in resctrl", id);
}

int resctrl_begin(int root, const struct spec_intel_rdt *rdt, const char *id, struct resctrl *ret,
                  struct err *e)
{
    struct resctrl groups = { 0 };
    bool new_group;
    int r;

    r = choose_group(root, rdt, id, &groups, &new_group, e);
    if (r >= 0 && !new_group)
        r = compare(root, groups.group, rdt, e);
    if (r >= 0)
        r = write_schemata(root, groups.group, rdt, e);
    if (r >= 0 && rdt->enable_monitoring)
        r = make_monitor(root, id, &groups, e);
    if (r < 0 && new_group)
        (void)unlinkat(root, groups.group, AT_REMOVEDIR);
    if (r >= 0)
        *ret = groups;
    return r;
}

int resctrl_add(int root, const struct resctrl *groups, pid_t pid, struct err *e)
{
    char text[16];
    int r;

    (void)str_format(text, sizeof(text), "%d", (int)pid);
    r = groups->group[0] ? write_line(root, groups->group, "tasks", text, "linux.intelRdt", e) : 0;
    if (r >= 0 && groups->monitor[0])
        r = write_line(root, groups->monitor, "tasks", text, "linux.intelRdt.enableMonitoring", e);
    return r;
}

int resctrl_update(int root, const struct resctrl *groups, const char *l3_cache, const char *mem_bw,
                   struct err *e)
{
    int r = 0;

    if (!groups->made)
        return err_set(e, EPERM, "resctrl group %s is not the container's own: others would be changed too",
                       groups->group);
    if (l3_cache)
        r = write_line(root, groups->group, "schemata", l3_cache, "--l3-cache-schema", e);
    if (r >= 0 && mem_bw)
        r = write_line(root, groups->group, "schemata", mem_bw, "--mem-bw-schema", e);
    return r;
}

int resctrl_remove(int root, const struct resctrl *groups, struct err *e)
{
    int r = 0;

    if (groups->monitor[0] && unlinkat(root, groups->monitor, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = err_sys(e, errno, "removing %s of resctrl", groups->monitor);
    if (groups->made && unlinkat(root, groups->group, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = err_sys(e, errno, "removing %s of resctrl", groups->group);
    return r;
}
