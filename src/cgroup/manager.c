// SPDX-License-Identifier: Apache-2.0
/*
 * The public calls: choose the manager's row and keep the order of use. Runs in the parent and in the verbs,
 * as the caller.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "cgroup/devices.h"
#include "cgroup/private.h"

static const struct cgroup_vtable none_vtable = { 0 };

static const struct {
    const char *name, *synonym;
    const struct cgroup_vtable *vtable;
} managers[] = {
    [CGROUP_AUTO] = { "auto", NULL, &none_vtable },
    [CGROUP_NONE] = { "disabled", "none", &none_vtable },
    [CGROUP_CGROUPFS] = { "cgroupfs", NULL, &cgroup_fs_vtable },
    [CGROUP_SYSTEMD] = { "systemd", NULL, &cgroup_systemd_vtable },
};
static_assert(ARRAY_SIZE(managers) == CGROUP_SYSTEMD + 1, "one row for each manager");

static const struct cgroup_vtable *vtable_of(const struct cgroup *cg)
{
    return managers[cg->plan.manager].vtable;
}

int cgroup_manager_parse(const char *text, enum cgroup_manager *ret, struct err *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(managers); i++) {
        if (str_eq(text, managers[i].name) || (managers[i].synonym && str_eq(text, managers[i].synonym))) {
            *ret = (enum cgroup_manager)i;
            return 0;
        }
    }
    err_set(e, EINVAL, "cgroup manager \"%s\" is unknown", text);
    return err_remedy(e, "systemd, cgroupfs, disabled or auto");
}

const char *cgroup_manager_name(enum cgroup_manager manager)
{
    return (size_t)manager < ARRAY_SIZE(managers) ? managers[manager].name : "unknown";
}

bool cgroup_needs_pid(const struct cgroup_plan *plan)
{
    return plan->manager == CGROUP_SYSTEMD;
}

uint64_t cgroup_inode(int dirfd)
{
    struct stat st;

    return fstat(dirfd, &st) < 0 ? 0 : st.st_ino;
}

/* Before the container's first process is in it, or before it goes on. */
static int attach_filter(const struct cgroup *cg, const struct spec_resources *resources, struct err *e)
{
    struct device_program program;
    int r;

    if (!cg->plan.device_filter || cg->dirfd < 0)
        return 0;
    device_program_make(resources->device_rules, resources->n_device_rules, &program);
    r = device_program_attach(&program, cg->dirfd, e);
    device_program_free(&program);
    return r;
}

int cgroup_begin(const struct cgroup_plan *plan, const struct spec_resources *resources, pid_t pid,
                 struct cgroup *ret, struct err *e)
{
    _cleanup_settings_ struct cgroup_settings settings = { 0 };
    struct cgroup cg = { .plan = *plan, .dirfd = -1 };
    int r;

    r = cgroup_settings_make(resources, &settings, e);
    if (r >= 0 && vtable_of(&cg)->begin)
        r = vtable_of(&cg)->begin(&cg, &settings, pid, e);
    if (r >= 0) {
        r = attach_filter(&cg, resources, e);
        if (r < 0 && vtable_of(&cg)->destroy)
            (void)vtable_of(&cg)->destroy(&cg, NULL);
    }
    if (r < 0) {
        cgroup_close(&cg);
        return r;
    }
    if (cg.dirfd >= 0)
        cg.plan.inode = cgroup_inode(cg.dirfd);
    *ret = cg;
    return 0;
}

int cgroup_finish(struct cgroup *cg, const struct spec_resources *resources, pid_t pid, struct err *e)
{
    _cleanup_settings_ struct cgroup_settings settings = { 0 };
    int r;

    if (!vtable_of(cg)->finish)
        return 0;
    r = cgroup_settings_make(resources, &settings, e);
    if (r >= 0)
        r = vtable_of(cg)->finish(cg, &settings, pid, e);
    return r < 0 ? r : attach_filter(cg, resources, e);
}

