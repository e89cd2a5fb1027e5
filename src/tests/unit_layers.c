// SPDX-License-Identifier: Apache-2.0
/* image/layers.c: a layer is there whole or not at all, once. Runs with one id, as an unprivileged build
 * does. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "image/layers.h"
#include "tests/unit.h"

static char top[] = "/tmp/lichen-layers-XXXXXX";
static int root = -1;
static struct layout blobs = { -1 };
static struct layers layers = { -1 };
static struct digest blob, diff_id;
static const struct unpack_options options = { .single_id = true,
                                               .max_bytes = 1 << 24,
                                               .max_entries = 10000 };

/* A gzip layer of @n files as a blob; its two digests. */
static void make_blob(int n)
{
    static char tar[1 << 22], gz[1 << 22];
    struct archive *a = archive_write_new();
    size_t tar_size = 0, gz_size = 0;
    struct archive_entry *entry;
    struct err e = { 0 };

    archive_write_set_format_pax_restricted(a);
    CHECK_INT(archive_write_open_memory(a, tar, sizeof(tar), &tar_size), ARCHIVE_OK);
    for (int i = 0; i < n; i++) {
        char name[32];

        (void)str_format(name, sizeof(name), "d%d/f", i);
        entry = archive_entry_new();
        archive_entry_set_pathname(entry, name);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, 4);
        archive_write_header(a, entry);
        archive_write_data(a, "data", 4);
        archive_entry_free(entry);
    }
    CHECK_INT(archive_write_free(a), ARCHIVE_OK);
    digest_of(DIGEST_SHA256, tar, tar_size, &diff_id);
    a = archive_write_new();
    archive_write_set_format_raw(a);
    archive_write_add_filter_gzip(a);
    archive_write_set_bytes_per_block(a, 0);
    CHECK_INT(archive_write_open_memory(a, gz, sizeof(gz), &gz_size), ARCHIVE_OK);
    entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(a, entry);
    archive_write_data(a, tar, tar_size);
    archive_entry_free(entry);
    CHECK_INT(archive_write_free(a), ARCHIVE_OK);
    digest_of(DIGEST_SHA256, gz, gz_size, &blob);
    CHECK_INT(layout_write_blob(&blobs, &blob, gz, gz_size, &e), 0);
}

static void begin(int n)
{
    struct err e = { 0 };

    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)str_format(top, sizeof(top), "/tmp/lichen-layers-XXXXXX");
    CHECK(mkdtemp(top) != NULL);
    root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(mkdirat(root, "images", 0755) == 0 && mkdirat(root, "layers", 0755) == 0);
    CHECK_INT(layout_open(openat(root, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC), true, &blobs, &e), 0);
    CHECK_INT(layers_open(openat(root, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &layers, &e), 0);
    make_blob(n);
}

static void end(void)
{
    layout_close(&blobs);
    layers_close(&layers);
    root = fd_close(root);
    CHECK_INT(path_remove_tree(AT_FDCWD, top), 0);
}

static int have(struct err *e)
{
    struct unpack_report report;

    return layers_have(&layers, &blobs, &blob, &diff_id, &options, &report, e);
}

static bool is_empty(const char *path)
{
    return unlinkat(root, path, AT_REMOVEDIR) == 0 && mkdirat(root, path, 0711) == 0;
}

/* How many of the layer's files are there; -1 without a layer. */
static int files(int n)
{
    _cleanup_close_ int dir = layers_open_layer(&layers, &diff_id);
    int found = 0;

    for (int i = 0; dir >= 0 && i < n; i++) {
        char name[32];

        (void)str_format(name, sizeof(name), "d%d/f", i);
        found += faccessat(dir, name, F_OK, 0) == 0;
    }
    return dir < 0 ? -1 : found;
}

