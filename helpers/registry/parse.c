// SPDX-License-Identifier: Apache-2.0
/* Request targets, routes and ranges. Pure. */
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* ---- request targets ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decoded once and never again; NULL when it is not well-formed. */
static char *decode(const char *s, size_t n)
{
    _cleanup_free_ char *out = mem_zalloc(n + 1);
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        int high, low;
        char c = s[i];

        if (c == '%') {
            high = n - i > 2 ? hex_digit(s[i + 1]) : -1;
            low = n - i > 2 ? hex_digit(s[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return NULL;
        out[used++] = c;
    }
    return TAKE_PTR(out);
}

static int add_param(struct uri *u, const char *s, size_t n)
{
    const char *equals = memchr(s, '=', n);
    size_t key = equals ? (size_t)(equals - s) : n;
    struct uri_param *p;

    if (n == 0)
        return 0;
    if (u->n_params == URI_PARAMS_MAX)
        return -EINVAL;
    p = &u->params[u->n_params++];
    p->key = decode(s, key);
    p->value = equals ? decode(equals + 1, n - key - 1) : str_printf("%s", "");
    return p->key && p->value ? 0 : -EINVAL;
}

int uri_parse(const char *raw, struct uri *ret)
{
    size_t path = strcspn(raw, "?");
    struct uri u = { 0 };
    int r = 0;

    if (strlen(raw) > URI_MAX)
        return -ENAMETOOLONG;
    u.path = decode(raw, path);
    if (!u.path || u.path[0] != '/')
        r = -EINVAL;
    for (const char *s = raw[path] ? raw + path + 1 : ""; *s && r >= 0;) {
        size_t n = strcspn(s, "&");

        r = add_param(&u, s, n);
        s += n + (s[n] == '&');
    }
    if (r < 0)
        uri_free(&u);
    else
        *ret = u;
    return r;
}

void uri_free(struct uri *u)
{
    free(u->path);
    for (size_t i = 0; i < u->n_params; i++) {
        free(u->params[i].key);
        free(u->params[i].value);
    }
    *u = (struct uri){ 0 };
}

const char *uri_param(const struct uri *u, const char *key)
{
    for (size_t i = 0; i < u->n_params; i++) {
        if (str_eq(u->params[i].key, key))
            return u->params[i].value;
    }
    return NULL;
}

/* ---- routes ---- */

/* Each ends the path: before it the repository's name, after it (but for "list" and uploads/) the reference.
 */
static const struct suffix {
    const char *text;
    enum route_kind kind;
    bool reference;
} suffixes[] = {
    { "/blobs/uploads/", ROUTE_UPLOAD, true }, /* before blobs/: "uploads" is no digest */
    { "/manifests/", ROUTE_MANIFEST, true },
    { "/blobs/", ROUTE_BLOB, true },
    { "/referrers/", ROUTE_REFERRERS, true },
};

static bool match_fixed(const char *rest, const char *suffix, enum route_kind kind, struct route *ret)
{
    if (!str_has_suffix(rest, suffix))
        return false;
    ret->kind = kind;
    ret->name = str_printf("%.*s", (int)(strlen(rest) - strlen(suffix)), rest);
    return true;
}

static bool match_reference(const char *rest, const struct suffix *suffix, struct route *ret)
{
    const char *last = strrchr(rest, '/');
    size_t n = strlen(suffix->text);

    /* The suffix' own last "/" is the path's. */
    if (!last || !last[1] || (size_t)(last + 1 - rest) < n || memcmp(last + 1 - n, suffix->text, n) != 0)
        return false;
    ret->kind = suffix->kind;
    ret->name = str_printf("%.*s", (int)(last + 1 - n - rest), rest);
    ret->reference = str_printf("%s", last + 1);
    return true;
}

void route_parse(const char *path, struct route *ret)
{
    const char *rest;

    *ret = (struct route){ 0 };
    if (str_eq(path, "/v2/") || str_eq(path, "/v2"))
        ret->kind = ROUTE_BASE;
    else if (str_eq(path, "/metrics"))
        ret->kind = ROUTE_METRICS;
    else if (str_eq(path, "/token"))
        ret->kind = ROUTE_TOKEN;
    if (ret->kind != ROUTE_UNKNOWN || !str_has_prefix(path, "/v2/"))
        return;
    rest = path + strlen("/v2/");
    if (match_fixed(rest, "/blobs/uploads/", ROUTE_UPLOADS, ret) ||
        match_fixed(rest, "/blobs/uploads", ROUTE_UPLOADS, ret) ||
        match_fixed(rest, "/tags/list", ROUTE_TAGS, ret))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        if (match_reference(rest, &suffixes[i], ret))
            return;
    }
}

void route_free(struct route *r)
{
    free(r->name);
    free(r->reference);
    *r = (struct route){ 0 };
}

/* ---- ranges ---- */

/* Digits up to @end; -EINVAL for none, other text or more than INT64_MAX. */
static int number(const char *s, const char *end, uint64_t *ret)
{
    char text[24];

    if (end <= s || str_format(text, sizeof(text), "%.*s", end - s < 23 ? (int)(end - s) : 23, s) < 0 ||
        end - s > 20)
        return -EINVAL;
    return str_to_u64(text, 0, INT64_MAX, ret) < 0 ? -EINVAL : 0;
}

int range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
    const char *s, *dash, *end = header + strlen(header);
    uint64_t first = 0, last = UINT64_MAX;

    if (!str_has_prefix(header, "bytes="))
        return -EINVAL;
    s = header + strlen("bytes=");
    dash = strchr(s, '-');
    if (!dash)
        return -EINVAL;
    if (dash == s) {
        /* The last so many bytes. */
        if (number(dash + 1, end, &last) < 0)
            return -EINVAL;
        if (last == 0 || size == 0)
            return -ERANGE;
        *ret_first = last < size ? size - last : 0;
        *ret_last = size - 1;
        return 0;
    }
    if (number(s, dash, &first) < 0 || (dash[1] && number(dash + 1, end, &last) < 0) || first > last)
        return -EINVAL;
    if (first >= size)
        return -ERANGE;
    *ret_first = first;
    *ret_last = last < size ? last : size - 1;
    return 0;
}

int content_range_parse(const char *header, uint64_t *ret_first, uint64_t *ret_last)
{
    const char *dash = strchr(header, '-');
    uint64_t first, last;

    if (!dash || number(header, dash, &first) < 0 || number(dash + 1, header + strlen(header), &last) < 0 ||
        first > last)
        return -EINVAL;
    *ret_first = first;
    *ret_last = last;
    return 0;
}
