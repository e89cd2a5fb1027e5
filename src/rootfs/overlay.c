// SPDX-License-Identifier: Apache-2.0
/* Overlay drivers. See overlay.h for which process runs what. */
#include "rootfs/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "rootfs/mountapi.h"

/* The number under which fuse-overlayfs gets the FUSE connection. */
#define FUSE_FD 3

static const char *const driver_names[] = {
    [ROOTFS_AUTO] = "auto",
    [ROOTFS_DIR] = "dir",
    [ROOTFS_OVERLAY] = "overlay",
    [ROOTFS_FUSE] = "fuse-overlayfs",
};

int rootfs_driver_parse(const char *text, enum rootfs_driver *ret, struct err *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(driver_names); i++) {
        if (str_eq(text, driver_names[i])) {
            *ret = (enum rootfs_driver)i;
            return 0;
        }
    }
    return err_set(e, EINVAL, "io.lichen.rootfs.driver: %s: not one of auto, dir, overlay, fuse-overlayfs",
                   text);
}

const char *rootfs_driver_name(enum rootfs_driver driver)
{
    return driver_names[driver];
}

/* Put a path into an option list in which ',' separates: escaped with a backslash, as overlayfs and libfuse
 * both read it. */
static void put_escaped(struct buf *b, const char *path)
{
    for (; *path; path++) {
        if (*path == ',' || *path == '\\')
            buf_puts(b, "\\");
        buf_append(b, path, 1);
    }
}

static void put_layers(struct buf *b, const struct overlay_spec *o)
{
    buf_puts(b, "lowerdir=");
    put_escaped(b, o->lower);
    if (o->upper) {
        buf_puts(b, ",upperdir=");
        put_escaped(b, o->upper);
        buf_puts(b, ",workdir=");
        put_escaped(b, o->work);
    }
    if (o->upper && o->volatile_data)
        buf_puts(b, ",volatile");
}

int overlay_mount_kernel(const struct overlay_spec *o, const char *target, struct err *e)
{
    _cleanup_buf_ struct buf data = { 0 };
    int r;

    put_layers(&data, o);
    /* An unprivileged mount can't write trusted.* attributes (Documentation/filesystems/overlayfs.rst,
     * "userxattr"). */
    buf_puts(&data, ",userxattr");
    if (data.len >= 4096)
        return err_set(e, E2BIG,
                       "overlay: the layer paths make %zu bytes of mount options, the kernel takes 4095",
                       data.len);
    r = mnt_mount("overlay", target, "overlay", 0, data.data);
    if (r < 0)
        return err_sys(e, r, "overlay: the kernel refuses to mount (lowerdir=%s%s%s)", o->lower,
                       o->upper ? ",upperdir=" : "", o->upper ? o->upper : "");
    return 0;
}

int overlay_mount_fuse(const char *target, int *ret_fuse_fd, struct err *e)
{
    _cleanup_close_ int fd = -1;
    char options[128];
    int r;

    fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        err_sys(e, errno, "fuse-overlayfs: /dev/fuse");
        return err_remedy(e, "%s",
                          err_code(e) == -EACCES
                              ? "as root: chmod 0666 /dev/fuse (a udev rule of the fuse3 package does it)"
                              : "as root: modprobe fuse; in a container: pass /dev/fuse in");
    }
    (void)str_format(options, sizeof(options),
                     "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
    r = mnt_mount("fuse-overlayfs", target, "fuse.fuse-overlayfs", 0, options);
    if (r < 0)
        return err_sys(e, r, "fuse-overlayfs: mounting /dev/fuse on the root file system");
    *ret_fuse_fd = TAKE_FD(fd);
    return 0;
}

int overlay_exec_fuse(const struct overlay_spec *o, const char *program, int fuse_fd, int log_fd,
                      struct err *e)
{
    _cleanup_buf_ struct buf options = { 0 };
    char mountpoint[32];
    int null;

    put_layers(&options, o);
    if (o->uid_mapping)
        buf_printf(&options, ",uidmapping=%s", o->uid_mapping);
    if (o->gid_mapping)
        buf_printf(&options, ",gidmapping=%s", o->gid_mapping);
    if (o->squash_to_root)
        buf_puts(&options, ",squash_to_root");

    /* FIELD-NOTES.md (podman#3695): an inherited descriptor that stays open here would hang the caller's pipe
     * readers. */
    null = fd_move_above(open("/dev/null", O_RDWR | O_CLOEXEC), 16);
    if (null < 0)
        return err_sys(e, errno, "fuse-overlayfs: /dev/null");
    log_fd = log_fd >= 0 ? fd_move_above(log_fd, 16) : -1;
    if (fuse_fd != FUSE_FD && dup2(fuse_fd, FUSE_FD) < 0)
        return err_sys(e, errno, "fuse-overlayfs: dup2");
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(log_fd >= 0 ? log_fd : null, STDERR_FILENO);
    (void)fd_close_from(FUSE_FD + 1);
    (void)fd_cloexec(FUSE_FD, false);
    (void)setsid();
    if (chdir("/") < 0)
        return err_sys(e, errno, "fuse-overlayfs: chdir /");
    proc_reset_signals();
    (void)str_format(mountpoint, sizeof(mountpoint), "/dev/fd/%d", FUSE_FD);
    execl(program, "fuse-overlayfs", "-f", "-o", options.data, mountpoint, (char *)NULL);
    return err_sys(e, errno, "cannot run %s", program);
}

const char *overlay_find_fuse(struct arena *arena)
{
    const char *path = getenv("LICHEN_FUSE_OVERLAYFS");

    if (path && *path)
        return access(path, X_OK) == 0 ? arena_strdup(arena, path) : NULL;
    path = getenv("PATH");
    if (!path || !*path)
        path = "/usr/local/bin:/usr/bin:/bin";
    while (*path) {
        size_t n = strcspn(path, ":");
        char *candidate = arena_printf(arena, "%.*s/fuse-overlayfs", (int)n, path);

        if (*candidate == '/' && access(candidate, X_OK) == 0)
            return candidate;
        path += n;
        path += *path == ':';
    }
    return access("/usr/bin/fuse-overlayfs", X_OK) == 0 ? "/usr/bin/fuse-overlayfs" : NULL;
}
