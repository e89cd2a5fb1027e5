// SPDX-License-Identifier: Apache-2.0
/* /dev. Runs in init, on a root file system that may be hostile. */
#include "rootfs/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "rootfs/mount.h"
#include "rootfs/mountapi.h"

/* config-linux.md, "Default Devices"; /dev/console and /dev/ptmx are handled apart. */
static const struct spec_device default_devices[] = {
    { .path = "/dev/null", .type = 'c', .major = 1, .minor = 3, .has_mode = true, .mode = 0666 },
    { .path = "/dev/zero", .type = 'c', .major = 1, .minor = 5, .has_mode = true, .mode = 0666 },
    { .path = "/dev/full", .type = 'c', .major = 1, .minor = 7, .has_mode = true, .mode = 0666 },
    { .path = "/dev/random", .type = 'c', .major = 1, .minor = 8, .has_mode = true, .mode = 0666 },
    { .path = "/dev/urandom", .type = 'c', .major = 1, .minor = 9, .has_mode = true, .mode = 0666 },
    { .path = "/dev/tty", .type = 'c', .major = 5, .minor = 0, .has_mode = true, .mode = 0666 },
};

static const struct {
    const char *target, *name;
} links[] = {
    { "/proc/self/fd", "fd" },
    { "/proc/self/fd/0", "stdin" },
    { "/proc/self/fd/1", "stdout" },
    { "/proc/self/fd/2", "stderr" },
};

static mode_t node_type(char type)
{
    return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
}

static bool is_node(const struct stat *st, const struct spec_device *d)
{
    return (st->st_mode & S_IFMT) == node_type(d->type) &&
           (d->type == 'p' || st->st_rdev == makedev(d->major, d->minor));
}

int devices_check_bind(const struct spec_device *device, const char *field, struct err *e)
{
    struct stat st;

    if (device->type == 'p')
        return 0;
    if (stat(device->path, &st) < 0) {
        err_sys(e, errno, "%s: %s on the host", field, device->path);
        return err_remedy(e, "an unprivileged container can only have devices the host has at the same path; "
                             "remove it from the configuration");
    }
    if (!is_node(&st, device))
        return err_set(e, EINVAL, "%s: %s on the host is not the device %c %u:%u", field, device->path,
                       device->type, device->major, device->minor);
    return 0;
}

/* The directory for a device path, made where missing: "/dev/net/tun" -> the descriptor of /dev/net. */
static int open_parent(int root, const char *path, const char **ret_leaf, struct err *e)
{
    char parent[PATH_MAX];
    int fd;

    fd = path_split(path, parent, ret_leaf);
    if (fd >= 0)
        fd = path_mkdirs_in_root(root, parent, 0755);
    return fd < 0 ? err_sys(e, fd, "device %s", path) : fd;
}

