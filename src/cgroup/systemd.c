// SPDX-License-Identifier: Apache-2.0
/*
 * The systemd manager: the container's cgroup is a transient scope with Delegate=yes
 * (systemd.resource-control(5)). Runs in the parent and at delete, as the caller, over the user's bus; over
 * the system's only as root in the initial user namespace.
 *
 * Two steps. begin sends StartTransientUnit with init's pid and returns; init mounts its root meanwhile.
 * finish waits for the job, finds the directory by where init is now, and writes the limits there too:
 * systemd knows some of them only roughly (whole per cents of CPU) and others not at all, and it must know
 * what it can, or daemon-reload would undo them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/bus.h"

#define STOP_PATIENCE_MS 5000
#define MAX_CPUS         8192

static int append_number(const struct sdbus *sd, sd_bus_message *m, const char *name, uint64_t value)
{
    return sd->sd_bus_message_append(m, "(sv)", name, "t", value);
}

static int append_set(const struct sdbus *sd, sd_bus_message *m, const char *name, const uint8_t *mask,
                      size_t size)
{
    int r = sd->sd_bus_message_open_container(m, 'r', "sv");

    if (r >= 0)
        r = sd->sd_bus_message_append(m, "s", name);
    if (r >= 0)
        r = sd->sd_bus_message_open_container(m, 'v', "ay");
    if (r >= 0)
        r = sd->sd_bus_message_append_array(m, 'y', mask, size);
    if (r >= 0)
        r = sd->sd_bus_message_close_container(m);
    return r < 0 ? r : sd->sd_bus_message_close_container(m);
}

static int append_quota(const struct sdbus *sd, sd_bus_message *m, const char *value)
{
    uint64_t per_sec, period;
    int r;

    if (!cgroup_quota(value, &per_sec, &period))
        return -EINVAL;
    r = append_number(sd, m, "CPUQuotaPeriodUSec", period);
    return r < 0 ? r : append_number(sd, m, "CPUQuotaPerSecUSec", per_sec);
}

static int append_value(const struct sdbus *sd, sd_bus_message *m, const struct cgroup_property *p,
                        const char *value)
{
    uint8_t mask[MAX_CPUS / 8];
    uint64_t number = UINT64_MAX;
    int r;

    switch (p->type) {
    case PROPERTY_LIMIT:
    case PROPERTY_NUMBER:
        if (p->type == PROPERTY_NUMBER || !str_eq(value, "max"))
            r = str_to_u64(value, 0, UINT64_MAX - 1, &number);
        else
            r = 0;
        return r < 0 ? r : append_number(sd, m, p->name, number);
    case PROPERTY_QUOTA:
        return append_quota(sd, m, value);
    case PROPERTY_SET:
        r = cgroup_bitmask(value, mask, sizeof(mask));
        return r < 0 ? r : append_set(sd, m, p->name, mask, (size_t)r);
    }
    return -EINVAL;
}

/* The settings that systemd has words for. A value only the kernel understands ("50%" in unified) is left to
 * the file. *ret_n counts them. */
static int append_limits(const struct sdbus *sd, sd_bus_message *m, const struct cgroup_settings *settings,
                         size_t *ret_n, struct err *e)
{
    *ret_n = 0;
    for (size_t i = 0; i < settings->n; i++) {
        const struct cgroup_setting *s = &settings->v[i];
        const struct cgroup_property *p = cgroup_property_of(s->file);
        int r;

        if (!p || (s->nothing && s->optional))
            continue;
        r = append_value(sd, m, p, s->value);
        /* Nothing was appended then: the value is looked at first. Per-device weights land here too. */
        if (r == -EINVAL || r == -ERANGE)
            continue;
        if (r < 0)
            return err_sys(e, r, "%s: systemd property %s", s->field, p->name);
        (*ret_n)++;
    }
    return 0;
}

static int append_unit(const struct sdbus *sd, sd_bus_message *m, const struct cgroup_plan *plan, pid_t pid)
{
    char description[320];

    (void)str_format(description, sizeof(description), "lichen container scope %s", plan->scope);
    return sd->sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", description, "Slice",
                                     "s", plan->slice, "Delegate", "b", 1, "DefaultDependencies", "b", 0,
                                     "CollectMode", "s", "inactive-or-failed", "PIDs", "au", 1,
                                     (uint32_t)pid);
}

/* StartTransientUnit(s name, s mode, a(sv) properties, a(sa(sv)) aux) */
static int make_start(struct cgroup_bus *b, const struct cgroup_plan *plan,
                      const struct cgroup_settings *settings, pid_t pid, sd_bus_message **ret, struct err *e)
{
    const struct sdbus *sd = b->sd;
    size_t n;
    int r;

    r = bus_new_call(b, "StartTransientUnit", ret);
    if (r >= 0)
        r = sd->sd_bus_message_append(*ret, "ss", plan->scope, "fail");
    if (r >= 0)
        r = sd->sd_bus_message_open_container(*ret, 'a', "(sv)");
    if (r >= 0)
        r = append_unit(sd, *ret, plan, pid);
    if (r < 0)
        return err_sys(e, r, "systemd unit %s: building the request", plan->scope);
    r = append_limits(sd, *ret, settings, &n, e);
    if (r < 0)
        return r;
    r = sd->sd_bus_message_close_container(*ret);
    if (r >= 0)
        r = sd->sd_bus_message_append(*ret, "a(sa(sv))", 0);
    return r < 0 ? err_sys(e, r, "systemd unit %s: building the request", plan->scope) : 0;
}

