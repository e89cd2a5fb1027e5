// SPDX-License-Identifier: Apache-2.0
/* The system call filter: what an installed one does, and what the cache of compiled ones trusts. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "security/seccomp.h"
#include "tests/unit.h"
#include "tests/unit_child.h"

static struct spec *profile_of(const char *seccomp)
{
    _cleanup_free_ char *text = str_printf("{\"ociVersion\":\"1.0.2\",\"linux\":{\"seccomp\":%s}}", seccomp);
    struct spec *spec = NULL;
    struct err e = { 0 };

    if (spec_parse(text, strlen(text), &spec, &e) < 0)
        printf("# %s\n", e.message);
    CHECK(spec);
    return spec;
}

static struct spec *docker_profile(void)
{
    _cleanup_buf_ struct buf b = { 0 };
    _cleanup_free_ char *path = str_printf("%s/seccomp-docker.json", unit_seeds(SEEDS_DIR));

    CHECK_INT(fd_read_file(AT_FDCWD, path, 1 << 20, &b), 0);
    return profile_of(b.data ? b.data : "{}");
}

static int make_directory(char *template)
{
    CHECK(mkdtemp(template));
    return open(template, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_directory(const char *path)
{
    (void)path_remove_tree(AT_FDCWD, path);
}

static size_t count_files(int dirfd)
{
    DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    size_t n = 0;

    for (struct dirent *entry; d && (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

/* The name of the one file in the cache. */
static void only_file(int dirfd, char *name, size_t size)
{
    DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    name[0] = '\0';
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (entry->d_name[0] != '.')
            CHECK_INT(str_format(name, size, "%s", entry->d_name), 0);
    }
    if (d)
        closedir(d);
}

struct probe {
    const struct seccomp_filter *filter;
    long number, args[3];
    int want; /* errno, or 0 for "gets through" */
};

static int run_probe(void *data)
{
    const struct probe *p = data;
    struct err e = { 0 };
    long r;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(p->filter, NULL, &e) < 0)
        return 100;
    r = syscall(p->number, p->args[0], p->args[1], p->args[2], 0, 0, 0);
    return (int)syscall(SYS_exit_group, r < 0 ? errno : 0);
}

static void check_probe(const struct seccomp_filter *f, long number, long a, long b, int want)
{
    struct probe p = { .filter = f, .number = number, .args = { a, b, 0 } };
    int got = in_child(run_probe, &p);

    if (got != want)
        printf("# system call %ld (%#lx, %#lx)\n", number, a, b);
    CHECK_INT(got, want);
}

static void a_filter_does_what_the_profile_says(void)
{
    struct spec *spec =
        profile_of("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
                   "{\"names\":[\"getppid\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\"},"
                   "{\"names\":[\"getpgid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":99},"
                   "{\"names\":[\"getsid\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
                   "{\"names\":[\"getuid\"],\"action\":\"SCMP_ACT_ALLOW\"},"
                   "{\"names\":[\"dup3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":7,\"args\":["
                   "{\"index\":0,\"value\":5000,\"op\":\"SCMP_CMP_EQ\"},{\"index\":1,\"value\":6000,\"op\":"
                   "\"SCMP_CMP_EQ\"}]},"
                   "{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":8,\"args\":["
                   "{\"index\":0,\"value\":5000,\"op\":\"SCMP_CMP_EQ\"},{\"index\":0,\"value\":6000,\"op\":"
                   "\"SCMP_CMP_EQ\"}]},"
                   "{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1,\"args\":["
                   "{\"index\":1,\"value\":4294967295,\"valueTwo\":21522,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}");
    struct seccomp_filter f;
    struct err e = { 0 };

    CHECK_INT(seccomp_prepare(&spec->seccomp, -1, &f, &e), 0);
    CHECK(f.program && f.size % sizeof(struct sock_filter) == 0 && !f.notify && f.flags == 0);
    check_probe(&f, SYS_getuid, 0, 0, 0);
    check_probe(&f, SYS_getppid, 0, 0, EPERM);
    check_probe(&f, SYS_getpgid, 0, 0, 99);
    check_probe(&f, SYS_getsid, 0, 0, 128 + SIGSYS);
    /* conditions on two arguments hold together, */
    check_probe(&f, SYS_dup3, 5000, 6000, 7);
    check_probe(&f, SYS_dup3, 5000, 6001, EBADF);
    /* on one argument they are alternatives */
    check_probe(&f, SYS_close, 5000, 0, 8);
    check_probe(&f, SYS_close, 6000, 0, 8);
    check_probe(&f, SYS_close, 7000, 0, EBADF);
    /* TIOCSTI with garbage in the upper half, which the kernel ignores (CVE-2019-10063) */
    check_probe(&f, SYS_ioctl, 5000, 0x100005412L, EPERM);
    check_probe(&f, SYS_ioctl, 5000, 0x5413, EBADF);
    seccomp_filter_free(&f);
    CHECK(!f.program);
    spec_free(spec);
}

