// SPDX-License-Identifier: Apache-2.0
/* Credentials and scopes. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/reference.h"
#include "parse.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *base64_decode(const char *text, size_t n, bool url, size_t *ret_n)
{
    const char *alphabet = url ? for_urls : standard;
    _cleanup_free_ char *out = NULL;
    unsigned bits = 0, n_bits = 0;
    size_t used = 0;

    if (!url) {
        if (n % 4 != 0)
            return NULL;
        for (int i = 0; i < 2 && n > 0 && text[n - 1] == '='; i++)
            n--;
    }
    out = mem_zalloc(n / 4 * 3 + 4);
    for (size_t i = 0; i < n; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

        if (!at)
            return NULL;
        bits = bits << 6 | (unsigned)(at - alphabet);
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        out[used++] = (char)(bits >> n_bits);
        bits &= (1U << n_bits) - 1;
    }
    /* One spelling only: no left-over character, no bits that say nothing. */
    if (n % 4 == 1 || bits != 0)
        return NULL;
    *ret_n = used;
    return TAKE_PTR(out);
}

char *base64url_encode(const void *p, size_t n)
{
    const unsigned char *s = p;
    char *out = mem_zalloc(n / 3 * 4 + 5);
    size_t used = 0;

    for (size_t i = 0; i < n; i += 3) {
        unsigned group =
            (unsigned)s[i] << 16 | (i + 1 < n ? (unsigned)s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
        size_t digits = n - i >= 3 ? 4 : n - i + 1;

        for (size_t k = 0; k < digits; k++)
            out[used++] = for_urls[group >> (18 - 6 * k) & 63];
    }
    return out;
}

static int parse_basic(const char *text, struct credentials *ret)
{
    size_t n;
    _cleanup_free_ char *plain = base64_decode(text, strlen(text), false, &n);
    char *colon = plain ? strchr(plain, ':') : NULL;

    /* A name or password with a NUL would be cut short. */
    if (!colon || strlen(plain) != n)
        return -EINVAL;
    ret->kind = CREDENTIALS_BASIC;
    ret->user = str_printf("%.*s", (int)(colon - plain), plain);
    ret->secret = str_printf("%s", colon + 1);
    return 0;
}

int credentials_parse(const char *header, struct credentials *ret)
{
    struct credentials c = { 0 };
    const char *text = strchr(header, ' ');
    size_t scheme = text ? (size_t)(text - header) : 0;
    int r = -EINVAL;

    if (!text || strlen(header) > URI_MAX)
        return -EINVAL;
    text += strspn(text, " ");
    if (scheme == strlen("Basic") && strncasecmp(header, "Basic", scheme) == 0) {
        r = parse_basic(text, &c);
    } else if (scheme == strlen("Bearer") && strncasecmp(header, "Bearer", scheme) == 0 && *text &&
               text[strcspn(text, " \t\",")] == '\0') {
        c.kind = CREDENTIALS_BEARER;
        c.secret = str_printf("%s", text);
        r = 0;
    }
    if (r >= 0)
        *ret = c;
    return r;
}

void credentials_free(struct credentials *c)
{
    if (c->secret)
        explicit_bzero(c->secret, strlen(c->secret));
    free(c->user);
    free(c->secret);
    *c = (struct credentials){ 0 };
}

static const struct {
    const char *name;
    unsigned bits;
} action_names[] = {
    { "pull", ACTION_PULL },
    { "push", ACTION_PUSH },
    { "delete", ACTION_DELETE },
    { "*", ACTION_ALL },
};

unsigned action_by_name(const char *text, size_t n)
{
    for (size_t i = 0; i < ARRAY_SIZE(action_names); i++) {
        if (strlen(action_names[i].name) == n && memcmp(action_names[i].name, text, n) == 0)
            return action_names[i].bits;
    }
    return 0;
}

void action_format(unsigned actions, char *text)
{
    *text = '\0';
    for (size_t i = 0; i + 1 < ARRAY_SIZE(action_names); i++) {
        if (!(actions & action_names[i].bits))
            continue;
        if (*text)
            strcat(text, ",");
        strcat(text, action_names[i].name);
    }
}

int scope_parse(const char *text, size_t n, char *ret_name, unsigned *ret_actions)
{
    static const char type[] = "repository:";
    _cleanup_free_ char *copy = str_printf("%.*s", (int)n, text);
    char *name = copy + strlen(type), *actions;
    unsigned bits = 0;

    if (n > URI_MAX || !str_has_prefix(copy, type))
        return -EINVAL;
    actions = strrchr(name, ':');
    if (!actions)
        return -EINVAL;
    *actions++ = '\0';
    if (reference_check_repository(name, NULL) < 0)
        return -EINVAL;
    for (const char *s = actions; *s;) {
        size_t k = strcspn(s, ",");

        bits |= action_by_name(s, k);
        s += k + (s[k] == ',');
    }
    (void)str_format(ret_name, REFERENCE_REPOSITORY_MAX + 1, "%s", name);
    *ret_actions = bits;
    return 0;
}
