// SPDX-License-Identifier: Apache-2.0
/* src/base: numbers, strings, paths below a root, signal names. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/program.h"
#include "base/str.h"
#include "base/user.h"
#include "tests/unit.h"

static void a_number_is_digits_and_nothing_else(void)
{
    static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1x", "1.0", "\t1", "1\n" };
    uint32_t v = 7;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK(str_to_u32(bad[i], &v) == -EINVAL);
    CHECK_INT(v, 7);
    CHECK(str_to_u32("4294967296", &v) == -ERANGE);
    CHECK(str_to_u32("4294967295", &v) == 0 && v == 4294967295U);
}

static void signed_numbers_reach_both_ends(void)
{
    int64_t v;

    CHECK(str_to_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v) == 0 && v == INT64_MIN);
    CHECK(str_to_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v) == -ERANGE);
    CHECK(str_to_i64("--1", INT64_MIN, INT64_MAX, &v) == -EINVAL);
    CHECK(str_to_i64("-1001", -1000, 1000, &v) == -ERANGE);
}

static void signals_are_known_by_name_and_number(void)
{
    CHECK_INT(proc_signal_by_name("TERM"), SIGTERM);
    CHECK_INT(proc_signal_by_name("SIGKILL"), SIGKILL);
    CHECK_INT(proc_signal_by_name("hup"), SIGHUP);
    CHECK_INT(proc_signal_by_name("9"), 9);
    CHECK_INT(proc_signal_by_name("RTMIN+3"), SIGRTMIN + 3);
    CHECK_INT(proc_signal_by_name("SIGRTMAX-1"), SIGRTMAX - 1);
    CHECK_INT(proc_signal_by_name("NOPE"), -EINVAL);
    CHECK_INT(proc_signal_by_name("9x"), -EINVAL);
    CHECK_INT(proc_signal_by_name("RTMIN+99"), -EINVAL);
}

static void clean_matches_go(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "", "." },
        { "/", "/" },
        { "a//b/./c", "a/b/c" },
        { "/../a", "/a" },
        { "../../a", "../../a" },
        { "a/../..", ".." },
        { "/a/b/../c/", "/a/c" },
        { "a/..", "." },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *got = path_clean(cases[i].in);

        CHECK_STR(got, cases[i].out);
    }
}

static void links_in_a_root_stay_in_it(void)
{
    char top[] = "/tmp/lichen-unit-XXXXXX";
    _cleanup_close_ int root = -1, fd = -1, tmp = -1;
    struct stat st;

    CHECK(mkdtemp(top) != NULL);
    root = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(root >= 0);
    CHECK(symlinkat("/../../../../../escape", root, "link") == 0);
    CHECK(mkdirat(root, "escape", 0755) == 0);
    fd = path_mkdirs_in_root(root, "/link/made/here", 0755);
    CHECK(fd >= 0);
    CHECK(fstatat(root, "escape/made/here", &st, 0) == 0 && S_ISDIR(st.st_mode));
    fd = fd_close(fd);
    CHECK(symlinkat("/dangling", root, "dead") == 0);
    fd = path_create_file_in_root(root, "/dead");
    CHECK_INT(fd, -ENOENT);
    fd = path_create_file_in_root(root, "/x/y/file");
    CHECK(fd >= 0 && fstatat(root, "x/y/file", &st, 0) == 0 && S_ISREG(st.st_mode));
    CHECK_INT(path_mkdirs_in_root(root, "/x/y/file/z", 0755), -ENOTDIR);
    tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(path_remove_tree(tmp, top + strlen("/tmp/")), 0);
    CHECK(access(top, F_OK) < 0 && errno == ENOENT);
}

static void a_replaced_file_is_whole(void)
{
    char top[] = "/tmp/lichen-unit-XXXXXX";
    _cleanup_close_ int dir = -1;
    _cleanup_buf_ struct buf b = { 0 };

    CHECK(mkdtemp(top) != NULL);
    dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(fd_replace_file(dir, "f", 0600, "one", 3, false), 0);
    CHECK_INT(fd_replace_file(dir, "f", 0600, "second", 6, true), 0);
    CHECK_INT(fd_read_file(dir, "f", 100, &b), 0);
    CHECK_STR(b.data, "second");
    CHECK_INT(fd_read_file(dir, "f", 5, &b), -EFBIG);
    CHECK_STR(b.data, "second");
    CHECK_INT(path_remove_tree(AT_FDCWD, top), 0);
}

static void a_process_is_more_than_its_number(void)
{
    struct proc_id id;
    _cleanup_close_ int fd = -1;

    CHECK_INT(proc_identify(getpid(), &id), 0);
    fd = proc_open_id(&id);
    CHECK(fd >= 0);
    id.start_time++;
    CHECK_INT(proc_open_id(&id), -ESRCH);
}

static void bytes_take_units_and_refuse_the_rest(void)
{
    static const struct {
        const char *text;
        int r;
        int64_t value;
    } rows[] = {
        { "0", 0, 0 },
        { "1048576", 0, 1048576 },
        { "1b", 0, 1 },
        { "512m", 0, 512LL << 20 },
        { "2G", 0, 2LL << 30 },
        { "1kb", 0, 1024 },
        { "3MiB", 0, 3LL << 20 },
        { "1t", 0, 1LL << 40 },
        { "8191p", 0, 8191LL << 50 },
        { "8192p", -ERANGE, 0 },
        { "9223372036854775807", 0, INT64_MAX },
        { "9223372036854775808", -ERANGE, 0 },
        { "99999999999999999999999999", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { "m", -EINVAL, 0 },
        { "-1", -EINVAL, 0 },
        { "1.5m", -EINVAL, 0 },
        { "1 m", -EINVAL, 0 },
        { "1x", -EINVAL, 0 },
        { "1ib", -EINVAL, 0 },
        { "1mbb", -EINVAL, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t value = 77;
        int r = str_to_bytes(rows[i].text, &value);

        if (r != rows[i].r || value != (r < 0 ? 77 : rows[i].value))
            printf("# \"%s\"\n", rows[i].text);
        CHECK_INT(r, rows[i].r);
        CHECK_INT(value, r < 0 ? 77 : rows[i].value);
    }
}

static void durations_are_those_of_go(void)
{
    static const struct {
        const char *text;
        int r, ms;
    } rows[] = {
        { "5s", 0, 5000 },
        { "500ms", 0, 500 },
        { "1m30s", 0, 90000 },
        { "1h", 0, 3600000 },
        { "0.5s", 0, 500 },
        { "1.25m", 0, 75000 },
        { "1us", 0, 1 },
        { "1ns", 0, 1 },
        { "0s", 0, 0 },
        { ".5s", 0, 500 },
        { "", -EINVAL, 0 },
        { "5", -EINVAL, 0 },
        { "s", -EINVAL, 0 },
        { "-5s", -EINVAL, 0 },
        { "5s ", -EINVAL, 0 },
        { ".s", -EINVAL, 0 },
        { "5d", -EINVAL, 0 },
        { "597h", -ERANGE, 0 },
        { "99999999999999999999s", -ERANGE, 0 },
        { "500h500h", -ERANGE, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int ms = 77, r = str_to_duration(rows[i].text, &ms);

        if (r != rows[i].r || ms != (r < 0 ? 77 : rows[i].ms))
            printf("# \"%s\"\n", rows[i].text);
        CHECK_INT(r, rows[i].r);
        CHECK_INT(ms, r < 0 ? 77 : rows[i].ms);
    }
}

static void users_have_names(void)
{
    char name[USER_NAME_MAX];

    CHECK_STR(user_name(0, name, sizeof(name)), "root");
    CHECK(user_name(4294967294U, name, sizeof(name)) == NULL);
    /* Too small for the name: nobody rather than somebody else. */
    CHECK(user_name(0, name, 4) == NULL);
}

