// SPDX-License-Identifier: Apache-2.0
/* What a client sends lichen-registry besides bodies: request targets, ranges, credentials, scopes, tokens.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/reference.h"
#include "parse.h"
#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_target(const char *text)
{
    struct uri u;
    struct route r;

    if (uri_parse(text, &u) < 0)
        return;
    if (u.path[0] != '/' || strlen(u.path) > strlen(text))
        abort();
    route_parse(u.path, &r);
    if (r.reference && (strchr(r.reference, '/') || !*r.reference || !r.name))
        abort();
    if (r.name && reference_check_repository(r.name, NULL) == 0 && (strstr(r.name, "..") || r.name[0] == '/'))
        abort();
    route_free(&r);
    uri_free(&u);
}

static void check_ranges(const char *text)
{
    uint64_t first = 0, last = 0;

    if (range_parse(text, 1000, &first, &last) == 0 && (first > last || last >= 1000))
        abort();
    if (content_range_parse(text, &first, &last) == 0 && first > last)
        abort();
}

static void check_credentials(const char *text)
{
    static const unsigned char key[TOKEN_KEY_SIZE];
    char name[REFERENCE_REPOSITORY_MAX + 1];
    struct credentials c;
    struct token t;
    unsigned actions;

    if (credentials_parse(text, &c) == 0) {
        if (!c.secret || (c.kind == CREDENTIALS_BASIC) != (c.user != NULL) || (c.user && strchr(c.user, ':')))
            abort();
        credentials_free(&c);
    }
    if (scope_parse(text, strlen(text), name, &actions) == 0 &&
        (reference_check_repository(name, NULL) < 0 || actions > ACTION_ALL))
        abort();
    /* Nobody can make one without the key; the fuzzer has not got that far. */
    (void)token_verify(key, text, 0, &t);
}

static void check_base64(const char *text, size_t size)
{
    size_t n;
    _cleanup_free_ char *plain = base64_decode(text, size, true, &n);
    _cleanup_free_ char *again = plain ? base64url_encode(plain, n) : NULL;

    if (again && (strlen(again) != size || memcmp(again, text, size) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mem_zalloc(size + 1);

    memcpy(text, data, size);
    check_target(text);
    check_ranges(text);
    check_credentials(text);
    check_base64(text, size);
    return 0;
}
