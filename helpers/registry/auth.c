// SPDX-License-Identifier: Apache-2.0
/*
 * Users and passwords. A hash is made to be slow (bcrypt: a tenth of a second), and clients send the password
 * with each request: what has been right once is remembered as a keyed hash of name and password.
 */
#include "auth.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/fd.h"
#include "base/mem.h"

#define HTPASSWD_MAX (1U << 20)
#define REMEMBERED   64
/* Checked when there are no users at all; else an unknown user costs what the first one does. */
#define DUMMY_HASH "$2y$05$......................J6Z6ZL8DFKLf3Ov63jZWYKt2gMKqK6K"

struct auth {
    const struct options *options;
    unsigned char key[TOKEN_KEY_SIZE];
    char **users, **hashes;
    size_t n_users, n_hashes;

    pthread_mutex_t lock; /* of what follows */
    unsigned char known[REMEMBERED][32];
    size_t n_known;
};

struct auth *auth_new(const struct options *options)
{
    struct auth *a = mem_zalloc(sizeof(*a));

    a->options = options;
    pthread_mutex_init(&a->lock, NULL);
    if (getrandom(a->key, sizeof(a->key), 0) != sizeof(a->key))
        abort();
    return a;
}

/* "*0" and "*1" are how libcrypt says no. */
static bool hash_matches(const char *password, const char *hash)
{
    struct crypt_data *data = mem_zalloc(sizeof(*data));
    const char *out = crypt_r(password, hash, data);
    bool matches =
        out && out[0] != '*' && strlen(out) == strlen(hash) && CRYPTO_memcmp(out, hash, strlen(out)) == 0;

    explicit_bzero(data, sizeof(*data));
    free(data);
    return matches;
}

static bool hash_is_known(const char *hash)
{
    struct crypt_data *data = mem_zalloc(sizeof(*data));
    const char *out = *hash ? crypt_r("", hash, data) : NULL;
    bool known = out && out[0] != '*';

    free(data);
    return known;
}

static int add_line(struct auth *a, char *line, size_t number, struct err *e)
{
    char *colon = strchr(line, ':');

    line[strcspn(line, "\r")] = '\0';
    if (!*line || *line == '#')
        return 0;
    if (!colon || colon == line || colon - line >= (ptrdiff_t)sizeof(((struct request *)NULL)->user))
        return err_set(e, EINVAL, "htpasswd: line %zu: not NAME:HASH", number);
    *colon = '\0';
    if (!hash_is_known(colon + 1)) {
        err_set(e, EINVAL, "htpasswd: line %zu: the hash of user \"%s\" is of a kind that cannot be checked",
                number, line);
        return err_remedy(e, "make it with htpasswd -B (bcrypt) or mkpasswd");
    }
    strv_append(&a->users, &a->n_users, line);
    strv_append(&a->hashes, &a->n_hashes, colon + 1);
    return 0;
}

int auth_parse(struct auth *a, const char *text, struct err *e)
{
    _cleanup_free_ char *copy = str_printf("%s", text);
    size_t number = 0;
    int r = 0;

    for (char *s = copy; s && r >= 0;) {
        char *next = strchr(s, '\n');

        if (next)
            *next++ = '\0';
        r = add_line(a, s, ++number, e);
        s = next;
    }
    return r;
}

int auth_open(const struct options *options, struct auth **ret, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    struct auth *a = auth_new(options);
    int r = options->htpasswd ? fd_read_file(AT_FDCWD, options->htpasswd, HTPASSWD_MAX, &text) : 0;

    if (r < 0)
        r = err_sys(e, r, "--htpasswd %s", options->htpasswd);
    if (r >= 0 && text.data)
        r = auth_parse(a, text.data, e);
    if (r < 0)
        auth_close(a);
    else
        *ret = a;
    return r;
}

void auth_close(struct auth *a)
{
    if (!a)
        return;
    strv_free(a->users);
    strv_free(a->hashes);
    pthread_mutex_destroy(&a->lock);
    explicit_bzero(a, sizeof(*a));
    free(a);
}

static void keyed_hash(const struct auth *a, const char *user, const char *password, unsigned char out[32])
{
    _cleanup_free_ char *text = str_printf("%s:%s", user, password);
    unsigned n = 32;

    if (!HMAC(EVP_sha256(), a->key, sizeof(a->key), (unsigned char *)text, strlen(text), out, &n))
        abort();
    explicit_bzero(text, strlen(text));
}

static bool is_remembered(struct auth *a, const unsigned char *hash)
{
    bool found = false;

    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->n_known && i < REMEMBERED; i++)
        found |= CRYPTO_memcmp(a->known[i], hash, sizeof(a->known[i])) == 0;
    pthread_mutex_unlock(&a->lock);
    return found;
}

static void remember(struct auth *a, const unsigned char *hash)
{
    pthread_mutex_lock(&a->lock);
    memcpy(a->known[a->n_known++ % REMEMBERED], hash, sizeof(a->known[0]));
    pthread_mutex_unlock(&a->lock);
}

bool auth_check(struct auth *a, const char *user, const char *password)
{
    const char *hash = NULL;
    unsigned char keyed[32];
    bool right;

    for (size_t i = 0; i < a->n_users; i++) {
        if (str_eq(a->users[i], user))
            hash = a->hashes[i];
    }
    keyed_hash(a, user, password, keyed);
    if (hash && is_remembered(a, keyed))
        return true;
    right = hash_matches(password, hash ? hash : a->n_hashes ? a->hashes[0] : DUMMY_HASH) && hash;
    if (right)
        remember(a, keyed);
    return right;
}

unsigned auth_rights(const struct auth *a, const char *user)
{
    if (!user)
        return a->options->anonymous_pull ? ACTION_PULL : 0;
    for (size_t i = 0; i < a->options->n_readers; i++) {
        if (str_eq(a->options->readers[i], user))
            return ACTION_PULL;
    }
    return ACTION_ALL;
}

const unsigned char *auth_key(const struct auth *a)
{
    return a->key;
}
