// SPDX-License-Identifier: Apache-2.0
/*
 * One registry and one request to it, for the files of lichen-registry. libmicrohttpd gives every connection
 * a thread; what threads share is constant after the start, or says here how it is guarded.
 */
#ifndef LICHEN_REGISTRY_SERVER_H
#define LICHEN_REGISTRY_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "image/layout.h"
#include "image/reference.h"
#include "parse.h"

#define REGISTRY_SERVICE "lichen-registry"

enum auth_mode { AUTH_NONE, AUTH_BASIC, AUTH_TOKEN };

/* The command line. */
struct options {
    const char *store, *mirror;
    const char *listen, *port_file;
    int ready_fd;
    bool read_only, allow_sparse, anonymous_pull, token, help, version;
    uint64_t max_blob, max_manifest, max_uploads, token_lifetime;
    const char *htpasswd;
    char **readers;
    size_t n_readers;
    const char *tls_cert, *tls_key, *tls_self_signed;
    const char *access_log;
};

struct auth;
struct sessions;

/* Counters, added to by any thread (__atomic). */
struct metrics {
    uint64_t requests[6]; /* by hundreds of the status; [0] is not used */
    uint64_t received, sent;
    uint64_t blobs, manifests, mounts;
    uint64_t unauthorized;
    uint64_t in_flight;
};

struct server {
    const struct options *options;
    int root; /* the directory of all repositories */
    bool read_only;
    bool tls;
    char address[64]; /* ADDRESS:PORT we listen on */
    enum auth_mode auth_mode;
    struct auth *auth;         /* auth.h; guards itself */
    struct sessions *sessions; /* sessions.h; guards itself */
    struct metrics metrics;
    int access_log; /* -1: none; one write a line */
};

struct endpoint;
struct session;

struct request {
    struct server *server;
    struct MHD_Connection *connection;
    const struct endpoint *endpoint;
    char *raw; /* the target as it came */
    struct uri uri;
    struct route route;
    const char *method;
    char user[64];        /* "" for nobody */
    struct layout layout; /* the repository's; dir is -1 until opened */

    bool begun;
    bool has_length; /* Content-Length was sent */
    uint64_t length, received;
    struct buf body;                /* of a manifest */
    struct session *session;        /* the upload this request has taken */
    struct layout_partial *partial; /* of a single POST */
    struct digest digest;           /* the one in the path or query, once checked */
    bool has_range;                 /* Content-Range: checked against @length or, at the end, @received */
    uint64_t range_length;

    unsigned status;
    uint64_t size;                 /* of its body */
    struct MHD_Response *response; /* NULL until decided */
};

/* What a request does. It answers by one of the functions of reply.h; whichever is the first to answer ends
 * it. */
typedef void request_function(struct request *q);
typedef void request_data_function(struct request *q, const char *p, size_t n);

struct endpoint {
    enum route_kind route;
    const char *method;
    unsigned actions;            /* needed of the repository; 0: whoever is let in */
    bool open;                   /* without authorization */
    request_function *begin;     /* after the headers; may be NULL */
    request_data_function *data; /* a part of the body; NULL: it is read and dropped */
    request_function *end;       /* after the body; may be NULL when begin answers */
};

/* A header of the request, or NULL. */
const char *request_header(const struct request *q, const char *name);

/* blobs.c, uploads.c, manifests.c, lists.c, metrics.c, auth_http.c */
request_function base_get, metrics_get, token_get;
request_function blob_get, blob_delete;
request_function upload_post_begin, upload_post_end, upload_get, upload_patch_begin, upload_patch_end,
    upload_put_begin, upload_put_end, upload_delete;
request_data_function upload_data;
request_function manifest_get, manifest_put_begin, manifest_put, manifest_delete;
request_data_function manifest_data;
request_function tags_get, referrers_get;

/* Give back what an upload request holds, whatever became of it. */
void upload_release(struct request *q);

/* Whether the client may do @actions in repository @name (may be NULL); answers the request and returns false
 * when not. */
bool authorize(struct request *q, const char *name, unsigned actions);
/* The same question without an answer to the client. */
bool is_authorized(struct request *q, const char *name, unsigned actions);

/* The daemon: listens until http_stop. The socket is taken over. */
struct MHD_Daemon *http_start(struct server *s, int socket, const char *cert, const char *key, struct err *e);
void http_stop(struct MHD_Daemon *d);

#endif
