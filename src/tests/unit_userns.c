// SPDX-License-Identifier: Apache-2.0
/* src/userns: subordinate ranges and id maps. */
#include <errno.h>

#include "base/mem.h"
#include "tests/unit.h"
#include "userns/idmap.h"
#include "userns/mapping.h"
#include "userns/subid.h"

static struct subid_ranges parse(const char *text, const char *user, uid_t uid)
{
    struct subid_ranges r;

    subid_parse(text, strlen(text), user, uid, &r);
    return r;
}

static void ranges_are_found_by_name_and_by_number(void)
{
    struct subid_ranges r = parse("bob:1:2\nalice:100000:65536\n1000:300000:10\nalicex:5:5\n", "alice", 1000);

    CHECK_INT(r.n, 2);
    CHECK_INT(r.v[0].start, 100000);
    CHECK_INT(r.v[0].count, 65536);
    CHECK_INT(r.v[1].start, 300000);
    CHECK_INT(r.v[1].count, 10);
}

static void malformed_lines_are_passed_over(void)
{
    static const char text[] =
        "alice\nalice:\nalice:1\nalice::\nalice:x:5\nalice:5:x\nalice:-1:5\nalice:5:5:5\nalice: 5:5\n"
        "alice:4294967290:10\nalice:7:0\nalice:99999999999999999999:1\n\n:1:1\nalice:100000:10";
    struct subid_ranges r = parse(text, "alice", 1000);

    CHECK_INT(r.n, 1);
    CHECK_INT(r.v[0].start, 100000);
}

static void overlapping_ranges_are_taken_once(void)
{
    struct subid_ranges r = parse("a:100:10\na:105:10\na:110:5\n", "a", 1);

    CHECK_INT(r.n, 2);
    CHECK_INT(r.v[1].start, 110);
}

static void a_user_without_a_name_is_found_by_number(void)
{
    struct subid_ranges r = parse("1000:100:10\n", NULL, 1000);

    CHECK_INT(r.n, 1);
}

static void getsubids_output_is_read(void)
{
    static const char text[] = "0: alice 100000 65536\n1: alice 200000 10\nnonsense\n";
    struct subid_ranges r;

    subid_parse_getsubids(text, sizeof(text) - 1, &r);
    CHECK_INT(r.n, 2);
    CHECK_INT(r.v[1].count, 10);
}

static void check_map(const struct idmap *map, size_t n, const struct idmap_extent *want)
{
    CHECK_INT(map->n, n);
    for (size_t i = 0; i < n && i < map->n; i++) {
        CHECK_INT(map->v[i].container, want[i].container);
        CHECK_INT(map->v[i].host, want[i].host);
        CHECK_INT(map->v[i].size, want[i].size);
    }
}

static const struct subid_ranges two_ranges = { 2, { { 100000, 500 }, { 200000, 1000 } } };

static void the_default_map_is_the_caller_then_all_ranges(void)
{
    struct idmap map;

    CHECK_INT(idmap_build(IDS_DEFAULT, 1000, &two_ranges, "/etc/subuid", &map, NULL), 0);
    check_map(&map, 3,
              (const struct idmap_extent[]){ { 0, 1000, 1 }, { 1, 100000, 500 }, { 501, 200000, 1000 } });
    CHECK_INT(idmap_size(&map), 1501);
}

static void keep_id_leaves_the_callers_id_where_it_is(void)
{
    struct idmap map;

    CHECK_INT(idmap_build(IDS_KEEP, 700, &two_ranges, "/etc/subuid", &map, NULL), 0);
    check_map(&map, 4,
              (const struct idmap_extent[]){
                  { 0, 100000, 500 }, { 500, 200000, 200 }, { 700, 700, 1 }, { 701, 200200, 800 } });
}

