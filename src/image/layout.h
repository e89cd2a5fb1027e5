// SPDX-License-Identifier: Apache-2.0
/*
 * An OCI image layout (image-spec image-layout.md): oci-layout, index.json, blobs/ALGORITHM/HEX. Other
 * programs may read and write it too.
 *
 * Blobs are verified while they stream into a file of .partial/, made durable and renamed: blobs/ never holds
 * a wrong or half blob, whatever is killed when. index.json is replaced atomically by whoever holds the lock
 * (flock on the directory). A partial file is locked by its writer, so that layout_sweep knows the dead ones.
 *
 * Every path below the directory is built from checked digests and opened beneath it, without following
 * links.
 */
#ifndef LICHEN_IMAGE_LAYOUT_H
#define LICHEN_IMAGE_LAYOUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/digest.h"
#include "image/manifest.h"

#define LAYOUT_INDEX_MAX (16U << 20) /* what parse_text takes */
/* image-spec annotations.md: the tag of an entry of index.json. */
#define LAYOUT_TAG "org.opencontainers.image.ref.name"

struct layout {
    int dir; /* -1 when closed */
};

/*
 * The layout in @dir, a directory's descriptor that is taken over in any case. With @create what is missing
 * is made first. Returns 0; -ENOENT when there is no layout; -EINVAL when it is of another version.
 */
int layout_open(int dir, bool create, struct layout *ret, struct err *e);
void layout_close(struct layout *l);

#define _cleanup_layout_ __attribute__((cleanup(layout_close)))

/* Wait for the right to change index.json. Returns a descriptor whose closing gives it back, or -errno. */
int layout_lock(const struct layout *l, struct err *e);

/* Remove what dead writers left in .partial/. */
void layout_sweep(const struct layout *l);

/* ---- blobs ---- */

/* A blob, open for reading, and (may be NULL) its size. Returns a descriptor or -errno (-ENOENT: none). */
int layout_open_blob(const struct layout *l, const struct digest *d, uint64_t *ret_size);
/* All of it, at most @max bytes, compared with its digest. Returns 0, -ENOENT, -EFBIG, -EBADMSG. */
struct buf;
int layout_read_blob(const struct layout *l, const struct digest *d, size_t max, struct buf *ret);
bool layout_has_blob(const struct layout *l, const struct digest *d);
/* Returns 0 or -ENOENT. */
int layout_remove_blob(const struct layout *l, const struct digest *d);
/* Make @to have the blob of @from: the same file where the file system allows it, else a verified copy. */
int layout_share_blob(const struct layout *from, const struct layout *to, const struct digest *d,
                      struct err *e);

/* A blob on its way in. */
struct layout_partial {
    int dir, fd;
    char name[40];
    uint64_t size;
    struct digest_stream hash;
};

/* Begin one. @algorithm is what its digest will probably be of; another costs a second reading at commit. */
int layout_partial_begin(const struct layout *l, enum digest_algorithm algorithm, struct layout_partial *ret,
                         struct err *e);
int layout_partial_add(struct layout_partial *p, const void *data, size_t n, struct err *e);
/*
 * Verify it against @want, make it durable and a blob. Returns 0; -EBADMSG when the content has another
 * digest. The partial is gone afterwards in any case.
 */
int layout_partial_commit(const struct layout *l, struct layout_partial *p, const struct digest *want,
                          struct err *e);
/* Throw it away. Accepts one that is gone. */
void layout_partial_discard(struct layout_partial *p);

/* A whole blob from memory: begin, add, commit. */
int layout_write_blob(const struct layout *l, const struct digest *want, const void *p, size_t n,
                      struct err *e);

/* ---- index.json ---- */

struct layout_index {
    struct json_object *root; /* as read: members we do not know are kept */
};

/* One of its entries; pointers are the index's. */
struct layout_entry {
    struct manifest_reference descriptor;
    const char *tag; /* NULL when it has none */
    struct json_object *object;
};

/* Read and check it. Returns 0, -ENOENT or -EINVAL. */
int layout_index_read(const struct layout *l, struct layout_index *ret, struct err *e);
/* From text: what layout_index_read does after reading. */
int layout_index_parse(const char *text, size_t size, struct layout_index *ret, struct err *e);
/* Replace the file. Under the lock only. */
int layout_index_write(const struct layout *l, const struct layout_index *index, struct err *e);
void layout_index_free(struct layout_index *index);

#define _cleanup_layout_index_ __attribute__((cleanup(layout_index_free)))

size_t layout_index_length(const struct layout_index *index);
void layout_index_entry(const struct layout_index *index, size_t i, struct layout_entry *ret);
/* The entry with this tag, or with this digest. False when there is none. */
bool layout_index_find_tag(const struct layout_index *index, const char *tag, struct layout_entry *ret);
bool layout_index_find_digest(const struct layout_index *index, const struct digest *d,
                              struct layout_entry *ret);
/*
 * Enter a manifest, under @tag unless that is NULL. What had the tag before stays in the index without it (a
 * manifest is still there by its digest), unless it is there anyway.
 */
void layout_index_put(struct layout_index *index, const struct manifest_reference *descriptor,
                      const char *artifact_type, const char *tag);
/* Take the tag away; the manifest stays. False when there is no such tag. */
bool layout_index_untag(struct layout_index *index, const char *tag);
/* Remove every entry of this digest. False when there is none. */
bool layout_index_drop(struct layout_index *index, const struct digest *d);

#endif
