// SPDX-License-Identifier: Apache-2.0
/*
 * image/layer_path.c and image/unpack.c: what a layer may and may not do. Runs in a user namespace with one
 * id (unshare), as root of it, so that owners can be set to 0 and whiteouts made; other owners are in bats.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "image/inflate.h"
#include "image/layer_path.h"
#include "image/unpack.h"
#include "tests/unit.h"

/* ---- a stream
 * ----------------------------------------------------------------------------------------------------- */

static char stream[1 << 20];
static size_t stream_size, stream_at, stream_step = 1000;
static struct archive *writer;

static void begin(void)
{
    writer = archive_write_new();
    CHECK_INT(archive_write_set_format_pax_restricted(writer), ARCHIVE_OK);
    CHECK_INT(archive_write_set_bytes_per_block(writer, 0), ARCHIVE_OK);
    stream_size = 0;
    CHECK_INT(archive_write_open_memory(writer, stream, sizeof(stream), &stream_size), ARCHIVE_OK);
}

struct extra {
    const char *link, *xattr, *value;
    dev_t device;
    mode_t mode;
    uid_t uid;
};

static void add(const char *name, mode_t type, const char *data, struct extra x)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, x.mode ? x.mode : 0644);
    archive_entry_set_mtime(entry, 1000000000, 0);
    archive_entry_set_uid(entry, x.uid);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, x.link);
    else if (x.link)
        archive_entry_set_hardlink(entry, x.link);
    if (x.device)
        archive_entry_set_rdev(entry, x.device);
    if (x.xattr)
        archive_entry_xattr_add_entry(entry, x.xattr, x.value, strlen(x.value));
    archive_entry_set_size(entry, data && !x.link ? (int64_t)strlen(data) : 0);
    CHECK_INT(archive_write_header(writer, entry), ARCHIVE_OK);
    if (data && !x.link)
        CHECK_INT(archive_write_data(writer, data, strlen(data)), (int)strlen(data));
    archive_entry_free(entry);
}

static void file(const char *name, const char *data)
{
    add(name, AE_IFREG, data, (struct extra){ 0 });
}

static void end(void)
{
    CHECK_INT(archive_write_close(writer), ARCHIVE_OK);
    archive_write_free(writer);
}

static ssize_t next(void *argument, const void **ret, struct err *e)
{
    size_t n = stream_size - stream_at < stream_step ? stream_size - stream_at : stream_step;

    if (argument && stream_at >= *(const size_t *)argument)
        return err_set(e, ECONNRESET, "the other side hung up");
    *ret = stream + stream_at;
    stream_at += n;
    return (ssize_t)n;
}

/* ---- where it goes
 * ------------------------------------------------------------------------------------------------ */

static char top[] = "/tmp/lichen-unpack-XXXXXX";
static int root = -1;
static struct unpack_report report;
static struct err error;