static int make_node(int parent, const char *leaf, const struct spec_device *d, struct err *e)
{
    mode_t mode = d->has_mode ? d->mode : 0666;
    struct stat st;

    if (mknodat(parent, leaf, node_type(d->type) | mode, d->type == 'p' ? 0 : makedev(d->major, d->minor)) <
        0) {
        if (errno != EEXIST)
            return err_sys(e, errno, "device %s: mknod", d->path);
        /* The image brought it: it must be the very same node, not a link or another device. */
        if (fstatat(parent, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_node(&st, d))
            return err_set(e, EEXIST, "device %s: the root file system has something else there", d->path);
    }
    if (fchownat(parent, leaf, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, errno, "device %s: chown to %u:%u", d->path, d->uid, d->gid);
    /* mknod applied the umask; the node can't be a link any more. */
    if (fchmodat(parent, leaf, mode, 0) < 0)
        return err_sys(e, errno, "device %s: chmod", d->path);
    return 0;
}

static int bind_node(int parent, const char *leaf, const struct spec_device *d, struct err *e)
{
    _cleanup_close_ int source = -1, target = -1;
    struct stat st;
    int r;

    source = open(d->path, O_PATH | O_CLOEXEC);
    if (source < 0)
        return err_sys(e, errno, "device %s on the host", d->path);
    if (fstat(source, &st) < 0 || !is_node(&st, d))
        return err_set(e, EINVAL, "device %s: the host's is not %c %u:%u", d->path, d->type, d->major,
                       d->minor);
    target = openat(parent, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (target < 0 && errno != EEXIST)
        return err_sys(e, errno, "device %s: cannot make its mount point", d->path);
    target = fd_close(target);
    target = openat(parent, leaf, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0 || fstat(target, &st) < 0 || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
        return err_set(e, EEXIST, "device %s: the root file system has a link or directory there", d->path);
    r = mount_bind_fd(source, target, 0);
    return r < 0 ? err_sys(e, r, "device %s: bind", d->path) : 0;
}

static int create_one(int root, int dev, const struct spec_device *d, bool bind, struct err *e)
{
    _cleanup_close_ int parent = -1;
    const char *leaf;

    /* Nearly always directly in /dev, which is open already. */
    if (str_has_prefix(d->path, "/dev/") && !strchr(d->path + 5, '/')) {
        leaf = d->path + 5;
        return bind && d->type != 'p' ? bind_node(dev, leaf, d, e) : make_node(dev, leaf, d, e);
    }
    parent = open_parent(root, d->path, &leaf, e);
    if (parent < 0)
        return parent;
    return bind && d->type != 'p' ? bind_node(parent, leaf, d, e) : make_node(parent, leaf, d, e);
}

static bool is_listed(const struct spec_device *devices, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(devices[i].path, path))
            return true;
    }
    return false;
}

static int make_links(int dev, struct err *e)
{
    struct stat st;

    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (symlinkat(links[i].target, dev, links[i].name) < 0 && errno != EEXIST)
            return err_sys(e, errno, "/dev/%s: cannot make the link", links[i].name);
    }
    if (fstatat(AT_FDCWD, "/proc/kcore", &st, 0) == 0 && symlinkat("/proc/kcore", dev, "core") < 0 &&
        errno != EEXIST)
        return err_sys(e, errno, "/dev/core: cannot make the link");
    /* config-linux.md: /dev/ptmx is a link or bind of the container's own pts/ptmx. */
    if (fstatat(dev, "ptmx", &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(st.st_mode) || unlinkat(dev, "ptmx", 0) < 0)
            return 0;
    }
    if (symlinkat("pts/ptmx", dev, "ptmx") < 0)
        return err_sys(e, errno, "/dev/ptmx: cannot make the link");
    return 0;
}

int devices_create(int root, const struct spec_device *devices, size_t n, bool bind, struct err *e)
{
    _cleanup_close_ int dev = -1;
    int r;

    /* One descriptor of the real directory: a link at /dev must not send the nodes elsewhere. */
    dev =
        path_openat2(root, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (dev == -ENOENT) {
        if (mkdirat(root, "dev", 0755) < 0)
            return err_sys(e, errno, "/dev: cannot make it in the root file system");
        dev = path_openat2(root, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                           RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    }
    if (dev < 0)
        return err_sys(e, dev, "/dev in the root file system is not a real directory");
    for (size_t i = 0; i < sizeof(default_devices) / sizeof(default_devices[0]); i++) {
        if (is_listed(devices, n, default_devices[i].path))
            continue;
        r = create_one(root, dev, &default_devices[i], bind, e);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < n; i++) {
        r = create_one(root, dev, &devices[i], bind, e);
        if (r < 0)
            return r;
    }
    return make_links(dev, e);
}

int devices_bind_console(int root, int tty_fd, struct err *e)
{
    _cleanup_close_ int dev = -1, target = -1;
    struct stat st;
    int r;

    dev =
        path_openat2(root, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (dev < 0)
        return err_sys(e, dev, "/dev/console: /dev in the root file system");
    target = openat(dev, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (target < 0 && errno != EEXIST)
        return err_sys(e, errno, "/dev/console: cannot make its mount point");
    target = fd_close(target);
    target = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0 || fstat(target, &st) < 0 || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
        return err_set(e, EEXIST, "/dev/console: the root file system has a link or directory there");
    r = mount_bind_fd(tty_fd, target, 0);
    return r < 0 ? err_sys(e, r, "/dev/console: bind") : 0;
}