static void a_layer_is_unpacked_once(void)
{
    struct err e = { 0 };

    begin(3);
    CHECK_INT(layers_open_layer(&layers, &diff_id), -ENOENT);
    CHECK_INT(have(&e), 0);
    CHECK_INT(files(3), 3);
    CHECK_INT(have(&e), 1);
    CHECK(is_empty("layers/.partial"));
    /* It needs its blob no more. */
    CHECK_INT(layout_remove_blob(&blobs, &blob), 0);
    CHECK_INT(have(&e), 1);
    CHECK_INT(layers_remove(&layers, &diff_id, &e), 0);
    CHECK_INT(files(3), -1);
    CHECK_INT(layers_remove(&layers, &diff_id, &e), -ENOENT);
    CHECK(is_empty("layers/.partial"));
    end();
}

static void another_content_than_the_diff_id_says_is_refused(void)
{
    struct err e = { 0 };

    begin(3);
    diff_id.hex[0] = diff_id.hex[0] == '0' ? '1' : '0';
    CHECK_INT(have(&e), -EBADMSG);
    CHECK(strstr(e.message, "uncompressed") && strstr(e.remedy, diff_id.hex));
    CHECK_INT(files(3), -1);
    CHECK(is_empty("layers/.partial"));
    end();
}

static void a_missing_or_damaged_blob_leaves_nothing(void)
{
    struct err e = { 0 };

    begin(3);
    CHECK_INT(layout_remove_blob(&blobs, &blob), 0);
    CHECK_INT(have(&e), -ENOENT);
    digest_of(DIGEST_SHA256, "garbage", 7, &blob);
    CHECK_INT(layout_write_blob(&blobs, &blob, "garbage", 7, &e), 0);
    CHECK(have(&e) < 0);
    CHECK_INT(files(3), -1);
    CHECK(is_empty("layers/.partial"));
    end();
}

static void what_a_killed_one_left_is_begun_anew(void)
{
    struct err e = { 0 };
    char name[DIGEST_TEXT_MAX + 32];

    begin(3);
    (void)str_format(name, sizeof(name), "layers/.partial/sha256-%s", diff_id.hex);
    CHECK(mkdirat(root, name, 0755) == 0);
    (void)str_format(name, sizeof(name), "layers/.partial/sha256-%s/stale", diff_id.hex);
    CHECK(mkdirat(root, name, 0755) == 0);
    CHECK_INT(have(&e), 0);
    CHECK_INT(files(3), 3);
    (void)str_format(name, sizeof(name), "layers/sha256/%s/stale", diff_id.hex);
    CHECK(faccessat(root, name, F_OK, 0) < 0);
    /* And one nobody wants again. */
    CHECK(mkdirat(root, "layers/.partial/sha256-0", 0755) == 0);
    layers_sweep(&layers);
    CHECK(is_empty("layers/.partial"));
    end();
}

static void many_at_once_unpack_it_once_whatever_is_killed(void)
{
    enum { N = 6, FILES = 400 };

    for (int round = 0; round < 10; round++) {
        pid_t pids[N];
        int unpacked = 0, there = 0;

        begin(FILES);
        (void)fflush(stdout);
        for (int i = 0; i < N; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                int r = have(NULL);

                _exit(r < 0 ? 2 : r);
            }
        }
        /* In the middle of its work, most times. */
        (void)usleep((useconds_t)(round * 1500));
        (void)kill(pids[round % N], SIGKILL);
        for (int i = 0; i < N; i++) {
            int status;

            CHECK_INT(proc_wait(pids[i], &status), 0);
            CHECK(i == round % N || (WIFEXITED(status) && WEXITSTATUS(status) < 2));
            unpacked += WIFEXITED(status) && WEXITSTATUS(status) == 0;
            there += WIFEXITED(status) && WEXITSTATUS(status) == 1;
        }
        /* Who was killed may have renamed it first. */
        CHECK(unpacked <= 1 && unpacked + there >= N - 1);
        CHECK_INT(files(FILES), FILES);
        layers_sweep(&layers);
        CHECK(is_empty("layers/.partial"));
        end();
    }
}

UNIT_MAIN(TEST(a_layer_is_unpacked_once), TEST(another_content_than_the_diff_id_says_is_refused),
          TEST(a_missing_or_damaged_blob_leaves_nothing), TEST(what_a_killed_one_left_is_begun_anew),
          TEST(many_at_once_unpack_it_once_whatever_is_killed))
