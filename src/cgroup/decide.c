// SPDX-License-Identifier: Apache-2.0
/*
 * Which manager, and where: pure, from the probed host and the request. An explicit request (a limit, a
 * manager, a cgroupsPath) that cannot be met is an error; what nobody asked for is left out and recorded.
 *
 *   cgroupsPath            manager asked for: auto           systemd            cgroupfs
 *   absent                 systemd, cgroupfs, none           scope lichen-ID    lichen-ID below base
 *   slice:prefix:name      systemd                           that scope         refused
 *   /absolute              cgroupfs                          refused            below the mount point
 *   relative               cgroupfs                          refused            below base
 *
 * base: the caller's own cgroup, or, when limits need controllers, its parent. cgroup v2 enables controllers
 * only in a cgroup without processes of its own, and the caller's has at least the caller in it.
 */
#include <errno.h>
#include <string.h>

#include "cgroup/private.h"
#include "cgroup/unit_property.h"

struct decision {
    const struct cgroup_host *host;
    const struct cgroup_request *request;
    const struct cgroup_settings *settings;
    struct cgroup_plan *plan;
};

static bool is_systemd_form(const char *path)
{
    return path && path[0] != '/' && strchr(path, ':');
}

static bool systemd_usable(const struct cgroup_host *h)
{
    return h->unified && !h->hybrid && (h->privileged ? h->system_bus : h->user_bus);
}

static bool cgroupfs_usable(const struct cgroup_host *h)
{
    return h->unified && h->delegated[0];
}

/* Why there is no cgroup for this caller; for errors and for the downgrade. */
static const char *why_none(const struct cgroup_host *h)
{
    if (!h->unified)
        return "cgroup v2 is not mounted at /sys/fs/cgroup";
    if (h->hybrid)
        return "this host's controllers are in cgroup v1 (hybrid hierarchy)";
    return "no systemd session of this user answers and the caller's cgroup is not delegated to it";
}

static int remedy_none(const struct cgroup_host *h, struct err *e)
{
    if (!h->unified || h->hybrid)
        return err_remedy(
            e,
            "boot with systemd.unified_cgroup_hierarchy=1 and cgroup_no_v1=all on the kernel command line");
    if (h->privileged)
        return err_remedy(e, "mount cgroup2 read-write at /sys/fs/cgroup");
    return err_remedy(
        e, "log in through pam_systemd or run loginctl enable-linger, install dbus-user-session, and set "
           "XDG_RUNTIME_DIR=/run/user/UID; or start below systemd-run -p Delegate=yes");
}

/* Names of units: systemd.unit(5). */
static bool is_unit_name(const char *s)
{
    return *s && strlen(s) < 256 &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@")] == '\0';
}

/* No "..", no ".", no empty component: a path that means what it says (SECURITY: id and path injection). */
static int check_path(const char *path, struct err *e)
{
    const char *at = path;

    if (strlen(path) >= sizeof(((struct cgroup_plan *)0)->path) - 16)
        return err_set(e, ENAMETOOLONG, "linux.cgroupsPath: %.64s... is too long", path);
    while (*at) {
        size_t len;

        at += strspn(at, "/");
        len = strcspn(at, "/");
        if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return err_set(e, EINVAL, "linux.cgroupsPath: %s has a component \"%.*s\"", path, (int)len, at);
        at += len;
    }
    if (strpbrk(path, "\n"))
        return err_set(e, EINVAL, "linux.cgroupsPath: has a line break");
    return 0;
}

/* Controllers that @available lacks: the first limit that needs one is named. */
static int check_controllers(const struct decision *d, unsigned available, bool user, struct err *e)
{
    unsigned missing = d->plan->needed & ~available;
    const struct cgroup_setting *s;
    char name[64], have[64];

    if (!missing)
        return 0;
    s = cgroup_settings_find(d->settings, missing);
    missing &= s->controller;
    cgroup_controllers_text(missing, "", name, sizeof(name));
    cgroup_controllers_text(available, "", have, sizeof(have));
    if (d->plan->manager == CGROUP_SYSTEMD && (missing & ~CGROUP_SYSTEMD_CONTROLLERS)) {
        err_set(e, EOPNOTSUPP, "%s: systemd does not manage the cgroup controller %s", s->field, name);
        return err_remedy(e, "--cgroup-manager cgroupfs, in a cgroup that has the controller");
    }
    if (user) {
        err_set(e, EOPNOTSUPP, "%s: the cgroup controller %s is not delegated to this user (delegated: %s)",
                s->field, name, *have ? have : "none");
        return cgroup_delegate_remedy(e, missing);
    }
    err_set(e, EOPNOTSUPP, "%s: this host does not offer the cgroup controller %s (it has: %s)", s->field,
            name, *have ? have : "none");
    return err_remedy(e,
                      "enable the controller in the kernel or in the cgroups above (cgroup.subtree_control)");
}

