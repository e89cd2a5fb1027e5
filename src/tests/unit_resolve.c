// SPDX-License-Identifier: Apache-2.0
/* base/resolve.h against the kernel: the same paths by openat2(2) and by hand have to end in the same place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/resolve.h"
#include "base/str.h"
#include "tests/unit.h"

#define ROOT "unit_resolve.XXXXXX"

static int kernel_open(int root, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = { .flags = flags | O_CLOEXEC,
                            .mode = flags & O_CREAT ? 0600 : 0,
                            .resolve = resolve };
    long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

/* The same file, or the same errno. */
static void compare(int root, const char *path, uint64_t flags, uint64_t resolve)
{
    _cleanup_close_ int want = kernel_open(root, path, flags, resolve), got = -1;
    struct stat a, b;
    bool same;

    got = resolve_walk(root, path, flags | O_CLOEXEC, flags & O_CREAT ? 0600 : 0, resolve);
    if (want < 0 || got < 0)
        same = want == got;
    else
        same = fstat(want, &a) == 0 && fstat(got, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
    if (!same)
        printf("# \"%.60s\" flags %#llx resolve %#llx: openat2 %d, by hand %d\n", path,
               (unsigned long long)flags, (unsigned long long)resolve, want, got);
    CHECK(same);
}

static const char *const paths[] = {
    "",
    "/",
    ".",
    "..",
    "../../..",
    "a",
    "a/",
    "/a/b/../b/file",
    "a/b",
    "a/b/file",
    "a/b/file/",
    "a/b/file/x",
    "a//b///file",
    "./a/./b",
    "missing",
    "missing/x",
    "a/nope",
    "up",
    "up/a",
    "abs",
    "abs/file",
    "out",
    "out/etc",
    "loop",
    "loop/x",
    "chain0",
    "chain39",
    "dangling",
    "dangling/x",
    "self/a",
    "a/b/back/b",
    "a/b/above/a",
    "to-file",
    "to-file/",
    "a/b/file/..",
    "a/../../../a",
    "abs/../../b",
    "etc/passwd",
    "/proc",
    "a/b/file/.",
    "slashed",
    "slashed/file",
};

static const uint64_t modes[] = {
    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
    RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
    RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
};

static const uint64_t flags[] = {
    O_PATH,   O_PATH | O_DIRECTORY,   O_PATH | O_NOFOLLOW,
    O_RDONLY, O_RDONLY | O_DIRECTORY, O_RDONLY | O_NOFOLLOW,
};

static int make_tree(char *name)
{
    static const struct {
        const char *target, *link;
    } links[] = {
        { "..", "up" },        { "/a/b", "abs" },           { "../../../../../../../..", "out" },
        { "loop", "loop" },    { "/nowhere", "dangling" },  { ".", "self" },
        { "/a", "a/b/back" },  { "../../..", "a/b/above" }, { "a/b/file", "to-file" },
        { "a/b/", "slashed" },
    };
    char link[32], target[32];
    int root;

    if (!mkdtemp(name))
        return -1;
    root = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(mkdirat(root, "a", 0755) == 0 && mkdirat(root, "a/b", 0755) == 0);
    fd_close(openat(root, "a/b/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        CHECK(symlinkat(links[i].target, root, links[i].link) == 0);
    /* chain39 -> chain38 -> ... -> a: 40 links are followed, chain40's 41 are not. */
    for (int i = 0; i <= 40; i++) {
        (void)str_format(link, sizeof(link), "chain%d", i);
        (void)str_format(target, sizeof(target), "chain%d", i - 1);
        CHECK(symlinkat(i ? target : "a", root, link) == 0);
    }
    return root;
}

static void every_path_ends_where_openat2_ends(void)
{
    char name[] = ROOT;
    int root = make_tree(name);

    CHECK(root >= 0);
    for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
        for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
            for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
                compare(root, paths[p], flags[f], modes[m]);
        }
    }
    compare(root, "chain40", O_PATH, modes[0]);
    fd_close(root);
    CHECK_INT(path_remove_tree(AT_FDCWD, name), 0);
}

static void files_are_made_where_openat2_makes_them(void)
{
    static const char *const made[] = { "new",           "a/new",   "abs/new2", "dangling",
                                        "a/missing/new", "to-file", "a" };

    for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
        char by_kernel[] = ROOT, by_hand[] = ROOT;
        int one = make_tree(by_kernel), two = make_tree(by_hand);
        struct stat a, b;
        int want = kernel_open(one, made[i], O_WRONLY | O_CREAT, modes[0]);
        int got = resolve_walk(two, made[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600, modes[0]);

        CHECK((want < 0) == (got < 0));
        CHECK(want >= 0 || want == got);
        CHECK(fstatat(one, "a/new", &a, 0) == fstatat(two, "a/new", &b, 0));
        CHECK(fstatat(one, "a/b/new2", &a, 0) == fstatat(two, "a/b/new2", &b, 0));
        CHECK(fstatat(one, "nowhere", &a, 0) == fstatat(two, "nowhere", &b, 0));
        fd_close(want), fd_close(got), fd_close(one), fd_close(two);
        CHECK_INT(path_remove_tree(AT_FDCWD, by_kernel), 0);
        CHECK_INT(path_remove_tree(AT_FDCWD, by_hand), 0);
    }
}

static void magic_links_of_procfs_are_never_followed(void)
{
    static const char *const magic[] = { "self/exe",  "self/root",    "self/cwd/x",
                                         "self/fd/0", "self/ns/user", "1/root" };
    _cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < ARRAY_SIZE(magic); i++) {
        int got = resolve_walk(proc, magic[i], O_PATH | O_CLOEXEC, 0, modes[0]);

        CHECK(got == -ELOOP || got == -EACCES);
        fd_close(got);
    }
    compare(proc, "self/status", O_PATH, modes[2]);
    compare(proc, "thread-self/attr", O_PATH, modes[2]);
    compare(proc, "mounts", O_PATH | O_NOFOLLOW, modes[2]);
    compare(proc, "sys/kernel/hostname", O_RDONLY, modes[2]);
}

/* /dev/pts is a mount on /dev nearly everywhere; where it is not there is nothing to cross. */
static void another_mount_is_not_entered_with_no_xdev(void)
{
    _cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    compare(root, "proc/self/status", O_PATH, modes[2]);
    compare(root, "dev/pts", O_PATH, modes[2]);
    compare(root, "proc", O_PATH, modes[3]);
}

static void long_paths_and_names_are_refused(void)
{
    _cleanup_close_ int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_free_ char *text = mem_zalloc(PATH_MAX + 2);

    memset(text, 'x', NAME_MAX + 1);
    CHECK_INT(resolve_walk(root, text, O_PATH, 0, modes[0]), -ENAMETOOLONG);
    memset(text, '/', PATH_MAX + 1);
    CHECK_INT(resolve_walk(root, text, O_PATH, 0, modes[0]), -ENAMETOOLONG);
}

UNIT_MAIN(TEST(every_path_ends_where_openat2_ends), TEST(files_are_made_where_openat2_makes_them),
          TEST(magic_links_of_procfs_are_never_followed), TEST(another_mount_is_not_entered_with_no_xdev),
          TEST(long_paths_and_names_are_refused))
