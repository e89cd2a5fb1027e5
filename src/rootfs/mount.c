// SPDX-License-Identifier: Apache-2.0
/* Mounts inside the root. Runs in init: root of the container's user namespace, in its own mount namespace,
 * before the pivot. */
#include "rootfs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "rootfs/copyup.h"
#include "rootfs/mountapi.h"

/* Hand one "key" or "key=value" to the file system. */
static int set_data(int fs, const char *text)
{
    const char *eq = strchr(text, '=');
    char key[128];

    if (!eq)
        return mnt_fsconfig_set(fs, text, NULL);
    if (str_format(key, sizeof(key), "%.*s", (int)(eq - text), text) < 0)
        return -ENAMETOOLONG;
    return mnt_fsconfig_set(fs, key, eq + 1);
}

/* devpts gid=5 is EINVAL where that group isn't mapped (FIELD-NOTES.md): leave the option out then. */
static const char *why_dropped(const struct mount_op *op, const char *option)
{
    if (str_eq(op->type, "devpts") && str_has_prefix(option, "gid="))
        return "the group is not mapped";
    /* mount(2) has a flag for it, fsconfig(2) has none: file systems that count versions do so unasked. */
    return str_eq(option, "iversion") ? "this file system has no such choice" : NULL;
}

static int report_fs(int fs, const struct mount_op *op, int code, const char *what, struct err *e)
{
    char log[256];
    const char *said = mnt_fs_message(fs, log, sizeof(log));

    return err_sys(e, code, "%s: mounting %s on %s: %s%s%s", op->field, op->type, op->destination, what,
                   *said ? ": " : "", said);
}

/* A detached new instance of the file system. Returns its descriptor or -errno. */
static int make_filesystem(struct mount_context *c, const struct mount_op *op, struct err *e)
{
    _cleanup_close_ int fs = mnt_fsopen(op->type);
    uint64_t attrs = (op->options.set & ~op->options.clear) | (op->options.set & MOUNT_ATTR__ATIME);
    const char *why;
    int r;

    if (fs < 0)
        return err_sys(e, fs, "%s: file system type %s on %s", op->field, op->type, op->destination);
    if (op->source && *op->source)
        (void)mnt_fsconfig_set(fs, "source", op->source);
    for (size_t i = 0; i < op->options.n_data; i++) {
        r = set_data(fs, op->options.data[i]);
        why = r == -EINVAL ? why_dropped(op, op->options.data[i]) : NULL;
        if (why) {
            (void)str_format(c->note, sizeof(c->note), "%s: option %s dropped: %s", op->field,
                             op->options.data[i], why);
            continue;
        }
        if (r < 0)
            return report_fs(fs, op, r, op->options.data[i], e);
    }
    r = mnt_fsconfig_create(fs);
    if (r < 0)
        return report_fs(fs, op, r, "the kernel refuses", e);
    if (op->force_readonly)
        attrs |= MOUNT_ATTR_RDONLY;
    r = mnt_fsmount(fs, (unsigned)attrs);
    if (r < 0)
        return report_fs(fs, op, r, "fsmount", e);
    return r;
}

/* The file systems the kernel may refuse in a user namespace, and where the host's own is. */
static const char *host_fallback(const struct mount_op *op)
{
    static const struct {
        const char *type, *path;
    } rows[] = {
        { "proc",
          "/proc" }, /* mount_too_revealing(): something covers part of our own /proc (nested containers) */
        { "sysfs", "/sys" },             /* needs a network namespace owned by our user namespace */
        { "cgroup2", "/sys/fs/cgroup" }, /* needs a cgroup namespace owned by our user namespace */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (str_eq(op->type, rows[i].type))
            return rows[i].path;
    }
    return NULL;
}