static int set_unit_names(const struct decision *d, struct err *e)
{
    const char *path = d->request->cgroups_path, *prefix, *name;
    struct cgroup_plan *p = d->plan;
    size_t slice_len, prefix_len;
    int r;

    if (!path) {
        (void)str_format(p->slice, sizeof(p->slice), "%s", p->user ? "user.slice" : "system.slice");
        r = str_format(p->scope, sizeof(p->scope), "lichen-%s.scope", d->request->id);
        return r < 0 ? err_sys(e, r, "container id %.64s...", d->request->id) : 0;
    }
    slice_len = strcspn(path, ":");
    prefix = path[slice_len] ? path + slice_len + 1 : "";
    prefix_len = strcspn(prefix, ":");
    name = prefix[prefix_len] ? prefix + prefix_len + 1 : "";
    if (path[0] == '/' || !*name || strchr(name, ':'))
        return err_set(e, EINVAL,
                       "linux.cgroupsPath: \"%s\" is not slice:prefix:name, as a systemd cgroup wants", path);
    if (slice_len)
        r = str_format(p->slice, sizeof(p->slice), "%.*s", (int)slice_len, path);
    else
        r = str_format(p->slice, sizeof(p->slice), "%s", p->user ? "user.slice" : "system.slice");
    if (r >= 0)
        r = str_format(p->scope, sizeof(p->scope), "%.*s%s%s.scope", (int)prefix_len, prefix,
                       prefix_len ? "-" : "", name);
    if (r < 0 || !is_unit_name(p->slice) || !str_has_suffix(p->slice, ".slice") || !is_unit_name(p->scope))
        return err_set(e, EINVAL, "linux.cgroupsPath: \"%s\" does not make valid slice and scope names",
                       path);
    if (str_has_suffix(name, ".slice"))
        return err_set(e, EINVAL,
                       "linux.cgroupsPath: \"%s\" names a slice; a container needs a scope of its own", path);
    return 0;
}

static int choose_systemd(const struct decision *d, struct err *e)
{
    const struct cgroup_host *h = d->host;

    d->plan->manager = CGROUP_SYSTEMD;
    d->plan->user = !h->privileged;
    if (!h->unified || h->hybrid) {
        err_set(e, EOPNOTSUPP, "systemd cgroup: %s", why_none(h));
        return remedy_none(h, e);
    }
    if (!systemd_usable(h)) {
        err_set(e, EOPNOTSUPP, "systemd cgroup: %s",
                h->privileged ? "systemd does not run here or its bus is missing"
                              : "no systemd user session with a bus (uid has no /run/user/UID/bus)");
        return h->privileged ? err_remedy(e, "--cgroup-manager cgroupfs") : remedy_none(h, e);
    }
    if (set_unit_names(d, e) < 0)
        return err_code(e);
    return check_controllers(d, h->bus_controllers, d->plan->user, e);
}

