// SPDX-License-Identifier: Apache-2.0
/* The root file system as init builds it. Runs in init, before the pivot. */
#include "create/init_rootfs.h"

#include <errno.h>

#include "base/fd.h"
#include "create/sync.h"
#include "rootfs/devices.h"
#include "rootfs/mask.h"
#include "rootfs/root.h"

/* `auto`: the kernel's overlay where it takes the layers, because its metadata operations are 8 to 20 times
 * faster; else fuse-overlayfs. */
static int mount_layers(struct create_context *c, int *ret_fuse, enum rootfs_driver *ret_driver, char *why,
                        size_t why_size, struct err *e)
{
    const struct plan *plan = c->plan;
    int r;

    why[0] = '\0';
    if (plan->driver != ROOTFS_FUSE) {
        *ret_driver = ROOTFS_OVERLAY;
        r = overlay_mount_kernel(&plan->overlay, plan->mount_point, e);
        if (r >= 0 || plan->driver == ROOTFS_OVERLAY)
            return r;
        (void)str_format(why, why_size, "%.*s", (int)why_size - 1, e ? e->message : "");
        if (!plan->fuse_program)
            return err_remedy(e, "install fuse-overlayfs, which works where the kernel's overlay is refused");
    }
    *ret_driver = ROOTFS_FUSE;
    return overlay_mount_fuse(plan->mount_point, ret_fuse, e);
}

int init_mount_root(struct create_context *c, int sync, int stage, int *ret_root, struct err *e)
{
    const struct plan *plan = c->plan;
    enum rootfs_driver driver = ROOTFS_DIR;
    _cleanup_close_ int fuse = -1;
    char why[ERR_MESSAGE_MAX] = "";
    int r;

    r = root_isolate_propagation(plan->spec->rootfs_propagation, e);
    if (r < 0)
        return r;
    if (plan->driver == ROOTFS_DIR) {
        r = root_bind_directory(plan->rootfs, e);
    } else {
        r = mount_layers(c, &fuse, &driver, why, sizeof(why), e);
        if (r >= 0)
            r = sync_send(stage, SYNC_ROOTED, 0, fuse, e);
    }
    if (r >= 0)
        r = sync_send_text(sync, SYNC_ROOTFS, (int32_t)driver, why, e);
    if (r < 0)
        return r;
    *ret_root = root_open(plan->mount_point, e);
    return *ret_root < 0 ? *ret_root : 0;
}

int init_fill_root(struct create_context *c, int sync, int root, struct err *e)
{
    const struct plan *plan = c->plan;
    struct mount_context m = { .root = root };
    int r = 0;

    for (size_t i = 0; i < plan->n_mounts; i++) {
        m.note[0] = '\0';
        m.prepared = c->mounts[i];
        r = mount_perform(&m, &plan->mounts[i], e);
        c->mounts[i] = fd_close(c->mounts[i]);
        if (r >= 0 && m.note[0])
            r = sync_send_text(sync, SYNC_NOTE, 0, m.note, e);
        if (r < 0)
            return r;
    }
    if (plan->setup_dev)
        r = devices_create(root, plan->spec->devices, plan->spec->n_devices, plan->bind_devices, e);
    return r;
}

int init_hide_paths(struct create_context *c, int root, struct err *e)
{
    const struct spec *spec = c->plan->spec;
    _cleanup_close_ int null = -1;
    int r;

    r = readonly_paths(root, &spec->readonly_paths, e);
    if (r < 0 || spec->masked_paths.n == 0)
        return r;
    null = mask_open_null(e);
    return null < 0 ? null : mask_paths(root, &spec->masked_paths, null, e);
}
