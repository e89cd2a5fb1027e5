// SPDX-License-Identifier: Apache-2.0
/* cgroup/resources.c and limits.c: what linux.resources becomes. */
#include <errno.h>
#include <stdlib.h>

#include "cgroup/private.h"
#include "tests/unit.h"

static struct opt_i64 i64(int64_t v)
{
    return (struct opt_i64){ true, v };
}

static struct opt_u64 u64(uint64_t v)
{
    return (struct opt_u64){ true, v };
}

/* The settings as "file=value;" in the order of writing. */
static const char *settings_of(const struct spec_resources *r)
{
    static char text[2048];
    struct cgroup_settings s = { 0 };
    struct err e = { 0 };
    size_t used = 0;

    text[0] = '\0';
    if (cgroup_settings_make(r, &s, &e) < 0) {
        (void)str_format(text, sizeof(text), "error: %s", e.message);
        return text;
    }
    for (size_t i = 0; i < s.n; i++) {
        (void)str_format(text + used, sizeof(text) - used, "%s=%s;", s.v[i].file, s.v[i].value);
        used = strlen(text);
    }
    cgroup_settings_free(&s);
    return text;
}

static unsigned needed_by(const struct spec_resources *r)
{
    struct cgroup_settings s = { 0 };
    unsigned needed = 0;

    if (cgroup_settings_make(r, &s, NULL) >= 0)
        needed = cgroup_settings_needed(&s);
    cgroup_settings_free(&s);
    return needed;
}

static void no_resources_ask_for_nothing(void)
{
    struct spec_resources r = { 0 };

    CHECK_STR(settings_of(&r), "");
    CHECK_INT(needed_by(&r), 0);
}

