// SPDX-License-Identifier: Apache-2.0
/*
 * What a client sends besides bodies, parsed: request targets, routes, ranges, credentials, scopes. All pure
 * and strict; all of it is a stranger's text (src/tests/fuzz_registry.c).
 */
#ifndef LICHEN_REGISTRY_PARSE_H
#define LICHEN_REGISTRY_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URI_MAX        8192
#define URI_PARAMS_MAX 32

/* A request target, decoded once. */
struct uri {
    char *path;
    struct uri_param {
        char *key, *value; /* @value is "" when there is no "=" */
    } params[URI_PARAMS_MAX];
    size_t n_params;
};

/*
 * Split and decode "PATH[?KEY=VALUE&...]". Returns 0; -EINVAL for a bad escape, a NUL or control character
 * (raw or escaped) or too many parameters; -ENAMETOOLONG. *ret is the caller's to free on success.
 */
int uri_parse(const char *raw, struct uri *ret);
void uri_free(struct uri *u);
/* The first parameter of this name, or NULL. */
const char *uri_param(const struct uri *u, const char *key);

/* The endpoints of distribution-spec, and two of ours. */
enum route_kind {
    ROUTE_UNKNOWN,
    ROUTE_BASE,      /* /v2/ */
    ROUTE_MANIFEST,  /* /v2/NAME/manifests/REFERENCE */
    ROUTE_BLOB,      /* /v2/NAME/blobs/DIGEST */
    ROUTE_UPLOADS,   /* /v2/NAME/blobs/uploads/ */
    ROUTE_UPLOAD,    /* /v2/NAME/blobs/uploads/ID */
    ROUTE_TAGS,      /* /v2/NAME/tags/list */
    ROUTE_REFERRERS, /* /v2/NAME/referrers/DIGEST */
    ROUTE_METRICS,   /* /metrics */
    ROUTE_TOKEN,     /* /token */
    ROUTE_N
};

struct route {
    enum route_kind kind;
    char *name;      /* as sent; not checked. NULL where the route has none */
    char *reference; /* the last component; NULL where the route has none */
};

/* By the end of the path, since a repository's components may be called "blobs" or "manifests" too. *ret is
 * the caller's to free. */
void route_parse(const char *path, struct route *ret);
void route_free(struct route *r);

/*
 * A Range header (RFC 9110 section 14.2) with one range, for content of @size bytes. Returns 0 with the first
 * and last byte; -ERANGE when nothing of it is there; -EINVAL when it is to be passed over (other units,
 * several ranges, not a range).
 */
int range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_last);

/* An upload's Content-Range, "FIRST-LAST" (distribution-spec "Pushing a blob in chunks"). Returns 0 or
 * -EINVAL. */
int content_range_parse(const char *header, uint64_t *ret_first, uint64_t *ret_last);

enum credentials_kind { CREDENTIALS_BASIC, CREDENTIALS_BEARER };

struct credentials {
    enum credentials_kind kind;
    char *user, *secret; /* @user is NULL for a bearer; @secret is the password or the token */
};

/* An Authorization header. Returns 0 or -EINVAL; *ret is the caller's to free on success. */
int credentials_parse(const char *header, struct credentials *ret);
void credentials_free(struct credentials *c);

enum action { ACTION_PULL = 1, ACTION_PUSH = 2, ACTION_DELETE = 4, ACTION_ALL = 7 };

/* "repository:NAME:pull,push" of docker's token protocol. Unknown actions are passed over, "*" is all.
 * Returns 0 with a checked name (room for REFERENCE_REPOSITORY_MAX + 1), or -EINVAL. */
int scope_parse(const char *text, size_t n, char *ret_name, unsigned *ret_actions);
/* One action by its name; 0 when there is none of it. */
unsigned action_by_name(const char *text, size_t n);
/* "pull,push"; @text has room for 32. */
void action_format(unsigned actions, char *text);

/* Base64 (RFC 4648), strictly: with padding, or for URLs (section 5) without. *ret_n bytes, NUL-terminated,
 * the caller's to free; NULL when it is not base64. */
char *base64_decode(const char *text, size_t n, bool url, size_t *ret_n);
/* For URLs, without padding. */
char *base64url_encode(const void *p, size_t n);

#endif
