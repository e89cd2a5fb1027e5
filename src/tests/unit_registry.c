// SPDX-License-Identifier: Apache-2.0
/* lichen-registry's parsers, tokens, passwords, uploads and where repositories lie. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "parse.h"
#include "repository.h"
#include "sessions.h"
#include "tests/unit.h"
#include "tls.h"
#include "token.h"

static void targets_are_decoded_once(void)
{
    static const char *const bad[] = { "",      "v2",      "/%",      "/%2",   "/%zz",  "/a%00b", "/a%0ab",
                                       "/a\nb", "/?a=%00", "/?%1f=a", "/a%7f", "/?a=%", "/%2",    "*" };
    struct uri u;

    CHECK_INT(uri_parse("/v2/a%2Fb/%2e%2e/%2541?mount=sha256%3Aab&from=x&flag&&n=", &u), 0);
    CHECK_STR(u.path, "/v2/a/b/../%41");
    CHECK_STR(uri_param(&u, "mount"), "sha256:ab");
    CHECK_STR(uri_param(&u, "flag"), "");
    CHECK_STR(uri_param(&u, "n"), "");
    CHECK(uri_param(&u, "none") == NULL && u.n_params == 4);
    uri_free(&u);
    CHECK_INT(uri_parse("/a%41", &u), 0);
    CHECK_STR(u.path, "/aA");
    uri_free(&u);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(uri_parse(bad[i], &u), -EINVAL);
}

static void targets_are_bounded(void)
{
    _cleanup_free_ char *longest = mem_zalloc(URI_MAX + 2);
    _cleanup_buf_ struct buf many = { 0 };
    struct uri u;

    memset(longest, 'a', URI_MAX + 1);
    longest[0] = '/';
    CHECK_INT(uri_parse(longest, &u), -ENAMETOOLONG);
    longest[URI_MAX] = '\0';
    CHECK_INT(uri_parse(longest, &u), 0);
    uri_free(&u);
    buf_puts(&many, "/?");
    for (int i = 0; i <= URI_PARAMS_MAX; i++)
        buf_puts(&many, "a&");
    CHECK_INT(uri_parse(many.data, &u), -EINVAL);
}

static void paths_lead_to_endpoints(void)
{
    static const struct {
        const char *path;
        enum route_kind kind;
        const char *name, *reference;
    } cases[] = {
        { "/v2/", ROUTE_BASE, NULL, NULL },
        { "/v2", ROUTE_BASE, NULL, NULL },
        { "/metrics", ROUTE_METRICS, NULL, NULL },
        { "/token", ROUTE_TOKEN, NULL, NULL },
        { "/", ROUTE_UNKNOWN, NULL, NULL },
        { "/v1/a/tags/list", ROUTE_UNKNOWN, NULL, NULL },
        { "/v2/a", ROUTE_UNKNOWN, NULL, NULL },
        { "/v2/a/tags/list", ROUTE_TAGS, "a", NULL },
        { "/v2/a/tags/lists", ROUTE_UNKNOWN, NULL, NULL },
        { "/v2/a/b/manifests/latest", ROUTE_MANIFEST, "a/b", "latest" },
        { "/v2/a/manifests/", ROUTE_UNKNOWN, NULL, NULL },
        { "/v2/manifests/x", ROUTE_UNKNOWN, NULL, NULL },
        { "/v2/a/blobs/sha256:x", ROUTE_BLOB, "a", "sha256:x" },
        { "/v2/a/blobs/uploads/", ROUTE_UPLOADS, "a", NULL },
        { "/v2/a/blobs/uploads", ROUTE_UPLOADS, "a", NULL },
        { "/v2/a/blobs/uploads/x", ROUTE_UPLOAD, "a", "x" },
        { "/v2/a/referrers/sha256:x", ROUTE_REFERRERS, "a", "sha256:x" },
        { "/v2/blobs/blobs/uploads/blobs/x", ROUTE_BLOB, "blobs/blobs/uploads", "x" },
        { "/v2/a/manifests/tags/list", ROUTE_TAGS, "a/manifests", NULL },
        { "/v2/../../etc/blobs/x", ROUTE_BLOB, "../../etc", "x" },
        { "/v2//manifests/x", ROUTE_MANIFEST, "", "x" },
    };
    struct route r;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        route_parse(cases[i].path, &r);
        CHECK_INT(r.kind, cases[i].kind);
        CHECK(str_eq(r.name, cases[i].name));
        CHECK(str_eq(r.reference, cases[i].reference));
        route_free(&r);
    }
}

static void ranges_are_those_of_rfc_9110(void)
{
    static const struct {
        const char *header;
        int r;
        uint64_t first, last;
    } cases[] = {
        { "bytes=0-0", 0, 0, 0 },
        { "bytes=2-5", 0, 2, 5 },
        { "bytes=2-", 0, 2, 9 },
        { "bytes=5-100", 0, 5, 9 },
        { "bytes=-3", 0, 7, 9 },
        { "bytes=-100", 0, 0, 9 },
        { "bytes=10-", -ERANGE, 0, 0 },
        { "bytes=-0", -ERANGE, 0, 0 },
        { "bytes=5-2", -EINVAL, 0, 0 },
        { "bytes=0-1,3-4", -EINVAL, 0, 0 },
        { "bytes=", -EINVAL, 0, 0 },
        { "bytes=-", -EINVAL, 0, 0 },
        { "bytes=+1-2", -EINVAL, 0, 0 },
        { "lines=0-1", -EINVAL, 0, 0 },
        { "bytes=0-99999999999999999999999", -EINVAL, 0, 0 },
        { "bytes=0x1-2", -EINVAL, 0, 0 },
    };
    uint64_t first, last;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        first = last = 0;
        CHECK_INT(range_parse(cases[i].header, 10, &first, &last), cases[i].r);
        CHECK_INT(first, cases[i].first);
        CHECK_INT(last, cases[i].last);
    }
    CHECK_INT(range_parse("bytes=0-", 0, &first, &last), -ERANGE);
    CHECK_INT(range_parse("bytes=-1", 0, &first, &last), -ERANGE);
}

static void a_chunk_says_first_and_last(void)
{
    static const char *const bad[] = { "",      "-",     "1",    "1-", "-1", "2-1", "bytes 0-1/2",
                                       "0-1/2", "0-1-2", " 0-1", "a-b" };
    uint64_t first, last;

    CHECK_INT(content_range_parse("10-19", &first, &last), 0);
    CHECK(first == 10 && last == 19);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(content_range_parse(bad[i], &first, &last), -EINVAL);
}

static void credentials_are_read_strictly(void)
{
    static const char *const bad[] = { "",
                                       "Basic",
                                       "Basic ",
                                       "Basic !!!!",
                                       "Basic YWJj",
                                       "Digest x",
                                       "Basic YTpi=",
                                       "Basic YTo",
                                       "Basic YQA6Yg==" /* a NUL */,
                                       "Bearer ",
                                       "Bearer a b",
                                       "Basic YTpiZ===" };
    struct credentials c;

    CHECK_INT(credentials_parse("Basic YWxpY2U6czpjcmV0", &c), 0);
    CHECK_STR(c.user, "alice");
    CHECK_STR(c.secret, "s:cret");
    credentials_free(&c);
    CHECK_INT(credentials_parse("bearer a.b.c", &c), 0);
    CHECK(c.kind == CREDENTIALS_BEARER && !c.user);
    CHECK_STR(c.secret, "a.b.c");
    credentials_free(&c);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(credentials_parse(bad[i], &c), -EINVAL);
}

