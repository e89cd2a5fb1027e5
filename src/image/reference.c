// SPDX-License-Identifier: Apache-2.0
/* References. Pure. */
#include "image/reference.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* One component: runs of lower-case letters and digits, between them ".", "_", "__" or any number of "-". */
static bool component_is_good(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n) {
        size_t start = i;

        while (i < n && is_lower(s[i]))
            i++;
        if (i == start)
            return false;
        if (i == n)
            return true;
        if (s[i] == '.') {
            i++;
        } else if (s[i] == '_') {
            i += i + 1 < n && s[i + 1] == '_' ? 2 : 1;
        } else if (s[i] == '-') {
            while (i < n && s[i] == '-')
                i++;
        } else {
            return false;
        }
    }
    return false;
}

int reference_check_repository(const char *name, struct err *e)
{
    const char *s = name;

    if (!*name)
        return err_set(e, EINVAL, "the repository's name is empty");
    if (strlen(name) > REFERENCE_REPOSITORY_MAX)
        return err_set(e, EINVAL, "repository name: %zu characters, at most %d are allowed", strlen(name),
                       REFERENCE_REPOSITORY_MAX);
    for (;;) {
        size_t n = strcspn(s, "/");

        if (!component_is_good(s, n)) {
            err_set(e, EINVAL, "repository name \"%s\": component \"%.*s\"", name, (int)n, s);
            return err_remedy(e, "a component is lower-case letters and digits, joined by . _ __ or -");
        }
        if (!s[n])
            return 0;
        s += n + 1;
    }
}

int reference_check_tag(const char *tag, struct err *e)
{
    size_t n = strlen(tag);

    if (n == 0 || n > REFERENCE_TAG_MAX)
        return err_set(e, EINVAL, "tag: %zu characters, 1 to %d are allowed", n, REFERENCE_TAG_MAX);
    for (size_t i = 0; i < n; i++) {
        if (is_alnum(tag[i]) || tag[i] == '_' || (i > 0 && (tag[i] == '.' || tag[i] == '-')))
            continue;
        err_set(e, EINVAL, "tag \"%s\": character %zu", tag, i + 1);
        return err_remedy(e, "a tag is letters, digits, _ . and -, and does not begin with . or -");
    }
    return 0;
}

/* A DNS name or IPv4 address: labels of letters, digits and inner "-"; or an IPv6 address in brackets. */
static bool host_name_is_good(const char *s, size_t n)
{
    if (n > 2 && s[0] == '[')
        return s[n - 1] == ']' && strspn(s + 1, "0123456789abcdefABCDEF:.") == n - 2;
    for (size_t i = 0, label = 0; i <= n; i++) {
        if (i < n && s[i] != '.') {
            if (!is_alnum(s[i]) && s[i] != '-')
                return false;
            continue;
        }
        if (i == label || s[label] == '-' || s[i - 1] == '-')
            return false;
        label = i + 1;
    }
    return true;
}

static int parse_host(const char *s, size_t n, char *ret, struct err *e)
{
    /* The port's colon comes after an IPv6 address' bracket. */
    const char *bracket = memchr(s, ']', n);
    const char *from = bracket ? bracket : s;
    const char *colon = memchr(from, ':', n - (size_t)(from - s));
    size_t name = colon ? (size_t)(colon - s) : n;
    uint64_t port;

    if (str_format(ret, REFERENCE_HOST_MAX + 1, "%.*s", (int)n, s) < 0)
        return err_set(e, EINVAL, "host: %zu characters, at most %d are allowed", n, REFERENCE_HOST_MAX);
    if (!host_name_is_good(s, name))
        return err_set(e, EINVAL, "\"%s\" is not a host", ret);
    if (colon && str_to_u64(ret + name + 1, 1, 65535, &port) < 0)
        return err_set(e, EINVAL, "host \"%s\": the port is a number from 1 to 65535", ret);
    return 0;
}

/* Whether the @n bytes before the first "/" name a host. */
static bool is_host(const char *s, size_t n)
{
    if (n == strlen("localhost") && memcmp(s, "localhost", n) == 0)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.' || s[i] == ':' || s[i] == '[' || (s[i] >= 'A' && s[i] <= 'Z'))
            return true;
    }
    return false;
}

static int parse_parts(const char *text, struct reference *r, struct err *e)
{
    const char *at = strchr(text, '@'), *slash = strchr(text, '/'), *colon;
    const char *name = text, *end = at ? at : text + strlen(text);
    int rc = 0;

    if (slash && slash < end && is_host(text, (size_t)(slash - text))) {
        rc = parse_host(text, (size_t)(slash - text), r->host, e);
        name = slash + 1;
    }
    if (rc < 0)
        return rc;
    colon = memchr(name, ':', (size_t)(end - name));
    if (str_format(r->repository, sizeof(r->repository), "%.*s", (int)((colon ? colon : end) - name), name) <
        0)
        return err_set(e, EINVAL, "the repository's name has more than %d characters",
                       REFERENCE_REPOSITORY_MAX);
    rc = reference_check_repository(r->repository, e);
    if (rc >= 0 && colon) {
        if (str_format(r->tag, sizeof(r->tag), "%.*s", (int)(end - colon - 1), colon + 1) < 0)
            return err_set(e, EINVAL, "the tag has more than %d characters", REFERENCE_TAG_MAX);
        rc = reference_check_tag(r->tag, e);
    }
    if (rc >= 0 && at) {
        rc = digest_parse(at + 1, &r->digest, e);
        r->has_digest = true;
    }
    return rc;
}

int reference_parse(const char *text, struct reference *ret, struct err *e)
{
    struct reference r = { 0 };
    int rc;

    if (strlen(text) > REFERENCE_TEXT_MAX)
        return err_set(e, EINVAL, "image reference: more than %d characters", REFERENCE_TEXT_MAX);
    rc = parse_parts(text, &r, e);
    if (rc < 0) {
        err_prefix(e, "image reference \"%.200s\"", text);
        return rc;
    }
    *ret = r;
    return 0;
}

char *reference_format(const struct reference *r, char *text)
{
    char digest[DIGEST_TEXT_MAX + 1];

    (void)str_format(text, REFERENCE_TEXT_MAX + 1, "%s%s%s%s%s%s%s", r->host, *r->host ? "/" : "",
                     r->repository, *r->tag ? ":" : "", r->tag, r->has_digest ? "@" : "",
                     r->has_digest ? digest_format(&r->digest, digest) : "");
    return text;
}
