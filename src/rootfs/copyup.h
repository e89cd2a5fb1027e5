// SPDX-License-Identifier: Apache-2.0
/* tmpcopyup: a new tmpfs begins with what its mount point held. */
#ifndef LICHEN_ROOTFS_COPYUP_H
#define LICHEN_ROOTFS_COPYUP_H

/*
 * Copy directories, regular files, symbolic links, fifos, modes, owners and times from the directory @from
 * (O_PATH, not left, no mount crossed) into the directory @to. Devices and sockets are passed over. Returns 0
 * or -errno.
 */
int copyup_tree(int from, int to);

#endif
