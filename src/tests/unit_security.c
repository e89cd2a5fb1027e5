// SPDX-License-Identifier: Apache-2.0
/*
 * Capabilities, limits and sysctls. What changes the process runs in a forked child, with a user namespace of
 * its own where it needs capabilities; where the host allows none, the test says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "security/caps.h"
#include "security/limits.h"
#include "security/sysctl.h"
#include "tests/unit.h"
#include "tests/unit_child.h"

#define BIT(n)  (UINT64_C(1) << (n))
#define SKIPPED 77

static void check_child(int (*child)(void *data), void *data)
{
    int r = in_child(child, data);

    if (r == SKIPPED)
        printf("# skipped: no user namespace to be had here\n");
    else
        CHECK_INT(r, 0);
}

static uint64_t status_caps(const char *key)
{
    _cleanup_buf_ struct buf b = { 0 };
    const char *line;

    if (fd_read_file(AT_FDCWD, "/proc/self/status", 1 << 16, &b) < 0 || !(line = strstr(b.data, key)))
        return UINT64_MAX;
    return strtoull(line + strlen(key), NULL, 16);
}

static int caps_as_asked(void *data)
{
    struct spec_capabilities caps = { .set = true };
    struct err e = { 0 };
    uint64_t asked = BIT(5) | BIT(7) | BIT(21);

    (void)data;
    if (unshare(CLONE_NEWUSER) < 0)
        return SKIPPED;
    caps.mask[CAP_SET_BOUNDING] = asked;
    caps.mask[CAP_SET_PERMITTED] = asked | BIT(63); /* one no kernel has */
    caps.mask[CAP_SET_EFFECTIVE] = BIT(5);
    caps.mask[CAP_SET_INHERITABLE] = BIT(7) | BIT(12); /* 12 is outside the bounding set */
    caps.mask[CAP_SET_AMBIENT] = BIT(7) | BIT(5);      /* 5 is not inheritable */
    if (caps_drop_bounding(&caps, &e) < 0 || caps_apply(&caps, &e) < 0)
        return 1;
    if (status_caps("CapBnd:") != asked)
        return 2;
    if (status_caps("CapPrm:") != asked || status_caps("CapEff:") != BIT(5))
        return 3;
    return status_caps("CapInh:") == BIT(7) && status_caps("CapAmb:") == BIT(7) ? 0 : 4;
}

static void capabilities_are_exactly_those_asked_for(void)
{
    check_child(caps_as_asked, NULL);
}

static int caps_none(void *data)
{
    struct spec_capabilities caps = { 0 };
    struct err e = { 0 };

    (void)data;
    if (unshare(CLONE_NEWUSER) < 0)
        return SKIPPED;
    if (caps_drop_bounding(&caps, &e) < 0 || caps_apply(&caps, &e) < 0)
        return 1;
    return status_caps("CapBnd:") | status_caps("CapPrm:") | status_caps("CapEff:") | status_caps("CapInh:") |
                   status_caps("CapAmb:")
               ? 2
               : 0;
}

static void without_the_field_no_capability_is_left(void)
{
    check_child(caps_none, NULL);
}

/* CVE-2022-29162 */
static int caps_inheritable(void *data)
{
    struct spec_capabilities caps = { .set = true };
    struct err e = { 0 };

    (void)data;
    if (unshare(CLONE_NEWUSER) < 0)
        return SKIPPED;
    caps.mask[CAP_SET_BOUNDING] = caps.mask[CAP_SET_PERMITTED] = caps.mask[CAP_SET_EFFECTIVE] = BIT(0);
    if (caps_drop_bounding(&caps, &e) < 0 || caps_apply(&caps, &e) < 0)
        return 1;
    return status_caps("CapInh:") || status_caps("CapAmb:") || status_caps("CapEff:") != BIT(0) ? 2 : 0;
}

static void inheritable_and_ambient_are_empty_unless_asked_for(void)
{
    check_child(caps_inheritable, NULL);
}

