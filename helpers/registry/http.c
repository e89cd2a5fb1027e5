// SPDX-License-Identifier: Apache-2.0
/*
 * libmicrohttpd's callbacks: a request's life. The target is taken raw (a decoded "%00" would end a C string
 * early), one table says which function answers what, and an answer that is known before the body has come
 * waits for the body unless that is long: a client that is still sending may otherwise see a reset instead of
 * the answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "reply.h"
#include "sessions.h"

/* As much is read and dropped for the sake of an answer that is known already. */
#define DRAIN_MAX (16U << 20)
/* Seconds without a byte after which a connection is closed. */
#define IDLE_TIMEOUT    120
#define CONNECTIONS_MAX 512
/* Of each connection: headers, and the pieces in which a body comes. */
#define CONNECTION_MEMORY (256U << 10)

/* clang-format off */
static const struct endpoint endpoints[] = {
    { ROUTE_BASE, "GET", 0, false, base_get, NULL, NULL },
    { ROUTE_METRICS, "GET", 0, true, metrics_get, NULL, NULL },
    { ROUTE_TOKEN, "GET", 0, true, token_get, NULL, NULL },
    { ROUTE_BLOB, "GET", ACTION_PULL, false, blob_get, NULL, NULL },
    { ROUTE_BLOB, "DELETE", ACTION_DELETE, false, blob_delete, NULL, NULL },
    { ROUTE_UPLOADS, "POST", ACTION_PUSH, false, upload_post_begin, upload_data, upload_post_end },
    { ROUTE_UPLOAD, "GET", ACTION_PUSH, false, upload_get, NULL, NULL },
    { ROUTE_UPLOAD, "PATCH", ACTION_PUSH, false, upload_patch_begin, upload_data, upload_patch_end },
    { ROUTE_UPLOAD, "PUT", ACTION_PUSH, false, upload_put_begin, upload_data, upload_put_end },
    { ROUTE_UPLOAD, "DELETE", ACTION_PUSH, false, upload_delete, NULL, NULL },
    { ROUTE_MANIFEST, "GET", ACTION_PULL, false, manifest_get, NULL, NULL },
    { ROUTE_MANIFEST, "PUT", ACTION_PUSH, false, manifest_put_begin, manifest_data, manifest_put },
    { ROUTE_MANIFEST, "DELETE", ACTION_DELETE, false, manifest_delete, NULL, NULL },
    { ROUTE_TAGS, "GET", ACTION_PULL, false, tags_get, NULL, NULL },
    { ROUTE_REFERRERS, "GET", ACTION_PULL, false, referrers_get, NULL, NULL },
};
/* clang-format on */

const char *request_header(const struct request *q, const char *name)
{
    return MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

/* HEAD is GET whose body libmicrohttpd leaves out. */
static bool same_method(const char *method, const struct endpoint *e)
{
    return str_eq(method, e->method) || (str_eq(method, "HEAD") && str_eq(e->method, "GET"));
}

static const struct endpoint *find_endpoint(struct request *q)
{
    _cleanup_buf_ struct buf allowed = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
        if (endpoints[i].route != q->route.kind)
            continue;
        if (same_method(q->method, &endpoints[i]))
            return &endpoints[i];
        buf_printf(&allowed, "%s%s%s", allowed.len ? ", " : "", endpoints[i].method,
                   str_eq(endpoints[i].method, "GET") ? ", HEAD" : "");
    }
    if (!allowed.len) {
        reply_error_status(q, 404, UNSUPPORTED, "there is nothing here");
        return NULL;
    }
    reply_error(q, UNSUPPORTED, "%s is not possible here", q->method);
    reply_header(q, "Allow", "%s", allowed.data);
    return NULL;
}

static void take_length(struct request *q)
{
    const char *length = request_header(q, "Content-Length");

    q->has_length = length && str_to_u64(length, 0, INT64_MAX, &q->length) >= 0;
}

/* Everything that is decided before the body. */
static void begin(struct request *q)
{
    struct err e = { 0 };
    int r = uri_parse(q->raw, &q->uri);

    take_length(q);
    if (r < 0) {
        reply_error_status(q, r == -ENAMETOOLONG ? 414 : 400, NAME_INVALID,
                           "the request's target is not well-formed");
        return;
    }
    route_parse(q->uri.path, &q->route);
    q->endpoint = find_endpoint(q);
    if (!q->endpoint || (!q->endpoint->open && !authorize(q, q->route.name, q->endpoint->actions)))
        return;
    if (q->route.name && reference_check_repository(q->route.name, &e) < 0) {
        reply_error(q, NAME_INVALID, "%s", e.message);
    } else if (q->server->read_only && (q->endpoint->actions & (ACTION_PUSH | ACTION_DELETE))) {
        reply_error(q, UNSUPPORTED, "this registry is read-only");
        reply_header(q, "Allow", "GET, HEAD");
    } else if (q->endpoint->begin) {
        q->endpoint->begin(q);
    }
}

