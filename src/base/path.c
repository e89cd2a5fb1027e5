// SPDX-License-Identifier: Apache-2.0
/* Path resolution below a root. Runs in the parent (bundle paths) and in init (container paths). */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/resolve.h"
#include "base/str.h"

/* A hostile renamer can make the kernel answer EAGAIN for as long as it likes; give up after this many tries.
 */
#define OPENAT2_TRIES 128

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

static int openat2_once(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };
    long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

/* An outer container's seccomp profile may answer ENOSYS or EPERM. EPERM is also the kernel's own answer for
 * some files, but not for this one. */
static bool openat2_is_denied(void)
{
    static enum { UNKNOWN, ALLOWED, DENIED } known;
    int fd;

    if (known == UNKNOWN) {
        fd = openat2_once(AT_FDCWD, ".", O_PATH | O_CLOEXEC, 0, 0);
        known = fd == -ENOSYS || fd == -EPERM ? DENIED : ALLOWED;
        fd_close(fd);
    }
    return known == DENIED;
}

int path_openat2(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve)
{
    for (int i = 0; i < OPENAT2_TRIES; i++) {
        int fd = openat2_once(dirfd, path, flags, mode, resolve);

        if ((fd == -ENOSYS || fd == -EPERM) && openat2_is_denied())
            fd = resolve_walk(dirfd, path, flags, mode, resolve);
        if (fd != -EAGAIN && fd != -EINTR)
            return fd;
    }
    return -EAGAIN;
}

int path_open_in_root(int root, const char *path, int flags, mode_t mode)
{
    /* openat2 refuses flags that open(2) ignores, O_NOCTTY with O_PATH among them. */
    uint64_t how = (uint64_t)flags | O_CLOEXEC;

    if (!(flags & O_PATH))
        how |= O_NOCTTY;
    return path_openat2(root, *path ? path : ".", how, (flags & O_CREAT) ? mode : 0, IN_ROOT);
}

