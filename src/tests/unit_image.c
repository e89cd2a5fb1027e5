// SPDX-License-Identifier: Apache-2.0
/* Digests, references, manifests, and a layout's blobs and index. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "image/digest.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "tests/unit.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_SHA512                                                     \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void digests_have_one_spelling(void)
{
    static const char *const bad[] = {
        "",
        "sha256",
        "sha256:",
        EMPTY_SHA256,
        "sha256:" EMPTY_SHA256 "0",
        "sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "SHA256:" EMPTY_SHA256,
        "sha256:../../../../../../../../../../../../../../../../../../../../../../x",
        "sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        " sha256:" EMPTY_SHA256,
        "sha256:" EMPTY_SHA256 "\n",
        "sha512:" EMPTY_SHA256,
        "sha256:sha256:" EMPTY_SHA256,
        ":" EMPTY_SHA256,
    };
    char text[DIGEST_TEXT_MAX + 1];
    struct digest d;
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(digest_parse(bad[i], &d, &e), -EINVAL);
    CHECK_INT(digest_parse("md5:d41d8cd98f00b204e9800998ecf8427e", &d, &e), -EOPNOTSUPP);
    CHECK_INT(digest_parse("a-very-long+algorithm.name:00", &d, &e), -EOPNOTSUPP);
    CHECK_INT(digest_parse("sha256:" EMPTY_SHA256, &d, &e), 0);
    CHECK_STR(digest_format(&d, text), "sha256:" EMPTY_SHA256);
    CHECK_INT(digest_parse("sha512:" ABC_SHA512, &d, &e), 0);
    CHECK_STR(digest_format(&d, text), "sha512:" ABC_SHA512);
}

static void hashes_are_those_of_fips_180(void)
{
    struct digest_stream s;
    struct digest d;

    digest_of(DIGEST_SHA256, "", 0, &d);
    CHECK_STR(d.hex, EMPTY_SHA256);
    digest_stream_start(&s, DIGEST_SHA512);
    digest_stream_add(&s, "a", 1);
    digest_stream_add(&s, "bc", 2);
    digest_stream_finish(&s, &d);
    CHECK_STR(d.hex, ABC_SHA512);
}

static void references_are_split_as_docker_splits_them(void)
{
    static const struct {
        const char *text, *host, *repository, *tag;
    } cases[] = {
        { "busybox", "", "busybox", "" },
        { "busybox:1.36", "", "busybox", "1.36" },
        { "library/busybox", "", "library/busybox", "" },
        { "localhost/a", "localhost", "a", "" },
        { "localhost:5000", "", "localhost", "5000" },
        { "localhost:5000/a:T", "localhost:5000", "a", "T" },
        { "quay.io/a/b/c:v-1_x.y", "quay.io", "a/b/c", "v-1_x.y" },
        { "[::1]:5000/a", "[::1]:5000", "a", "" },
        { "Host/a", "Host", "a", "" },
        { "a.b-c__d---e/f", "a.b-c__d---e", "f", "" },
    };
    static const char *const bad[] = {
        "",       "A",    "a:",    "a@",      "a/",           "/a",         "a//b",        "a/../b",
        "a:b:c",  "a:-t", "a:.t",  "h:0/a",   "h:x/a",        "a__._b",     "x.y/a___b",   "-h.x/a",
        "h..x/a", "a b",  "a%2fb", "h:5000/", "a@sha256:123", "x.y/a.-b:t", "h:70000/a:t", "a@b"
    };
    struct reference r;
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[REFERENCE_TEXT_MAX + 1];

        if (i == ARRAY_SIZE(cases) - 1) {
            /* "__" and runs of "-" are a repository's, not a host's. */
            CHECK_INT(reference_parse(cases[i].text, &r, &e), -EINVAL);
            continue;
        }
        CHECK_INT(reference_parse(cases[i].text, &r, &e), 0);
        CHECK_STR(r.host, cases[i].host);
        CHECK_STR(r.repository, cases[i].repository);
        CHECK_STR(r.tag, cases[i].tag);
        CHECK_STR(reference_format(&r, text), cases[i].text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_INT(reference_parse(bad[i], &r, &e), -EINVAL);
        CHECK(strstr(e.message, bad[i]) != NULL);
    }
    CHECK_INT(reference_parse("x.y/a:t@sha256:" EMPTY_SHA256, &r, &e), 0);
    CHECK(r.has_digest && str_eq(r.digest.hex, EMPTY_SHA256) && str_eq(r.tag, "t"));
    CHECK_INT(reference_parse("a@md5:0", &r, &e), -EOPNOTSUPP);
}