static void base64_has_one_spelling(void)
{
    static const char *const texts[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
    size_t n;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        _cleanup_free_ char *there = base64url_encode(texts[i], strlen(texts[i]));
        _cleanup_free_ char *back = base64_decode(there, strlen(there), true, &n);

        CHECK_STR(back, texts[i]);
        CHECK_INT(n, strlen(texts[i]));
    }
    /* The same byte with other left-over bits. */
    CHECK(base64_decode("Zh", 2, true, &n) == NULL);
    CHECK(base64_decode("Zg", 2, false, &n) == NULL);
}

static void scopes_name_a_repository_and_actions(void)
{
    static const char *const bad[] = { "", "repository:a", "registry:catalog:*", "repository:../a:pull",
                                       "repository::pull" };
    char name[REFERENCE_REPOSITORY_MAX + 1];
    unsigned actions;

    CHECK_INT(scope_parse("repository:a/b:pull,push,fly", 28, name, &actions), 0);
    CHECK_STR(name, "a/b");
    CHECK_INT(actions, ACTION_PULL | ACTION_PUSH);
    CHECK_INT(scope_parse("repository:a:*", 14, name, &actions), 0);
    CHECK_INT(actions, ACTION_ALL);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(scope_parse(bad[i], strlen(bad[i]), name, &actions), -EINVAL);
}