int path_mkdirs_in_root(int root, const char *path, mode_t mode)
{
    _cleanup_close_ int fd = -1;
    char prefix[PATH_MAX];
    size_t n = strlen(path);

    /* The common case first: it is there, one system call. */
    fd = path_open_in_root(root, path, O_PATH | O_DIRECTORY, 0);
    if (fd != -ENOENT)
        return TAKE_FD(fd);
    if (n >= sizeof(prefix))
        return -ENAMETOOLONG;

    /* Every component is opened through the root again, so ".." and links made by others can't lead outside.
     */
    fd = path_open_in_root(root, "/", O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return TAKE_FD(fd);
    for (size_t i = 0; i <= n; i++) {
        const char *leaf;
        int next;

        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(prefix, path, i);
        prefix[i] = '\0';
        leaf = strrchr(prefix, '/') ? strrchr(prefix, '/') + 1 : prefix;
        if (*leaf == '\0')
            continue;
        next = path_open_in_root(root, prefix, O_PATH | O_DIRECTORY, 0);
        if (next == -ENOENT) {
            if (mkdirat(fd, leaf, mode) < 0 && errno != EEXIST)
                return -errno;
            next = path_open_in_root(root, prefix, O_PATH | O_DIRECTORY, 0);
        }
        if (next < 0)
            return next;
        fd_close(fd);
        fd = next;
    }
    return TAKE_FD(fd);
}

int path_create_file_in_root(int root, const char *path)
{
    _cleanup_close_ int dir = -1, fd = -1;
    char parent[PATH_MAX];
    const char *leaf;
    int r;

    fd = path_open_in_root(root, path, O_PATH, 0);
    if (fd != -ENOENT)
        return TAKE_FD(fd);
    r = path_split(path, parent, &leaf);
    if (r < 0)
        return r;
    dir = path_mkdirs_in_root(root, parent, 0755);
    if (dir < 0)
        return dir;
    /* O_EXCL does not follow a link in the last component: a dangling one is an error, not a way out. */
    fd = openat(dir, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0 && errno != EEXIST)
        return -errno;
    fd = fd_close(fd);
    fd = path_open_in_root(root, path, O_PATH, 0);
    return TAKE_FD(fd);
}

int path_split(const char *path, char *dir, const char **ret_leaf)
{
    const char *slash = strrchr(path, '/');
    const char *leaf = slash ? slash + 1 : path;
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (*leaf == '\0' || str_eq(leaf, ".") || str_eq(leaf, ".."))
        return -EINVAL;
    if (n >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(dir, path, n);
    dir[n] = '\0';
    if (n == 0)
        memcpy(dir, slash ? "/" : ".", 2);
    *ret_leaf = leaf;
    return 0;
}

int path_open_parent(const char *path, const char **ret_leaf)
{
    char dir[PATH_MAX];
    int r = path_split(path, dir, ret_leaf);

    if (r < 0)
        return r;
    r = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r < 0 ? -errno : r;
}

char *path_clean(const char *path)
{
    bool absolute = *path == '/';
    char *out = mem_zalloc(strlen(path) + 3);
    size_t n = 0, floor = 0;

    if (absolute)
        out[n++] = '/';
    floor = n;
    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 2 && path[0] == '.' && path[1] == '.') {
            if (n > floor) {
                while (n > floor && out[n - 1] != '/')
                    n--;
                if (n > floor)
                    n--;
            } else if (!absolute) {
                if (n > 0)
                    out[n++] = '/';
                out[n++] = '.';
                out[n++] = '.';
                floor = n;
            }
        } else if (len > 0 && !(len == 1 && path[0] == '.')) {
            if (n > 0 && out[n - 1] != '/')
                out[n++] = '/';
            memmove(out + n, path, len);
            n += len;
        }
        path += len;
        path += *path == '/';
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = '\0';
    return out;
}

int path_open_procfs(int proc, const char *path, int flags)
{
    _cleanup_close_ int fd = -1;
    struct statfs fs;

    fd = path_openat2(proc, path, (uint64_t)flags | O_CLOEXEC | O_NOCTTY, 0,
                      RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
    if (fd < 0)
        return TAKE_FD(fd);
    if (fstatfs(fd, &fs) < 0)
        return -errno;
    if (fs.f_type != PROC_SUPER_MAGIC)
        return -EXDEV;
    return TAKE_FD(fd);
}

/* Empty the directory @fd (owned by the caller of this function). A directory on another device stays. */
static int remove_content(int fd, dev_t device)
{
    DIR *d = fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (!d) {
        r = -errno;
        fd_close(fd);
        return r;
    }
    while ((entry = readdir(d))) {
        struct stat st;
        int sub;

        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            r = errno == ENOENT ? r : -errno;
            continue;
        }
        if (!S_ISDIR(st.st_mode)) {
            if (unlinkat(dirfd(d), entry->d_name, 0) < 0 && errno != ENOENT)
                r = -errno;
            continue;
        }
        if (st.st_dev != device) {
            r = -EXDEV;
            continue;
        }
        /* overlayfs leaves work/work with mode 000; its owner may open it up. */
        if ((st.st_mode & 0700) != 0700 && fchmodat(dirfd(d), entry->d_name, 0700, 0) < 0)
            r = -errno;
        sub = path_openat2(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0,
                           RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
        if (sub < 0) {
            r = sub;
            continue;
        }
        if (remove_content(sub, device) < 0 ||
            (unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT))
            r = errno ? -errno : -ENOTEMPTY;
    }
    closedir(d);
    return r;
}

int path_remove_tree(int dirfd, const char *name)
{
    struct stat st;
    int fd, r;

    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        r = -errno;
        fd_close(fd);
        return r;
    }
    r = remove_content(fd, st.st_dev);
    if (r < 0)
        return r;
    return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

bool path_is_current(int dirfd, const char *name, int fd)
{
    struct stat ours, named;

    return fstat(fd, &ours) == 0 && fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

int path_remove_content(int dir)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (copy < 0)
        return -errno;
    if (fstat(copy, &st) < 0) {
        int r = -errno;

        fd_close(copy);
        return r;
    }
    return remove_content(copy, st.st_dev);
}

void path_remove_unlocked(int dir)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;

    if (!d) {
        fd_close(copy);
        return;
    }
    while ((entry = readdir(d))) {
        _cleanup_close_ int fd = -1;

        if (entry->d_name[0] == '.')
            continue;
        fd = openat(dirfd(d), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        /* Somebody may have removed this one and begun another of its name before it was locked. */
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && path_is_current(dirfd(d), entry->d_name, fd))
            (void)path_remove_tree(dirfd(d), entry->d_name);
    }
    closedir(d);
}
