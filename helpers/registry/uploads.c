// SPDX-License-Identifier: Apache-2.0
/*
 * Uploads of blobs: end-4a, end-4b, end-5, end-6, end-11 and end-13 of distribution-spec, and DELETE to
 * cancel. Content goes to the partial file as it comes and is hashed on its way.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "reply.h"
#include "repository.h"
#include "sessions.h"

static void drop_partial(struct request *q)
{
    if (q->partial)
        layout_partial_discard(q->partial);
    free(q->partial);
    q->partial = NULL;
}

static void session_headers(struct request *q)
{
    const struct session *s = q->session;

    reply_header(q, "Location", "/v2/%s/blobs/uploads/%s", q->route.name, s->id);
    reply_header(q, "Range", "0-%" PRIu64, s->partial.size ? s->partial.size - 1 : 0);
    reply_header(q, "Docker-Upload-UUID", "%s", s->id);
}

static void blob_created(struct request *q)
{
    char digest[DIGEST_TEXT_MAX + 1];

    digest_format(&q->digest, digest);
    reply_empty(q, 201);
    reply_header(q, "Location", "/v2/%s/blobs/%s", q->route.name, digest);
    reply_header(q, "Docker-Content-Digest", "%s", digest);
}

void upload_release(struct request *q)
{
    drop_partial(q);
    if (q->session)
        sessions_give(q->server->sessions, q->session);
    q->session = NULL;
}

static void end_session(struct request *q)
{
    sessions_end(q->server->sessions, q->session);
    q->session = NULL;
}

static bool too_large(struct request *q, uint64_t size)
{
    uint64_t max = q->server->options->max_blob;

    if (max == 0 || size <= max)
        return false;
    reply_error_status(q, 413, SIZE_INVALID, "a blob has at most %" PRIu64 " bytes here", max);
    return true;
}

/* ---- POST ---- */

struct search {
    struct request *q;
    struct err e;
};

/* Share the blob from a repository the client may read. */
static bool share_from(const char *name, const struct layout *l, void *argument)
{
    struct search *s = argument;

    return layout_has_blob(l, &s->q->digest) && is_authorized(s->q, name, ACTION_PULL) &&
           layout_share_blob(l, &s->q->layout, &s->q->digest, &s->e) >= 0;
}

/* end-11. Whatever is in the way, the client uploads it instead, so no failure is reported. */
static bool mounted(struct request *q, const char *mount)
{
    const char *from = uri_param(&q->uri, "from");
    struct search search = { .q = q };
    struct layout l = { .dir = -1 };
    bool found;

    if (digest_parse(mount, &q->digest, NULL) < 0)
        return false;
    if (layout_has_blob(&q->layout, &q->digest) && !from) {
        found = true;
    } else if (!from) {
        found = repository_each(q->server->root, share_from, &search);
    } else {
        found = repository_open(q->server->root, from, false, &l, NULL) >= 0 && share_from(from, &l, &search);
        layout_close(&l);
    }
    if (!found)
        return false;
    __atomic_add_fetch(&q->server->metrics.mounts, 1, __ATOMIC_RELAXED);
    blob_created(q);
    return true;
}

/* end-4b: the whole blob in one request, which needs no session. */
static void begin_single(struct request *q, const char *digest)
{
    struct err e = { 0 };
    int r;

    if (!take_digest(q, digest) || too_large(q, q->length))
        return;
    q->partial = mem_zalloc(sizeof(*q->partial));
    r = layout_partial_begin(&q->layout, q->digest.algorithm, q->partial, &e);
    if (r < 0) {
        /* Nothing was begun. */
        free(q->partial);
        q->partial = NULL;
        reply_failure(q, r);
    }
}

static void begin_session(struct request *q)
{
    const char *name = uri_param(&q->uri, "digest-algorithm");
    enum digest_algorithm algorithm = DIGEST_SHA256;
    struct err e = { 0 };

    if (name && digest_algorithm_parse(name, &algorithm) < 0) {
        reply_error(q, DIGEST_INVALID, "digest-algorithm: sha256 and sha512 are known");
        return;
    }
    q->session = sessions_begin(q->server->sessions, q->route.name, &q->layout, algorithm, &e);
    if (!q->session && e.code == EAGAIN) {
        reply_error(q, TOOMANYREQUESTS, "%s", e.message);
        reply_header(q, "Retry-After", "5");
    } else if (!q->session) {
        reply_failure(q, err_code(&e));
    } else {
        reply_empty(q, 202);
        session_headers(q);
    }
}