/* runc's own table (cgroups.ConvertCPUSharesToCgroupV2Value) and points between. */
static void cpu_shares_follow_the_curve_of_runc_and_crun(void)
{
    static const struct {
        uint64_t shares, weight;
    } rows[] = {
        { 0, 1 },      { 2, 1 },      { 10, 4 },      { 100, 17 },       { 1023, 100 },     { 1024, 100 },
        { 1025, 101 }, { 2048, 174 }, { 10240, 639 }, { 262143, 10000 }, { 262144, 10000 }, { 500000, 10000 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t got = cgroup_weight_of_shares(rows[i].shares);

        if (got != rows[i].weight)
            printf("# shares %llu\n", (unsigned long long)rows[i].shares);
        CHECK_INT(got, rows[i].weight);
    }
    for (uint64_t shares = 2, last = 0; shares < 300000; shares += 97) {
        CHECK(cgroup_weight_of_shares(shares) >= last);
        last = cgroup_weight_of_shares(shares);
    }
}

static void io_weight_covers_the_whole_range(void)
{
    CHECK_INT(cgroup_io_weight(10), 1);
    CHECK_INT(cgroup_io_weight(100), 910);
    CHECK_INT(cgroup_io_weight(1000), 10000);
}

static void memory_limits_become_bytes_and_max(void)
{
    struct spec_resources r = { 0 };

    r.memory.limit = i64(1 << 20);
    r.memory.reservation = i64(4096);
    CHECK_STR(settings_of(&r), "memory.max=1048576;memory.low=4096;");
    CHECK_INT(needed_by(&r), CGROUP_MEMORY);
    r.memory.reservation = i64(-1);
    CHECK_STR(settings_of(&r), "memory.max=1048576;memory.low=max;");
    r.memory.limit = i64(0);
    r.memory.reservation = i64(0);
    CHECK_STR(settings_of(&r), "");
}

static void swap_is_the_sum_less_the_memory(void)
{
    struct spec_resources r = { 0 };

    r.memory.limit = i64(1000);
    r.memory.swap = i64(1500);
    CHECK_STR(settings_of(&r), "memory.max=1000;memory.swap.max=500;");
    r.memory.swap = i64(1000);
    CHECK_STR(settings_of(&r), "memory.max=1000;memory.swap.max=0;");
    r.memory.swap = i64(-1);
    CHECK_STR(settings_of(&r), "memory.max=1000;memory.swap.max=max;");
    r.memory.swap = i64(0);
    CHECK_STR(settings_of(&r), "memory.max=1000;");
    /* Unlimited memory lifts the limit of swap too, unless that is given. */
    r.memory.limit = i64(-1);
    CHECK_STR(settings_of(&r), "memory.max=max;memory.swap.max=max;");
    CHECK_INT(needed_by(&r), 0);
    r.memory.swap = i64(700);
    CHECK_STR(settings_of(&r), "memory.max=max;memory.swap.max=700;");
}

static void swap_that_makes_no_sense_is_refused_by_name(void)
{
    struct spec_resources r = { 0 };

    r.memory.swap = i64(1500);
    CHECK_STR(settings_of(&r),
              "error: linux.resources.memory.swap: 1500 needs linux.resources.memory.limit: it is "
              "memory and swap together");
    r.memory.limit = i64(2000);
    CHECK_STR(settings_of(&r),
              "error: linux.resources.memory.swap: 1500 is below linux.resources.memory.limit, 2000");
}

static void what_only_cgroup_v1_has_is_refused_by_name(void)
{
    struct spec_resources r = { 0 };
    struct spec_io_weight leaf = { .leaf_weight = u64(10) };

    r.memory.swappiness = u64(60);
    CHECK(strstr(settings_of(&r), "error: linux.resources.memory.swappiness"));
    r = (struct spec_resources){ 0 };
    r.memory.disable_oom_killer = (struct opt_bool){ true, true };
    CHECK(strstr(settings_of(&r), "error: linux.resources.memory.disableOOMKiller"));
    r.memory.disable_oom_killer.value = false;
    CHECK_STR(settings_of(&r), "");
    r.cpu.realtime_runtime = i64(950000);
    CHECK(strstr(settings_of(&r), "error: linux.resources.cpu.realtimeRuntime"));
    r = (struct spec_resources){ 0 };
    r.block_io.leaf_weight = u64(10);
    CHECK(strstr(settings_of(&r), "error: linux.resources.blockIO.leafWeight"));
    r = (struct spec_resources){ 0 };
    r.block_io.n_weights = 1;
    r.block_io.weights = &leaf;
    CHECK(strstr(settings_of(&r), "error: linux.resources.blockIO.weightDevice"));
}

static void cpu_quota_and_period_share_a_file(void)
{
    struct spec_resources r = { 0 };

    r.cpu.quota = i64(50000);
    CHECK_STR(settings_of(&r), "cpu.max=50000 100000;");
    CHECK_INT(needed_by(&r), CGROUP_CPU);
    r.cpu.period = u64(20000);
    r.cpu.burst = u64(1000);
    CHECK_STR(settings_of(&r), "cpu.max=50000 20000;cpu.max.burst=1000;");
    r.cpu.quota = i64(-1);
    r.cpu.burst = u64(0);
    CHECK_STR(settings_of(&r), "cpu.max=max 20000;cpu.max.burst=0;");
    CHECK_INT(needed_by(&r), 0);
    r = (struct spec_resources){ .cpu.period = u64(20000) };
    CHECK_STR(settings_of(&r), "cpu.max=max 20000;");
}

static void an_idle_cgroup_has_no_other_weight(void)
{
    struct spec_resources r = { .cpu = { .idle = i64(1), .shares = u64(2048) } };

    CHECK_STR(settings_of(&r), "cpu.idle=1;");
    r.cpu.idle = i64(0);
    CHECK_STR(settings_of(&r), "cpu.idle=0;cpu.weight=174;");
}

static void pids_limit_zero_is_one_and_negative_none(void)
{
    struct spec_resources r = { .pids_limit = i64(0) };

    CHECK_STR(settings_of(&r), "pids.max=1;");
    r.pids_limit = i64(-1);
    CHECK_STR(settings_of(&r), "pids.max=max;");
    CHECK_INT(needed_by(&r), 0);
    r.pids_limit = i64(7);
    CHECK_STR(settings_of(&r), "pids.max=7;");
    CHECK_INT(needed_by(&r), CGROUP_PIDS);
}

static void io_lines_name_the_device(void)
{
    struct spec_io_throttle read = { 8, 0, 1048576 }, none = { 8, 16, 0 };
    struct spec_io_weight weight = { 8, 0, .weight = { true, 1000 } };
    struct spec_resources r = { .block_io = { .weight = { true, 100 }, .n_weights = 1, .weights = &weight } };

    r.block_io.n_throttles[THROTTLE_READ_BPS] = 1;
    r.block_io.throttles[THROTTLE_READ_BPS] = &read;
    r.block_io.n_throttles[THROTTLE_WRITE_IOPS] = 1;
    r.block_io.throttles[THROTTLE_WRITE_IOPS] = &none;
    CHECK_STR(settings_of(&r), "io.bfq.weight=100;io.weight=910;io.bfq.weight=8:0 1000;io.weight=8:0 10000;"
                               "io.max=8:0 rbps=1048576;io.max=8:16 wiops=max;");
    CHECK_INT(needed_by(&r), CGROUP_IO);
}

static void the_other_controllers_have_their_files(void)
{
    struct spec_hugepage huge = { "2MB", 4194304 };
    struct spec_rdma rdma = { "mlx5_1", { true, 3 }, { true, 10000 } };
    struct spec_resources r = { .cpu = { .cpus = "0-1", .mems = "0" } };

    r.n_hugepages = 1;
    r.hugepages = &huge;
    r.n_rdma = 1;
    r.rdma = &rdma;
    CHECK_STR(settings_of(&r),
              "cpuset.cpus=0-1;cpuset.mems=0;hugetlb.2MB.max=4194304;hugetlb.2MB.rsvd.max=4194304;"
              "rdma.max=mlx5_1 hca_handle=3 hca_object=10000;");
    CHECK_INT(needed_by(&r), CGROUP_CPUSET | CGROUP_HUGETLB | CGROUP_RDMA);
}

static void unified_comes_last_and_is_checked(void)
{
    struct spec_key_value good[] = { { "memory.high", "4096" }, { "cgroup.max.depth", "3" } };
    struct spec_resources r = { .memory.limit = { true, 8192 }, .n_unified = 2, .unified = good };
    static const char *const bad[] = { "cgroup.procs", "cgroup.subtree_control", "bogus.max",
                                       "memory/../x.y" };

    CHECK_STR(settings_of(&r), "memory.max=8192;memory.high=4096;cgroup.max.depth=3;");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct spec_key_value kv = { bad[i], "1" };

        r.n_unified = 1;
        r.unified = &kv;
        CHECK(strstr(settings_of(&r), "error: linux.resources.unified[\""));
        CHECK(strstr(settings_of(&r), bad[i]));
    }
}

