// SPDX-License-Identifier: Apache-2.0
/*
 * What openat2(2) does for base/path.c, component by component, for where a sandbox around us does not let
 * that system call through (the seccomp profile of an outer container, in CI). Nobody but base/path.c calls
 * this.
 */
#ifndef LICHEN_BASE_RESOLVE_H
#define LICHEN_BASE_RESOLVE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Open @path below @dirfd as openat2(2) with open(2)'s @flags, @mode and @resolve (RESOLVE_IN_ROOT or
 * RESOLVE_BENEATH, and any of NO_MAGICLINKS, NO_SYMLINKS, NO_XDEV). Guarantees: every component is opened
 * relative to the descriptor of the one before and never followed by the kernel; ".." goes back to a
 * descriptor that was found on the way down, never above @dirfd; a link's text is walked by the same rules; a
 * magic link of procfs is never followed. Returns a descriptor or -errno, with openat2's errno: -EAGAIN when
 * a component was swapped while it was looked at (try again), -EXDEV, -ELOOP.
 */
int resolve_walk(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve);

#endif
