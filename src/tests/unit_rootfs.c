// SPDX-License-Identifier: Apache-2.0
/* src/rootfs: the mount options table. */
#include <errno.h>

#include "rootfs/mntopts.h"
#include "rootfs/mountapi.h"
#include "rootfs/overlay.h"
#include "tests/unit.h"

static struct arena arena;

static int parse(const char *type, const char *source, const char **options, struct mount_options *ret,
                 struct err *e)
{
    struct spec_mount m = { .type = type, .source = source, .destination = "/x" };

    for (m.options.v = options; options[m.options.n]; m.options.n++)
        ;
    return mntopts_parse(&m, "mounts[0]", &arena, ret, e);
}

static void the_table_is_sorted_for_bisection(void)
{
    const char *const *names = mntopts_names();

    for (size_t i = 1; names[i]; i++)
        CHECK(strcmp(names[i - 1], names[i]) < 0);
}

static void every_listed_option_is_found(void)
{
    for (const char *const *name = mntopts_names(); *name; name++) {
        const char *options[] = { *name, NULL };
        struct mount_options m;

        CHECK_INT(parse("tmpfs", "tmpfs", options, &m, NULL), 0);
        /* Only superblock flags go to the file system by name. */
        CHECK(m.n_data == 0 || strcmp(m.data[0], *name) == 0);
    }
}

static void later_options_win(void)
{
    const char *options[] = { "ro", "rw", "nosuid", "suid", "exec", "noexec", NULL };
    struct mount_options m;

    CHECK_INT(parse("tmpfs", "tmpfs", options, &m, NULL), 0);
    CHECK_INT(m.set, MOUNT_ATTR_NOEXEC);
    CHECK_INT(m.clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
}

static void access_times_are_one_choice(void)
{
    const char *options[] = { "noatime", "strictatime", NULL };
    struct mount_options m;

    CHECK_INT(parse("tmpfs", "tmpfs", options, &m, NULL), 0);
    CHECK_INT(m.set & MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME);
    CHECK_INT(m.clear & MOUNT_ATTR__ATIME, MOUNT_ATTR__ATIME);
}

static void recursive_options_are_kept_apart(void)
{
    const char *options[] = { "rbind", "ro", "rnosuid", "rslave", NULL };
    struct mount_options m;

    CHECK_INT(parse("none", "/src", options, &m, NULL), 0);
    CHECK(m.bind && m.recursive_bind);
    CHECK_INT(m.set, MOUNT_ATTR_RDONLY);
    CHECK_INT(m.rec_set, MOUNT_ATTR_NOSUID);
    CHECK_INT(m.n_propagations, 1);
    CHECK(m.propagations[0].flag == MS_SLAVE && m.propagations[0].recursive);
}

static void the_rest_is_the_file_systems(void)
{
    const char *options[] = { "nodev", "size=64k", "mode=1777", "sync", NULL };
    struct mount_options m;

    CHECK_INT(parse("tmpfs", "tmpfs", options, &m, NULL), 0);
    CHECK_INT(m.n_data, 3);
    CHECK_STR(m.data[0], "size=64k");
    CHECK_STR(m.data[2], "sync");
}

static void what_is_taken_back_is_not_asked_for(void)
{
    const char *options[] = { "sync",       "lazytime", "size=1",   "async",
                              "nolazytime", "iversion", "iversion", NULL };
    struct mount_options m;

    CHECK_INT(parse("tmpfs", "tmpfs", options, &m, NULL), 0);
    CHECK_INT(m.n_data, 2);
    CHECK_STR(m.data[0], "size=1");
    CHECK_STR(m.data[1], "iversion");
}

static void propagation_is_a_sequence(void)
{
    const char *options[] = { "rslave", "shared", "private", "slave", "shared", "unbindable", NULL };
    struct mount_options m;

    CHECK_INT(parse("tmpfs", "tmpfs", options, &m, NULL), 0);
    CHECK_INT(m.n_propagations, 4);
    CHECK(m.propagations[0].flag == MS_SLAVE && m.propagations[0].recursive);
    CHECK(m.propagations[3].flag == MS_UNBINDABLE && !m.propagations[3].recursive);
}

static void an_id_mapping_is_noticed_with_or_without_the_option(void)
{
    const char *options[] = { "rbind", "ridmap", NULL }, *none[] = { NULL };
    struct spec_id_mapping map = { 0, 1000, 1 };
    struct spec_mount m = { .type = "tmpfs", .destination = "/x", .options = { 0, none } };
    struct mount_options parsed;

    CHECK_INT(parse("none", "/src", options, &parsed, NULL), 0);
    CHECK(parsed.idmap && parsed.idmap_recursive);
    m.n_uid_mappings = m.n_gid_mappings = 1;
    m.uid_mappings = m.gid_mappings = &map;
    CHECK_INT(mntopts_parse(&m, "mounts[0]", &arena, &parsed, NULL), 0);
    CHECK(parsed.idmap && !parsed.idmap_recursive);
}

static void what_cannot_be_done_is_refused_by_name(void)
{
    const char *bind[] = { "bind", NULL }, *none[] = { NULL };
    struct mount_options m;
    struct err e = { 0 };

    CHECK_INT(parse("none", NULL, bind, &m, &e), -EINVAL);
    CHECK(strstr(e.message, "source") != NULL);
    CHECK_INT(parse(NULL, "/src", none, &m, &e), -EINVAL);
    CHECK(strstr(e.message, "type") != NULL);
}

static void drivers_have_names(void)
{
    enum rootfs_driver driver;
    struct err e = { 0 };

    CHECK(rootfs_driver_parse("fuse-overlayfs", &driver, &e) == 0 && driver == ROOTFS_FUSE);
    CHECK_STR(rootfs_driver_name(ROOTFS_OVERLAY), "overlay");
    CHECK_INT(rootfs_driver_parse("vfs", &driver, &e), -EINVAL);
    CHECK(strstr(e.message, "vfs") != NULL);
}

UNIT_MAIN(TEST(the_table_is_sorted_for_bisection), TEST(every_listed_option_is_found),
          TEST(later_options_win), TEST(access_times_are_one_choice), TEST(recursive_options_are_kept_apart),
          TEST(the_rest_is_the_file_systems), TEST(what_is_taken_back_is_not_asked_for),
          TEST(propagation_is_a_sequence), TEST(an_id_mapping_is_noticed_with_or_without_the_option),
          TEST(what_cannot_be_done_is_refused_by_name), TEST(drivers_have_names))