static int systemd_begin(struct cgroup *cg, const struct cgroup_settings *settings, pid_t pid, struct err *e)
{
    sd_bus_message *m = NULL;
    int r;

    r = bus_connect(cg->plan.user, &cg->bus, e);
    if (r < 0)
        return r;
    r = make_start(cg->bus, &cg->plan, settings, pid, &m, e);
    if (r >= 0)
        r = bus_send_job(cg->bus, cg->plan.scope, m, e);
    cg->bus->sd->sd_bus_message_unref(m);
    return r;
}

/* Where init is now; it must be in the scope, whatever systemd's layout above it is. */
static int find_directory(struct cgroup *cg, pid_t pid, struct err *e)
{
    char name[16], path[sizeof(cg->plan.path)];
    _cleanup_close_ int root = -1;
    const char *leaf;
    int r;

    (void)str_format(name, sizeof(name), "%d", (int)pid);
    r = cgroup_of_process(name, path, sizeof(path));
    if (r < 0)
        return err_sys(e, r, "systemd unit %s: the cgroup of the container's init (pid %d)", cg->plan.scope,
                       (int)pid);
    leaf = strrchr(path, '/');
    if (!leaf || !str_eq(leaf + 1, cg->plan.scope))
        return err_set(e, EIO, "systemd unit %s: the container's init (pid %d) is in %s instead",
                       cg->plan.scope, (int)pid, path);
    (void)str_format(cg->plan.path, sizeof(cg->plan.path), "%s", path);
    root = cgroup_open_mount(cg->plan.mount, e);
    if (root < 0)
        return root;
    cg->dirfd = cgroup_open_below(root, path);
    if (cg->dirfd < 0)
        return err_sys(e, cg->dirfd, "the cgroup %s", path);
    cg->plan.inode = cgroup_inode(cg->dirfd);
    return 0;
}

static int systemd_finish(struct cgroup *cg, const struct cgroup_settings *settings, pid_t pid, struct err *e)
{
    int r;

    if (!cg->bus)
        return err_set(e, EINVAL, "systemd unit %s: no request was sent", cg->plan.scope);
    r = bus_wait_job(cg->bus, e);
    cgroup_bus_free(TAKE_PTR(cg->bus));
    if (r >= 0)
        r = find_directory(cg, pid, e);
    return r < 0 ? r : cgroup_settings_write(settings, &cg->plan, cg->dirfd, e);
}

/* The unit's object path; -ENOENT when there is no such unit. */
static int get_unit(struct cgroup_bus *b, const char *unit, char *path, size_t size, struct err *e)
{
    sd_bus_message *m = NULL, *reply = NULL;
    const char *object = "";
    char error[128];
    int r;

    r = bus_new_call(b, "GetUnit", &m);
    if (r >= 0)
        r = b->sd->sd_bus_message_append(m, "s", unit);
    if (r < 0)
        err_sys(e, r, "systemd unit %s: building the request", unit);
    else
        r = bus_call(b, m, unit, error, &reply, e);
    if (r < 0 && strstr(error, "NoSuchUnit"))
        r = err_set(e, ENOENT, "systemd unit %s does not exist", unit);
    if (r >= 0 &&
        (b->sd->sd_bus_message_read(reply, "o", &object) < 0 || str_format(path, size, "%s", object) < 0))
        r = err_set(e, EPROTO, "systemd unit %s: an answer without a path", unit);
    b->sd->sd_bus_message_unref(reply);
    b->sd->sd_bus_message_unref(m);
    return r;
}

/* A create that died between begin and finish: the state has the scope's name, not its directory. */
static int systemd_locate(struct cgroup *cg, struct err *e)
{
    struct cgroup_bus *b = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    char object[512], *text = NULL;
    int r;

    r = bus_connect(cg->plan.user, &b, e);
    if (r >= 0)
        r = get_unit(b, cg->plan.scope, object, sizeof(object), e);
    if (r >= 0) {
        r = b->sd->sd_bus_get_property_string(b->bus, SYSTEMD_NAME, object, "org.freedesktop.systemd1.Scope",
                                              "ControlGroup", &error, &text);
        if (r < 0)
            err_sys(e, r, "systemd unit %s: its cgroup", cg->plan.scope);
        b->sd->sd_bus_error_free(&error);
    }
    if (r >= 0 && (!*text || str_format(cg->plan.path, sizeof(cg->plan.path), "%s", text) < 0))
        r = err_set(e, ENOENT, "systemd unit %s has no cgroup", cg->plan.scope);
    mem_freep(&text);
    cgroup_bus_free(b);
    return r < 0 ? r : 0;
}