static int make_tree(struct mount_context *c, const struct mount_op *op, struct err *e)
{
    const char *fallback = host_fallback(op);
    int tree, r;

    if (op->tree)
        return op->tree;
    if (op->options.bind && op->options.idmap) {
        tree = fcntl(c->prepared, F_DUPFD_CLOEXEC, 3);
        return tree < 0 ? err_sys(e, errno, "%s: id-mapped bind of %s", op->field, op->source) : tree;
    }
    if (op->options.bind) {
        tree = mnt_clone_tree(AT_FDCWD, op->source, op->options.recursive_bind, true);
        return tree < 0 ? err_sys(e, tree, "%s: bind source %s", op->field, op->source) : tree;
    }
    tree = make_filesystem(c, op, e);
    if (tree >= 0 && op->options.idmap) {
        r = mnt_set_idmap(tree, c->prepared, op->options.idmap_recursive);
        if (r < 0) {
            fd_close(tree);
            return err_sys(e, r, "%s: id mapping of the %s on %s", op->field, op->type, op->destination);
        }
    }
    if (tree >= 0 || !fallback || (tree != -EPERM && tree != -EBUSY))
        return tree;
    tree = mnt_clone_tree(AT_FDCWD, fallback, true, true);
    if (tree < 0)
        return err_sys(e, tree, "%s: fallback bind of %s", op->field, fallback);
    r = mnt_setattr(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0,
                    MS_PRIVATE, true);
    if (r < 0) {
        fd_close(tree);
        return err_sys(e, r, "%s: making the fallback bind of %s read-only", op->field, fallback);
    }
    (void)str_format(c->note, sizeof(c->note),
                     "%s: a fresh %s is not permitted here, the host's is bound read-only", op->destination,
                     op->type);
    return tree;
}

static int set_recursive(int tree, const struct mount_op *op, struct err *e)
{
    int r = 0;

    if (op->options.rec_set || op->options.rec_clear)
        r = mnt_setattr(tree, op->options.rec_set, op->options.rec_clear, 0, true);
    return r < 0 ? err_sys(e, r, "%s: recursive mount options of %s", op->field, op->destination) : 0;
}

/* The attributes of a bind, which a new file system already got from fsmount. */
static int set_attributes(int tree, const struct mount_op *op, struct err *e)
{
    uint64_t set = op->options.set, clear = op->options.clear;
    int r;

    if (op->force_readonly)
        set |= MOUNT_ATTR_RDONLY;
    if (op->options.bind && (set || clear)) {
        r = mnt_setattr(tree, set, clear, 0, false);
        if (r == -EPERM && (clear & ~(uint64_t)MOUNT_ATTR__ATIME) != 0) {
            err_sys(e, r,
                    "%s: an option on %s asks to lift a restriction of the host's mount %s (it is locked in "
                    "a user namespace)",
                    op->field, op->destination, op->source);
            return err_remedy(e, "leave out rw, suid, dev or exec there, or choose a source on a mount "
                                 "without that restriction");
        }
        if (r < 0)
            return err_sys(e, r, "%s: mount options of %s", op->field, op->destination);
    }
    return set_recursive(tree, op, e);
}