static void names_are_bounded(void)
{
    char name[REFERENCE_REPOSITORY_MAX + 2], tag[REFERENCE_TAG_MAX + 2];

    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    CHECK_INT(reference_check_repository(name, NULL), -EINVAL);
    name[sizeof(name) - 2] = '\0';
    CHECK_INT(reference_check_repository(name, NULL), 0);
    memset(tag, 'T', sizeof(tag));
    tag[sizeof(tag) - 1] = '\0';
    CHECK_INT(reference_check_tag(tag, NULL), -EINVAL);
    tag[sizeof(tag) - 2] = '\0';
    CHECK_INT(reference_check_tag(tag, NULL), 0);
}

#define DESCRIPTOR(type) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" EMPTY_SHA256 "\",\"size\":0}"

static void a_manifest_is_an_image_or_an_index(void)
{
    static const char image[] =
        "{\"schemaVersion\":2,\"config\":" DESCRIPTOR("a/config") ",\"layers\":[" DESCRIPTOR(
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") "],\"subject\":" DESCRIPTOR("a/b") "}";
    static const char index[] =
        "{\"schemaVersion\":2,\"artifactType\":\"x/y\",\"manifests\":[" DESCRIPTOR(MEDIA_TYPE_IMAGE) "]}";
    struct manifest m;
    struct err e;

    CHECK_INT(manifest_parse(image, strlen(image), NULL, &m, &e), 0);
    CHECK(!m.index && m.n_references == 2 && m.has_subject && str_eq(m.subject.hex, EMPTY_SHA256));
    CHECK_STR(m.media_type, MEDIA_TYPE_IMAGE);
    CHECK_STR(m.artifact_type, "a/config");
    CHECK(!m.references[0].foreign && m.references[1].foreign && !m.references[1].manifest);
    manifest_free(&m);
    CHECK_INT(manifest_parse(index, strlen(index), MEDIA_TYPE_INDEX, &m, &e), 0);
    CHECK(m.index && m.n_references == 1 && m.references[0].manifest && !m.has_subject);
    CHECK_STR(m.artifact_type, "x/y");
    manifest_free(&m);
}

static void what_is_no_manifest_says_why(void)
{
    static const struct {
        const char *text, *type, *words;
        int code;
    } cases[] = {
        { "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", NULL, "both manifests and layers",
          -EINVAL },
        { "{\"schemaVersion\":2}", NULL, "neither an image", -EINVAL },
        { "{\"schemaVersion\":1,\"manifests\":[]}", NULL, "schemaVersion", -EINVAL },
        { "{\"schemaVersion\":2,\"manifests\":[{}]}", NULL, "manifests[0]: mediaType is missing", -EINVAL },
        { "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:x\",\"size\":1}]}",
          NULL, "manifests[0]: sha256 digest", -EINVAL },
        { "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"md5:00\",\"size\":1}]}",
          NULL, "unknown algorithm", -EOPNOTSUPP },
        { "{\"schemaVersion\":2,\"mediaType\":\"a/b\",\"manifests\":[]}", "a/c", "but it was sent as",
          -EINVAL },
        { "{\"schemaVersion\":2,\"manifests\":[]}", "a", "not a media type", -EINVAL },
        { "{\"schemaVersion\":2,\"manifests\":{}}", NULL, "not a list", -EINVAL },
        { "{\"schemaVersion\":2,\"manifests\":[],\"annotations\":1}", NULL, "annotations", -EINVAL },
        { "not JSON", NULL, "manifest", -EINVAL },
        { "", NULL, "manifest", -EINVAL },
    };
    struct manifest m;
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CHECK_INT(manifest_parse(cases[i].text, strlen(cases[i].text), cases[i].type, &m, &e), cases[i].code);
        CHECK(strstr(e.message, cases[i].words) != NULL);
    }
}

