// SPDX-License-Identifier: Apache-2.0
/* The plan's root file system part: driver, layers, mounts, devices. Reads the file system only to tell files
 * from directories. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "cgroup/devices.h"
#include "create/notify.h"
#include "create/plan_parts.h"
#include "rootfs/devices.h"
#include "rootfs/mountapi.h"

static const char *absolute(struct plan *plan, const char *path)
{
    _cleanup_free_ char *joined = NULL, *clean = NULL;

    if (*path != '/')
        joined = str_printf("%s/%s", plan->options.bundle, path);
    clean = path_clean(joined ? joined : path);
    return arena_strdup(&plan->arena, clean);
}

static int check_directory(const char *path, const char *field, struct err *e)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return err_sys(e, errno, "%s %s", field, path);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ENOTDIR, "%s %s: not a directory", field, path);
    return 0;
}

/* Every lower layer must be a directory; relative ones are the bundle's. */
static int plan_lower(struct plan *plan, const char *text, struct err *e)
{
    _cleanup_buf_ struct buf all = { 0 };

    while (*text) {
        size_t n = strcspn(text, ":");
        const char *layer;
        int r;

        if (n == 0)
            return err_set(e, EINVAL, "io.lichen.rootfs.lower: an empty layer in the list");
        layer = absolute(plan, arena_printf(&plan->arena, "%.*s", (int)n, text));
        r = check_directory(layer, "io.lichen.rootfs.lower", e);
        if (r < 0)
            return r;
        buf_printf(&all, "%s%s", all.len ? ":" : "", layer);
        text += n;
        text += *text == ':';
    }
    plan->overlay.lower = arena_strdup(&plan->arena, all.data ? all.data : "");
    return 0;
}

static int plan_upper(struct plan *plan, const char *upper, const char *work, struct err *e)
{
    int r;

    if (!upper != !work)
        return err_set(e, EINVAL, "io.lichen.rootfs.%s is missing (upper and work belong together)",
                       upper ? "work" : "upper");
    if (!upper)
        return 0;
    plan->overlay.upper = absolute(plan, upper);
    plan->overlay.work = absolute(plan, work);
    r = check_directory(plan->overlay.upper, "io.lichen.rootfs.upper", e);
    return r < 0 ? r : check_directory(plan->overlay.work, "io.lichen.rootfs.work", e);
}

/* "1002:0:1:0:1:1002" for fuse-overlayfs: the id it sees, the id it shows, how many. */
static const char *mapping_text(struct plan *plan, const struct idmap *map)
{
    _cleanup_buf_ struct buf text = { 0 };

    for (size_t i = 0; i < map->n; i++)
        buf_printf(&text, "%s%u:%u:%u", i ? ":" : "", map->v[i].host, map->v[i].container, map->v[i].size);
    return arena_strdup(&plan->arena, text.data ? text.data : "");
}

/*
 * Layers lie on disk as the default map owns them (container 0 = the caller). A container with another map
 * sees their owners shifted; only fuse-overlayfs can shift them back. *ret: whether they must be.
 */
static int plan_shift(struct plan *plan, const struct host *host, bool *ret, struct err *e)
{
    struct idmap *layers = ARENA_NEW(&plan->arena, struct idmap),
                 *result = ARENA_NEW(&plan->arena, struct idmap);
    int r;

    *ret = false;
    if (!plan->has_map || plan->map_privileged || !host->ranges_loaded)
        return 0;
    plan->overlay.squash_to_root = idmap_size(&plan->uids) == 1;
    if (plan->overlay.squash_to_root) {
        *ret = true;
        return 0;
    }
    r = idmap_build(IDS_DEFAULT, host->uid, &host->subuids, "/etc/subuid", layers, e);
    if (r >= 0 && idmap_translate(layers, &plan->uids, result)) {
        plan->overlay.uid_mapping = mapping_text(plan, result);
        *ret = true;
    }
    if (r >= 0)
        r = idmap_build(IDS_DEFAULT, host->gid, &host->subgids, "/etc/subgid", layers, e);
    if (r >= 0 && idmap_translate(layers, &plan->gids, result)) {
        plan->overlay.gid_mapping = mapping_text(plan, result);
        *ret = true;
    }
    return r;
}

/* Which driver `auto` may use: the kernel's overlay shows the layers' owners as they are, so shifted ids need
 * fuse-overlayfs. */