static void calls_newer_than_the_library_give_enosys(void)
{
    struct spec *spec =
        profile_of("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13,\"syscalls\":["
                   "{\"names\":[\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}]}");
    struct seccomp_filter f;
    struct err e = { 0 };

    CHECK_INT(seccomp_prepare(&spec->seccomp, -1, &f, &e), 0);
    check_probe(&f, SYS_getppid, 0, 0, 13);
    check_probe(&f, SYS_faccessat2, 0, 0, 13); /* above exit_group, but known */
    check_probe(&f, 1000, 0, 0, ENOSYS);
    seccomp_filter_free(&f);
    spec_free(spec);
}

static void the_docker_like_profile_compiles_and_holds(void)
{
    struct spec *spec = docker_profile();
    struct seccomp_filter f;
    struct err e = { 0 };

    CHECK_INT(seccomp_prepare(&spec->seccomp, -1, &f, &e), 0);
    CHECK(f.size / sizeof(struct sock_filter) > 400);
    check_probe(&f, SYS_getppid, 0, 0, 0);
    check_probe(&f, SYS_personality, 0xffffffffL, 0, 0);
    check_probe(&f, SYS_personality, 0x0400000, 0, EPERM);
    check_probe(&f, SYS_reboot, 0, 0, EPERM);
    check_probe(&f, SYS_clone3, 0, 0, ENOSYS);
    check_probe(&f, SYS_socket, 40, SOCK_STREAM, EPERM); /* vsock */
    seccomp_filter_free(&f);
    spec_free(spec);
}

static void no_profile_gives_no_filter(void)
{
    struct spec_seccomp none = { 0 };
    struct seccomp_filter f;
    struct err e = { 0 };

    CHECK_INT(seccomp_prepare(&none, -1, &f, &e), 0);
    CHECK(!f.program && seccomp_install(&f, NULL, &e) == 0);
}

static int notify_child(void *data)
{
    struct err e = { 0 };
    int listener = -1;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(data, &listener, &e) < 0)
        return 1;
    return listener >= 0 && fcntl(listener, F_GETFD) == FD_CLOEXEC ? 0 : 2;
}