static void quotas_are_rounded_up_to_what_systemd_keeps(void)
{
    uint64_t per_sec = 0, period = 0;

    CHECK(cgroup_quota("50000 100000", &per_sec, &period));
    CHECK_INT(per_sec, 500000);
    CHECK_INT(period, 100000);
    CHECK(cgroup_quota("1000 30000", &per_sec, &period));
    CHECK_INT(per_sec, 40000); /* 33333.3 */
    CHECK(cgroup_quota("max 50000", &per_sec, &period));
    CHECK(per_sec == UINT64_MAX);
    CHECK_INT(period, 50000);
    CHECK(cgroup_quota("20000", &per_sec, &period));
    CHECK_INT(per_sec, 200000);
    CHECK(!cgroup_quota("", &per_sec, &period));
    CHECK(!cgroup_quota("x 100000", &per_sec, &period));
    CHECK(!cgroup_quota("100 0", &per_sec, &period));
    CHECK(!cgroup_quota("99999999999999999999999999999 100000", &per_sec, &period));
}

static void cpu_lists_become_bit_masks(void)
{
    uint8_t mask[4];

    CHECK_INT(cgroup_bitmask("0-3,7", mask, sizeof(mask)), 1);
    CHECK_INT(mask[0], 0x8f);
    CHECK_INT(cgroup_bitmask("9, 16-17\n", mask, sizeof(mask)), 3);
    CHECK_INT(mask[0], 0);
    CHECK_INT(mask[1], 2);
    CHECK_INT(mask[2], 3);
    CHECK_INT(cgroup_bitmask("", mask, sizeof(mask)), 0);
    CHECK_INT(cgroup_bitmask("32", mask, sizeof(mask)), -ERANGE);
    CHECK_INT(cgroup_bitmask("3-1", mask, sizeof(mask)), -EINVAL);
    CHECK_INT(cgroup_bitmask("-1", mask, sizeof(mask)), -EINVAL);
    CHECK_INT(cgroup_bitmask("1-", mask, sizeof(mask)), -EINVAL);
    CHECK_INT(cgroup_bitmask("1x", mask, sizeof(mask)), -EINVAL);
}

static void controllers_are_read_and_written_by_name(void)
{
    char text[96];

    CHECK_INT(cgroup_controllers_parse("cpuset cpu io memory hugetlb pids rdma misc\n"), 255);
    CHECK_INT(cgroup_controllers_parse("cpu memory pids"), CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS);
    CHECK_INT(cgroup_controllers_parse("cpus dmem \n"), 0);
    CHECK_STR(cgroup_controllers_text(CGROUP_CPU | CGROUP_PIDS, "+", text, sizeof(text)), "+cpu +pids");
    CHECK_STR(cgroup_controllers_text(0, "+", text, sizeof(text)), "");
}

