// SPDX-License-Identifier: Apache-2.0
/* src/cgroup/resctrl.c on a directory tree made up like resctrl's: few machines have the real one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "cgroup/resctrl.h"
#include "tests/unit.h"

int __real_mkdirat(int dirfd, const char *path, mode_t mode);
int __wrap_mkdirat(int dirfd, const char *path, mode_t mode);

static bool full; /* the processor has no class of service left */

static void make_file(int dirfd, const char *name, const char *text)
{
    _cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

/* As the kernel does for a new group. */
int __wrap_mkdirat(int dirfd, const char *path, mode_t mode)
{
    _cleanup_close_ int fd = -1;

    if (full) {
        errno = ENOSPC;
        return -1;
    }
    if (__real_mkdirat(dirfd, path, mode) < 0)
        return -1;
    fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_file(fd, "tasks", "");
    if (!strstr(path, "mon_groups")) {
        make_file(fd, "schemata", "    L3:0=fff;1=fff\n    MB:0=100;1=100\n");
        (void)__real_mkdirat(fd, "mon_groups", 0755);
    }
    return 0;
}

static char top[] = "/tmp/lichen-unit-XXXXXX";
static int root = -1;

static void begin(void)
{
    (void)strcpy(top + strlen(top) - 6, "XXXXXX");
    full = false;
    CHECK(mkdtemp(top) != NULL);
    root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_file(root, "tasks", "");
    make_file(root, "schemata", "    L3:0=fff;1=fff\n");
    (void)__real_mkdirat(root, "mon_groups", 0755);
}

static void end(void)
{
    root = fd_close(root);
    CHECK_INT(path_remove_tree(AT_FDCWD, top), 0);
}

static void check_file(const char *path, const char *want)
{
    _cleanup_buf_ struct buf b = { 0 };

    CHECK_INT(fd_read_file(root, path, 4096, &b), 0);
    CHECK_STR(b.data ? b.data : "", want);
}

static bool exists(const char *path)
{
    return faccessat(root, path, F_OK, 0) == 0;
}

/* covers: linux.intelRdt linux.intelRdt.enableMonitoring */
static void without_clos_id_the_group_is_the_containers_own(void)
{
    const struct spec_intel_rdt rdt = { .set = true, .enable_monitoring = true };
    struct resctrl groups;

    begin();
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, NULL), 0);
    CHECK_STR(groups.group, "ctr");
    CHECK_STR(groups.monitor, "ctr/mon_groups/ctr");
    CHECK(groups.made);
    /* Nothing asked for: nothing written. */
    check_file("ctr/schemata", "    L3:0=fff;1=fff\n    MB:0=100;1=100\n");
    CHECK_INT(resctrl_add(root, &groups, 4711, NULL), 0);
    check_file("ctr/tasks", "4711\n");
    check_file("ctr/mon_groups/ctr/tasks", "4711\n");
    end();
}

/* covers: linux.intelRdt.schemata linux.intelRdt.l3CacheSchema */
static void schemata_are_written_last(void)
{
    const char *lines[] = { "L2:0=f", NULL };
    struct spec_intel_rdt rdt = { .set = true, .clos_id = "gold", .l3_cache_schema = "L3:0=7f0" };
    struct resctrl groups;

    begin();
    /* A plain file keeps the last line's bytes over the first of the others. */
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, NULL), 0);
    CHECK(!groups.made && groups.monitor[0] == '\0');
    check_file("gold/schemata", "L3:0=7f0\nfff;1=fff\n    MB:0=100;1=100\n");
    rdt.l3_cache_schema = NULL;
    rdt.schemata = (struct spec_strings){ 1, lines };
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, NULL), 0);
    check_file("gold/schemata", "L2:0=f\n0\nfff;1=fff\n    MB:0=100;1=100\n");
    end();
}

/* covers: linux.intelRdt.closID linux.intelRdt.l3CacheSchema linux.intelRdt.memBwSchema */
static void an_existing_group_must_have_the_values(void)
{
    struct spec_intel_rdt rdt = { .set = true, .clos_id = "gold" };
    struct resctrl groups;
    struct err e = { 0 };
    static const struct {
        const char *l3, *mb;
        int r;
    } rows[] = {
        { "L3:0=7f0;1=1f", NULL, 0 },       { "L3:1=01F", NULL, 0 },           { "L3:0=7f", NULL, -EEXIST },
        { "L3:2=7f0", NULL, -EEXIST },      { "L2:0=7f0", NULL, -EEXIST },     { NULL, "MB:1=70", 0 },
        { "L3:0=7f0", "MB:0=70", -EEXIST }, { "L3:0=7f0", "MB:0=20;1=70", 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin();
        CHECK_INT(__wrap_mkdirat(root, "gold", 0755), 0);
        make_file(root, "gold/schemata", "    L3:0=7f0;1=1f\n    MB:0=20;1=70\n");
        rdt.l3_cache_schema = rows[i].l3;
        rdt.mem_bw_schema = rows[i].mb;
        CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, &e), rows[i].r);
        CHECK(rows[i].r == 0 || strstr(e.message, "linux.intelRdt."));
        CHECK(exists("gold"));
        end();
    }
}

