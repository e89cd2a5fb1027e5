// SPDX-License-Identifier: Apache-2.0
/*
 * Unpacked layers, one directory per diff ID: LAYERS/ALGORITHM/HEX is what an overlay takes as a lower layer.
 * Content is made in LAYERS/.partial/ALGORITHM-HEX and renamed when its digest is right, so a layer that is
 * there is whole, whoever was killed when. The partial directory's lock (flock) makes two that want the same
 * layer unpack it once.
 */
#ifndef LICHEN_IMAGE_LAYERS_H
#define LICHEN_IMAGE_LAYERS_H

#include "base/err.h"
#include "image/digest.h"
#include "image/layout.h"
#include "image/unpack.h"

struct layers {
    int dir; /* -1 when closed */
};

/* The store in @dir, a directory's descriptor that is taken over; what is missing is made. Returns 0 or
 * -errno. */
int layers_open(int dir, struct layers *ret, struct err *e);
void layers_close(struct layers *l);

#define _cleanup_layers_ __attribute__((cleanup(layers_close)))

/*
 * Have the layer @diff_id, from the blob @blob of @blobs if it is not there. Runs as unpack_layer wants it.
 * Waits while another process unpacks it. Returns 1 when it was there, 0 when it was unpacked (*ret filled),
 * -EBADMSG when the blob's content has another diff ID (CVE-2021-41190's kin: what is shown is what was
 * signed), -errno.
 */
int layers_have(const struct layers *l, const struct layout *blobs, const struct digest *blob,
                const struct digest *diff_id, const struct unpack_options *options, struct unpack_report *ret,
                struct err *e);

/* The layer's directory (O_PATH), or -ENOENT. */
int layers_open_layer(const struct layers *l, const struct digest *diff_id);

/* Remove a layer: out of sight first, then its files. Returns 0, -ENOENT, -errno. */
int layers_remove(const struct layers *l, const struct digest *diff_id, struct err *e);

/* Remove what was begun and never finished by processes that are dead. */
void layers_sweep(const struct layers *l);

#endif