static void missing_capabilities_are_named(void)
{
    struct spec_capabilities caps = { .set = true };
    char buf[64], small[12];

    caps.mask[CAP_SET_BOUNDING] = BIT(0) | BIT(21);
    caps.mask[CAP_SET_AMBIENT] = BIT(5);
    CHECK_INT(caps_missing(&caps, BIT(0), buf, sizeof(buf)), 2);
    CHECK_STR(buf, "CAP_KILL, CAP_SYS_ADMIN");
    CHECK_INT(caps_missing(&caps, BIT(0), small, sizeof(small)), 2);
    CHECK_STR(small, "CAP_KILL");
    CHECK_INT(caps_missing(&caps, UINT64_MAX, buf, sizeof(buf)), 0);
    CHECK_STR(buf, "");
    CHECK(caps_last() >= 36 && caps_last() < 64);
}

/* ---- limits ---- */

static int check_above_hard(void *data)
{
    struct spec_rlimit limit = {
        .resource = RLIMIT_NOFILE, .name = "RLIMIT_NOFILE", .soft = 10, .hard = 200
    };
    struct spec_process process = { .n_rlimits = 1, .rlimits = &limit };
    struct rlimit low = { 100, 100 };
    struct err e = { 0 };

    (void)data;
    if (setrlimit(RLIMIT_NOFILE, &low) < 0)
        return 1;
    if (limits_check(&process, false, &e) != -EPERM || !strstr(e.message, "RLIMIT_NOFILE 200 ") ||
        !strstr(e.message, "hard limit 100") || !strstr(e.remedy, "at most 100"))
        return 2;
    if (limits_check(&process, true, &e) < 0)
        return 3;
    limit.hard = 50;
    if (limits_check(&process, false, &e) < 0 || limits_apply_rlimits(&process, &e) < 0)
        return 4;
    return getrlimit(RLIMIT_NOFILE, &low) == 0 && low.rlim_cur == 10 && low.rlim_max == 50 ? 0 : 5;
}

static void an_rlimit_above_the_hard_limit_names_both(void)
{
    CHECK_INT(in_child(check_above_hard, NULL), 0);
}

static int check_oom(void *data)
{
    struct spec_process process = { .oom_score_adj = { true, 500 } };
    struct err e = { 0 };
    _cleanup_buf_ struct buf b = { 0 };

    (void)data;
    if (limits_check(&process, false, &e) < 0 || limits_apply_oom_score(&process, &e) < 0)
        return 1;
    if (fd_read_file(AT_FDCWD, "/proc/self/oom_score_adj", 64, &b) < 0 || strcmp(b.data, "500\n") != 0)
        return 2;
    if (limits_apply_oom_score(&process, &e) < 0)
        return 3;
    process.oom_score_adj.value = 100;
    if (limits_check(&process, false, &e) != -EACCES || !strstr(e.message, "100 is below the caller's 500"))
        return 4;
    return 0;
}

static void an_oom_score_below_the_callers_names_both(void)
{
    CHECK_INT(in_child(check_oom, NULL), 0);
}

static int check_scheduling(void *data)
{
    struct spec_process process = { .scheduler = { .set = true, .policy = SCHED_BATCH, .nice = 3 } };
    struct rlimit none = { 0, 0 };
    struct err e = { 0 };

    (void)data;
    process.io_priority.set = true;
    process.io_priority.class = 2;
    process.io_priority.priority = 6;
    if (setrlimit(RLIMIT_RTPRIO, &none) < 0 || limits_check(&process, false, &e) < 0 ||
        limits_apply_scheduling(&process, &e) < 0)
        return 1;
    if (sched_getscheduler(0) != SCHED_BATCH || getpriority(PRIO_PROCESS, 0) != 3)
        return 2;
    if (syscall(SYS_ioprio_get, 1, 0) != (2 << 13 | 6))
        return 3;
    process.scheduler = (struct spec_scheduler){ .set = true, .policy = SCHED_FIFO, .priority = 5 };
    if (limits_check(&process, false, &e) != -EPERM || !strstr(e.message, "priority 5 is above"))
        return 4;
    process.scheduler.set = false;
    process.io_priority.class = 1;
    return limits_check(&process, false, &e) == -EPERM && strstr(e.message, "IOPRIO_CLASS_RT") ? 0 : 5;
}

