// SPDX-License-Identifier: Apache-2.0
/* Manifests: end-3 (GET, HEAD), end-7 (PUT) and end-9 (DELETE) of distribution-spec. Kept and served byte for
 * byte. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/mem.h"
#include "reply.h"

/* Children of children of an index, for layouts that others have made. */
#define NESTED_MAX 4
/* As many missing blobs are named in one answer. */
#define MISSING_MAX 32

struct found {
    struct digest digest;
    char media_type[MEDIA_TYPE_MAX + 1];
};

static void set_found(struct found *f, const struct manifest_reference *d)
{
    f->digest = d->digest;
    (void)str_format(f->media_type, sizeof(f->media_type), "%s", d->media_type);
}

/* ---- finding one ---- */

/* An index of indexes may name the same ones over and over: so many are read for one request, and no more. */
#define READ_MAX 1024

static bool is_index(const char *media_type)
{
    return strstr(media_type, "index") || strstr(media_type, "list");
}

static bool find_in(const struct layout *l, const struct digest *parent, const struct digest *want,
                    unsigned depth, unsigned *budget, struct found *ret)
{
    _cleanup_manifest_ struct manifest m = { 0 };
    _cleanup_buf_ struct buf text = { 0 };
    bool found = false;

    if (depth == 0 || (*budget)-- == 0 || layout_read_blob(l, parent, MANIFEST_SIZE_MAX, &text) < 0 ||
        manifest_parse(text.data, text.len, NULL, &m, NULL) < 0 || !m.index)
        return false;
    for (size_t i = 0; i < m.n_references && !found; i++) {
        found = digest_eq(&m.references[i].digest, want);
        if (found)
            set_found(ret, &m.references[i]);
    }
    for (size_t i = 0; i < m.n_references && !found && *budget; i++) {
        if (is_index(m.references[i].media_type))
            found = find_in(l, &m.references[i].digest, want, depth - 1, budget, ret);
    }
    return found;
}

/* By digest: listed in index.json, or (other programs list the outermost alone) in an index that is. */
static bool find_digest(const struct layout *l, const struct layout_index *index, const struct digest *d,
                        struct found *ret)
{
    struct layout_entry entry;
    bool found = layout_index_find_digest(index, d, &entry);
    unsigned budget = READ_MAX;

    if (found)
        set_found(ret, &entry.descriptor);
    for (size_t i = 0; i < layout_index_length(index) && !found; i++) {
        layout_index_entry(index, i, &entry);
        if (is_index(entry.descriptor.media_type))
            found = find_in(l, &entry.descriptor.digest, d, NESTED_MAX, &budget, ret);
    }
    return found;
}

/* A reference with a ":" is meant as a digest; no tag has one. */
static bool is_digest(const char *reference)
{
    return strchr(reference, ':') != NULL;
}

static bool find_reference(struct request *q, const struct layout_index *index, struct found *ret)
{
    struct layout_entry entry;

    if (is_digest(q->route.reference))
        return find_digest(&q->layout, index, &q->digest, ret);
    if (!layout_index_find_tag(index, q->route.reference, &entry))
        return false;
    set_found(ret, &entry.descriptor);
    return true;
}

static void unknown(struct request *q)
{
    reply_error(q, MANIFEST_UNKNOWN, "there is no manifest %s in %s", q->route.reference, q->route.name);
}

/* The digest in the path, checked; true as well for a tag, whatever it is. */
static bool reference_is_good(struct request *q)
{
    return !is_digest(q->route.reference) || take_digest(q, q->route.reference);
}

void manifest_get(struct request *q)
{
    _cleanup_layout_index_ struct layout_index index = { 0 };
    _cleanup_buf_ struct buf text = { 0 };
    char digest[DIGEST_TEXT_MAX + 1];
    struct found found;
    struct err e = { 0 };
    int r;

    if (!reference_is_good(q) || !open_repository(q, false))
        return;
    r = layout_index_read(&q->layout, &index, &e);
    if (r >= 0 && !find_reference(q, &index, &found))
        r = -ENOENT;
    if (r >= 0)
        r = layout_read_blob(&q->layout, &found.digest, MANIFEST_SIZE_MAX, &text);
    if (r == -ENOENT) {
        unknown(q);
    } else if (r < 0) {
        reply_failure(q, r);
    } else {
        digest_format(&found.digest, digest);
        reply_text(q, 200, found.media_type, text.data, text.len);
        reply_header(q, "Docker-Content-Digest", "%s", digest);
        reply_header(q, "ETag", "\"%s\"", digest);
    }
}

/* ---- PUT ---- */

static bool too_large(struct request *q, uint64_t size)
{
    if (size <= q->server->options->max_manifest)
        return false;
    reply_error_status(q, 413, SIZE_INVALID, "a manifest has at most %" PRIu64 " bytes here",
                       q->server->options->max_manifest);
    return true;
}

void manifest_put_begin(struct request *q)
{
    struct err e = { 0 };

    if (too_large(q, q->length) || !reference_is_good(q))
        return;
    if (!is_digest(q->route.reference) && reference_check_tag(q->route.reference, &e) < 0)
        reply_error(q, MANIFEST_INVALID, "%s", e.message);
    for (size_t i = 0; i < q->uri.n_params; i++) {
        if (str_eq(q->uri.params[i].key, "tag") && reference_check_tag(q->uri.params[i].value, &e) < 0)
            reply_error(q, MANIFEST_INVALID, "parameter tag: %s", e.message);
    }
}

void manifest_data(struct request *q, const char *p, size_t n)
{
    if (!too_large(q, q->body.len + n))
        buf_append(&q->body, p, n);
}