static void the_default_group_is_a_slash(void)
{
    const struct spec_intel_rdt rdt = { .set = true, .clos_id = "/", .enable_monitoring = true };
    struct resctrl groups;

    begin();
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, NULL), 0);
    CHECK_STR(groups.group, ".");
    CHECK(!groups.made && exists("mon_groups/ctr/tasks"));
    CHECK_INT(resctrl_add(root, &groups, 1, NULL), 0);
    check_file("tasks", "1\n");
    end();
}

static void a_failure_leaves_no_group(void)
{
    const char *lines[] = { "L3:0=1", NULL };
    struct spec_intel_rdt rdt = { .set = true, .schemata = { 1, lines } };
    struct resctrl groups;
    struct err e = { 0 };

    begin();
    full = true;
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, &e), -ENOSPC);
    CHECK(strstr(e.message, "group ctr") && strstr(e.remedy, "class of service"));
    full = false;
    /* Another container's name is taken: it is not joined by accident. */
    CHECK_INT(__real_mkdirat(root, "ctr", 0755), 0);
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, &e), -EEXIST);
    CHECK_INT(unlinkat(root, "ctr", AT_REMOVEDIR), 0);
    /* The kernel's files are in the way of rmdir here, so this group has none: its schemata cannot be
     * written. */
    rdt.clos_id = "gold";
    CHECK_INT(__real_mkdirat(root, "gold", 0755), 0);
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, &e), -ENOENT);
    CHECK(strstr(e.message, "linux.intelRdt.schemata[0]") && exists("gold"));
    end();
}

static void only_the_containers_own_is_removed(void)
{
    struct resctrl groups = { .group = "own", .monitor = "own/mon_groups/ctr", .made = true };

    begin();
    CHECK(__real_mkdirat(root, "own", 0755) == 0 && __real_mkdirat(root, "gold", 0755) == 0);
    CHECK_INT(resctrl_remove(root, &groups, NULL), 0);
    CHECK(!exists("own"));
    CHECK_INT(resctrl_remove(root, &groups, NULL), 0);
    groups = (struct resctrl){ .group = "gold" };
    CHECK_INT(resctrl_remove(root, &groups, NULL), 0);
    CHECK(exists("gold"));
    end();
}

static void only_the_containers_own_group_is_changed(void)
{
    struct spec_intel_rdt rdt = { .set = true, .clos_id = "gold", .l3_cache_schema = "L3:0=7f0" };
    struct resctrl groups;
    struct err e = { 0 };

    begin();
    CHECK_INT(resctrl_begin(root, &rdt, "ctr", &groups, NULL), 0);
    CHECK_INT(resctrl_update(root, &groups, "L3:0=1", NULL, &e), -EPERM);
    CHECK(strstr(e.message, "group gold is not the container's own"));
    groups.made = true;
    CHECK_INT(resctrl_update(root, &groups, "L3:0=1ff", NULL, &e), 0);
    check_file("gold/schemata", "L3:0=1ff\nfff;1=fff\n    MB:0=100;1=100\n");
    CHECK_INT(resctrl_update(root, &groups, NULL, "MB:0=50;", &e), 0);
    check_file("gold/schemata", "MB:0=50;\nfff;1=fff\n    MB:0=100;1=100\n");
    end();
}

static void an_unprivileged_caller_is_told_why_not(void)
{
    const struct spec_intel_rdt none = { 0 }, rdt = { .set = true };
    struct err e = { 0 };

    CHECK_INT(resctrl_check(&none, false, &e), 0);
    CHECK_INT(resctrl_check(&rdt, false, &e), -EPERM);
    CHECK(strstr(e.message, "linux.intelRdt") && strstr(e.remedy, "as root"));
}

UNIT_MAIN(TEST(without_clos_id_the_group_is_the_containers_own), TEST(schemata_are_written_last),
          TEST(an_existing_group_must_have_the_values), TEST(the_default_group_is_a_slash),
          TEST(a_failure_leaves_no_group), TEST(only_the_containers_own_is_removed),
          TEST(only_the_containers_own_group_is_changed), TEST(an_unprivileged_caller_is_told_why_not))