static void notify_yields_a_listener(void)
{
    struct spec *spec = profile_of("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/a\",\"flags\":["
                                   "\"SECCOMP_FILTER_FLAG_TSYNC\"],\"syscalls\":["
                                   "{\"names\":[\"mknod\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}");
    struct seccomp_filter f;
    struct err e = { 0 };

    CHECK_INT(seccomp_prepare(&spec->seccomp, -1, &f, &e), 0);
    CHECK(f.notify && f.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER &&
          f.flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
    CHECK_INT(in_child(notify_child, &f), 0);
    seccomp_filter_free(&f);
    spec_free(spec);
}

static bool same_program(const struct seccomp_filter *a, const struct seccomp_filter *b)
{
    return a->program && b->program && a->size == b->size && memcmp(a->program, b->program, a->size) == 0;
}

static void a_compiled_filter_is_found_in_the_cache(void)
{
    char template[] = "/tmp/lichen-unit-XXXXXX", name[64];
    _cleanup_close_ int runtime = make_directory(template);
    _cleanup_close_ int cache = seccomp_cache_open(runtime);
    struct spec *spec = docker_profile();
    struct seccomp_filter cold, warm;
    struct stat before, after;
    struct err e = { 0 };

    CHECK(cache >= 0);
    CHECK_INT(seccomp_prepare(&spec->seccomp, cache, &cold, &e), 0);
    CHECK_INT(count_files(cache), 1);
    only_file(cache, name, sizeof(name));
    CHECK(fstatat(cache, name, &before, 0) == 0 && (before.st_mode & 0777) == 0600);
    CHECK_INT(seccomp_prepare(&spec->seccomp, cache, &warm, &e), 0);
    CHECK(same_program(&cold, &warm));
    /* Not written again: it was a hit. */
    CHECK(fstatat(cache, name, &after, 0) == 0 && after.st_ino == before.st_ino);
    seccomp_filter_free(&warm);
    /* Another profile is another entry. */
    spec->seccomp.default_action ^= 1;
    CHECK_INT(seccomp_prepare(&spec->seccomp, cache, &warm, &e), 0);
    CHECK(!same_program(&cold, &warm));
    CHECK_INT(count_files(cache), 2);
    seccomp_filter_free(&warm);
    seccomp_filter_free(&cold);
    spec_free(spec);
    remove_directory(template);
}

/* Ways to spoil the cache file; each must lead to a fresh compilation with the right program. */
static void spoil_truncate(int dirfd, const char *name)
{
    _cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);

    CHECK(ftruncate(fd, 100) == 0);
}

static void spoil_empty(int dirfd, const char *name)
{
    _cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_TRUNC | O_CLOEXEC);

    CHECK(fd >= 0);
}

static void spoil_byte(int dirfd, const char *name, off_t offset)
{
    _cleanup_close_ int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
    struct stat st;
    char c;

    CHECK(fstat(fd, &st) == 0);
    offset = offset < 0 ? st.st_size + offset : offset;
    CHECK(pread(fd, &c, 1, offset) == 1);
    c ^= 0x40;
    CHECK(pwrite(fd, &c, 1, offset) == 1);
}

static void spoil_program(int dirfd, const char *name)
{
    spoil_byte(dirfd, name, -8);
}

static void spoil_key(int dirfd, const char *name)
{
    spoil_byte(dirfd, name, 200);
}

static void spoil_sizes(int dirfd, const char *name)
{
    spoil_byte(dirfd, name, 12);
}

static void spoil_mode(int dirfd, const char *name)
{
    CHECK(fchmodat(dirfd, name, 0644, 0) == 0);
}

/* A private file elsewhere with good content, reached by a link. */
static void spoil_symlink(int dirfd, const char *name)
{
    CHECK(renameat(dirfd, name, dirfd, "elsewhere") == 0);
    CHECK(symlinkat("elsewhere", dirfd, name) == 0);
}

static void spoil_fifo(int dirfd, const char *name)
{
    CHECK(unlinkat(dirfd, name, 0) == 0);
    CHECK(mkfifoat(dirfd, name, 0600) == 0);
}