static void keep_id_beyond_the_ranges_still_maps_the_caller(void)
{
    struct idmap map;

    CHECK_INT(idmap_build(IDS_KEEP, 100000000, &two_ranges, "/etc/subuid", &map, NULL), 0);
    CHECK_INT(map.v[map.n - 1].container, 100000000);
    CHECK_INT(map.v[map.n - 1].size, 1);
}

static void keep_id_without_ranges_says_what_to_add(void)
{
    struct subid_ranges none = { 0 };
    struct idmap map;
    struct err e = { 0 };

    CHECK_INT(idmap_build(IDS_KEEP, 1000, &none, "/etc/subgid", &map, &e), -ENOENT);
    CHECK(strstr(e.message, "/etc/subgid") != NULL);
    CHECK(strstr(e.remedy, "--add-subgids") != NULL);
}

static void a_map_never_leaves_the_id_space(void)
{
    struct idmap map = { 0 };

    CHECK_INT(idmap_add(&map, 0, UINT32_MAX - 5, 10), -ERANGE);
    CHECK_INT(idmap_add(&map, UINT32_MAX - 5, 0, 10), -ERANGE);
    CHECK_INT(map.n, 0);
    for (uint32_t i = 0; i < IDMAP_MAX; i++)
        CHECK_INT(idmap_add(&map, i * 2, i * 4, 1), 0);
    CHECK_INT(idmap_add(&map, 5000, 50000, 1), -E2BIG);
}

static void neighbouring_extents_become_one(void)
{
    struct idmap map = { 0 };

    CHECK_INT(idmap_add(&map, 0, 100, 10), 0);
    CHECK_INT(idmap_add(&map, 10, 110, 5), 0);
    CHECK_INT(map.n, 1);
    CHECK_INT(map.v[0].size, 15);
}

static void ids_are_looked_up_both_ways(void)
{
    struct idmap map;
    uint32_t id = 7;

    CHECK_INT(idmap_build(IDS_DEFAULT, 1000, &two_ranges, "f", &map, NULL), 0);
    CHECK(idmap_to_host(&map, 33, &id) == 0 && id == 100032);
    CHECK(idmap_to_container(&map, 200999, &id) == 0 && id == 1500);
    CHECK_INT(idmap_to_host(&map, 1501, &id), -ENOENT);
    CHECK_INT(idmap_to_container(&map, 0, &id), -ENOENT);
}

static void layers_are_shifted_for_another_map_only(void)
{
    struct subid_ranges range = { 1, { { 165536, 65536 } } };
    struct idmap layers, keep, shift;

    CHECK_INT(idmap_build(IDS_DEFAULT, 1002, &range, "f", &layers, NULL), 0);
    CHECK(!idmap_translate(&layers, &layers, &shift));
    CHECK_INT(idmap_build(IDS_KEEP, 1002, &range, "f", &keep, NULL), 0);
    CHECK(idmap_translate(&layers, &keep, &shift));
    check_map(&shift, 3,
              (const struct idmap_extent[]){ { 0, 1002, 1 }, { 1, 0, 1002 }, { 1003, 1003, 64534 } });
}

static void the_hosts_ids_are_written_as_the_containers_below_it(void)
{
    const struct idmap outer = { 2, { { 0, 1000, 1 }, { 1, 100000, 100 } } };
    const struct idmap wanted = { 2, { { 5, 100032, 1 }, { 1000, 1000, 1 } } };
    const struct idmap split = { 1, { { 0, 100099, 2 } } };
    const struct idmap reversed = { 2, { { 0, 50, 10 }, { 10, 40, 10 } } }, across = { 1, { { 7, 45, 10 } } };
    uint32_t missing = 0;
    struct idmap inner;

    CHECK_INT(idmap_below(&wanted, &outer, &inner, &missing), 0);
    check_map(&inner, 2, (const struct idmap_extent[]){ { 5, 33, 1 }, { 1000, 0, 1 } });
    CHECK_INT(idmap_below(&split, &outer, &inner, &missing), -ENOENT);
    CHECK_INT(missing, 100100);
    /* 45..49 are the outer's 15..19, 50..54 its 0..4: two lines. */
    CHECK_INT(idmap_below(&across, &reversed, &inner, NULL), 0);
    check_map(&inner, 2, (const struct idmap_extent[]){ { 7, 15, 5 }, { 12, 0, 5 } });
}

