// SPDX-License-Identifier: Apache-2.0
/* Blobs: end-2 (GET, HEAD; ranges) and end-10 (DELETE) of distribution-spec. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "reply.h"

/* A blob's name is its content, so it never changes. */
static void blob_headers(struct request *q)
{
    char digest[DIGEST_TEXT_MAX + 1];

    digest_format(&q->digest, digest);
    reply_header(q, "Docker-Content-Digest", "%s", digest);
    reply_header(q, "ETag", "\"%s\"", digest);
    reply_header(q, "Cache-Control", "max-age=31536000, immutable");
    reply_header(q, "Accept-Ranges", "bytes");
    reply_header(q, "Content-Type", "application/octet-stream");
}

static bool is_cached(struct request *q)
{
    const char *header = request_header(q, "If-None-Match");
    char digest[DIGEST_TEXT_MAX + 1];

    return header && (str_eq(header, "*") || strstr(header, digest_format(&q->digest, digest)));
}

static void send_blob(struct request *q, int fd, uint64_t size)
{
    const char *header = request_header(q, "Range");
    uint64_t first = 0, last = size - 1;
    int r = header ? range_parse(header, size, &first, &last) : -EINVAL;

    if (r == -ERANGE) {
        fd_close(fd);
        reply_error_status(q, 416, UNSUPPORTED, "the blob has %" PRIu64 " bytes", size);
        reply_header(q, "Content-Range", "bytes */%" PRIu64, size);
        return;
    }
    if (r < 0) {
        reply_file(q, 200, fd, 0, size);
        blob_headers(q);
        return;
    }
    reply_file(q, 206, fd, first, last - first + 1);
    blob_headers(q);
    reply_header(q, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last, size);
}

void blob_get(struct request *q)
{
    _cleanup_close_ int fd = -1;
    uint64_t size;

    if (!take_digest(q, q->route.reference) || !open_repository(q, false))
        return;
    fd = layout_open_blob(&q->layout, &q->digest, &size);
    if (fd == -ENOENT) {
        reply_error(q, BLOB_UNKNOWN, "there is no such blob in %s", q->route.name);
    } else if (fd < 0) {
        reply_failure(q, fd);
    } else if (is_cached(q)) {
        reply_empty(q, 304);
        blob_headers(q);
    } else {
        send_blob(q, TAKE_FD(fd), size);
    }
}

void blob_delete(struct request *q)
{
    _cleanup_layout_index_ struct layout_index index = { 0 };
    _cleanup_close_ int lock = -1;
    struct layout_entry entry;
    struct err e = { 0 };
    int r;

    if (!take_digest(q, q->route.reference) || !open_repository(q, false))
        return;
    lock = layout_lock(&q->layout, &e);
    r = lock < 0 ? lock : layout_index_read(&q->layout, &index, &e);
    if (r >= 0 && layout_index_find_digest(&index, &q->digest, &entry)) {
        /* Its entry in the index would be left without content. */
        reply_error(q, UNSUPPORTED, "this is a manifest: delete it at /v2/%s/manifests/", q->route.name);
        return;
    }
    if (r >= 0)
        r = layout_remove_blob(&q->layout, &q->digest);
    if (r == -ENOENT)
        reply_error(q, BLOB_UNKNOWN, "there is no such blob in %s", q->route.name);
    else if (r < 0)
        reply_failure(q, r);
    else
        reply_empty(q, 202);
}