static void every_property_names_a_file_that_settings_use(void)
{
    CHECK_STR(cgroup_property_of("memory.swap.max")->name, "MemorySwapMax");
    CHECK_STR(cgroup_property_of("cpuset.cpus")->name, "AllowedCPUs");
    CHECK(cgroup_property_of("cpu.max")->type == PROPERTY_QUOTA);
    CHECK(!cgroup_property_of("io.max"));
    CHECK(!cgroup_property_of("cpu.max.burst"));
}

static void managers_have_the_names_of_crun(void)
{
    enum cgroup_manager m = CGROUP_AUTO;
    struct err e = { 0 };

    CHECK_INT(cgroup_manager_parse("systemd", &m, &e), 0);
    CHECK_INT(m, CGROUP_SYSTEMD);
    CHECK_INT(cgroup_manager_parse("cgroupfs", &m, &e), 0);
    CHECK_INT(m, CGROUP_CGROUPFS);
    CHECK_INT(cgroup_manager_parse("disabled", &m, &e), 0);
    CHECK_INT(m, CGROUP_NONE);
    CHECK_INT(cgroup_manager_parse("none", &m, &e), 0);
    CHECK_INT(m, CGROUP_NONE);
    CHECK_INT(cgroup_manager_parse("Systemd", &m, &e), -EINVAL);
    CHECK_STR(e.message, "cgroup manager \"Systemd\" is unknown");
    CHECK_STR(cgroup_manager_name(CGROUP_NONE), "disabled");
}

/* What update writes when it names one of two values that share a file. */
static void a_change_brings_what_shares_its_file_along(void)
{
    struct spec_resources current = { 0 }, change = { 0 }, whole;

    current.cpu.quota = i64(20000);
    current.cpu.period = u64(50000);
    current.memory.limit = i64(1000);
    current.memory.swap = i64(1500);
    current.pids_limit = i64(7);
    change.cpu.quota = i64(10000);
    whole = cgroup_change_complete(&current, &change);
    CHECK_STR(settings_of(&whole), "cpu.max=10000 50000;");
    change = (struct spec_resources){ 0 };
    change.cpu.period = u64(100000);
    whole = cgroup_change_complete(&current, &change);
    CHECK_STR(settings_of(&whole), "cpu.max=20000 100000;");
    change = (struct spec_resources){ 0 };
    change.memory.limit = i64(1200);
    whole = cgroup_change_complete(&current, &change);
    CHECK_STR(settings_of(&whole), "memory.max=1200;memory.swap.max=300;");
    change.memory.limit = i64(-1);
    whole = cgroup_change_complete(&current, &change);
    CHECK_STR(settings_of(&whole), "memory.max=max;memory.swap.max=max;");
    change = (struct spec_resources){ 0 };
    change.memory.swap = i64(1800);
    whole = cgroup_change_complete(&current, &change);
    CHECK_STR(settings_of(&whole), "memory.max=1000;memory.swap.max=800;");
    change = (struct spec_resources){ 0 };
    change.cpu.shares = u64(1024);
    whole = cgroup_change_complete(&current, &change);
    CHECK_STR(settings_of(&whole), "cpu.weight=100;");
}

UNIT_MAIN(TEST(a_change_brings_what_shares_its_file_along), TEST(no_resources_ask_for_nothing),
          TEST(cpu_shares_follow_the_curve_of_runc_and_crun), TEST(io_weight_covers_the_whole_range),
          TEST(memory_limits_become_bytes_and_max), TEST(swap_is_the_sum_less_the_memory),
          TEST(swap_that_makes_no_sense_is_refused_by_name), TEST(what_only_cgroup_v1_has_is_refused_by_name),
          TEST(cpu_quota_and_period_share_a_file), TEST(an_idle_cgroup_has_no_other_weight),
          TEST(pids_limit_zero_is_one_and_negative_none), TEST(io_lines_name_the_device),
          TEST(the_other_controllers_have_their_files), TEST(unified_comes_last_and_is_checked),
          TEST(quotas_are_rounded_up_to_what_systemd_keeps), TEST(cpu_lists_become_bit_masks),
          TEST(controllers_are_read_and_written_by_name), TEST(every_property_names_a_file_that_settings_use),
          TEST(managers_have_the_names_of_crun))