static void maps_are_written_directly_only_where_the_kernel_lets_us(void)
{
    struct idmap own = { 1, { { 0, 1000, 1 } } }, wide = { 1, { { 0, 1000, 2 } } },
                 foreign = { 1, { { 0, 1001, 1 } } };

    CHECK(mapping_can_write_directly(&own, &own, false, 1000, 1000));
    CHECK(!mapping_can_write_directly(&wide, &own, false, 1000, 1000));
    CHECK(!mapping_can_write_directly(&own, &foreign, false, 1000, 1000));
    CHECK(mapping_can_write_directly(&wide, &foreign, true, 1000, 1000));
}

static void modes_have_three_names(void)
{
    enum ids_mode mode;
    struct err e = { 0 };

    CHECK(ids_mode_parse("keep-id", &mode, &e) == 0 && mode == IDS_KEEP);
    CHECK_INT(ids_mode_parse("auto", &mode, &e), -EINVAL);
    CHECK(strstr(e.message, "auto") != NULL);
}

static void a_map_below_another_keeps_to_its_lines(void)
{
    struct idmap outer = { 0 }, wanted = { 0 }, below = { 0 };
    uint32_t missing = 0;

    CHECK_INT(idmap_parse("         0       1000          1\n         1     100000      65536\n", &outer), 0);
    CHECK_INT(outer.n, 2);
    /* The same map: 0..65536, but the kernel takes no line that spans two of the outer ones. */
    CHECK_INT(idmap_below(&outer, &outer, &below, NULL), 0);
    CHECK_INT(below.n, 2);
    CHECK_INT(below.v[0].container, 0);
    CHECK_INT(below.v[0].host, 0);
    CHECK_INT(below.v[0].size, 1);
    CHECK_INT(below.v[1].container, 1);
    CHECK_INT(below.v[1].host, 1);
    CHECK_INT(below.v[1].size, 65536);
    CHECK_INT(idmap_add(&wanted, 0, 165000, 1000), 0);
    CHECK_INT(idmap_below(&wanted, &outer, &below, &missing), -ENOENT);
    CHECK_INT(missing, 165536);
}

static void a_map_of_procfs_is_read_strictly(void)
{
    static const char *const bad[] = {
        "", "0 0", "0 0 0", "0 x 1", "0 0 1 1", "0 4294967296 1", "0 0 1\n\n"
    };
    struct idmap map;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(idmap_parse(bad[i], &map), -EINVAL);
    CHECK_INT(idmap_parse("0 0 4294967295", &map), 0);
    CHECK_INT(map.v[0].size, 4294967295U);
}

UNIT_MAIN(TEST(a_map_below_another_keeps_to_its_lines), TEST(a_map_of_procfs_is_read_strictly),
          TEST(ranges_are_found_by_name_and_by_number), TEST(malformed_lines_are_passed_over),
          TEST(overlapping_ranges_are_taken_once), TEST(a_user_without_a_name_is_found_by_number),
          TEST(getsubids_output_is_read), TEST(the_default_map_is_the_caller_then_all_ranges),
          TEST(keep_id_leaves_the_callers_id_where_it_is),
          TEST(keep_id_beyond_the_ranges_still_maps_the_caller),
          TEST(keep_id_without_ranges_says_what_to_add), TEST(a_map_never_leaves_the_id_space),
          TEST(neighbouring_extents_become_one), TEST(ids_are_looked_up_both_ways),
          TEST(layers_are_shifted_for_another_map_only),
          TEST(the_hosts_ids_are_written_as_the_containers_below_it),
          TEST(maps_are_written_directly_only_where_the_kernel_lets_us), TEST(modes_have_three_names))
