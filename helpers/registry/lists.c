// SPDX-License-Identifier: Apache-2.0
/* Lists: end-8a, end-8b (tags) and end-12a, end-12b (referrers) of distribution-spec, and its base, end-1. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "reply.h"
#include "repository.h"

void base_get(struct request *q)
{
    reply_text(q, 200, "application/json", "{}", 2);
}

/* ---- tags ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All tags, sorted, each once; a layout of somebody else's may have names in it that are no tags. */
static size_t sorted_tags(const struct layout_index *index, const char **tags)
{
    size_t n = 0, unique = 0;

    for (size_t i = 0; i < layout_index_length(index); i++) {
        struct layout_entry entry;

        layout_index_entry(index, i, &entry);
        if (entry.tag && reference_check_tag(entry.tag, NULL) >= 0)
            tags[n++] = entry.tag;
    }
    qsort(tags, n, sizeof(*tags), by_text);
    for (size_t i = 0; i < n; i++) {
        if (unique == 0 || strcmp(tags[unique - 1], tags[i]) != 0)
            tags[unique++] = tags[i];
    }
    return unique;
}

static void reply_tags(struct request *q, const char **tags, size_t n_tags, uint64_t max, const char *last)
{
    struct json_object *o = json_object_new_object(), *list = json_object_new_array();
    const char *final = NULL;
    bool more = false;

    for (size_t i = 0; i < n_tags; i++) {
        if (last && strcmp(tags[i], last) <= 0)
            continue;
        if (json_object_array_length(list) == max) {
            more = true;
            break;
        }
        final = tags[i];
        json_object_array_add(list, json_object_new_string(final));
    }
    json_object_object_add(o, "name", json_object_new_string(q->route.name));
    json_object_object_add(o, "tags", list);
    reply_json(q, 200, "application/json", o);
    /* Nothing to go on from when none were asked for. */
    if (more && final)
        reply_header(q, "Link", "</v2/%s/tags/list?n=%" PRIu64 "&last=%s>; rel=\"next\"", q->route.name, max,
                     final);
}

void tags_get(struct request *q)
{
    const char *n = uri_param(&q->uri, "n"), *last = uri_param(&q->uri, "last");
    _cleanup_layout_index_ struct layout_index index = { 0 };
    _cleanup_free_ const char **tags = NULL;
    uint64_t max = UINT64_MAX;
    struct err e = { 0 };
    int r;

    if (n && str_to_u64(n, 0, INT64_MAX, &max) < 0) {
        reply_error_status(q, 400, UNSUPPORTED, "n: not a number");
        return;
    }
    if (!open_repository(q, false))
        return;
    r = layout_index_read(&q->layout, &index, &e);
    if (r < 0) {
        reply_failure(q, r);
        return;
    }
    tags = mem_zalloc_array(layout_index_length(&index) + 1, sizeof(*tags));
    reply_tags(q, tags, sorted_tags(&index, tags), max, last);
}

/* ---- referrers ---- */

/* The descriptor of one manifest, if it refers to the subject. */
static struct json_object *referrer(const struct request *q, const struct manifest_reference *d,
                                    const char *type)
{
    _cleanup_manifest_ struct manifest m = { 0 };
    _cleanup_buf_ struct buf text = { 0 };
    char digest[DIGEST_TEXT_MAX + 1];
    struct json_object *o;

    if (layout_read_blob(&q->layout, &d->digest, MANIFEST_SIZE_MAX, &text) < 0 ||
        manifest_parse(text.data, text.len, NULL, &m, NULL) < 0 || !m.has_subject ||
        !digest_eq(&m.subject, &q->digest) || (type && !str_eq(type, m.artifact_type)))
        return NULL;
    o = json_object_new_object();
    json_object_object_add(o, "mediaType", json_object_new_string(d->media_type));
    json_object_object_add(o, "digest", json_object_new_string(digest_format(&d->digest, digest)));
    json_object_object_add(o, "size", json_object_new_int64((int64_t)text.len));
    if (m.artifact_type)
        json_object_object_add(o, "artifactType", json_object_new_string(m.artifact_type));
    if (m.annotations)
        json_object_object_add(o, "annotations", json_object_get(m.annotations));
    return o;
}

/* Whether an earlier entry is of the same manifest (under another tag). */
static bool seen_before(const struct layout_index *index, size_t i, const struct digest *d)
{
    struct layout_entry first;

    for (size_t k = 0; k < i; k++) {
        layout_index_entry(index, k, &first);
        if (digest_eq(&first.descriptor.digest, d))
            return true;
    }
    return false;
}

static void add_referrers(struct request *q, struct json_object *list, const char *type)
{
    _cleanup_layout_index_ struct layout_index index = { 0 };
    struct err e = { 0 };

    if (layout_index_read(&q->layout, &index, &e) < 0)
        return;
    for (size_t i = 0; i < layout_index_length(&index); i++) {
        struct layout_entry entry;
        struct json_object *o;

        layout_index_entry(&index, i, &entry);
        o = seen_before(&index, i, &entry.descriptor.digest) ? NULL : referrer(q, &entry.descriptor, type);
        if (o)
            json_object_array_add(list, o);
    }
}

/* Never 404: a repository or subject that is not here has no referrers yet. */
void referrers_get(struct request *q)
{
    const char *type = uri_param(&q->uri, "artifactType");
    struct json_object *o, *list;
    struct err e = { 0 };
    int r;

    if (!take_digest(q, q->route.reference))
        return;
    r = repository_open(q->server->root, q->route.name, false, &q->layout, &e);
    if (r < 0 && r != -ENOENT) {
        reply_failure(q, r);
        return;
    }
    o = json_object_new_object();
    list = json_object_new_array();
    json_object_object_add(o, "schemaVersion", json_object_new_int(2));
    json_object_object_add(o, "mediaType", json_object_new_string(MEDIA_TYPE_INDEX));
    json_object_object_add(o, "manifests", list);
    if (r >= 0)
        add_referrers(q, list, type);
    reply_json(q, 200, MEDIA_TYPE_INDEX, o);
    if (type)
        reply_header(q, "OCI-Filters-Applied", "artifactType");
}
