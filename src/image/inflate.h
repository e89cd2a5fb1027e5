// SPDX-License-Identifier: Apache-2.0
/* A layer's blob as the tar stream in it: gzip, zstd or plain, told by its first bytes. */
#ifndef LICHEN_IMAGE_INFLATE_H
#define LICHEN_IMAGE_INFLATE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* What has come out so far, for a digest of the uncompressed stream (the diff ID); called once for each
 * piece. */
typedef void inflate_sink(void *argument, const void *p, size_t n);

struct inflate;

/*
 * Start reading @fd (borrowed, from where it stands). @max_bytes: more than that uncompressed is a bomb.
 * @sink (may be NULL) sees every byte. Returns 0 or -errno.
 */
int inflate_open(int fd, uint64_t max_bytes, inflate_sink *sink, void *argument, struct inflate **ret,
                 struct err *e);

/* The next piece, as unpack_read wants it: @argument is the struct inflate. Returns its size, 0 at the end,
 * -E2BIG, -EINVAL for a damaged stream, -errno. */
ssize_t inflate_read(void *argument, const void **ret, struct err *e);

void inflate_close(struct inflate *i);
void inflate_closep(struct inflate **i);

#define _cleanup_inflate_ __attribute__((cleanup(inflate_closep)))

#endif
