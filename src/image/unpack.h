// SPDX-License-Identifier: Apache-2.0
/*
 * One layer's tar stream into a directory that becomes an overlay's lower layer. The stream is hostile; so is
 * what it has made so far. Everything is resolved by descriptor below the directory, links are never followed
 * out of it.
 */
#ifndef LICHEN_IMAGE_UNPACK_H
#define LICHEN_IMAGE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct unpack_options {
    /*
     * One id is mapped: owners, modes and setuid bits that cannot be had are kept in the extended attribute
     * user.containers.override_stat, which fuse-overlayfs shows to the container (containers-storage's
     * format).
     */
    bool single_id;
    uint64_t max_bytes; /* of all files' contents; a stream that has more is a bomb */
    uint64_t max_entries;
};

struct unpack_report {
    uint64_t entries, bytes;
    uint64_t devices; /* device nodes and sockets left out: nobody unprivileged could have them */
    char first_device[256];
};

/* More of the uncompressed tar stream: returns how many bytes *ret points to (valid until the next call), 0
 * at the end, -errno with the reader's error record. */
typedef ssize_t unpack_read(void *argument, const void **ret, struct err *e);

/*
 * Unpack into @root, an empty directory. Runs as root of a user namespace with the full map, or (single_id)
 * as anybody. Whiteouts become what overlay(5) wants: a 0:0 character device, the xattr user.overlay.opaque.
 * Owners, modes, setuid bits, times, hard links, sparse files, fifos, security.capability and user.*
 * attributes are kept; overlay's own attributes are stripped. The rest of the stream after the archive's end
 * is read too, so that a digest of it is complete. The program's LC_CTYPE must be UTF-8 (C.UTF-8): pax
 * headers are, and libarchive converts names. Returns 0 or -errno: -EINVAL a bad entry, -E2BIG a limit,
 * naming the entry.
 */
int unpack_layer(int root, unpack_read *read, void *argument, const struct unpack_options *options,
                 struct unpack_report *ret, struct err *e);

#endif
