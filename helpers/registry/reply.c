// SPDX-License-Identifier: Apache-2.0
/* Answers, as libmicrohttpd's responses. */
#include "reply.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "repository.h"

static const struct error_row {
    const char *name;
    unsigned status;
} error_rows[] = {
    [BLOB_UNKNOWN] = { "BLOB_UNKNOWN", 404 },
    [BLOB_UPLOAD_INVALID] = { "BLOB_UPLOAD_INVALID", 400 },
    [BLOB_UPLOAD_UNKNOWN] = { "BLOB_UPLOAD_UNKNOWN", 404 },
    [DIGEST_INVALID] = { "DIGEST_INVALID", 400 },
    [MANIFEST_BLOB_UNKNOWN] = { "MANIFEST_BLOB_UNKNOWN", 404 },
    [MANIFEST_INVALID] = { "MANIFEST_INVALID", 400 },
    [MANIFEST_UNKNOWN] = { "MANIFEST_UNKNOWN", 404 },
    [NAME_INVALID] = { "NAME_INVALID", 400 },
    [NAME_UNKNOWN] = { "NAME_UNKNOWN", 404 },
    [SIZE_INVALID] = { "SIZE_INVALID", 400 },
    [UNAUTHORIZED] = { "UNAUTHORIZED", 401 },
    [DENIED] = { "DENIED", 403 },
    [UNSUPPORTED] = { "UNSUPPORTED", 405 },
    [TOOMANYREQUESTS] = { "TOOMANYREQUESTS", 429 },
    [UNKNOWN] = { "UNKNOWN", 500 },
};
static_assert(ARRAY_SIZE(error_rows) == ERROR_N, "a row for each code");

static void put(struct request *q, unsigned status, uint64_t size, struct MHD_Response *response)
{
    if (!response)
        abort(); /* out of memory */
    if (q->response) {
        MHD_destroy_response(response);
        return;
    }
    q->status = status;
    q->size = size;
    q->response = response;
    reply_header(q, "Docker-Distribution-API-Version", "registry/2.0");
    reply_header(q, "X-Content-Type-Options", "nosniff");
}

void reply_text(struct request *q, unsigned status, const char *content_type, const void *p, size_t n)
{
    bool mine = !q->response;

    put(q, status, n, MHD_create_response_from_buffer(n, (void *)(uintptr_t)p, MHD_RESPMEM_MUST_COPY));
    if (mine && content_type)
        reply_header(q, "Content-Type", "%s", content_type);
}

void reply_empty(struct request *q, unsigned status)
{
    reply_text(q, status, NULL, "", 0);
}

void reply_json(struct request *q, unsigned status, const char *content_type, struct json_object *o)
{
    size_t n;
    const char *text =
        json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

    reply_text(q, status, content_type, text, n);
    json_object_put(o);
}

void reply_file(struct request *q, unsigned status, int fd, uint64_t offset, uint64_t size)
{
    if (size == 0) {
        fd_close(fd);
        reply_empty(q, status);
        return;
    }
    put(q, status, size, MHD_create_response_from_fd_at_offset64(size, fd, offset));
}

void reply_header(struct request *q, const char *name, const char *format, ...)
{
    _cleanup_free_ char *value = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&value, format, ap) < 0)
        abort();
    va_end(ap);
    (void)MHD_add_response_header(q->response, name, value);
}

struct json_object *error_object(enum error_code code, const char *message)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "code", json_object_new_string(error_rows[code].name));
    json_object_object_add(o, "message", json_object_new_string(message));
    return o;
}

void reply_errors(struct request *q, unsigned status, struct json_object *list)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "errors", list);
    reply_json(q, status, "application/json", o);
}

static void __attribute__((format(printf, 4, 0)))
reply_one(struct request *q, unsigned status, enum error_code code, const char *format, va_list ap)
{
    struct json_object *list = json_object_new_array();
    _cleanup_free_ char *message = NULL;

    if (vasprintf(&message, format, ap) < 0)
        abort();
    json_object_array_add(list, error_object(code, message));
    reply_errors(q, status, list);
}

void reply_error(struct request *q, enum error_code code, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    reply_one(q, error_rows[code].status, code, format, ap);
    va_end(ap);
}

void reply_error_status(struct request *q, unsigned status, enum error_code code, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    reply_one(q, status, code, format, ap);
    va_end(ap);
}

void reply_failure(struct request *q, int r)
{
    if (r == -ENOSPC || r == -EDQUOT)
        reply_error_status(q, 507, UNKNOWN, "the registry's disk is full");
    else
        reply_error(q, UNKNOWN, "the registry cannot do it: %s", strerror(-r));
}

bool open_repository(struct request *q, bool create)
{
    struct err e = { 0 };
    int r;

    if (q->layout.dir >= 0)
        return true;
    r = repository_open(q->server->root, q->route.name, create, &q->layout, &e);
    if (r == -ENOENT)
        reply_error(q, NAME_UNKNOWN, "there is no repository %s", q->route.name);
    else if (r < 0)
        reply_failure(q, r);
    return r >= 0;
}

bool take_digest(struct request *q, const char *text)
{
    struct err e = { 0 };

    if (digest_parse(text, &q->digest, &e) >= 0)
        return true;
    reply_error(q, DIGEST_INVALID, "%s", e.message);
    return false;
}
