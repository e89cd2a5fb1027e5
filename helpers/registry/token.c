// SPDX-License-Identifier: Apache-2.0
/* Tokens (RFC 7519, RFC 7515 HS256). The header is the one we write and no other, so there is no algorithm to
 * choose. */
#include "token.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "parse.h"
#include "server.h"

#define MAC_SIZE    32
#define TOKEN_MAX   65536
#define HEADER_TEXT "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void mac(const unsigned char *key, const char *text, size_t n, unsigned char out[MAC_SIZE])
{
    unsigned size = MAC_SIZE;

    if (!HMAC(EVP_sha256(), key, TOKEN_KEY_SIZE, (const unsigned char *)text, n, out, &size))
        abort();
}

static struct json_object *access_list(const struct token *t)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < t->n_grants; i++) {
        struct json_object *o = json_object_new_object(), *actions = json_object_new_array();
        char text[32];

        action_format(t->grants[i].actions, text);
        for (const char *s = text; *s;) {
            size_t n = strcspn(s, ",");

            json_object_array_add(actions, json_object_new_string_len(s, (int)n));
            s += n + (s[n] == ',');
        }
        json_object_object_add(o, "type", json_object_new_string("repository"));
        json_object_object_add(o, "name", json_object_new_string(t->grants[i].name));
        json_object_object_add(o, "actions", actions);
        json_object_array_add(list, o);
    }
    return list;
}

char *token_sign(const unsigned char key[TOKEN_KEY_SIZE], const struct token *t)
{
    struct json_object *claims = json_object_new_object();
    _cleanup_free_ char *header = base64url_encode(HEADER_TEXT, strlen(HEADER_TEXT));
    _cleanup_free_ char *payload = NULL, *signature = NULL, *text = NULL;
    unsigned char out[MAC_SIZE];
    const char *plain;

    json_object_object_add(claims, "iss", json_object_new_string(REGISTRY_SERVICE));
    json_object_object_add(claims, "aud", json_object_new_string(REGISTRY_SERVICE));
    json_object_object_add(claims, "sub", json_object_new_string(t->user));
    json_object_object_add(claims, "iat", json_object_new_int64(t->issued));
    json_object_object_add(claims, "exp", json_object_new_int64(t->expires));
    json_object_object_add(claims, "access", access_list(t));
    plain = json_object_to_json_string_ext(claims, JSON_C_TO_STRING_PLAIN);
    payload = base64url_encode(plain, strlen(plain));
    json_object_put(claims);
    text = str_printf("%s.%s", header, payload);
    mac(key, text, strlen(text), out);
    signature = base64url_encode(out, sizeof(out));
    return str_printf("%s.%s", text, signature);
}

/* What is read here we have signed ourselves, so a member of another form is our own fault: no grant. */
static void read_claims(struct json_object *claims, struct token *t)
{
    struct json_object *access = json_object_object_get(claims, "access");

    (void)str_format(t->user, sizeof(t->user), "%s",
                     json_object_get_string(json_object_object_get(claims, "sub")));
    t->issued = json_object_get_int64(json_object_object_get(claims, "iat"));
    t->expires = json_object_get_int64(json_object_object_get(claims, "exp"));
    for (size_t i = 0; i < json_object_array_length(access) && i < TOKEN_GRANTS_MAX; i++) {
        struct json_object *o = json_object_array_get_idx(access, i);
        struct json_object *actions = json_object_object_get(o, "actions");
        struct token_grant *grant = &t->grants[t->n_grants++];

        (void)str_format(grant->name, sizeof(grant->name), "%s",
                         json_object_get_string(json_object_object_get(o, "name")));
        for (size_t k = 0; k < json_object_array_length(actions); k++) {
            const char *name = json_object_get_string(json_object_array_get_idx(actions, k));

            grant->actions |= action_by_name(name, strlen(name));
        }
    }
}

int token_verify(const unsigned char key[TOKEN_KEY_SIZE], const char *text, int64_t now, struct token *ret)
{
    const char *dot = strrchr(text, '.'), *payload = strchr(text, '.');
    _cleanup_free_ char *given = NULL, *plain = NULL;
    unsigned char want[MAC_SIZE];
    struct json_object *claims;
    struct token t = { 0 };
    size_t n;

    if (!dot || dot == payload || strlen(text) > TOKEN_MAX)
        return -EBADMSG;
    given = base64_decode(dot + 1, strlen(dot + 1), true, &n);
    mac(key, text, (size_t)(dot - text), want);
    if (!given || n != sizeof(want) || CRYPTO_memcmp(given, want, n) != 0)
        return -EBADMSG;
    plain = base64_decode(payload + 1, (size_t)(dot - payload - 1), true, &n);
    claims = plain ? json_tokener_parse(plain) : NULL;
    if (!claims)
        return -EBADMSG;
    read_claims(claims, &t);
    json_object_put(claims);
    if (now >= t.expires)
        return -ESTALE;
    *ret = t;
    return 0;
}

unsigned token_actions(const struct token *t, const char *name)
{
    unsigned actions = 0;

    for (size_t i = 0; i < t->n_grants; i++)
        actions |= str_eq(t->grants[i].name, name) ? t->grants[i].actions : 0;
    return actions;
}