static int plan_driver(struct plan *plan, const struct host *host, const char *text, struct err *e)
{
    enum rootfs_driver wanted = ROOTFS_AUTO;
    bool shift;
    int r;

    if (text) {
        r = rootfs_driver_parse(text, &wanted, e);
        if (r < 0)
            return r;
    }
    if (!plan->overlay.lower) {
        if (wanted == ROOTFS_OVERLAY || wanted == ROOTFS_FUSE)
            return err_set(e, EINVAL, "io.lichen.rootfs.driver %s: needs io.lichen.rootfs.lower or --overlay",
                           text);
        plan->driver = ROOTFS_DIR;
        return 0;
    }
    if (wanted == ROOTFS_DIR)
        return err_set(e, EINVAL, "io.lichen.rootfs.driver dir: cannot show layers");
    r = plan_shift(plan, host, &shift, e);
    if (r < 0)
        return r;
    plan->driver = wanted == ROOTFS_AUTO && shift ? ROOTFS_FUSE : wanted;
    if (wanted == ROOTFS_OVERLAY && shift)
        plan_downgrade(
            plan,
            "rootfs driver overlay: the layers' owners cannot be shifted to this id map; fuse-overlayfs can");
    if (plan->driver != ROOTFS_OVERLAY) {
        plan->fuse_program = overlay_find_fuse(&plan->arena);
        if (!plan->fuse_program && plan->driver == ROOTFS_FUSE) {
            err_set(e, ENOENT, "fuse-overlayfs is not installed");
            return err_remedy(e,
                              "install the package fuse-overlayfs, or set io.lichen.rootfs.driver=overlay");
        }
    }
    return 0;
}

static int plan_layers(struct plan *plan, const struct host *host, struct err *e)
{
    const struct spec *spec = plan->spec;
    const char *lower = spec_annotation(spec, "io.lichen.rootfs.lower");
    const char *upper = spec_annotation(spec, "io.lichen.rootfs.upper");
    const char *work = spec_annotation(spec, "io.lichen.rootfs.work");
    int r = 0;

    if (plan->options.overlay && upper)
        return err_set(e, EINVAL, "--overlay: config.json names its own upper (io.lichen.rootfs.upper)");
    if (!lower && (upper || plan->options.overlay))
        plan->overlay.lower = plan->rootfs;
    else if (lower)
        r = plan_lower(plan, lower, e);
    if (r < 0)
        return r;
    if (plan->options.overlay) {
        plan->overlay.upper = arena_printf(&plan->arena, "%s/upper", plan->options.overlay_dir);
        plan->overlay.work = arena_printf(&plan->arena, "%s/work", plan->options.overlay_dir);
        plan->overlay.volatile_data = true;
    } else {
        r = plan_upper(plan, upper, work, e);
    }
    return r < 0 ? r : plan_driver(plan, host, spec_annotation(spec, "io.lichen.rootfs.driver"), e);
}

/* cgroup: the v1 name in every stock bundle means "show the container its cgroups". */
static void plan_cgroup_mount(struct plan *plan, struct mount_op *op)
{
    op->type = "cgroup2";
    op->options.n_data = 0;
    /* Without a cgroup namespace, or in a cgroup that is not the container's alone, it is the host's tree
     * (CVE-2023-25809). */
    op->force_readonly = !plan->own[NS_CGROUP] || plan->cgroup.manager == CGROUP_NONE;
}

/*
 * config-linux.md, "Mount Label", for what SELinux lets a mount be labelled with: not file systems with
 * labels of their own, and of those mounted in a user namespace only the ones whose objects are all the
 * container's (selinux_set_mnt_opts).
 */
static int plan_label(struct plan *plan, const struct host *host, struct mount_op *op, struct err *e)
{
    static const char *const own_labels[] = { "proc", "sysfs", "cgroup", "cgroup2", "mqueue" };
    static const char *const in_userns[] = { "tmpfs", "ramfs", "devpts", "overlay" };
    static const char *const kinds[] = { "context", "fscontext", "defcontext", "rootcontext" };
    const char *kind = spec_annotation(plan->spec, "run.oci.mount_context_type");
    bool fits = !plan->in_userns, known = !kind;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        known |= str_eq(kind, kinds[i]);
    if (!known)
        return err_set(e, EINVAL,
                       "annotation run.oci.mount_context_type: %s is none of context, fscontext, "
                       "defcontext, rootcontext",
                       kind);
    if (!host->selinux || !plan->spec->mount_label || op->options.bind || op->options.remount)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(own_labels); i++) {
        if (str_eq(op->type, own_labels[i]))
            return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(in_userns); i++)
        fits |= str_eq(op->type, in_userns[i]);
    if (fits) {
        const char **data = ARENA_ARRAY(&plan->arena, op->options.n_data + 1, const char *);

        memcpy(data, op->options.data, op->options.n_data * sizeof(*data));
        data[op->options.n_data++] =
            arena_printf(&plan->arena, "%s=%s", kind ? kind : "context", plan->spec->mount_label);
        op->options.data = data;
    }
    return 0;
}