static void a_spoilt_cache_file_is_replaced(void)
{
    static void (*const spoils[])(int dirfd, const char *name) = { spoil_truncate, spoil_empty, spoil_program,
                                                                   spoil_key,      spoil_sizes, spoil_mode,
                                                                   spoil_symlink,  spoil_fifo };
    char template[] = "/tmp/lichen-unit-XXXXXX", name[64];
    _cleanup_close_ int cache = make_directory(template);
    struct spec *spec =
        profile_of("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
                   "{\"names\":[\"getppid\",\"getsid\",\"getpgid\",\"mknod\",\"reboot\",\"swapon\"],"
                   "\"action\":\"SCMP_ACT_ERRNO\"}]}");
    struct seccomp_filter good, f;
    struct err e = { 0 };

    CHECK_INT(seccomp_prepare(&spec->seccomp, cache, &good, &e), 0);
    only_file(cache, name, sizeof(name));
    for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
        struct stat before, after;

        spoils[i](cache, name);
        CHECK(fstatat(cache, name, &before, AT_SYMLINK_NOFOLLOW) == 0);
        CHECK_INT(seccomp_prepare(&spec->seccomp, cache, &f, &e), 0);
        CHECK(same_program(&good, &f));
        CHECK(fstatat(cache, name, &after, AT_SYMLINK_NOFOLLOW) == 0);
        CHECK(S_ISREG(after.st_mode) && (after.st_mode & 0777) == 0600 && after.st_ino != before.st_ino);
        (void)unlinkat(cache, "elsewhere", 0);
        seccomp_filter_free(&f);
    }
    seccomp_filter_free(&good);
    spec_free(spec);
    remove_directory(template);
}

static void a_cache_open_to_others_is_not_used(void)
{
    char template[] = "/tmp/lichen-unit-XXXXXX";
    _cleanup_close_ int runtime = make_directory(template);
    _cleanup_close_ int cache = seccomp_cache_open(runtime);
    struct spec *spec = profile_of("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
    struct seccomp_filter f;
    struct err e = { 0 };

    CHECK(fchmod(cache, 0755) == 0);
    CHECK_INT(seccomp_cache_open(runtime), -EPERM);
    CHECK_INT(seccomp_prepare(&spec->seccomp, cache, &f, &e), 0);
    CHECK(f.program && count_files(cache) == 0);
    seccomp_filter_free(&f);
    CHECK(unlinkat(runtime, ".seccomp", AT_REMOVEDIR) == 0 && symlinkat("/tmp", runtime, ".seccomp") == 0);
    CHECK(seccomp_cache_open(runtime) < 0);
    spec_free(spec);
    remove_directory(template);
}

static void the_cache_keeps_a_bounded_number_of_entries(void)
{
    char template[] = "/tmp/lichen-unit-XXXXXX";
    _cleanup_close_ int cache = make_directory(template);
    struct spec *spec =
        profile_of("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
                   "{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1}]}");
    struct err e = { 0 };

    for (unsigned i = 0; i < 70; i++) {
        struct seccomp_filter f;

        spec->seccomp.rules[0].action = SECCOMP_RET_ERRNO | (100 + i);
        CHECK_INT(seccomp_prepare(&spec->seccomp, cache, &f, &e), 0);
        seccomp_filter_free(&f);
    }
    CHECK_INT(count_files(cache), 64);
    spec_free(spec);
    remove_directory(template);
}

static void an_architecture_of_another_endianness_is_an_error(void)
{
    struct spec *spec =
        profile_of("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_S390X\","
                   "\"SCMP_ARCH_MIPSEL64\"]}");
    struct seccomp_filter f;
    struct err e = { 0 };

    /* One of the two always differs from the native one. */
    CHECK(seccomp_prepare(&spec->seccomp, -1, &f, &e) < 0);
    CHECK(str_has_prefix(e.message, "linux.seccomp.architectures["));
    spec_free(spec);
}

UNIT_MAIN(TEST(a_filter_does_what_the_profile_says), TEST(calls_newer_than_the_library_give_enosys),
          TEST(the_docker_like_profile_compiles_and_holds), TEST(no_profile_gives_no_filter),
          TEST(notify_yields_a_listener), TEST(a_compiled_filter_is_found_in_the_cache),
          TEST(a_spoilt_cache_file_is_replaced), TEST(a_cache_open_to_others_is_not_used),
          TEST(the_cache_keeps_a_bounded_number_of_entries),
          TEST(an_architecture_of_another_endianness_is_an_error))