static bool is_below(const char *path, const char *top)
{
    size_t len = strlen(top);

    return str_eq(top, "/") || (strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

/* The cgroup below which names without a place of their own go. */
static void set_base(const struct decision *d, char *base, size_t size)
{
    const struct cgroup_host *h = d->host;

    (void)str_format(base, size, "%s", h->own);
    /* own's parent, where that is ours too; the real root has neither parent nor the rule. */
    if (d->plan->needed && strlen(h->own) > 1 && !str_eq(h->own, h->delegated)) {
        char *slash = strrchr(base, '/');

        slash[slash == base] = '\0';
    }
    if (str_eq(base, "/"))
        base[0] = '\0';
}

static int set_directory(const struct decision *d, struct err *e)
{
    const struct cgroup_host *h = d->host;
    const char *path = d->request->cgroups_path;
    struct cgroup_plan *p = d->plan;
    char base[sizeof(h->own)];
    int r;

    set_base(d, base, sizeof(base));
    if (!path)
        r = str_format(p->path, sizeof(p->path), "%s/lichen-%s", base, d->request->id);
    else
        r = str_format(p->path, sizeof(p->path), "%s%s%s", path[0] == '/' ? "" : base,
                       path[0] == '/' ? "" : "/", path);
    if (r < 0)
        return err_sys(e, r, "path of the container's cgroup");
    for (size_t len = strlen(p->path); len > 1 && p->path[len - 1] == '/'; len--)
        p->path[len - 1] = '\0';
    if (p->path[strspn(p->path, "/")] == '\0' || str_eq(p->path, h->own) || is_below(h->own, p->path))
        return err_set(e, EINVAL,
                       "linux.cgroupsPath: %s is a cgroup the caller is in, a container needs one of its own",
                       p->path);
    if (!is_below(p->path, h->delegated)) {
        err_set(e, EACCES, "linux.cgroupsPath: %s is not below %s, the cgroup this user may write", p->path,
                h->delegated);
        return err_remedy(e, "a relative path is put below it");
    }
    return 0;
}

static int choose_cgroupfs(const struct decision *d, struct err *e)
{
    const struct cgroup_host *h = d->host;
    int r;

    d->plan->manager = CGROUP_CGROUPFS;
    if (is_systemd_form(d->request->cgroups_path))
        return err_set(e, EINVAL,
                       "linux.cgroupsPath: \"%s\" is for systemd, but a cgroupfs cgroup was asked for",
                       d->request->cgroups_path);
    if (!cgroupfs_usable(h)) {
        if (d->request->cgroups_path)
            err_set(e, EACCES, "linux.cgroupsPath: %s: %s", d->request->cgroups_path, why_none(h));
        else
            err_set(e, EACCES, "cgroupfs cgroup: %s", why_none(h));
        if (!h->privileged && systemd_usable(h))
            return err_remedy(
                e, "leave linux.cgroupsPath out, or give it as slice:prefix:name, to get a systemd scope");
        return remedy_none(h, e);
    }
    r = set_directory(d, e);
    if (r < 0)
        return r;
    return check_controllers(d, h->delegated_controllers, !h->privileged, e);
}

static int choose_none(const struct decision *d, struct err *e)
{
    const struct cgroup_host *h = d->host;
    const struct cgroup_setting *s;
    char what[96] = "a cgroup", name[64];

    d->plan->manager = CGROUP_NONE;
    s = cgroup_settings_find(d->settings, 0);
    if (!s)
        return 0;
    if (s->controller)
        (void)str_format(what, sizeof(what), "the cgroup controller %s",
                         cgroup_controllers_text(s->controller, "", name, sizeof(name)));
    if (d->request->manager == CGROUP_NONE) {
        err_set(e, EOPNOTSUPP, "%s: needs %s, but cgroups are disabled by the caller", s->field, what);
        return err_remedy(e, "leave out the limit or --cgroup-manager disabled");
    }
    err_set(e, EOPNOTSUPP, "%s: needs %s, but %s", s->field, what, why_none(h));
    return remedy_none(h, e);
}

static int choose_auto(const struct decision *d, struct err *e)
{
    const struct cgroup_host *h = d->host;
    int r;

    if (d->request->systemd_cgroup || is_systemd_form(d->request->cgroups_path))
        return choose_systemd(d, e);
    if (d->request->cgroups_path)
        return choose_cgroupfs(d, e);
    if (systemd_usable(h))
        return choose_systemd(d, e);
    if (cgroupfs_usable(h) && !h->hybrid)
        return choose_cgroupfs(d, e);
    r = choose_none(d, e);
    if (r >= 0)
        (void)str_format(d->plan->downgrade, sizeof(d->plan->downgrade), "no cgroup: %s", why_none(h));
    return r;
}

/* Only root could make another node; for everybody else the nodes are the policy (create/plan_rootfs.c). */
static void decide_devices(const struct decision *d)
{
    char before[ERR_MESSAGE_MAX];

    if (!d->request->resources->n_device_rules || !d->host->privileged)
        return;
    d->plan->device_filter = d->plan->manager != CGROUP_NONE;
    if (d->plan->device_filter)
        return;
    (void)str_format(before, sizeof(before), "%s", d->plan->downgrade);
    (void)str_format(d->plan->downgrade, sizeof(d->plan->downgrade),
                     "%s%slinux.resources.devices: no device filter is loaded, since there is no cgroup; the "
                     "device nodes in "
                     "the container are the policy",
                     before, *before ? "; " : "");
}

/* Checked whatever the manager: a typing error must not show on another host only. */
static int check_annotations(const struct cgroup_request *request, struct err *e)
{
    struct arena arena = { 0 };
    int r = 0;

    for (size_t i = 0; i < request->n_annotations && r >= 0; i++) {
        const struct spec_key_value *a = &request->annotations[i];
        struct unit_property ignored;

        if (str_has_prefix(a->key, UNIT_PROPERTY_PREFIX))
            r = unit_property_parse(a->key + strlen(UNIT_PROPERTY_PREFIX), a->value, &arena, &ignored, e);
    }
    arena_free(&arena);
    return r;
}

int cgroup_decide(const struct cgroup_host *host, const struct cgroup_request *request,
                  struct cgroup_plan *ret, struct err *e)
{
    _cleanup_settings_ struct cgroup_settings settings = { 0 };
    struct cgroup_request r_copy = *request;
    struct cgroup_plan plan = { 0 };
    struct decision d = { host, &r_copy, &settings, &plan };
    int r;

    if (r_copy.cgroups_path && !*r_copy.cgroups_path)
        r_copy.cgroups_path = NULL;
    r = cgroup_settings_make(request->resources, &settings, e);
    if (r >= 0 && r_copy.cgroups_path)
        r = check_path(r_copy.cgroups_path, e);
    if (r >= 0)
        r = check_annotations(&r_copy, e);
    if (r < 0)
        return r;
    plan.n_annotations = r_copy.n_annotations;
    plan.annotations = r_copy.annotations;
    plan.needed = cgroup_settings_needed(&settings);
    (void)str_format(plan.mount, sizeof(plan.mount), "%s", host->mount);
    switch (request->manager) {
    case CGROUP_AUTO:
        r = choose_auto(&d, e);
        break;
    case CGROUP_SYSTEMD:
        r = choose_systemd(&d, e);
        break;
    case CGROUP_CGROUPFS:
        r = choose_cgroupfs(&d, e);
        break;
    case CGROUP_NONE:
        r = choose_none(&d, e);
        break;
    }
    if (r < 0)
        return r;
    decide_devices(&d);
    *ret = plan;
    return 0;
}