void upload_post_begin(struct request *q)
{
    const char *mount = uri_param(&q->uri, "mount"), *digest = uri_param(&q->uri, "digest");

    if (!open_repository(q, true) || (mount && mounted(q, mount)))
        return;
    if (digest && !mount)
        begin_single(q, digest);
    else
        begin_session(q);
}

/* What commit said, and the answer to it. */
static void committed(struct request *q, int r, const struct err *e)
{
    if (r == -EBADMSG)
        reply_error(q, DIGEST_INVALID, "%s", e->message);
    else if (r < 0)
        reply_failure(q, r);
    else
        blob_created(q);
    if (r >= 0)
        __atomic_add_fetch(&q->server->metrics.blobs, 1, __ATOMIC_RELAXED);
}

void upload_post_end(struct request *q)
{
    struct err e = { 0 };
    int r = layout_partial_commit(&q->layout, q->partial, &q->digest, &e);

    committed(q, r, &e);
}

/* ---- what belongs to a session ---- */

static bool take_session(struct request *q)
{
    int r = sessions_take(q->server->sessions, q->route.name, q->route.reference, &q->session);

    if (r == -EBUSY)
        reply_error_status(q, 409, BLOB_UPLOAD_INVALID, "another request is working on this upload");
    else if (r < 0)
        reply_error(q, BLOB_UPLOAD_UNKNOWN, "there is no such upload in %s", q->route.name);
    return r >= 0;
}

static void out_of_order(struct request *q, const char *why)
{
    reply_error_status(q, 416, BLOB_UPLOAD_INVALID, "Content-Range: %s", why);
    session_headers(q);
}

/* Content-Range, when there is one, has to go on where the upload is. */
static bool chunk_fits(struct request *q)
{
    const char *header = request_header(q, "Content-Range");
    uint64_t first, last;

    if (header && content_range_parse(header, &first, &last) < 0) {
        out_of_order(q, "not of the form FIRST-LAST");
    } else if (header && first != q->session->partial.size) {
        out_of_order(q, "not where the upload is");
    } else if (header && q->has_length && q->length != last - first + 1) {
        reply_error(q, SIZE_INVALID, "Content-Range: %" PRIu64 " bytes, but Content-Length is %" PRIu64,
                    last - first + 1, q->length);
    } else if (header) {
        q->has_range = true;
        q->range_length = last - first + 1;
    }
    return !q->response && !too_large(q, q->session->partial.size + q->length);
}

void upload_data(struct request *q, const char *p, size_t n)
{
    struct layout_partial *partial = q->session ? &q->session->partial : q->partial;
    struct err e = { 0 };
    int r;

    if (!partial)
        return;
    if (!too_large(q, partial->size + n)) {
        r = layout_partial_add(partial, p, n, &e);
        if (r >= 0)
            return;
        reply_failure(q, r);
    }
    /* What is in the file now is not what the client thinks. */
    if (q->session)
        end_session(q);
}

/* With chunked transfer the length is known at the end only. An upload with a wrong chunk in it is of no use.
 */
static bool chunk_was_whole(struct request *q)
{
    if (!q->has_range || q->received == q->range_length)
        return true;
    reply_error(q, SIZE_INVALID, "Content-Range: %" PRIu64 " bytes, but %" PRIu64 " came", q->range_length,
                q->received);
    end_session(q);
    return false;
}

void upload_patch_begin(struct request *q)
{
    if (take_session(q))
        (void)chunk_fits(q);
}

void upload_patch_end(struct request *q)
{
    if (!chunk_was_whole(q))
        return;
    reply_empty(q, 202);
    session_headers(q);
}

void upload_put_begin(struct request *q)
{
    const char *digest = uri_param(&q->uri, "digest");

    if (!take_session(q))
        return;
    if (!digest)
        reply_error(q, DIGEST_INVALID, "digest: the parameter is missing");
    else if (take_digest(q, digest))
        (void)chunk_fits(q);
}

void upload_put_end(struct request *q)
{
    struct err e = { 0 };
    int r;

    if (!chunk_was_whole(q))
        return;
    r = layout_partial_commit(&q->session->layout, &q->session->partial, &q->digest, &e);
    committed(q, r, &e);
    end_session(q);
}

void upload_get(struct request *q)
{
    if (!take_session(q))
        return;
    reply_empty(q, 204);
    session_headers(q);
}

void upload_delete(struct request *q)
{
    if (!take_session(q))
        return;
    end_session(q);
    reply_empty(q, 204);
}