static enum MHD_Result answer(struct request *q)
{
    if (!q->response)
        reply_error(q, UNKNOWN, "the registry has no answer");
    /* Before the client hears of it: its next request may be here before this one's end is. */
    upload_release(q);
    return MHD_queue_response(q->connection, q->status, q->response);
}

/* Whether the answer should not wait for the body. */
static bool answer_at_once(const struct request *q)
{
    if (!q->response)
        return false;
    return request_header(q, "Expect") || q->length > DRAIN_MAX;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data, size_t *size,
                              void **context)
{
    struct request *q = *context;

    (void)cls, (void)url, (void)version;
    if (!q)
        return MHD_NO;
    if (!q->begun) {
        q->begun = true;
        q->connection = connection;
        q->method = method;
        begin(q);
        return answer_at_once(q) ? answer(q) : MHD_YES;
    }
    if (*size > 0) {
        q->received += *size;
        __atomic_add_fetch(&q->server->metrics.received, *size, __ATOMIC_RELAXED);
        if (!q->response && q->endpoint->data)
            q->endpoint->data(q, data, *size);
        else if (q->received > DRAIN_MAX)
            return MHD_NO;
        *size = 0;
        return MHD_YES;
    }
    if (!q->response && q->endpoint->end)
        q->endpoint->end(q);
    return answer(q);
}

/* The first that is heard of a request; what is returned is its context. */
static void *request_new(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct request *q = mem_zalloc(sizeof(*q));

    (void)connection;
    q->server = cls;
    q->layout.dir = -1;
    q->raw = str_printf("%s", uri);
    __atomic_add_fetch(&q->server->metrics.in_flight, 1, __ATOMIC_RELAXED);
    return q;
}

/* A line for the access log: what a client sent is quoted, so that it cannot make lines of its own. */
static void log_access(const struct request *q)
{
    _cleanup_buf_ struct buf line = { 0 };
    char when[32];
    time_t now = time(NULL);
    struct tm tm;

    (void)gmtime_r(&now, &tm);
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_printf(&line, "%s %u %s ", when, q->status, q->method ? q->method : "-");
    for (const char *s = q->raw; *s && line.len < 1024; s++)
        buf_printf(&line, (unsigned char)*s > 0x20 && (unsigned char)*s < 0x7f ? "%c" : "%%%02X",
                   (unsigned char)*s);
    buf_printf(&line, " %" PRIu64 " %s\n", q->received, *q->user ? q->user : "-");
    (void)fd_write_all(q->server->access_log, line.data, line.len);
}

static void request_end(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code)
{
    struct request *q = *context;
    struct metrics *m;

    (void)cls, (void)connection;
    if (!q)
        return;
    m = &q->server->metrics;
    __atomic_sub_fetch(&m->in_flight, 1, __ATOMIC_RELAXED);
    if (q->status)
        __atomic_add_fetch(&m->requests[q->status / 100 < 6 ? q->status / 100 : 5], 1, __ATOMIC_RELAXED);
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && !str_eq(q->method, "HEAD"))
        __atomic_add_fetch(&m->sent, q->size, __ATOMIC_RELAXED);
    if (q->server->access_log >= 0 && q->status)
        log_access(q);
    upload_release(q);
    layout_close(&q->layout);
    if (q->response)
        MHD_destroy_response(q->response);
    route_free(&q->route);
    uri_free(&q->uri);
    buf_free(&q->body);
    free(q->raw);
    free(q);
    *context = NULL;
}

struct MHD_Daemon *http_start(struct server *s, int socket, const char *cert, const char *key, struct err *e)
{
    const struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key },
        { MHD_OPTION_END, 0, NULL },
    };
    const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
                     MHD_USE_ITC | (cert ? MHD_USE_TLS : 0);
    struct MHD_Daemon *d = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_URI_LOG_CALLBACK,
        request_new, s, MHD_OPTION_NOTIFY_COMPLETED, request_end, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_TIMEOUT, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, cert ? tls : plain, MHD_OPTION_END);

    if (!d) {
        fd_close(socket);
        err_set(e, EIO, "cannot serve at %s", s->address);
        if (cert)
            (void)err_remedy(e, "is this the certificate, and this its key, in PEM form?");
    }
    return d;
}

void http_stop(struct MHD_Daemon *d)
{
    MHD_stop_daemon(d);
}
