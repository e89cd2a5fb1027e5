// SPDX-License-Identifier: Apache-2.0
/* openat2(2) by hand. Runs wherever paths are resolved, with the rights of that process. */
#include "base/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

/* path_resolution(7): as many links as the kernel follows in one path. */
#define LINKS_MAX 40
/* Directories below the root that may be held open at once; an RLIMIT_NOFILE of 1024 is usual. */
#define DEPTH_MAX 256
/* proc(5): the inode of a procfs's own root directory. The links in it (self, mounts, net) are ordinary ones.
 */
#define PROC_ROOT_INODE 1

struct walk {
    int root;
    int held[DEPTH_MAX]; /* the directories between the root and where we are */
    unsigned depth, links;
    uint64_t resolve, mount;
    char todo[2 * PATH_MAX]; /* what is left of the path, links' texts put in front */
};

static int here(const struct walk *w)
{
    return w->depth ? w->held[w->depth - 1] : w->root;
}

static void back_to_root(struct walk *w)
{
    while (w->depth)
        fd_close(w->held[--w->depth]);
}

/* statx(2), STATX_MNT_ID (Linux 5.8): what tells a bind mount of the same file system apart. */
static int mount_id(int fd, uint64_t *ret)
{
    struct statx st;

    if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &st) < 0)
        return -errno;
    if (!(st.stx_mask & STATX_MNT_ID))
        return -ENOSYS;
    *ret = st.stx_mnt_id;
    return 0;
}

/* RESOLVE_NO_XDEV: @fd must be on the mount where the walk began. */
static int check_mount(const struct walk *w, int fd)
{
    uint64_t now;
    int r;

    if (!(w->resolve & RESOLVE_NO_XDEV))
        return 0;
    r = mount_id(fd, &now);
    return r < 0 ? r : now == w->mount ? 0 : -EXDEV;
}

/* A link of procfs that is no text but a door: /proc/PID/exe, fd/N, root and their like. */
static bool is_magic(const struct walk *w, int link)
{
    struct statfs fs;
    struct stat dir;

    if (fstatfs(link, &fs) < 0)
        return true;
    if (fs.f_type != PROC_SUPER_MAGIC)
        return false;
    return fstat(here(w), &dir) < 0 || dir.st_ino != PROC_ROOT_INODE;
}

/* An absolute path, or one that goes above: the root again, or forbidden. */
static int rewind_walk(struct walk *w)
{
    if (w->resolve & RESOLVE_BENEATH)
        return -EXDEV;
    back_to_root(w);
    return 0;
}

static int go_up(struct walk *w)
{
    if (w->depth == 0)
        return w->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
    fd_close(w->held[--w->depth]);
    return 0;
}

/* The next component into @name (NAME_MAX + 1), "" at the end; *ret_more: something other than slashes
 * follows. */
static int next_name(struct walk *w, char *name, bool *ret_more, bool *ret_slash)
{
    char *at = w->todo + strspn(w->todo, "/");
    size_t n = strcspn(at, "/"), slashes = strspn(at + n, "/");

    if (n > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(name, at, n);
    name[n] = '\0';
    *ret_slash = slashes > 0;
    *ret_more = at[n + slashes] != '\0';
    at += n + slashes;
    memmove(w->todo, at, strlen(at) + 1);
    return 0;
}

/* Put the text of @link before what is left. */
static int expand(struct walk *w, int link, bool slash)
{
    char text[PATH_MAX];
    size_t rest = strlen(w->todo);
    ssize_t n;

    if (w->resolve & RESOLVE_NO_SYMLINKS || ++w->links > LINKS_MAX)
        return -ELOOP;
    if (is_magic(w, link))
        return -ELOOP;
    n = readlinkat(link, "", text, sizeof(text));
    if (n <= 0)
        return n < 0 ? -errno : -ENOENT;
    if ((size_t)n >= sizeof(text) || (size_t)n + 1 + rest >= sizeof(w->todo))
        return -ENAMETOOLONG;
    memmove(w->todo + n + slash, w->todo, rest + 1);
    memcpy(w->todo, text, (size_t)n);
    if (slash)
        w->todo[n] = '/';
    return text[0] == '/' ? rewind_walk(w) : 0;
}

static int descend(struct walk *w, int *fd)
{
    if (w->depth == DEPTH_MAX)
        return -ENAMETOOLONG;
    w->held[w->depth++] = TAKE_FD(*fd);
    return 0;
}

/* The last component, which is no link: what was looked at and what is opened may differ only if it was
 * swapped for another thing in the same directory, and a link is refused. */
static int open_last(const struct walk *w, const char *name, uint64_t flags, mode_t mode)
{
    _cleanup_close_ int fd = openat(here(w), name, (int)flags | O_NOFOLLOW | O_CLOEXEC, mode);
    struct stat st;
    int r;

    if (fd < 0)
        return errno == ELOOP && !(flags & O_NOFOLLOW) ? -EAGAIN : -errno;
    /* O_PATH opens a link itself. */
    if ((flags & O_PATH) && !(flags & O_NOFOLLOW) && (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode)))
        return -EAGAIN;
    r = check_mount(w, fd);
    return r < 0 ? r : TAKE_FD(fd);
}

/* One component. 1: go on; else what the walk ends with. */
static int step(struct walk *w, uint64_t flags, mode_t mode)
{
    _cleanup_close_ int fd = -1;
    char name[NAME_MAX + 1];
    bool more, slash, last;
    struct stat st;
    int r;

    r = next_name(w, name, &more, &slash);
    if (r < 0)
        return r;
    if (!*name)
        return open_last(w, ".", flags, mode);
    if (str_eq(name, "..") || str_eq(name, ".")) {
        r = name[1] ? go_up(w) : 0;
        return r < 0 ? r : 1;
    }
    last = !more && !slash;
    fd = openat(here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !more && (flags & O_CREAT)) {
        r = open_last(w, name, flags | O_EXCL, mode);
        return r == -EEXIST && !(flags & O_EXCL) ? -EAGAIN : r;
    }
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISLNK(st.st_mode) && !(last && (flags & O_NOFOLLOW))) {
        r = expand(w, fd, slash);
        return r < 0 ? r : 1;
    }
    if (last)
        return open_last(w, name, flags, mode);
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    r = check_mount(w, fd);
    if (r >= 0)
        r = descend(w, &fd);
    return r < 0 ? r : 1;
}

int resolve_walk(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve)
{
    struct walk *w;
    int r;

    if (!*path || strlen(path) >= PATH_MAX)
        return *path ? -ENAMETOOLONG : -ENOENT;
    w = mem_zalloc(sizeof(*w));
    w->root = dirfd;
    w->resolve = resolve;
    memcpy(w->todo, path, strlen(path) + 1);
    r = resolve & RESOLVE_NO_XDEV ? mount_id(dirfd, &w->mount) : 0;
    if (r >= 0)
        r = *path == '/' ? rewind_walk(w) : 0;
    if (r >= 0) {
        do
            r = step(w, flags, mode);
        while (r == 1);
    }
    back_to_root(w);
    free(w);
    return r;
}