static void a_token_is_good_for_what_it_says_until_it_expires(void)
{
    unsigned char key[TOKEN_KEY_SIZE] = { 1, 2, 3 }, other[TOKEN_KEY_SIZE] = { 0 };
    struct token t = { .user = "al\"ice", .issued = 1000, .expires = 1300, .n_grants = 1 }, got;
    _cleanup_free_ char *text = NULL;

    (void)str_format(t.grants[0].name, sizeof(t.grants[0].name), "a/b");
    t.grants[0].actions = ACTION_PULL | ACTION_DELETE;
    text = token_sign(key, &t);
    CHECK_INT(token_verify(key, text, 1299, &got), 0);
    CHECK_STR(got.user, "al\"ice");
    CHECK_INT(token_actions(&got, "a/b"), ACTION_PULL | ACTION_DELETE);
    CHECK_INT(token_actions(&got, "a"), 0);
    CHECK_INT(token_verify(key, text, 1300, &got), -ESTALE);
    CHECK_INT(token_verify(other, text, 1000, &got), -EBADMSG);
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];

        text[i] = was == 'A' ? 'B' : 'A';
        CHECK_INT(token_verify(key, text, 1000, &got), -EBADMSG);
        text[i] = was;
    }
    CHECK_INT(token_verify(key, "", 0, &got), -EBADMSG);
    CHECK_INT(token_verify(key, "a.b", 0, &got), -EBADMSG);
    /* "alg": "none" */
    CHECK_INT(token_verify(key, "eyJhbGciOiJub25lIn0.e30.", 0, &got), -EBADMSG);
}

static void passwords_are_checked_by_the_hash_of_the_file(void)
{
    /* bcrypt of "secret"; and a hash of nothing */
    static const char text[] = "# users\r\n"
                               "\n"
                               "alice:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"
                               "bob:$5$saltsalt$wrong\n";
    struct options options = { 0 };
    struct auth *a = auth_new(&options);
    struct err e;

    strv_append(&options.readers, &options.n_readers, "bob");
    CHECK_INT(auth_parse(a, text, &e), 0);
    CHECK(auth_check(a, "alice", "secret") && auth_check(a, "alice", "secret"));
    CHECK(!auth_check(a, "alice", "Secret") && !auth_check(a, "alice", "") &&
          !auth_check(a, "eve", "secret"));
    CHECK(!auth_check(a, "bob", "secret"));
    CHECK_INT(auth_rights(a, "alice"), ACTION_ALL);
    CHECK_INT(auth_rights(a, "bob"), ACTION_PULL);
    CHECK_INT(auth_rights(a, NULL), 0);
    options.anonymous_pull = true;
    CHECK_INT(auth_rights(a, NULL), ACTION_PULL);
    CHECK_INT(auth_parse(a, "x:y\n", &e), -EINVAL);
    CHECK(strstr(e.message, "line 1") && strstr(e.message, "\"x\""));
    CHECK_INT(auth_parse(a, "\nalice\n", &e), -EINVAL);
    CHECK(strstr(e.message, "line 2") != NULL);
    CHECK_INT(auth_parse(a, "a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", &e), -EINVAL);
    auth_close(a);
    strv_freep(&options.readers);
}

