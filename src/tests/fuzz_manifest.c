// SPDX-License-Identifier: Apache-2.0
/* Manifests and index.json: any text is refused or gives references that are whole; an accepted index
 * survives being changed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/layout.h"
#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_digest(const struct digest *d)
{
    if (strlen(d->hex) != digest_hex_length(d->algorithm) ||
        strspn(d->hex, "0123456789abcdef") != strlen(d->hex))
        abort();
}

static void check_manifest(const char *text, size_t size)
{
    _cleanup_manifest_ struct manifest m = { 0 };

    if (manifest_parse(text, size, NULL, &m, NULL) < 0)
        return;
    if (!media_type_is_good(m.media_type) || (m.artifact_type && !media_type_is_good(m.artifact_type)))
        abort();
    for (size_t i = 0; i < m.n_references; i++) {
        check_digest(&m.references[i].digest);
        if (!media_type_is_good(m.references[i].media_type) || m.references[i].manifest != m.index)
            abort();
    }
    if (m.has_subject)
        check_digest(&m.subject);
}

static void check_index(const char *text, size_t size)
{
    struct manifest_reference descriptor = { .size = 2, .media_type = MEDIA_TYPE_IMAGE };
    _cleanup_layout_index_ struct layout_index index = { 0 };
    struct layout_entry entry;

    if (layout_index_parse(text, size, &index, NULL) < 0)
        return;
    digest_of(DIGEST_SHA256, "{}", 2, &descriptor.digest);
    layout_index_put(&index, &descriptor, NULL, "t");
    layout_index_put(&index, &descriptor, NULL, "t");
    if (!layout_index_find_tag(&index, "t", &entry) ||
        !digest_eq(&entry.descriptor.digest, &descriptor.digest))
        abort();
    /* Hostile input may have the tag twice. */
    while (layout_index_untag(&index, "t"))
        ;
    if (!layout_index_find_digest(&index, &descriptor.digest, &entry) ||
        !layout_index_drop(&index, &descriptor.digest) ||
        layout_index_find_digest(&index, &descriptor.digest, &entry))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mem_dup(data, size);

    check_manifest(text, size);
    check_index(text, size);
    return 0;
}
