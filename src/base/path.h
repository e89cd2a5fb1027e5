// SPDX-License-Identifier: Apache-2.0
/*
 * Paths: every path that comes from a container, an image or a bundle is resolved here, by descriptor, below
 * a root that it can't leave (openat2(2) RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS).
 */
#ifndef LICHEN_BASE_PATH_H
#define LICHEN_BASE_PATH_H

#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2(2), retried on EAGAIN (a rename raced with a ".." component); where a sandbox around us denies the
 * call, the same by hand (base/resolve.h). Returns a descriptor (O_CLOEXEC) or -errno. */
int path_openat2(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve);

/*
 * Open @path as if @root were "/": absolute symbolic links and ".." stay inside, magic links are refused.
 * @flags are open(2) flags; O_CLOEXEC and O_NOCTTY are added. Returns a descriptor or -errno.
 */
int path_open_in_root(int root, const char *path, int flags, mode_t mode);

/*
 * The directory @path in @root, made with @mode component by component where it is missing; components that
 * exist are followed in-root. Returns an O_PATH descriptor of the directory or -errno (-ENOTDIR when it is
 * something else).
 */
int path_mkdirs_in_root(int root, const char *path, mode_t mode);

/*
 * An O_PATH descriptor of the file @path in @root, created empty (0644; parents 0755) where it is missing; an
 * existing object of any type is returned as it is. A dangling last symbolic link is followed in-root only
 * when its target exists.
 */
int path_create_file_in_root(int root, const char *path);

/*
 * Split @path into the directory to open and the last component: "a/b/c" -> "a/b" and "c". @dir has room for
 * PATH_MAX. -EINVAL when the last component is empty, "." or "..".
 */
int path_split(const char *path, char *dir, const char **ret_leaf);

/* The directory of @path, open for use with the last component *ret_leaf (a part of @path). Returns a
 * descriptor or -errno. For the caller's own paths. */
int path_open_parent(const char *path, const char **ret_leaf);

/* Collapse "//", "/./" and "/../" textually, as Clean does in Go; the result is malloc'ed. For names, not for
 * opening. */
char *path_clean(const char *path);

/*
 * Open a file of the real procfs at @proc (an O_PATH or directory descriptor of a proc mount): resolve
 * BENEATH, NO_XDEV and NO_MAGICLINKS, then check PROC_SUPER_MAGIC, so that a label, sysctl or oom write can't
 * be misdirected (CVE-2019-16884, CVE-2025-52881). Returns a descriptor or -errno (-EXDEV when it is not
 * procfs).
 */
int path_open_procfs(int proc, const char *path, int flags);

/* Whether @name in @dirfd, not followed if it is a link, is what @fd is open on: nobody has removed or
 * replaced it. */
bool path_is_current(int dirfd, const char *name, int fd);

/* Remove everything in the directory @dir, which stays, as path_remove_tree does. */
int path_remove_content(int dir);

/* Remove from the directory @dir what nobody has locked (flock): what its makers, who are dead, have left.
 * Names that begin with a dot stay. */
void path_remove_unlocked(int dir);

/* Remove everything below @dirfd/@name and @name itself, by descriptor, without crossing a mount. 0 when
 * absent. */
int path_remove_tree(int dirfd, const char *name);

#endif
