// SPDX-License-Identifier: Apache-2.0
/* Device nodes and links in the container's /dev: config-linux.md "Default Devices" and "Devices". */
#ifndef LICHEN_ROOTFS_DEVICES_H
#define LICHEN_ROOTFS_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "spec/spec.h"

/*
 * Fill the container's /dev: the default devices, @devices, /dev/ptmx and the links fd, stdin, stdout, stderr
 * (core). Everything is done relative to one descriptor of the root's real /dev directory (CVE-2026-41579).
 * With @bind (a user namespace: mknod is EPERM) the host's node of the same number is bound; a device the
 * host does not have or the caller may not open is an error. Runs in init before the pivot. Returns 0 or
 * -errno.
 */
int devices_create(int root, const struct spec_device *devices, size_t n, bool bind, struct err *e);

/* Check before anything is created that @device's host node exists, has that type and number, for bind mode.
 * Returns 0, -errno. */
int devices_check_bind(const struct spec_device *device, const char *field, struct err *e);

/*
 * /dev/console: bind the terminal @tty_fd (the container's own pty peer) over it, made as an empty file where
 * missing, never by a followed path (CVE-2025-52565). Runs in init before the pivot. Returns 0 or -errno.
 */
int devices_bind_console(int root, int tty_fd, struct err *e);

#endif
