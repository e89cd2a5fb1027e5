// SPDX-License-Identifier: Apache-2.0
/*
 * Controllers by name, settings into files, files as systemd properties. Runs in the parent and in the verbs,
 * as the caller: what may be written is what the cgroup's owner delegated.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/private.h"

static const struct {
    const char *name;
    unsigned controller;
} controller_names[] = {
    { "cpu", CGROUP_CPU },       { "cpuset", CGROUP_CPUSET }, { "io", CGROUP_IO },
    { "memory", CGROUP_MEMORY }, { "pids", CGROUP_PIDS },     { "hugetlb", CGROUP_HUGETLB },
    { "rdma", CGROUP_RDMA },     { "misc", CGROUP_MISC },
};
static_assert((1U << ARRAY_SIZE(controller_names)) == CGROUP_MISC << 1, "one row for each controller");

unsigned cgroup_controller_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(controller_names); i++) {
        if (strlen(controller_names[i].name) == len && memcmp(controller_names[i].name, name, len) == 0)
            return controller_names[i].controller;
    }
    return 0;
}

unsigned cgroup_controllers_parse(const char *text)
{
    unsigned found = 0;

    while (*text) {
        size_t len = strcspn(text, " \n");

        found |= cgroup_controller_by_name(text, len);
        text += len;
        text += strspn(text, " \n");
    }
    return found;
}

const char *cgroup_controllers_text(unsigned controllers, const char *prefix, char *buf, size_t size)
{
    size_t used = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(controller_names); i++) {
        if (!(controllers & controller_names[i].controller))
            continue;
        if (str_format(buf + used, size - used, "%s%s%s", used ? " " : "", prefix, controller_names[i].name) <
            0)
            break;
        used = strlen(buf);
    }
    return buf;
}

int cgroup_delegate_remedy(struct err *e, unsigned controllers)
{
    char text[96];

    cgroup_controllers_text(CGROUP_SYSTEMD_CONTROLLERS | controllers, "", text, sizeof(text));
    return err_remedy(
        e,
        "put \"[Service]\\nDelegate=%s\" (two lines) into "
        "/etc/systemd/system/user@.service.d/delegate.conf, run systemctl daemon-reload, log in again",
        text);
}

/* A file that isn't there: the controller isn't enabled for this cgroup, or the kernel is too old for the
 * file. */
static int missing_file(const struct cgroup_setting *s, const struct cgroup_plan *plan, int dirfd,
                        struct err *e)
{
    _cleanup_buf_ struct buf b = { 0 };
    unsigned here = 0;
    char name[32];

    if (fd_read_file(dirfd, "cgroup.controllers", 4096, &b) >= 0)
        here = cgroup_controllers_parse(b.data);
    if (!s->controller || (here & s->controller))
        return err_set(e, EOPNOTSUPP, "%s: this kernel has no %s", s->field, s->file);
    err_set(e, EOPNOTSUPP, "%s: the cgroup controller %s is not enabled in %s", s->field,
            cgroup_controllers_text(s->controller, "", name, sizeof(name)), plan->path);
    if (plan->manager == CGROUP_SYSTEMD && plan->user)
        return cgroup_delegate_remedy(e, s->controller);
    return err_remedy(e, "a limit of a controller can be had when the container is created with one already");
}

static int write_setting(const struct cgroup_setting *s, const struct cgroup_plan *plan, int dirfd,
                         struct err *e)
{
    int r;

    if (s->instead && faccessat(dirfd, s->instead, F_OK, 0) == 0)
        return 0;
    r = fd_write_control(dirfd, s->file, s->value);
    /* A limit of a file that takes no such value: say what was written, the kernel's errno says why. */
    if (r >= 0 || ((r == -ENOENT) && (s->optional || s->nothing)))
        return 0;
    if (r == -ENOENT)
        return missing_file(s, plan, dirfd, e);
    err_sys(e, r, "%s: writing \"%s\" to %s", s->field, s->value, s->file);
    if (r == -EBUSY && str_eq(s->file, "memory.max"))
        return err_remedy(e, "more than that is in use");
    return r;
}