static void what_a_program_prints_is_captured(void)
{
    char *const prints[] = { (char *)"sh", (char *)"-c", (char *)"cat; echo one; echo two >&2", NULL };
    char *const fails[] = { (char *)"sh", (char *)"-c", (char *)"echo no; exit 3", NULL };
    char *const missing[] = { (char *)"lichen-no-such-program", NULL };
    _cleanup_buf_ struct buf out = { 0 }, none = { 0 };

    CHECK_INT(program_capture(prints, 100, &out), 0);
    CHECK_STR(out.data, "one\n");
    CHECK_INT(program_capture(fails, 100, &none), -EIO);
    CHECK_INT(program_capture(missing, 100, &none), -ENOENT);
}

static void a_missing_helper_names_where_it_was_looked_for(void)
{
    struct err e = { 0 };
    char *path = NULL;

    CHECK_INT(program_helper_path("lichen-no-such-helper", &path, &e), -ENOENT);
    CHECK(path == NULL);
    CHECK(strstr(e.message, "/lichen-no-such-helper)"));
    CHECK(strstr(e.remedy, "LICHEN_LIBEXECDIR"));
}

static void lists_of_numbers_become_bits(void)
{
    static const struct {
        const char *text;
        int result;
        unsigned long bits[2];
    } cases[] = {
        { "0", 1, { 1, 0 } },           { "0-3,7", 5, { 0x8f, 0 } },
        { " 1, 1-2 ,\n", 2, { 6, 0 } }, { "63-64", 2, { 1UL << 63, 1 } },
        { "127", 1, { 0, 1UL << 63 } }, { "", 0, { 0, 0 } },
        { "128", -ERANGE, { 0, 0 } },   { "0-99999999999999999999", -ERANGE, { 0, 0 } },
        { "3-1", -EINVAL, { 0, 0 } },   { "1-", -EINVAL, { 0, 0 } },
        { "-1", -EINVAL, { 0, 0 } },    { "1x", -EINVAL, { 0, 0 } },
        { "1-2-3", -EINVAL, { 0, 0 } }, { "all", -EINVAL, { 0, 0 } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned long bits[2];

        CHECK_INT(str_to_bits(cases[i].text, bits, 128), cases[i].result);
        CHECK(cases[i].result < 0 || (bits[0] == cases[i].bits[0] && bits[1] == cases[i].bits[1]));
    }
}

UNIT_MAIN(TEST(lists_of_numbers_become_bits), TEST(bytes_take_units_and_refuse_the_rest),
          TEST(durations_are_those_of_go), TEST(a_number_is_digits_and_nothing_else),
          TEST(signed_numbers_reach_both_ends), TEST(signals_are_known_by_name_and_number),
          TEST(clean_matches_go), TEST(links_in_a_root_stay_in_it), TEST(a_replaced_file_is_whole),
          TEST(a_process_is_more_than_its_number), TEST(users_have_names),
          TEST(what_a_program_prints_is_captured), TEST(a_missing_helper_names_where_it_was_looked_for))