static int unpack(struct unpack_options options)
{
    if (root < 0) {
        CHECK(mkdtemp(top) != NULL);
        root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    path_remove_tree(root, "layer");
    CHECK_INT(mkdirat(root, "layer", 0755), 0);
    (void)unlinkat(root, "outside", 0);
    stream_at = 0;
    error = (struct err){ 0 };
    if (!options.max_bytes)
        options.max_bytes = 1 << 20;
    if (!options.max_entries)
        options.max_entries = 1000;
    _cleanup_close_ int layer = openat(root, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return unpack_layer(layer, next, NULL, &options, &report, &error);
}

static const char *content(const char *path)
{
    static struct buf b;

    buf_free(&b);
    b = (struct buf){ 0 };
    return fd_read_file(root, path, 4096, &b) < 0 ? "(unreadable)" : b.data ? b.data : "";
}

static struct stat status(const char *path)
{
    struct stat st = { 0 };

    (void)fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW);
    return st;
}

static bool opaque(const char *path)
{
    char text[256], value[8] = "";

    (void)str_format(text, sizeof(text), "%s/%s", top, path);
    return getxattr(text, "user.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

/* ---- names
 * -------------------------------------------------------------------------------------------------------- */

static void names_are_taken_apart(void)
{
    static const struct {
        const char *name;
        enum layer_path_kind kind;
        const char *parent, *leaf;
    } good[] = {
        { "", LAYER_PATH_ROOT, "", "" },
        { "./", LAYER_PATH_ROOT, "", "" },
        { "/", LAYER_PATH_ROOT, "", "" },
        { "a", LAYER_PATH_PLAIN, "", "a" },
        { "/a//./b/", LAYER_PATH_PLAIN, "a", "b" },
        { "./a/b/c", LAYER_PATH_PLAIN, "a/b", "c" },
        { "a/...", LAYER_PATH_PLAIN, "a", "..." },
        { "a/.wh.b", LAYER_PATH_WHITEOUT, "a", "b" },
        { ".wh..b", LAYER_PATH_WHITEOUT, "", ".b" },
        { "a/.wh..wh..opq", LAYER_PATH_OPAQUE, "a", "" },
    };
    static const char *const bad[] = { "..", "a/../b", "../a", "a/..", ".wh.", "a/.wh..", "a/.wh..." };
    char deep[2 * 300 + 1] = "", name[300];
    struct layer_path p;
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        CHECK_INT(layer_path_parse(good[i].name, &p, &e), 0);
        CHECK_INT(p.kind, good[i].kind);
        CHECK_STR(p.parent, good[i].parent);
        CHECK_STR(p.leaf, good[i].leaf);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(layer_path_parse(bad[i], &p, &e), -EINVAL);
    CHECK_INT(layer_path_parse("a/.wh..wh.plnk", &p, &e), -EOPNOTSUPP);
    for (int i = 0; i < 300; i++)
        strcat(deep, "d/");
    CHECK_INT(layer_path_parse(deep, &p, &e), -EINVAL);
    memset(name, 'n', 256);
    name[256] = '\0';
    CHECK_INT(layer_path_parse(name, &p, &e), -EINVAL);
    name[255] = '\0';
    CHECK_INT(layer_path_parse(name, &p, &e), 0);
}

/* ---- layers
 * ------------------------------------------------------------------------------------------------------- */

static void an_ordinary_layer_arrives_whole(void)
{
    struct stat st;

    begin();
    add("./", AE_IFDIR, NULL, (struct extra){ .mode = 0751 });
    add("etc/", AE_IFDIR, NULL, (struct extra){ .mode = 0555 });
    file("etc/passwd", "root:x:0:0\n");
    add("bin/su", AE_IFREG, "#!", (struct extra){ .mode = 04755 });
    add("bin/su2", AE_IFREG, NULL, (struct extra){ .link = "./bin/su" });
    add("link", AE_IFLNK, NULL, (struct extra){ .link = "/etc/passwd" });
    add("pipe", AE_IFIFO, NULL, (struct extra){ .mode = 0600 });
    file("caf\xc3\xa9", "name");
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK_STR(error.message, "");
    CHECK_INT(stream_at, stream_size);
    CHECK_STR(content("layer/etc/passwd"), "root:x:0:0\n");
    CHECK_STR(content("layer/caf\xc3\xa9"), "name");
    st = status("layer/bin/su");
    CHECK_INT(st.st_mode & 07777, 04755);
    CHECK_INT(st.st_nlink, 2);
    CHECK_INT(st.st_mtime, 1000000000);
    CHECK_INT(status("layer").st_mode & 07777, 0751);
    CHECK_INT(status("layer/etc").st_mode & 07777, 0555);
    CHECK_INT(status("layer/etc").st_mtime, 1000000000);
    CHECK(S_ISFIFO(status("layer/pipe").st_mode));
    CHECK(S_ISLNK(status("layer/link").st_mode));
    CHECK_INT(report.entries, 9); /* bin/ was made for what is in it */
    CHECK_INT(report.bytes, 11 + 2 + 4);
}

static void a_link_made_earlier_leads_nowhere_but_into_the_layer(void)
{
    begin();
    add("out", AE_IFLNK, NULL, (struct extra){ .link = "../.." });
    add("abs", AE_IFLNK, NULL, (struct extra){ .link = "/" });
    file("out/outside", "escaped");
    file("abs/tmp/x", "inside");
    add("file", AE_IFLNK, NULL, (struct extra){ .link = "../outside" });
    file("file", "replaced, not followed");
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK_INT(faccessat(root, "outside", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    CHECK_STR(content("layer/outside"), "escaped");
    CHECK_STR(content("layer/tmp/x"), "inside");
    CHECK_STR(content("layer/file"), "replaced, not followed");
}

static void hard_links_stay_in_the_layer(void)
{
    static const char *const targets[] = { "../outside", "/../outside", "missing", "dir", "out/outside" };

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        begin();
        add("dir", AE_IFDIR, NULL, (struct extra){ .mode = 0755 });
        add("out", AE_IFLNK, NULL, (struct extra){ .link = "../.." });
        add("hard", AE_IFREG, NULL, (struct extra){ .link = targets[i] });
        end();
        CHECK(unpack((struct unpack_options){ 0 }) < 0);
        CHECK(error.message[0]);
    }
    /* To a link: the link itself, not what it points to. */
    begin();
    add("soft", AE_IFLNK, NULL, (struct extra){ .link = "../outside" });
    add("hard", AE_IFREG, NULL, (struct extra){ .link = "soft" });
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK(S_ISLNK(status("layer/hard").st_mode));
}

static void names_that_lead_out_are_refused(void)
{
    static const char *const names[] = { "../outside", "a/../../outside", "/../outside", ".wh..",
                                         "a/.wh..." };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        begin();
        file(names[i], "x");
        end();
        CHECK_INT(unpack((struct unpack_options){ 0 }), -EINVAL);
        CHECK_INT(faccessat(root, "outside", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    }
}

static void whiteouts_are_about_the_layers_below(void)
{
    struct stat st;

    begin();
    file(".wh.gone", "");
    file("kept", "mine");
    file(".wh.kept", "");
    add("dir", AE_IFDIR, NULL, (struct extra){ .mode = 0755 });
    file("dir/x", "x");
    file(".wh.dir", "");
    file(".wh.later", "");
    add("later", AE_IFDIR, NULL, (struct extra){ .mode = 0755 });
    add("opaque", AE_IFDIR, NULL, (struct extra){ .mode = 0755 });
    file("opaque/.wh..wh..opq", "");
    file("opaque/x", "x");
    file(".wh..wh.plnk", "");
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    st = status("layer/gone");
    CHECK(S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0));
    CHECK_STR(content("layer/kept"), "mine");
    CHECK_STR(content("layer/dir/x"), "x");
    CHECK(opaque("layer/dir") && opaque("layer/later") && opaque("layer/opaque"));
    CHECK_STR(content("layer/opaque/x"), "x");
}

static void a_whiteout_does_not_reach_through_a_link(void)
{
    begin();
    add("out", AE_IFLNK, NULL, (struct extra){ .link = "../.." });
    file("out/.wh.outside", "");
    file("out/.wh..wh..opq", "");
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK_INT(faccessat(root, "outside", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    CHECK(S_ISCHR(status("layer/outside").st_mode));
    CHECK(!opaque("") && opaque("layer"));
}

static void devices_are_left_out_and_counted(void)
{
    begin();
    add("dev/sda", AE_IFBLK, NULL, (struct extra){ .device = makedev(8, 0) });
    add("dev/zero", AE_IFCHR, NULL, (struct extra){ .device = makedev(1, 5) });
    /* A smuggled whiteout is a device like any other. */
    add("etc", AE_IFCHR, NULL, (struct extra){ 0 });
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK_INT(report.devices, 3);
    CHECK_STR(report.first_device, "dev/sda");
    CHECK_INT(faccessat(root, "layer/etc", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void attributes_of_overlays_are_stripped(void)
{
    static const char *const bad[] = { "user.overlay.opaque",
                                       "user.overlay.redirect",
                                       "trusted.overlay.opaque",
                                       "user.fuseoverlayfs.opaque",
                                       "user.containers.override_stat",
                                       "security.selinux",
                                       "security.ima" };
    char path[256], value[64];

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        begin();
        add("f", AE_IFREG, "x", (struct extra){ .xattr = bad[i], .value = "y" });
        end();
        CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
        (void)str_format(path, sizeof(path), "%s/layer/f", top);
        CHECK(getxattr(path, bad[i], value, sizeof(value)) < 0);
    }
    begin();
    add("f", AE_IFREG, "x", (struct extra){ .xattr = "user.mine", .value = "kept" });
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK_INT(getxattr(path, "user.mine", value, sizeof(value)), 4);
}

static void later_entries_replace_earlier_ones(void)
{
    begin();
    add("x", AE_IFDIR, NULL, (struct extra){ .mode = 0755 });
    file("x/y", "1");
    file("x", "now a file");
    file("z", "file");
    add("z", AE_IFDIR, NULL, (struct extra){ .mode = 0700 });
    file("z/y", "2");
    end();
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK_STR(content("layer/x"), "now a file");
    CHECK_STR(content("layer/z/y"), "2");
}

static void limits_hold(void)
{
    begin();
    file("a", "0123456789");
    file("b", "0123456789");
    end();
    CHECK_INT(unpack((struct unpack_options){ .max_bytes = 20 }), 0);
    CHECK_INT(unpack((struct unpack_options){ .max_bytes = 19 }), -E2BIG);
    CHECK(strstr(error.message, "layer entry /b"));
    CHECK_INT(unpack((struct unpack_options){ .max_entries = 1 }), -E2BIG);
    CHECK(strstr(error.message, "more than 1 entries"));
}

static void damaged_streams_are_errors(void)
{
    size_t whole;

    begin();
    file("a", "0123456789");
    file("b", "0123456789");
    end();
    whole = stream_size;
    stream_size = 700; /* in the middle of b's header or a's data */
    CHECK(unpack((struct unpack_options){ 0 }) < 0);
    CHECK(error.message[0]);
    stream_size = whole;
    memset(stream, 'x', 512);
    CHECK(unpack((struct unpack_options){ 0 }) < 0);
    stream_size = 0;
    CHECK_INT(unpack((struct unpack_options){ 0 }), 0);
    CHECK_INT(report.entries, 0);
}

static void an_error_of_the_reader_comes_out_as_it_is(void)
{
    struct unpack_options options = { .max_bytes = 1000, .max_entries = 10 };
    size_t limit = 500;
    _cleanup_close_ int layer = -1;

    begin();
    file("a", "0123456789");
    end();
    (void)unpack(options);
    layer = openat(root, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    stream_at = 0;
    stream_step = 256;
    CHECK_INT(unpack_layer(layer, next, &limit, &options, &report, &error), -ECONNRESET);
    CHECK_STR(error.message, "the other side hung up");
    stream_step = 1000;
}

static void with_one_id_the_true_owner_is_kept_aside(void)
{
    char path[256], value[64] = "";

    begin();
    add("bin/su", AE_IFREG, "#!", (struct extra){ .mode = 04755, .uid = 1234 });
    add("d", AE_IFDIR, NULL, (struct extra){ .mode = 0500, .uid = 33 });
    file("d/x", "x");
    end();
    CHECK_INT(unpack((struct unpack_options){ .single_id = true }), 0);
    CHECK_INT(status("layer/bin/su").st_mode & 07777, 0755);
    (void)str_format(path, sizeof(path), "%s/layer/bin/su", top);
    CHECK(getxattr(path, "user.containers.override_stat", value, sizeof(value)) > 0);
    CHECK_STR(value, "1234:0:04755");
    CHECK_INT(status("layer/d").st_mode & 07777, 0700);
    /* With a range an owner outside of it is an error that says what to do. */
    CHECK_INT(unpack((struct unpack_options){ 0 }), -EINVAL);
    CHECK(strstr(error.message, "owner 1234:0 is outside of your subordinate ids"));
    CHECK(strstr(error.remedy, "/etc/subuid"));
}

/* ---- compression
 * -------------------------------------------------------------------------------------------------- */

static size_t seen;

static void count(void *argument, const void *p, size_t n)
{
    (void)p;
    *(size_t *)argument += n;
}

/* The stream compressed by @filter, then read back with at most @max bytes: what inflate says, *ret_n what
 * came out. */
static int round_trip(int (*filter)(struct archive *), uint64_t max, size_t cut, size_t *ret_n)
{
    _cleanup_close_ int fd = memfd_create("blob", MFD_CLOEXEC);
    _cleanup_inflate_ struct inflate *i = NULL;
    const void *piece;
    ssize_t n;
    int r;

    if (filter) {
        struct archive *a = archive_write_new();
        struct archive_entry *entry = archive_entry_new();

        archive_write_set_format_raw(a);
        filter(a);
        CHECK_INT(archive_write_open_fd(a, fd), ARCHIVE_OK);
        archive_entry_set_filetype(entry, AE_IFREG);
        CHECK_INT(archive_write_header(a, entry), ARCHIVE_OK);
        CHECK(archive_write_data(a, stream, stream_size) >= 0);
        archive_entry_free(entry);
        CHECK_INT(archive_write_free(a), ARCHIVE_OK);
    } else {
        CHECK_INT(fd_write_all(fd, stream, stream_size), 0);
    }
    if (cut)
        CHECK_INT(ftruncate(fd, lseek(fd, 0, SEEK_END) - (off_t)cut), 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    *ret_n = 0;
    r = inflate_open(fd, max, count, ret_n, &i, &error);
    if (r < 0)
        return r;
    while ((n = inflate_read(i, &piece, &error)) > 0)
        ;
    return (int)n;
}

static void blobs_come_out_whole(void)
{
    static int (*const filters[])(struct archive *) = { NULL, archive_write_add_filter_gzip,
                                                        archive_write_add_filter_zstd };

    begin();
    file("a", "0123456789");
    end();
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        CHECK_INT(round_trip(filters[i], 1 << 20, 0, &seen), 0);
        CHECK_INT(seen, stream_size);
        CHECK_INT(round_trip(filters[i], stream_size, 0, &seen), 0);
        CHECK_INT(round_trip(filters[i], stream_size - 1, 0, &seen), -E2BIG);
        CHECK(strstr(error.message, "bytes uncompressed"));
        if (filters[i]) {
            CHECK(round_trip(filters[i], 1 << 20, 12, &seen) < 0);
            CHECK(strstr(error.message, "cannot be decompressed"));
        }
    }
    stream_size = 0;
    CHECK_INT(round_trip(NULL, 10, 0, &seen), 0);
    CHECK_INT(seen, 0);
}

static void clean_up(void)
{
    CHECK_INT(path_remove_tree(AT_FDCWD, top), 0);
    root = fd_close(root);
}

/* Root of a user namespace with one id, as a build on a host without subordinate ids. */
static void enter_namespace(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWUSER) < 0)
        return;
    (void)fd_write_control(AT_FDCWD, "/proc/self/setgroups", "deny");
    (void)str_format(map, sizeof(map), "0 %u 1\n", (unsigned)uid);
    (void)fd_write_control(AT_FDCWD, "/proc/self/uid_map", map);
    (void)str_format(map, sizeof(map), "0 %u 1\n", (unsigned)gid);
    (void)fd_write_control(AT_FDCWD, "/proc/self/gid_map", map);
}

static void in_a_user_namespace(void)
{
    CHECK(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
    enter_namespace();
    CHECK_INT(geteuid(), 0);
}

UNIT_MAIN(TEST(names_are_taken_apart), TEST(in_a_user_namespace), TEST(an_ordinary_layer_arrives_whole),
          TEST(a_link_made_earlier_leads_nowhere_but_into_the_layer), TEST(hard_links_stay_in_the_layer),
          TEST(names_that_lead_out_are_refused), TEST(whiteouts_are_about_the_layers_below),
          TEST(a_whiteout_does_not_reach_through_a_link), TEST(devices_are_left_out_and_counted),
          TEST(attributes_of_overlays_are_stripped), TEST(later_entries_replace_earlier_ones),
          TEST(limits_hold), TEST(damaged_streams_are_errors),
          TEST(an_error_of_the_reader_comes_out_as_it_is), TEST(with_one_id_the_true_owner_is_kept_aside),
          TEST(blobs_come_out_whole), TEST(clean_up))