static bool is_directory(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where to mount: an O_PATH descriptor inside the root, made where missing with the type the mount needs. */
static int open_destination(struct mount_context *c, const struct mount_op *op, bool directory, struct err *e)
{
    bool strict = str_eq(op->type, "proc") || str_eq(op->type, "sysfs");
    _cleanup_close_ int fd = -1;

    if (strict) {
        /* CVE-2019-19921, CVE-2023-27561: a link at /proc would put later procfs writes where the image wants
         * them. */
        fd = path_openat2(c->root, op->destination, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                          RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
        if (fd == -ELOOP || fd == -ENOTDIR)
            return err_set(e, EINVAL,
                           "%s: %s is not a real directory in the root file system (a symbolic link?); %s is "
                           "not mounted there",
                           op->field, op->destination, op->type);
        if (fd >= 0)
            return TAKE_FD(fd);
    }
    fd = directory ? path_mkdirs_in_root(c->root, op->destination, 0755)
                   : path_create_file_in_root(c->root, op->destination);
    if (fd < 0) {
        err_sys(e, fd, "%s: destination %s", op->field, op->destination);
        if (fd == -EROFS || fd == -EACCES)
            return err_remedy(e,
                              "the root file system has no %s and it cannot be made there; add it to the "
                              "image or use an overlay",
                              op->destination);
        return err_code(e);
    }
    return TAKE_FD(fd);
}

static int set_propagation(int tree, const struct mount_op *op, struct err *e)
{
    for (size_t i = 0; i < op->options.n_propagations; i++) {
        int r =
            mnt_setattr(tree, 0, 0, op->options.propagations[i].flag, op->options.propagations[i].recursive);

        if (r < 0)
            return err_sys(e, r, "%s: propagation of %s", op->field, op->destination);
    }
    return 0;
}

/* What a remount asks of the file system itself (size=, sync): all its mounts change. */
static int reconfigure(int target, const struct mount_op *op, struct err *e)
{
    _cleanup_close_ int fs = mnt_fspick(target);
    int r = fs;

    for (size_t i = 0; r >= 0 && i < op->options.n_data; i++)
        r = set_data(fs, op->options.data[i]);
    if (r >= 0)
        r = mnt_fsconfig_reconfigure(fs);
    return r < 0 ? err_sys(e, r, "%s: remount of %s", op->field, op->destination) : 0;
}

/* `remount`: change what is mounted there already. */
static int remount(struct mount_context *c, const struct mount_op *op, struct err *e)
{
    _cleanup_close_ int fd = path_open_in_root(c->root, op->destination, O_PATH, 0);
    int r = 0;

    if (fd < 0)
        return err_sys(e, fd, "%s: remount of %s", op->field, op->destination);
    if (op->options.set || op->options.clear)
        r = mnt_setattr(fd, op->options.set, op->options.clear, 0, false);
    if (r < 0)
        return err_sys(e, r, "%s: remount of %s", op->field, op->destination);
    r = set_recursive(fd, op, e);
    if (r >= 0)
        r = set_propagation(fd, op, e);
    return r < 0 || !op->options.n_data || op->options.bind ? r : reconfigure(fd, op, e);
}

int mount_perform(struct mount_context *c, const struct mount_op *op, struct err *e)
{
    _cleanup_close_ int tree = -1, target = -1;
    int r;

    if (op->options.remount)
        return remount(c, op, e);
    tree = make_tree(c, op, e);
    if (tree < 0)
        return tree;
    r = set_attributes(tree, op, e);
    if (r < 0)
        return r;
    target = open_destination(c, op, is_directory(tree), e);
    if (target < 0 && op->optional) {
        (void)str_format(c->note, sizeof(c->note), "%.*s", (int)sizeof(c->note) - 1,
                         e ? e->message : op->destination);
        return 0;
    }
    if (target < 0)
        return target;
    if (op->options.copy_up) {
        r = copyup_tree(target, tree);
        if (r < 0)
            return err_sys(e, r, "%s: copying %s into the new %s (tmpcopyup)", op->field, op->destination,
                           op->type);
    }
    r = mnt_attach(tree, target);
    if (r < 0)
        return err_sys(e, r, "%s: attaching to %s", op->field, op->destination);
    return set_propagation(tree, op, e);
}

int mount_bind_fd(int source_fd, int target_fd, unsigned long long attr_set)
{
    _cleanup_close_ int tree = mnt_clone_tree(source_fd, "", false, false);
    int r;

    if (tree < 0)
        return tree;
    if (attr_set) {
        r = mnt_setattr(tree, attr_set, 0, 0, false);
        if (r < 0)
            return r;
    }
    return mnt_attach(tree, target_fd);
}

int mount_clone_source(struct mount_op *op, struct err *e)
{
    int tree = mnt_clone_tree(AT_FDCWD, op->source, op->options.recursive_bind, true);

    if (tree < 0)
        return err_sys(e, tree, "%s: bind source %s", op->field, op->source);
    op->tree = tree;
    return 0;
}

int mount_remove(int root, const char *destination, const char *field, struct err *e)
{
    _cleanup_free_ char *clean = path_clean(destination);
    _cleanup_close_ int parent = -1;
    char dir[PATH_MAX];
    const char *leaf;
    int r;

    r = path_split(clean, dir, &leaf);
    if (r < 0)
        return err_set(e, EINVAL, "%s: destination %s cannot be unmounted", field, destination);
    parent = path_open_in_root(root, dir, O_PATH | O_DIRECTORY, 0);
    if (parent < 0 || fchdir(parent) < 0)
        return err_sys(e, parent < 0 ? parent : errno, "%s: destination %s", field, destination);
    /* By the name in a directory that is held: a link put in its place is not followed. */
    r = mnt_umount(leaf, MNT_DETACH | UMOUNT_NOFOLLOW);
    if (r == -EINVAL)
        return err_set(e, EINVAL, "%s: nothing is mounted on %s (or it is locked)", field, destination);
    return r < 0 ? err_sys(e, r, "%s: unmounting %s", field, destination) : 0;
}
