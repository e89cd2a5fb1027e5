// SPDX-License-Identifier: Apache-2.0
/* Digests. Pure but for libcrypto's contexts; runs in whatever program links it, with no privileges. */
#include "image/digest.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct algorithm {
    const char *name;
    size_t bytes;
    const EVP_MD *(*md)(void);
} algorithms[] = {
    [DIGEST_SHA256] = { "sha256", 32, EVP_sha256 },
    [DIGEST_SHA512] = { "sha512", 64, EVP_sha512 },
};
static_assert(sizeof(algorithms) / sizeof(algorithms[0]) == DIGEST_N, "a row for each algorithm");

const char *digest_algorithm_name(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

size_t digest_hex_length(enum digest_algorithm algorithm)
{
    return 2 * algorithms[algorithm].bytes;
}

int digest_algorithm_parse(const char *name, enum digest_algorithm *ret)
{
    for (int i = 0; i < DIGEST_N; i++) {
        if (str_eq(name, algorithms[i].name)) {
            *ret = (enum digest_algorithm)i;
            return 0;
        }
    }
    return -EOPNOTSUPP;
}

/* image-spec's grammar of an algorithm: components of letters and digits, joined by one of + . _ - */
static bool algorithm_is_well_formed(const char *s, size_t n)
{
    bool component = false;

    for (size_t i = 0; i < n; i++) {
        if ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9'))
            component = true;
        else if (component && strchr("+._-", s[i]))
            component = false;
        else
            return false;
    }
    return component;
}

/* Its alphabet of the encoded part; what sha256 and sha512 allow of it is checked apart. */
static bool encoded_is_well_formed(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++) {
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '=' ||
              *s == '_' || *s == '-'))
            return false;
    }
    return true;
}

static int check_hex(const struct algorithm *a, const char *hex, struct err *e)
{
    if (strlen(hex) != 2 * a->bytes)
        return err_set(e, EINVAL, "%s digest: %zu characters, not %zu", a->name, strlen(hex), 2 * a->bytes);
    if (strspn(hex, "0123456789abcdef") != 2 * a->bytes)
        return err_set(e, EINVAL, "%s digest: only the digits 0-9 and a-f are allowed", a->name);
    return 0;
}

int digest_parse(const char *text, struct digest *ret, struct err *e)
{
    const char *colon = strchr(text, ':');
    char name[16];
    enum digest_algorithm algorithm;
    size_t n = colon ? (size_t)(colon - text) : 0;
    int r;

    if (!colon || !algorithm_is_well_formed(text, n) || !encoded_is_well_formed(colon + 1))
        return err_set(e, EINVAL, "digest \"%.160s\": not of the form ALGORITHM:HEX", text);
    if (str_format(name, sizeof(name), "%.*s", n < sizeof(name) ? (int)n : 0, text) < 0 ||
        digest_algorithm_parse(name, &algorithm) < 0) {
        err_set(e, EOPNOTSUPP, "digest \"%.160s\": unknown algorithm", text);
        err_remedy(e, "sha256 and sha512 are known");
        return -EOPNOTSUPP;
    }
    r = check_hex(&algorithms[algorithm], colon + 1, e);
    if (r < 0)
        return r;
    ret->algorithm = algorithm;
    memcpy(ret->hex, colon + 1, 2 * algorithms[algorithm].bytes + 1);
    return 0;
}

char *digest_format(const struct digest *d, char *text)
{
    (void)str_format(text, DIGEST_TEXT_MAX + 1, "%s:%s", algorithms[d->algorithm].name, d->hex);
    return text;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return a->algorithm == b->algorithm && strcmp(a->hex, b->hex) == 0;
}

void digest_stream_start(struct digest_stream *s, enum digest_algorithm algorithm)
{
    s->algorithm = algorithm;
    s->context = EVP_MD_CTX_new();
    /* It fails for want of memory, or of the algorithm in a crippled libcrypto: nothing to go on with. */
    if (!s->context || EVP_DigestInit_ex(s->context, algorithms[algorithm].md(), NULL) != 1)
        abort();
}

void digest_stream_add(struct digest_stream *s, const void *p, size_t n)
{
    if (EVP_DigestUpdate(s->context, p, n) != 1)
        abort();
}

void digest_stream_finish(struct digest_stream *s, struct digest *ret)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[EVP_MAX_MD_SIZE];

    if (EVP_DigestFinal_ex(s->context, raw, NULL) != 1)
        abort();
    ret->algorithm = s->algorithm;
    for (size_t i = 0; i < algorithms[s->algorithm].bytes; i++) {
        ret->hex[2 * i] = digits[raw[i] >> 4];
        ret->hex[2 * i + 1] = digits[raw[i] & 15];
    }
    ret->hex[2 * algorithms[s->algorithm].bytes] = '\0';
    digest_stream_end(s);
}

void digest_stream_end(struct digest_stream *s)
{
    EVP_MD_CTX_free(s->context);
    s->context = NULL;
}

void digest_of(enum digest_algorithm algorithm, const void *p, size_t n, struct digest *ret)
{
    struct digest_stream s;

    digest_stream_start(&s, algorithm);
    digest_stream_add(&s, p, n);
    digest_stream_finish(&s, ret);
}