static void scheduling_is_applied_and_real_time_refused(void)
{
    CHECK_INT(in_child(check_scheduling, NULL), 0);
}

/* ---- sysctl ---- */

static int try_sysctl(const char *key, const char *value, const bool own[NS_N], struct err *e)
{
    struct spec_key_value pair = { key, value };
    struct spec spec = { .n_sysctl = 1, .sysctl = &pair };

    return sysctl_check(&spec, own, e);
}

static void sysctls_must_belong_to_an_own_namespace(void)
{
    static const bool all[NS_N] = { true, true, true, true, true, true, true, true };
    static const bool none[NS_N] = { false };
    static const char *const good[] = {
        "net.ipv4.ip_forward", "net/ipv4/ip_forward", "net.ipv4.conf.eth0/1.mtu", "kernel.shmmax",
        "kernel.msgmax",       "kernel.sem",          "fs.mqueue.msg_max",        "user.max_user_namespaces"
    };
    static const char *const bad[] = { "kernel.panic",
                                       "vm.swappiness",
                                       "kernel.semx",
                                       "fs.file-max",
                                       "network.x",
                                       "net",
                                       "",
                                       ".net.x",
                                       "net..x",
                                       "net/../vm/x",
                                       "net.x.",
                                       "net//x",
                                       "kernel/../net/x",
                                       "net.//.vm.x",
                                       "/net/x" };
    struct err e = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        CHECK_INT(try_sysctl(good[i], "1", all, &e), 0);
        CHECK_INT(try_sysctl(good[i], "1", none, &e), -EINVAL);
        CHECK(strstr(e.message, good[i]) && strstr(e.message, "namespace") && e.remedy[0]);
        CHECK_INT(try_sysctl(good[i], "", all, &e), -EINVAL);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (try_sysctl(bad[i], "1", all, &e) != -EINVAL) {
            printf("# %s\n", bad[i]);
            CHECK(!"refused");
        }
    }
    CHECK_INT(try_sysctl("kernel.hostname", "x", all, &e), -EINVAL);
    CHECK(strstr(e.message, "the field \"hostname\""));
}

static int apply_sysctl(void *data)
{
    struct spec_key_value pairs[] = { { "net.ipv4.ip_unprivileged_port_start", "81" },
                                      { "net.no.such", "1" } };
    struct spec spec = { .n_sysctl = 1, .sysctl = pairs };
    _cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_buf_ struct buf b = { 0 };
    struct err e = { 0 };

    (void)data;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return SKIPPED;
    if (sysctl_apply(&spec, proc, &e) < 0)
        return 1;
    if (fd_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 64, &b) < 0 ||
        strcmp(b.data, "81\n") != 0)
        return 2;
    spec.n_sysctl = 2;
    if (sysctl_apply(&spec, proc, &e) != -ENOENT || !strstr(e.message, "net.no.such"))
        return 3;
    /* Not procfs: refused even where the path exists in it. */
    return sysctl_apply(&spec, dir, &e) < 0 ? 0 : 4;
}

static void sysctls_are_written_through_procfs_only(void)
{
    check_child(apply_sysctl, NULL);
}

UNIT_MAIN(TEST(capabilities_are_exactly_those_asked_for), TEST(without_the_field_no_capability_is_left),
          TEST(inheritable_and_ambient_are_empty_unless_asked_for), TEST(missing_capabilities_are_named),
          TEST(an_rlimit_above_the_hard_limit_names_both), TEST(an_oom_score_below_the_callers_names_both),
          TEST(scheduling_is_applied_and_real_time_refused), TEST(sysctls_must_belong_to_an_own_namespace),
          TEST(sysctls_are_written_through_procfs_only))