static int plan_mount(struct plan *plan, const struct host *host, size_t i, struct err *e)
{
    const struct spec_mount *m = &plan->spec->mounts[i];
    struct mount_op *op = &plan->mounts[i];
    int r;

    *op = (struct mount_op){
        .field = arena_printf(&plan->arena, "mounts[%zu]", i),
        .type = m->type ? m->type : "bind",
        .destination = m->destination,
    };
    r = mntopts_parse(m, op->field, &plan->arena, &op->options, e);
    if (r < 0)
        return r;
    if (op->options.bind && !op->options.remount) {
        struct stat st;

        op->source = absolute(plan, m->source);
        op->type = "bind";
        /* A read-only recursive bind of the host's /sys means all of it: its cgroup mounts too
         * (CVE-2023-25809). */
        if (str_eq(op->source, "/sys") && op->options.recursive_bind && (op->options.set & MOUNT_ATTR_RDONLY))
            op->options.rec_set |= MOUNT_ATTR_RDONLY;
        /* Best said now, before anything is made; what the caller may not see, init (with more rights) may.
         */
        if (stat(op->source, &st) < 0 && errno == ENOENT)
            return err_set(e, ENOENT, "%s: bind source %s: No such file or directory", op->field, op->source);
    } else {
        op->source = m->source;
    }
    if (str_eq(op->type, "cgroup") || str_eq(op->type, "cgroup2"))
        plan_cgroup_mount(plan, op);
    if (str_eq(op->destination, "/dev") && op->options.bind)
        plan->setup_dev = false;
    r = plan_label(plan, host, op, e);
    return r >= 0 && op->options.idmap ? plan_idmapped(plan, host, i, e) : r;
}

/*
 * A slirp network has its own name server; the host's resolv.conf (or the image's) would name one the
 * container can't reach. Not where the configuration brings its own.
 */
static void plan_resolv_conf(struct plan *plan)
{
    struct mount_op *op = &plan->mounts[plan->n_mounts];

    if (!plan->setup_tap)
        return;
    for (size_t i = 0; i < plan->n_mounts; i++) {
        if (str_eq(plan->mounts[i].destination, "/etc/resolv.conf") ||
            str_eq(plan->mounts[i].destination, "/etc"))
            return;
    }
    plan->resolv_conf = arena_printf(&plan->arena, "%s/resolv.conf", plan->options.state_dir);
    *op = (struct mount_op){
        .field = "network slirp",
        .type = "bind",
        .source = plan->resolv_conf,
        .destination = "/etc/resolv.conf",
        .options = { .bind = true,
                     .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
        .optional = true,
    };
    plan->n_mounts++;
}

/* The directory that holds the container's NOTIFY_SOCKET, as runc binds it (create/notify.h). */
static void plan_notify(struct plan *plan)
{
    if (!plan->options.notify_socket || !plan->spec->has_process)
        return;
    plan->mounts[plan->n_mounts++] = (struct mount_op){
        .field = "NOTIFY_SOCKET",
        .type = "bind",
        .source = arena_printf(&plan->arena, "%s/" NOTIFY_DIRECTORY, plan->options.state_dir),
        .destination = NOTIFY_MOUNT,
        .options = { .bind = true,
                     .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC },
        .optional = true,
    };
    plan->options.passed.notify = NOTIFY_ENV;
}

static int plan_devices(struct plan *plan, const struct host *host, struct err *e)
{
    const struct spec *spec = plan->spec;

    plan->bind_devices = plan->in_userns || !host->privileged;
    if (!plan->cgroup.device_filter && plan->bind_devices) {
        int r = device_rules_check(spec->resources.device_rules, spec->resources.n_device_rules,
                                   spec->devices, spec->n_devices, e);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; plan->bind_devices && i < spec->n_devices; i++) {
        char field[64];
        int r;

        (void)str_format(field, sizeof(field), "linux.devices[%zu]", i);
        r = devices_check_bind(&spec->devices[i], field, e);
        if (r < 0)
            return r;
    }
    return 0;
}

int plan_rootfs(struct plan *plan, const struct host *host, struct err *e)
{
    const struct spec *spec = plan->spec;
    int r;

    if (!spec->has_root || !spec->root.path || !*spec->root.path)
        return err_set(e, EINVAL, "root.path is missing");
    plan->rootfs = absolute(plan, spec->root.path);
    r = plan_layers(plan, host, e);
    if (r < 0)
        return r;
    if (plan->driver == ROOTFS_DIR || str_eq(plan->overlay.lower, plan->rootfs)) {
        r = check_directory(plan->rootfs, "root.path", e);
        if (r < 0)
            return r;
    }
    plan->mount_point = plan->driver == ROOTFS_DIR
                            ? plan->rootfs
                            : arena_printf(&plan->arena, "%s/rootfs", plan->options.state_dir);
    plan->setup_dev = true;
    plan->n_mounts = spec->n_mounts;
    plan->mounts = ARENA_ARRAY(&plan->arena, spec->n_mounts + 2, struct mount_op);
    plan->idmaps = ARENA_ARRAY(&plan->arena, spec->n_mounts + 2, struct plan_idmap);
    for (size_t i = 0; i < spec->n_mounts; i++) {
        r = plan_mount(plan, host, i, e);
        if (r < 0)
            return r;
    }
    plan_resolv_conf(plan);
    plan_notify(plan);
    return plan_devices(plan, host, e);
}