/* One error for each blob or manifest that is not here. NULL when all are. */
static struct json_object *missing(struct request *q, const struct manifest *m,
                                   const struct layout_index *index)
{
    struct json_object *list = NULL;

    for (size_t i = 0; i < m->n_references; i++) {
        const struct manifest_reference *reference = &m->references[i];
        char digest[DIGEST_TEXT_MAX + 1];
        struct json_object *o, *detail;
        struct found found;

        if (reference->foreign ||
            (reference->manifest ? find_digest(&q->layout, index, &reference->digest, &found)
                                 : layout_has_blob(&q->layout, &reference->digest)))
            continue;
        if (!list)
            list = json_object_new_array();
        if (json_object_array_length(list) == MISSING_MAX)
            break;
        o = error_object(MANIFEST_BLOB_UNKNOWN, "the manifest names content that is not in the repository");
        detail = json_object_new_object();
        json_object_object_add(detail, "digest",
                               json_object_new_string(digest_format(&reference->digest, digest)));
        json_object_object_add(o, "detail", detail);
        json_object_array_add(list, o);
    }
    return list;
}

/* Under the lock: the manifest and its entries. */
static int enter(struct request *q, const struct manifest *m, struct layout_index *index, struct err *e)
{
    const char *artifact_type = m->has_subject || m->index ? m->artifact_type : NULL;
    struct manifest_reference d = { .digest = q->digest, .size = q->body.len, .media_type = m->media_type };
    int r = layout_write_blob(&q->layout, &q->digest, q->body.data, q->body.len, e);

    if (r < 0)
        return r;
    layout_index_put(index, &d, artifact_type, is_digest(q->route.reference) ? NULL : q->route.reference);
    for (size_t i = 0; i < q->uri.n_params; i++) {
        if (str_eq(q->uri.params[i].key, "tag"))
            layout_index_put(index, &d, artifact_type, q->uri.params[i].value);
    }
    return layout_index_write(&q->layout, index, e);
}

static void put_parsed(struct request *q, const struct manifest *m)
{
    _cleanup_layout_index_ struct layout_index index = { 0 };
    struct json_object *errors = NULL;
    char text[DIGEST_TEXT_MAX + 1];
    struct err e = { 0 };
    _cleanup_close_ int lock = layout_lock(&q->layout, &e);
    int r = lock < 0 ? lock : layout_index_read(&q->layout, &index, &e);

    if (r >= 0 && !q->server->options->allow_sparse)
        errors = missing(q, m, &index);
    if (errors) {
        reply_errors(q, 404, errors);
        return;
    }
    if (r >= 0)
        r = enter(q, m, &index, &e);
    if (r < 0) {
        reply_failure(q, r);
        return;
    }
    __atomic_add_fetch(&q->server->metrics.manifests, 1, __ATOMIC_RELAXED);
    digest_format(&q->digest, text);
    reply_empty(q, 201);
    reply_header(q, "Location", "/v2/%s/manifests/%s", q->route.name, text);
    reply_header(q, "Docker-Content-Digest", "%s", text);
    if (m->has_subject)
        reply_header(q, "OCI-Subject", "%s", digest_format(&m->subject, text));
    for (size_t i = 0; i < q->uri.n_params; i++) {
        if (str_eq(q->uri.params[i].key, "tag"))
            reply_header(q, "OCI-Tag", "%s", q->uri.params[i].value);
    }
}

void manifest_put(struct request *q)
{
    const char *header = request_header(q, "Content-Type");
    _cleanup_free_ char *type = header ? str_printf("%.*s", (int)strcspn(header, "; \t"), header) : NULL;
    _cleanup_manifest_ struct manifest m = { 0 };
    struct digest found;
    struct err e = { 0 };

    /* curl's own idea of a body's type says nothing of a manifest. */
    if (type && strcasecmp(type, "application/x-www-form-urlencoded") == 0)
        mem_freep(&type), type = NULL;
    digest_of(is_digest(q->route.reference) ? q->digest.algorithm : DIGEST_SHA256,
              q->body.data ? q->body.data : "", q->body.len, &found);
    if (is_digest(q->route.reference) && !digest_eq(&found, &q->digest)) {
        reply_error(q, DIGEST_INVALID, "the manifest has the digest %s:%s",
                    digest_algorithm_name(found.algorithm), found.hex);
        return;
    }
    q->digest = found;
    if (manifest_parse(q->body.data ? q->body.data : "", q->body.len, type, &m, &e) < 0) {
        reply_error(q, MANIFEST_INVALID, "%s", e.message);
        return;
    }
    if (open_repository(q, true))
        put_parsed(q, &m);
}

/* ---- DELETE ---- */

void manifest_delete(struct request *q)
{
    _cleanup_layout_index_ struct layout_index index = { 0 };
    _cleanup_close_ int lock = -1;
    struct err e = { 0 };
    bool known = false;
    int r;

    if (!reference_is_good(q) || !open_repository(q, false))
        return;
    lock = layout_lock(&q->layout, &e);
    r = lock < 0 ? lock : layout_index_read(&q->layout, &index, &e);
    if (r >= 0)
        known = is_digest(q->route.reference) ? layout_index_drop(&index, &q->digest)
                                              : layout_index_untag(&index, q->route.reference);
    /* The index first: after a crash between the two there is a blob nobody knows, not an entry without
     * content. */
    if (known)
        r = layout_index_write(&q->layout, &index, &e);
    if (r >= 0 && known && is_digest(q->route.reference))
        (void)layout_remove_blob(&q->layout, &q->digest);
    if (r < 0)
        reply_failure(q, r);
    else if (!known)
        unknown(q);
    else
        reply_empty(q, 202);
}