int cgroup_open(const struct cgroup_plan *plan, struct cgroup *ret, struct err *e)
{
    struct cgroup cg = { .plan = *plan, .dirfd = -1 };
    _cleanup_close_ int root = -1;
    int r = 0;

    if (plan->manager == CGROUP_NONE) {
        *ret = cg;
        return 0;
    }
    if (!cg.plan.path[0])
        r = vtable_of(&cg)->locate ? vtable_of(&cg)->locate(&cg, e)
                                   : err_set(e, ENOENT, "the container's cgroup was never made");
    if (r < 0)
        return r;
    root = cgroup_open_mount(cg.plan.mount, e);
    if (root < 0)
        return root;
    cg.dirfd = cgroup_open_below(root, cg.plan.path);
    if (cg.dirfd < 0)
        return err_sys(e, cg.dirfd, "the cgroup %s", cg.plan.path);
    if (cg.plan.inode && cgroup_inode(cg.dirfd) != cg.plan.inode) {
        fd_close(cg.dirfd);
        return err_set(e, ENOENT, "the cgroup %s is another one by now", cg.plan.path);
    }
    *ret = cg;
    return 0;
}

int cgroup_enter_sub(struct cgroup *cg, const char *path, struct err *e)
{
    int sub;

    if (cg->dirfd < 0)
        return err_set(e, EOPNOTSUPP, "--cgroup %s: the container has no cgroup", path);
    sub = cgroup_open_below(cg->dirfd, path);
    if (sub < 0)
        return err_sys(e, sub, "--cgroup %s", path);
    fd_close(cg->dirfd);
    cg->dirfd = sub;
    cg->in_sub = true;
    return 0;
}

int cgroup_attach(struct cgroup *cg, pid_t pid, struct err *e)
{
    return vtable_of(cg)->attach ? vtable_of(cg)->attach(cg, pid, e) : 0;
}

/* linux.resources.memory.checkBeforeUpdate: a limit below what is in use would let the kernel kill. */
static int check_before_update(struct cgroup *cg, const struct spec_resources *resources, struct err *e)
{
    uint64_t current;

    if (!resources->memory.check_before_update.value || !resources->memory.limit.set ||
        resources->memory.limit.value <= 0 || cgroup_read_number(cg->dirfd, "memory.current", &current) < 0 ||
        current < (uint64_t)resources->memory.limit.value)
        return 0;
    return err_set(e, EBUSY, "linux.resources.memory.limit: %lld is not above the %llu bytes in use",
                   (long long)resources->memory.limit.value, (unsigned long long)current);
}

struct spec_resources cgroup_change_complete(const struct spec_resources *current,
                                             const struct spec_resources *change)
{
    struct spec_resources r = *change;

    if (r.cpu.quota.set && !r.cpu.period.set)
        r.cpu.period = current->cpu.period;
    if (r.cpu.period.set && !r.cpu.quota.set)
        r.cpu.quota = current->cpu.quota;
    if (r.memory.swap.set && !r.memory.limit.set)
        r.memory.limit = current->memory.limit;
    /* Not with -1: then swap is unlimited too, as in runc. */
    if (r.memory.limit.set && r.memory.limit.value > 0 && !r.memory.swap.set)
        r.memory.swap = current->memory.swap;
    if (!r.memory.check_before_update.set)
        r.memory.check_before_update = current->memory.check_before_update;
    return r;
}

int cgroup_update(struct cgroup *cg, const struct spec_resources *current,
                  const struct spec_resources *change, struct err *e)
{
    const struct spec_resources whole = cgroup_change_complete(current, change), *resources = &whole;
    _cleanup_settings_ struct cgroup_settings settings = { 0 };
    int r = cgroup_settings_make(resources, &settings, e);

    if (r < 0 || !settings.n)
        return r;
    if (!vtable_of(cg)->update) {
        err_set(e, EOPNOTSUPP, "%s: the container has no cgroup", settings.v[0].field);
        return err_remedy(e, "run it in a systemd user session or another delegated cgroup");
    }
    r = check_before_update(cg, resources, e);
    return r < 0 ? r : vtable_of(cg)->update(cg, &settings, e);
}

int cgroup_destroy(struct cgroup *cg, struct err *e)
{
    return vtable_of(cg)->destroy ? vtable_of(cg)->destroy(cg, e) : 0;
}

void cgroup_close(struct cgroup *cg)
{
    cg->dirfd = fd_close(cg->dirfd);
    cgroup_bus_free(cg->bus);
    cg->bus = NULL;
}
