// SPDX-License-Identifier: Apache-2.0
/* Thin wrappers over the mount system calls. Used in init only. */
#include "rootfs/mountapi.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#    define AT_RECURSIVE 0x8000
#endif

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int mnt_fsopen(const char *type)
{
    return result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

int mnt_fsconfig_set(int fs, const char *key, const char *value)
{
    return result(syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0));
}

int mnt_fsconfig_create(int fs)
{
    return result(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

int mnt_fsconfig_reconfigure(int fs)
{
    return result(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

int mnt_fspick(int target)
{
    return result(syscall(SYS_fspick, target, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
}

int mnt_fsmount(int fs, unsigned attrs)
{
    return result(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs));
}

int mnt_clone_tree(int dirfd, const char *path, bool recursive, bool follow)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0) |
                     (*path ? 0 : AT_EMPTY_PATH) | (follow ? 0 : AT_SYMLINK_NOFOLLOW);

    return result(syscall(SYS_open_tree, dirfd, path, flags));
}

int mnt_attach(int tree, int target)
{
    return result(
        syscall(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int mnt_setattr(int fd, uint64_t set, uint64_t clear, unsigned long propagation, bool recursive)
{
    struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

    return result(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
                          sizeof(attr)));
}

int mnt_set_idmap(int fd, int userns, bool recursive)
{
    struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };

    return result(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
                          sizeof(attr)));
}

int mnt_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
    return result(syscall(SYS_mount, source, target, type, flags, data));
}

int mnt_umount(const char *target, int flags)
{
    return result(syscall(SYS_umount2, target, flags));
}

int mnt_pivot_root(const char *new_root, const char *put_old)
{
    return result(syscall(SYS_pivot_root, new_root, put_old));
}

const char *mnt_fs_message(int fs, char *buf, unsigned long size)
{
    ssize_t n = read(fs, buf, size - 1);
    char *text = buf;

    if (n <= 0)
        return "";
    buf[n] = '\0';
    /* "e tmpfs: Bad value for 'size'": a level letter and a blank come first. */
    if (n > 2 && buf[1] == ' ')
        text += 2;
    text[strcspn(text, "\n")] = '\0';
    return text;
}