static int scratch(char *path)
{
    const char *tmp = getenv("TMPDIR");

    (void)str_format(path, PATH_MAX, "%s/lichen-unit-registry.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static bool collect(const char *name, const struct layout *l, void *argument)
{
    CHECK(l->dir >= 0);
    buf_printf(argument, "%s ", name);
    return false;
}

static void every_repository_has_a_directory_of_its_own(void)
{
    static const char *const names[] = {
        "a", "a/b", "a_b", "a/blobs", "a/blobs/sha256", "a/index.json", "a/oci-layout", "blobs"
    };
    _cleanup_buf_ struct buf found = { 0 };
    char path[PATH_MAX];
    int root = scratch(path);
    struct layout l;
    struct err e;

    CHECK_INT(repository_open(root, "a", false, &l, &e), -ENOENT);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct digest d;

        CHECK_INT(repository_open(root, names[i], true, &l, &e), 0);
        digest_of(DIGEST_SHA256, names[i], strlen(names[i]), &d);
        CHECK(!layout_has_blob(&l, &d));
        CHECK_INT(layout_write_blob(&l, &d, names[i], strlen(names[i]), &e), 0);
        layout_close(&l);
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            struct digest d;

            CHECK_INT(repository_open(root, names[i], false, &l, &e), 0);
            digest_of(DIGEST_SHA256, names[k], strlen(names[k]), &d);
            CHECK_INT(layout_has_blob(&l, &d), i == k);
            layout_close(&l);
        }
    }
    (void)repository_each(root, collect, &found);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_free_ char *word = str_printf("%s ", names[i]);

        CHECK(strstr(found.data, word) != NULL);
    }
    CHECK_INT(repository_open(root, "../x", true, &l, &e), -EINVAL);
    CHECK_INT(symlinkat("/", root, "link"), 0);
    CHECK(repository_open(root, "link/tmp", true, &l, &e) < 0);
    fd_close(root);
    CHECK_INT(path_remove_tree(AT_FDCWD, path), 0);
}

static void an_upload_is_one_requests_at_a_time(void)
{
    struct sessions *s = sessions_new(1);
    struct session *one, *got;
    char path[PATH_MAX], id[SESSION_ID_LENGTH + 1];
    struct layout l;
    struct err e;

    CHECK_INT(layout_open(scratch(path), true, &l, &e), 0);
    one = sessions_begin(s, "a", &l, DIGEST_SHA256, &e);
    CHECK(one != NULL);
    (void)str_format(id, sizeof(id), "%s", one->id);
    CHECK_INT(strlen(id), SESSION_ID_LENGTH);
    CHECK_INT(sessions_take(s, "a", id, &got), -EBUSY);
    sessions_give(s, one);
    CHECK_INT(sessions_take(s, "b", id, &got), -ENOENT);
    CHECK_INT(sessions_take(s, "a", "../index.json", &got), -ENOENT);
    CHECK_INT(sessions_take(s, "a", id, &got), 0);
    CHECK(sessions_begin(s, "a", &l, DIGEST_SHA256, &e) == NULL && e.code == EAGAIN);
    sessions_end(s, got);
    CHECK_INT(sessions_take(s, "a", id, &got), -ENOENT);
    CHECK_INT(sessions_count(s), 0);
    sessions_free(s);
    layout_close(&l);
    CHECK_INT(path_remove_tree(AT_FDCWD, path), 0);
}

static void a_certificate_is_pem(void)
{
    _cleanup_buf_ struct buf cert = { 0 }, key = { 0 };
    struct err e;

    CHECK_INT(tls_make_certificate("192.0.2.1", &cert, &key, &e), 0);
    CHECK(str_has_prefix(cert.data, "-----BEGIN CERTIFICATE-----"));
    CHECK(str_has_prefix(key.data, "-----BEGIN PRIVATE KEY-----"));
    CHECK_INT(tls_make_certificate("not an address", &cert, &key, &e), -EIO);
}

UNIT_MAIN(TEST(targets_are_decoded_once), TEST(targets_are_bounded), TEST(paths_lead_to_endpoints),
          TEST(ranges_are_those_of_rfc_9110), TEST(a_chunk_says_first_and_last),
          TEST(credentials_are_read_strictly), TEST(base64_has_one_spelling),
          TEST(scopes_name_a_repository_and_actions), TEST(a_token_is_good_for_what_it_says_until_it_expires),
          TEST(passwords_are_checked_by_the_hash_of_the_file),
          TEST(every_repository_has_a_directory_of_its_own), TEST(an_upload_is_one_requests_at_a_time),
          TEST(a_certificate_is_pem))
