// SPDX-License-Identifier: Apache-2.0
/*
 * What a manifest says of other content: an image manifest or an index, OCI's or Docker's (image-spec
 * manifest.md, image-index.md). Only read, never written: a manifest is its bytes, and its digest is theirs.
 */
#ifndef LICHEN_IMAGE_MANIFEST_H
#define LICHEN_IMAGE_MANIFEST_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"

/* distribution-spec: registries should take this much. */
#define MANIFEST_SIZE_MAX (4U << 20)
#define MEDIA_TYPE_MAX    255

#define MEDIA_TYPE_IMAGE "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_INDEX "application/vnd.oci.image.index.v1+json"

/* A member of a manifest that names other content. */
struct manifest_reference {
    struct digest digest;
    uint64_t size;
    const char *media_type; /* in the manifest's memory */
    bool manifest;          /* a child of an index; else a blob */
    bool foreign;           /* not distributable: lies elsewhere, by its URLs */
};

struct manifest {
    struct json_object *root;        /* everything below points into it */
    bool index;                      /* lists manifests; else has a config and layers */
    const char *media_type;          /* by the document or its shape; never NULL */
    const char *artifact_type;       /* its own, or its config's media type; NULL for an index without one */
    struct json_object *annotations; /* NULL when there are none */
    bool has_subject;
    struct digest subject;
    struct manifest_reference *references;
    size_t n_references;
};

/*
 * Parse @size bytes. @content_type is the media type the sender gave (without parameters), or NULL: it has to
 * be the document's own. A document with both "layers" and "manifests" is refused, whatever it says it is
 * (CVE-2021-41190). Returns 0, -EINVAL, -EFBIG, or what digest_parse returns for a digest in it; *ret is
 * filled on success only and then the caller's to free.
 */
int manifest_parse(const char *text, size_t size, const char *content_type, struct manifest *ret,
                   struct err *e);
void manifest_free(struct manifest *m);

#define _cleanup_manifest_ __attribute__((cleanup(manifest_free)))

/* One descriptor, {mediaType, digest, size}: as manifest_parse reads those of a manifest. @what names it in
 * an error. @ret's media type points into @o. */
int manifest_read_descriptor(struct json_object *o, const char *what, struct manifest_reference *ret,
                             struct err *e);

/* "type/subtype" of RFC 6838, nothing around it. */
bool media_type_is_good(const char *s);

#endif
