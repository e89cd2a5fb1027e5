// SPDX-License-Identifier: Apache-2.0
/* tmpcopyup. Runs in init, on a tree the image controls: every open is relative and follows no link. */
#include "rootfs/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

/* A directory nested deeper than this is not a config file tree but an attack on our stack. */
#define DEPTH_MAX 64

static int copy_content(int from, int to)
{
    for (;;) {
        ssize_t n = sendfile(to, from, NULL, 1U << 20);

        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
    _cleanup_close_ int from = -1, to = -1;

    /* O_NONBLOCK: a fifo swapped in must not hang us. */
    from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (from < 0)
        return -errno;
    to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, st->st_mode & 07777);
    if (to < 0)
        return -errno;
    return copy_content(from, to);
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

    if (n < 0)
        return -errno;
    target[n] = '\0';
    return symlinkat(target, to_dir, name) < 0 ? -errno : 0;
}

static int copy_directory(int from, int to, dev_t device, int depth);

static int copy_entry(int from_dir, int to_dir, const char *name, dev_t device, int depth)
{
    struct timespec times[2];
    struct stat st;
    int r = 0;

    if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (st.st_dev != device)
        return 0;
    if (S_ISREG(st.st_mode)) {
        r = copy_file(from_dir, to_dir, name, &st);
    } else if (S_ISLNK(st.st_mode)) {
        r = copy_link(from_dir, to_dir, name);
    } else if (S_ISFIFO(st.st_mode)) {
        r = mkfifoat(to_dir, name, st.st_mode & 07777) < 0 ? -errno : 0;
    } else if (S_ISDIR(st.st_mode)) {
        _cleanup_close_ int sub = -1, made = -1;

        sub = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0 || (mkdirat(to_dir, name, 0700) < 0 && errno != EEXIST))
            return -errno;
        made = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (made < 0)
            return -errno;
        r = copy_directory(sub, made, device, depth + 1);
    } else {
        return 0;
    }
    if (r < 0)
        return r;
    if (fchownat(to_dir, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL)
        return -errno;
    if (!S_ISLNK(st.st_mode) && fchmodat(to_dir, name, st.st_mode & 07777, 0) < 0)
        return -errno;
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    return utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_directory(int from, int to, dev_t device, int depth)
{
    int dup_fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent *entry;
    DIR *d;
    int r = 0;

    if (depth > DEPTH_MAX) {
        fd_close(dup_fd);
        return -ELOOP;
    }
    d = dup_fd >= 0 ? fdopendir(dup_fd) : NULL;
    if (!d) {
        r = -errno;
        fd_close(dup_fd);
        return r;
    }
    while (r >= 0 && (entry = readdir(d))) {
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            r = copy_entry(from, to, entry->d_name, device, depth);
    }
    closedir(d);
    return r;
}

int copyup_tree(int from, int to)
{
    struct stat st;

    if (fstat(from, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    return copy_directory(from, to, st.st_dev, 0);
}