/* A directory of its own for one test. */
static int scratch(char *path)
{
    const char *tmp = getenv("TMPDIR");

    (void)str_format(path, PATH_MAX, "%s/lichen-unit-image.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static void scratch_end(struct layout *l, const char *path)
{
    layout_close(l);
    CHECK_INT(path_remove_tree(AT_FDCWD, path), 0);
}

static size_t files_in(const struct layout *l, const char *name)
{
    DIR *d = fdopendir(openat(l->dir, name, O_RDONLY | O_DIRECTORY));
    struct dirent *entry;
    size_t n = 0;

    while (d && (entry = readdir(d)))
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void a_blob_appears_whole_and_right_or_not_at_all(void)
{
    char path[PATH_MAX];
    struct layout l;
    struct layout_partial p;
    struct digest abc, other;
    struct err e;
    _cleanup_buf_ struct buf text = { 0 };

    CHECK_INT(layout_open(scratch(path), true, &l, &e), 0);
    digest_of(DIGEST_SHA256, "abc", 3, &abc);
    digest_of(DIGEST_SHA256, "abd", 3, &other);
    CHECK_INT(layout_write_blob(&l, &other, "abc", 3, &e), -EBADMSG);
    CHECK(!layout_has_blob(&l, &other) && !layout_has_blob(&l, &abc));
    CHECK_INT(files_in(&l, ".partial"), 0);
    CHECK_INT(layout_partial_begin(&l, DIGEST_SHA256, &p, &e), 0);
    CHECK_INT(layout_partial_add(&p, "ab", 2, &e), 0);
    CHECK(!layout_has_blob(&l, &abc));
    CHECK_INT(layout_partial_add(&p, "c", 1, &e), 0);
    CHECK_INT(layout_partial_commit(&l, &p, &abc, &e), 0);
    CHECK_INT(layout_read_blob(&l, &abc, 3, &text), 0);
    CHECK_STR(text.data, "abc");
    CHECK_INT(layout_read_blob(&l, &abc, 2, &text), -EFBIG);
    /* The other algorithm than the one that was expected. */
    CHECK_INT(layout_partial_begin(&l, DIGEST_SHA256, &p, &e), 0);
    CHECK_INT(layout_partial_add(&p, "abc", 3, &e), 0);
    CHECK_INT(digest_parse("sha512:" ABC_SHA512, &abc, &e), 0);
    CHECK_INT(layout_partial_commit(&l, &p, &abc, &e), 0);
    CHECK_INT(layout_read_blob(&l, &abc, 3, &text), 0);
    CHECK_INT(layout_remove_blob(&l, &abc), 0);
    CHECK_INT(layout_remove_blob(&l, &abc), -ENOENT);
    scratch_end(&l, path);
}

static void a_damaged_or_misplaced_blob_is_not_read(void)
{
    char path[PATH_MAX], file[sizeof("blobs/sha256/") + DIGEST_HEX_MAX];
    struct layout l;
    struct digest abc;
    struct err e;
    int fd;
    _cleanup_buf_ struct buf text = { 0 };

    CHECK_INT(layout_open(scratch(path), true, &l, &e), 0);
    digest_of(DIGEST_SHA256, "abc", 3, &abc);
    (void)str_format(file, sizeof(file), "blobs/sha256/%s", abc.hex);
    fd = openat(l.dir, file, O_WRONLY | O_CREAT, 0600);
    CHECK_INT(fd_write_all(fd, "abx", 3), 0);
    fd_close(fd);
    CHECK_INT(layout_read_blob(&l, &abc, 3, &text), -EBADMSG);
    CHECK_INT(unlinkat(l.dir, file, 0), 0);
    CHECK_INT(symlinkat("/etc/passwd", l.dir, file), 0);
    CHECK(layout_open_blob(&l, &abc, NULL) < 0);
    CHECK_INT(unlinkat(l.dir, file, 0), 0);
    CHECK_INT(mkfifoat(l.dir, file, 0600), 0);
    CHECK_INT(layout_open_blob(&l, &abc, NULL), -ENOENT);
    scratch_end(&l, path);
}

static void sweeping_takes_only_what_nobody_writes(void)
{
    char path[PATH_MAX];
    struct layout l;
    struct layout_partial p;
    struct digest abc;
    struct err e;

    CHECK_INT(layout_open(scratch(path), true, &l, &e), 0);
    CHECK_INT(layout_partial_begin(&l, DIGEST_SHA256, &p, &e), 0);
    CHECK_INT(layout_partial_add(&p, "abc", 3, &e), 0);
    CHECK_INT(mknodat(l.dir, ".partial/dead", S_IFREG | 0600, 0), 0);
    CHECK_INT(files_in(&l, ".partial"), 2);
    layout_sweep(&l);
    CHECK_INT(files_in(&l, ".partial"), 1);
    digest_of(DIGEST_SHA256, "abc", 3, &abc);
    CHECK_INT(layout_partial_commit(&l, &p, &abc, &e), 0);
    CHECK(layout_has_blob(&l, &abc));
    scratch_end(&l, path);
}

static void a_blob_is_shared_between_layouts(void)
{
    char here[PATH_MAX], there[PATH_MAX];
    struct layout from, to;
    struct digest abc;
    struct err e;

    CHECK_INT(layout_open(scratch(here), true, &from, &e), 0);
    CHECK_INT(layout_open(scratch(there), true, &to, &e), 0);
    digest_of(DIGEST_SHA512, "abc", 3, &abc);
    CHECK_INT(layout_share_blob(&from, &to, &abc, &e), -ENOENT);
    CHECK_INT(layout_write_blob(&from, &abc, "abc", 3, &e), 0);
    CHECK_INT(layout_share_blob(&from, &to, &abc, &e), 0);
    CHECK_INT(layout_share_blob(&from, &to, &abc, &e), 0);
    CHECK_INT(layout_remove_blob(&from, &abc), 0);
    CHECK(layout_has_blob(&to, &abc));
    scratch_end(&from, here);
    scratch_end(&to, there);
}

static void tags_move_and_manifests_stay(void)
{
    struct manifest_reference one = { .size = 3, .media_type = MEDIA_TYPE_IMAGE }, two = one;
    struct layout_index index;
    struct layout_entry entry;
    char path[PATH_MAX];
    struct layout l;
    struct err e;

    CHECK_INT(layout_open(scratch(path), true, &l, &e), 0);
    digest_of(DIGEST_SHA256, "one", 3, &one.digest);
    digest_of(DIGEST_SHA256, "two", 3, &two.digest);
    CHECK_INT(layout_index_read(&l, &index, &e), 0);
    layout_index_put(&index, &one, NULL, NULL);
    layout_index_put(&index, &one, "x/y", "a");
    CHECK_INT(layout_index_length(&index), 1);
    layout_index_put(&index, &one, "x/y", "b");
    layout_index_put(&index, &two, NULL, "a");
    /* "one" keeps its tag b; no entry of it without one. */
    CHECK_INT(layout_index_length(&index), 2);
    layout_index_put(&index, &two, NULL, "b");
    CHECK(layout_index_find_digest(&index, &one.digest, &entry) && !entry.tag);
    CHECK_INT(layout_index_write(&l, &index, &e), 0);
    layout_index_free(&index);
    CHECK_INT(layout_index_read(&l, &index, &e), 0);
    CHECK_INT(layout_index_length(&index), 3);
    CHECK(layout_index_find_tag(&index, "b", &entry) && digest_eq(&entry.descriptor.digest, &two.digest));
    CHECK(layout_index_untag(&index, "b") && !layout_index_untag(&index, "b"));
    CHECK(layout_index_drop(&index, &two.digest) && !layout_index_find_tag(&index, "a", &entry));
    CHECK(!layout_index_drop(&index, &two.digest));
    layout_index_free(&index);
    scratch_end(&l, path);
}

static void members_of_an_index_that_we_do_not_know_are_kept(void)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"x\":{\"y\":[1]},\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":"
        "\"sha256:" EMPTY_SHA256 "\",\"size\":0,\"platform\":{\"os\":\"linux\"}}]}";
    struct layout_index index;
    struct err e;

    CHECK_INT(layout_index_parse(text, strlen(text), &index, &e), 0);
    CHECK_STR(
        json_object_to_json_string_ext(index.root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
        text);
    layout_index_free(&index);
    CHECK_INT(layout_index_parse("{\"schemaVersion\":2,\"manifests\":[1]}", 35, &index, &e), -EINVAL);
    CHECK(strstr(e.message, "index.json: manifests[0]") != NULL);
}

static void the_lock_excludes_other_descriptors(void)
{
    char path[PATH_MAX];
    struct layout l;
    struct err e;
    int lock, other;

    CHECK_INT(layout_open(scratch(path), true, &l, &e), 0);
    lock = layout_lock(&l, &e);
    other = openat(l.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(lock >= 0 && flock(other, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
    fd_close(lock);
    CHECK_INT(flock(other, LOCK_EX | LOCK_NB), 0);
    fd_close(other);
    scratch_end(&l, path);
}

static void a_directory_of_something_else_is_no_layout(void)
{
    char path[PATH_MAX];
    struct layout l;
    struct err e;
    int dir = scratch(path);

    CHECK_INT(layout_open(dup(dir), false, &l, &e), -ENOENT);
    CHECK_INT(fd_replace_file(dir, "oci-layout", 0600, "{\"imageLayoutVersion\":\"2.0.0\"}", 30, false), 0);
    CHECK_INT(layout_open(dup(dir), true, &l, &e), -EINVAL);
    CHECK(strstr(e.message, "imageLayoutVersion") != NULL);
    fd_close(dir);
    CHECK_INT(path_remove_tree(AT_FDCWD, path), 0);
}

UNIT_MAIN(TEST(digests_have_one_spelling), TEST(hashes_are_those_of_fips_180),
          TEST(references_are_split_as_docker_splits_them), TEST(names_are_bounded),
          TEST(a_manifest_is_an_image_or_an_index), TEST(what_is_no_manifest_says_why),
          TEST(a_blob_appears_whole_and_right_or_not_at_all), TEST(a_damaged_or_misplaced_blob_is_not_read),
          TEST(sweeping_takes_only_what_nobody_writes), TEST(a_blob_is_shared_between_layouts),
          TEST(tags_move_and_manifests_stay), TEST(members_of_an_index_that_we_do_not_know_are_kept),
          TEST(the_lock_excludes_other_descriptors), TEST(a_directory_of_something_else_is_no_layout))