static const struct cgroup_setting *find_file(const struct cgroup_settings *s, const char *file)
{
    for (size_t i = 0; i < s->n; i++) {
        if (str_eq(s->v[i].file, file))
            return &s->v[i];
    }
    return NULL;
}

int cgroup_settings_write(const struct cgroup_settings *s, const struct cgroup_plan *plan, int dirfd,
                          struct err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        int r = write_setting(&s->v[i], plan, dirfd, e);

        /* cpu.max below the burst that is set is EINVAL: the smaller burst first, then. */
        if (r == -EINVAL && str_eq(s->v[i].file, "cpu.max")) {
            const struct cgroup_setting *burst = find_file(s, "cpu.max.burst");

            r = burst ? write_setting(burst, plan, dirfd, e) : r;
            if (r >= 0)
                r = write_setting(&s->v[i], plan, dirfd, e);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static const struct cgroup_property properties[] = {
    { "memory.max", "MemoryMax", PROPERTY_LIMIT },
    { "memory.high", "MemoryHigh", PROPERTY_LIMIT },
    { "memory.low", "MemoryLow", PROPERTY_LIMIT },
    { "memory.min", "MemoryMin", PROPERTY_LIMIT },
    { "memory.swap.max", "MemorySwapMax", PROPERTY_LIMIT },
    { "pids.max", "TasksMax", PROPERTY_LIMIT },
    { "cpu.weight", "CPUWeight", PROPERTY_NUMBER },
    { "cpu.max", "CPUQuotaPerSecUSec", PROPERTY_QUOTA },
    { "cpuset.cpus", "AllowedCPUs", PROPERTY_SET },
    { "cpuset.mems", "AllowedMemoryNodes", PROPERTY_SET },
    { "io.weight", "IOWeight", PROPERTY_NUMBER },
};

const struct cgroup_property *cgroup_property_of(const char *file)
{
    for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
        if (str_eq(properties[i].file, file))
            return &properties[i];
    }
    return NULL;
}

bool cgroup_quota(const char *value, uint64_t *ret_per_sec, uint64_t *ret_period)
{
    char quota_text[24];
    const char *space = strchr(value, ' ');
    size_t len = space ? (size_t)(space - value) : strlen(value);
    uint64_t quota, period = 100000;

    if (len >= sizeof(quota_text) || (space && str_to_u64(space + 1, 1, UINT32_MAX, &period) < 0))
        return false;
    memcpy(quota_text, value, len);
    quota_text[len] = '\0';
    *ret_period = period;
    *ret_per_sec = UINT64_MAX;
    if (str_eq(quota_text, "max"))
        return true;
    if (str_to_u64(quota_text, 1, UINT64_MAX / 1000000, &quota) < 0)
        return false;
    /* systemd keeps whole per cents: round up, so that the exact value written to cpu.max is the lower one.
     */
    *ret_per_sec = (quota * 1000000 / period + 9999) / 10000 * 10000;
    return true;
}

int cgroup_bitmask(const char *list, uint8_t *mask, size_t size)
{
    int used = 0;

    memset(mask, 0, size);
    for (const char *at = list; *at;) {
        unsigned long first, last;
        char *end;

        at += strspn(at, ", \n");
        if (!*at)
            break;
        if (*at < '0' || *at > '9')
            return -EINVAL;
        first = last = strtoul(at, &end, 10);
        if (*end == '-') {
            if (end[1] < '0' || end[1] > '9')
                return -EINVAL;
            last = strtoul(end + 1, &end, 10);
        }
        if (last < first || !strchr(", \n", *end))
            return -EINVAL;
        if (last >= size * 8)
            return -ERANGE;
        for (unsigned long bit = first; bit <= last; bit++)
            mask[bit / 8] |= (uint8_t)(1U << (bit % 8));
        if ((int)(last / 8) + 1 > used)
            used = (int)(last / 8) + 1;
        at = end;
    }
    return used;
}
