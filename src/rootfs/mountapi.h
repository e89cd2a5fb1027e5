// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's mount system calls, each returning -errno. glibc's <sys/mount.h> and <linux/mount.h> can't be
 * included together before glibc 2.37, so these wrap the raw calls and only the kernel's header is used.
 */
#ifndef LICHEN_ROOTFS_MOUNTAPI_H
#define LICHEN_ROOTFS_MOUNTAPI_H

#include <linux/mount.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#    define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MNT_DETACH
#    define MNT_DETACH 2
#endif
#ifndef UMOUNT_NOFOLLOW
#    define UMOUNT_NOFOLLOW 8
#endif

/* fsopen(2), close-on-exec. */
int mnt_fsopen(const char *type);
/* fsconfig(2): a string when @value is there, a flag otherwise. */
int mnt_fsconfig_set(int fs, const char *key, const char *value);
int mnt_fsconfig_create(int fs);
int mnt_fsconfig_reconfigure(int fs);
/* fspick(2) of what the mount @target is open on (O_PATH): its file system's context, to be reconfigured. */
int mnt_fspick(int target);
/* fsmount(2) with MOUNT_ATTR_* @attrs; a detached mount, close-on-exec. */
int mnt_fsmount(int fs, unsigned attrs);
/* open_tree(2) OPEN_TREE_CLONE: a detached copy of the mount at @path (below @dirfd; "" for @dirfd itself).
 */
int mnt_clone_tree(int dirfd, const char *path, bool recursive, bool follow);
/* move_mount(2) of the detached mount @tree onto what @target is open on. */
int mnt_attach(int tree, int target);
/* mount_setattr(2) on the mount @fd is open on. @propagation is one of MS_PRIVATE .., or 0. */
int mnt_setattr(int fd, uint64_t set, uint64_t clear, unsigned long propagation, bool recursive);
/* mount_setattr(2) MOUNT_ATTR_IDMAP: show the ids of the detached mount @fd through the map of the user
 * namespace @userns. */
int mnt_set_idmap(int fd, int userns, bool recursive);
/* mount(2), umount2(2), pivot_root(2). */
int mnt_mount(const char *source, const char *target, const char *type, unsigned long flags,
              const char *data);
int mnt_umount(const char *target, int flags);
int mnt_pivot_root(const char *new_root, const char *put_old);

/* What the kernel logged in the fs context (fsopen(2): read gives "e message"), as one line in @buf; "" when
 * nothing. */
const char *mnt_fs_message(int fs, char *buf, unsigned long size);

#endif