/* AttachProcessesToUnit(s unit, s subcgroup, au pids): systemd may move across sessions, we may not
 * (crun#376). */
static int systemd_attach(struct cgroup *cg, pid_t pid, struct err *e)
{
    struct cgroup_bus *b = NULL;
    sd_bus_message *m = NULL;
    struct err direct = { 0 };
    int r = cgroup_fs_vtable.attach(cg, pid, &direct);

    if (r != -EACCES && r != -EPERM) {
        if (r < 0 && e)
            *e = direct;
        return r;
    }
    r = bus_connect(cg->plan.user, &b, e);
    if (r < 0)
        return r;
    r = bus_new_call(b, "AttachProcessesToUnit", &m);
    if (r >= 0)
        r = b->sd->sd_bus_message_append(m, "ssau", cg->plan.scope, "", 1, (uint32_t)pid);
    if (r < 0)
        err_sys(e, r, "systemd unit %s: building the request", cg->plan.scope);
    else
        r = bus_call(b, m, "AttachProcessesToUnit", NULL, NULL, e);
    b->sd->sd_bus_message_unref(m);
    cgroup_bus_free(b);
    return r < 0 ? r : 0;
}

/* SetUnitProperties(s name, b runtime, a(sv) properties), then the files as in finish. */
static int systemd_update(struct cgroup *cg, const struct cgroup_settings *settings, struct err *e)
{
    struct cgroup_bus *b = NULL;
    sd_bus_message *m = NULL;
    size_t n = 0;
    int r;

    r = bus_connect(cg->plan.user, &b, e);
    if (r < 0)
        return r;
    r = bus_new_call(b, "SetUnitProperties", &m);
    if (r >= 0)
        r = b->sd->sd_bus_message_append(m, "sb", cg->plan.scope, 1);
    if (r >= 0)
        r = b->sd->sd_bus_message_open_container(m, 'a', "(sv)");
    if (r < 0)
        err_sys(e, r, "systemd unit %s: building the request", cg->plan.scope);
    else
        r = append_limits(b->sd, m, settings, &n, e);
    if (r >= 0 && n) {
        r = b->sd->sd_bus_message_close_container(m);
        r = r < 0 ? err_sys(e, r, "systemd unit %s: building the request", cg->plan.scope)
                  : bus_call(b, m, "SetUnitProperties", NULL, NULL, e);
    }
    b->sd->sd_bus_message_unref(m);
    cgroup_bus_free(b);
    return r < 0 ? r : cgroup_settings_write(settings, &cg->plan, cg->dirfd, e);
}

/* StopUnit(s name, s mode) -> job. */
static int stop_scope(const struct cgroup_plan *plan, struct err *e)
{
    struct cgroup_bus *b = NULL;
    sd_bus_message *m = NULL;
    int r;

    r = bus_connect(plan->user, &b, e);
    if (r < 0)
        return r;
    r = bus_new_call(b, "StopUnit", &m);
    if (r >= 0)
        r = b->sd->sd_bus_message_append(m, "ss", plan->scope, "replace");
    if (r < 0)
        err_sys(e, r, "systemd unit %s: building the request", plan->scope);
    else
        r = bus_send_job(b, plan->scope, m, e);
    if (r >= 0)
        r = bus_wait_job(b, e);
    /* It stopped by itself when its last process ended. */
    if (r < 0 && strstr(b->error, "NoSuchUnit"))
        r = 0;
    b->sd->sd_bus_message_unref(m);
    cgroup_bus_free(b);
    return r;
}

static bool is_gone(const struct cgroup_plan *plan)
{
    _cleanup_close_ int root = cgroup_open_mount(plan->mount, NULL);
    _cleanup_close_ int dirfd = -1;

    if (root < 0)
        return true;
    dirfd = cgroup_open_below(root, plan->path);
    return dirfd == -ENOENT;
}

/*
 * The scope ends with its last process, so the usual delete finds it gone or going. Else it is stopped; and
 * when systemd can't be reached any more (the user logged out, /run/user vanished), the directory is removed
 * here.
 */
static int systemd_destroy(struct cgroup *cg, struct err *e)
{
    int64_t deadline = cgroup_now_ms() + STOP_PATIENCE_MS;

    /* Not known to be ours: it ends with its last process, if that was ours; another's is not to be stopped.
     */
    while (!cg->plan.inode && !is_gone(&cg->plan) && cgroup_now_ms() < deadline)
        cgroup_pause_ms(10);
    if (!cg->plan.inode)
        return 0;
    if (is_gone(&cg->plan) || (stop_scope(&cg->plan, NULL) >= 0 && is_gone(&cg->plan)))
        return 0;
    /* systemd removes the directory soon after the job: whoever comes first. */
    return cgroup_remove(&cg->plan, STOP_PATIENCE_MS, e);
}

const struct cgroup_vtable cgroup_systemd_vtable = {
    .begin = systemd_begin,
    .finish = systemd_finish,
    .locate = systemd_locate,
    .attach = systemd_attach,
    .update = systemd_update,
    .destroy = systemd_destroy,
};
