// SPDX-License-Identifier: Apache-2.0
/*
 * Closing lichen-net's cage (sandbox.h). Runs once, single-threaded, as the plain user; capabilities exist
 * only between unshare and drop_capabilities, over a user namespace that holds nothing but this process.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "resolver.h"

/* sys/mount.h and linux/mount.h clash in glibc 2.36. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
#define MNT_DETACH 2

#define RESOLV_CONF "/etc/resolv.conf"
/* The future root is mounted here for a moment: a directory that every host has. */
#define STAGING   "/proc"
#define FILES_MAX 65536

/* What of the host's file system stays visible. */
struct resolver_view {
    int tree;            /* detached copy of the mount that holds it, -1: none, or a copy is kept */
    int keeper;          /* -1, or the socket of the keeper that fills a copy (resolver.h) */
    bool directory;      /* a whole directory is shown, since its files are replaced by rename */
    char path[PATH_MAX]; /* what the tree shows: the file, or its directory */
    char file[PATH_MAX]; /* the file that /etc/resolv.conf really is */
};

/* A directory that may be shown whole: it belongs to the resolver alone. */
static bool is_resolvers_own(const char *directory)
{
    return !str_eq(directory, "") && !str_eq(directory, "/etc") && !str_eq(directory, "/run") &&
           !str_eq(directory, "/var") && !str_eq(directory, "/var/run") &&
           !str_has_prefix(directory, "/home");
}

/*
 * A link leads to a directory of the resolver's own (systemd-resolved, resolvconf, NetworkManager): that
 * directory is shown, so that replacements are seen. A plain file in /etc is copied by the keeper; where
 * that could not be started, it is shown as it is.
 */
static int find_resolver(struct resolver_view *v)
{
    char *real = realpath(RESOLV_CONF, NULL), *slash;

    if (!real)
        return -errno;
    (void)str_format(v->file, sizeof(v->file), "%s", real);
    (void)str_format(v->path, sizeof(v->path), "%s", real);
    free(real);
    slash = strrchr(v->path, '/');
    *slash = '\0';
    v->directory = is_resolvers_own(v->path);
    if (!v->directory)
        *slash = '/';
    if (v->keeper >= 0 && str_eq(v->file, RESOLV_CONF))
        return 0;
    v->tree = (int)syscall(SYS_open_tree, AT_FDCWD, v->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return v->tree < 0 ? -errno : 0;
}

static int write_map(const char *path, unsigned id)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%u %u 1\n", id, id);
    return fd_write_control(AT_FDCWD, path, text);
}

/* A user namespace with one id, the caller's own, and a mount namespace of it. */
static int make_namespaces(void)
{
    unsigned uid = geteuid(), gid = getegid();
    int r;

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return -errno;
    r = fd_write_control(AT_FDCWD, "/proc/self/setgroups", "deny");
    if (r >= 0)
        r = write_map("/proc/self/uid_map", uid);
    if (r >= 0)
        r = write_map("/proc/self/gid_map", gid);
    if (r >= 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        r = -errno;
    return r;
}

static void make_read_only(int dirfd, const char *path)
{
    struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                           MOUNT_ATTR_NOEXEC };

    /* Linux 5.12; before, the system call filter alone refuses to open for writing. */
    (void)syscall(SYS_mount_setattr, dirfd, path, AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}

/* Show the resolver's file or directory in the new root, which is the working directory. */
static int show_resolver(const struct resolver_view *v)
{
    _cleanup_close_ int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int at = -1;

    if (root < 0)
        return -errno;
    make_read_only(v->tree, "");
    at = v->directory ? path_mkdirs_in_root(root, v->path, 0755) : path_create_file_in_root(root, v->path);
    if (at < 0)
        return at;
    if (syscall(SYS_move_mount, v->tree, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return -errno;
    if (str_eq(v->file, RESOLV_CONF))
        return 0;
    (void)mkdir("etc", 0755);
    return symlink(v->file, "etc/resolv.conf") < 0 ? -errno : 0;
}

/* A copy of /etc/resolv.conf in the new root, which is the working directory. */
static int copy_resolver(int keeper)
{
    _cleanup_close_ int copy = -1;

    if (mkdir("etc", 0755) < 0)
        return -errno;
    copy = open("etc/resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    return copy < 0 ? -errno : resolver_fill(keeper, copy);
}

static int empty_root(int keeper)
{
    struct resolver_view v = { .tree = -1, .keeper = keeper };
    _cleanup_close_ int tree = -1;
    int r;

    r = find_resolver(&v);
    tree = v.tree;
    /* A host without a resolv.conf has no name server to find; the container's lookups fail, the rest works.
     */
    if (r < 0 && r != -ENOENT)
        return r;
    if (mount("lichen-net", STAGING, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "mode=0755,size=64k,nr_inodes=32") < 0 ||
        chdir(STAGING) < 0)
        return -errno;
    r = tree >= 0 ? show_resolver(&v) : 0;
    if (tree < 0 && keeper >= 0)
        r = copy_resolver(keeper);
    if (r < 0)
        return r;
    /* pivot_root(2), "pivot_root(".", ".")": the old root ends on top of the new one and is then taken off.
     */
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    /* Refused while the keeper can write; the system call filter lets nobody here open a file for it. */
    make_read_only(AT_FDCWD, "/");
    return 0;
}

static int drop_capabilities(struct err *e)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, errno, "set no_new_privs");
    if (syscall(SYS_capset, &header, none) < 0)
        return err_sys(e, errno, "drop the capabilities");
    return 0;
}

static int set_limits(struct err *e)
{
    struct rlimit none = { 0 }, files;

    if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
        setrlimit(RLIMIT_MEMLOCK, &none) < 0)
        return err_sys(e, errno, "lower the resource limits");
    /* A descriptor per connection: take what the hard limit gives. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
        files.rlim_max = files.rlim_cur;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return 0;
}

/* The keeper's socket where one is needed, else -1. */
static int start_keeper(void)
{
    struct stat st;

    if (lstat(RESOLV_CONF, &st) < 0 || !S_ISREG(st.st_mode))
        return -1;
    return resolver_start();
}

int sandbox_enter(int *ret_keeper, char warning[NET_WARNING_MAX], struct err *e)
{
    int keeper = start_keeper();
    int r = make_namespaces();

    warning[0] = '\0';
    if (r >= 0)
        r = empty_root(keeper);
    if (r < 0)
        keeper = fd_close(keeper);
    *ret_keeper = keeper;
    if (r < 0)
        (void)snprintf(warning, NET_WARNING_MAX,
                       "lichen-net sees the host's files: no user namespace for its sandbox (%s)",
                       strerror(-r));
    r = drop_capabilities(e);
    if (r >= 0)
        r = set_limits(e);
    if (r >= 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        r = err_sys(e, errno, "refuse to be traced");
    return r < 0 ? r : sandbox_filter(e);
}
