// SPDX-License-Identifier: Apache-2.0
/* cgroup/decide.c with made-up hosts: each manager, each refusal and what it says. */
#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/unit_property.h"
#include "tests/unit.h"

#define DEFAULT_DELEGATION (CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS)

/* A login on a systemd machine: the shell's cgroup is root's, the user's manager is there. */
static const struct cgroup_host session = {
    .unified = true,
    .mount = "/sys/fs/cgroup",
    .own = "/user.slice/user-1000.slice/session-1.scope",
    .uid = 1000,
    .user_bus = true,
    .bus_controllers = DEFAULT_DELEGATION,
};

/* A delegated unit without a bus. */
static const struct cgroup_host delegated = {
    .unified = true,
    .mount = "/sys/fs/cgroup",
    .own = "/ci.slice/job.service/shell",
    .own_writable = true,
    .controllers = DEFAULT_DELEGATION,
    .delegated = "/ci.slice/job.service",
    .delegated_controllers = DEFAULT_DELEGATION,
    .uid = 1000,
};

/* Neither: most CI machines. */
static const struct cgroup_host bare = {
    .unified = true, .mount = "/sys/fs/cgroup", .own = "/ci", .uid = 1000
};

static const struct cgroup_host hybrid = {
    .unified = true,
    .hybrid = true,
    .mount = "/sys/fs/cgroup/unified",
    .own = "/",
    .own_writable = true,
    .delegated = "/",
    .privileged = true,
};

static const struct cgroup_host root_systemd = {
    .unified = true,
    .mount = "/sys/fs/cgroup",
    .own = "/user.slice/user-0.slice/session-2.scope",
    .own_writable = true,
    .delegated = "/",
    .controllers = DEFAULT_DELEGATION,
    .delegated_controllers = 255,
    .privileged = true,
    .system_bus = true,
    .bus_controllers = DEFAULT_DELEGATION | CGROUP_CPUSET | CGROUP_IO,
};

struct outcome {
    int r;
    struct cgroup_plan plan;
    struct err e;
};

static struct spec_resources with_memory(void)
{
    return (struct spec_resources){ .memory.limit = { true, 1 << 20 } };
}

static struct outcome decide(const struct cgroup_host *host, enum cgroup_manager manager, const char *path,
                             const struct spec_resources *resources)
{
    static const struct spec_resources nothing;
    struct cgroup_request request = {
        .manager = manager, .id = "box", .cgroups_path = path, .resources = resources ? resources : &nothing
    };
    struct outcome o = { 0 };

    o.r = cgroup_decide(host, &request, &o.plan, &o.e);
    return o;
}

static void a_login_gets_a_scope_of_the_users_manager(void)
{
    struct spec_resources r = with_memory();
    struct outcome o = decide(&session, CGROUP_AUTO, NULL, &r);

    CHECK_INT(o.r, 0);
    CHECK_INT(o.plan.manager, CGROUP_SYSTEMD);
    CHECK(o.plan.user);
    CHECK_STR(o.plan.slice, "user.slice");
    CHECK_STR(o.plan.scope, "lichen-box.scope");
    CHECK_STR(o.plan.mount, "/sys/fs/cgroup");
    CHECK_STR(o.plan.path, "");
    CHECK_STR(o.plan.downgrade, "");
    CHECK_INT(o.plan.needed, CGROUP_MEMORY);
    CHECK(cgroup_needs_pid(&o.plan));
}

static void root_uses_the_system_manager(void)
{
    struct outcome o = decide(&root_systemd, CGROUP_AUTO, NULL, NULL);

    CHECK_INT(o.plan.manager, CGROUP_SYSTEMD);
    CHECK(!o.plan.user);
    CHECK_STR(o.plan.slice, "system.slice");
}

static void unit_names_are_made_as_runc_makes_them(void)
{
    struct outcome o = decide(&session, CGROUP_SYSTEMD, "app.slice:libpod:abc", NULL);

    CHECK_INT(o.r, 0);
    CHECK_STR(o.plan.slice, "app.slice");
    CHECK_STR(o.plan.scope, "libpod-abc.scope");
    o = decide(&session, CGROUP_AUTO, "::abc", NULL);
    CHECK_INT(o.r, 0);
    CHECK_STR(o.plan.slice, "user.slice");
    CHECK_STR(o.plan.scope, "abc.scope");
}

static void malformed_systemd_paths_are_refused(void)
{
    static const char *const paths[] = { "a.slice:b",     "a.slice:b:c:d", "a.slice:b:", "/a:b:c",
                                         "notaslice:b:c", "a.slice:b c:d", "x",          "/absolute" };

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct outcome o = decide(&session, CGROUP_SYSTEMD, paths[i], NULL);

        if (o.r != -EINVAL)
            printf("# %s\n", paths[i]);
        CHECK_INT(o.r, -EINVAL);
        CHECK(strstr(o.e.message, "linux.cgroupsPath"));
        CHECK(strstr(o.e.message, paths[i]));
    }
    CHECK(strstr(decide(&session, CGROUP_SYSTEMD, "a.slice:b:c.slice", NULL).e.message, "names a slice"));
}

static void a_limit_that_is_not_delegated_names_controller_and_drop_in(void)
{
    struct spec_resources r = { .cpu.cpus = "0" };
    struct outcome o = decide(&session, CGROUP_AUTO, NULL, &r);

    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK_STR(o.e.message,
              "linux.resources.cpu.cpus: the cgroup controller cpuset is not delegated to this user "
              "(delegated: cpu memory pids)");
    CHECK(strstr(o.e.remedy, "[Service]\\nDelegate=cpu cpuset io memory pids"));
    CHECK(strstr(o.e.remedy, "/etc/systemd/system/user@.service.d/delegate.conf"));
    o = decide(&delegated, CGROUP_AUTO, NULL, &r);
    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK(strstr(o.e.message, "cpuset is not delegated"));
}

static void a_limit_that_asks_for_nothing_needs_no_controller(void)
{
    struct spec_resources r = { .pids_limit = { true, -1 } };

    CHECK_INT(decide(&bare, CGROUP_AUTO, NULL, &r).r, 0);
}

static void systemd_has_no_hugetlb(void)
{
    struct spec_hugepage huge = { "2MB", 4096 };
    struct spec_resources r = { .n_hugepages = 1, .hugepages = &huge };
    struct outcome o = decide(&root_systemd, CGROUP_AUTO, NULL, &r);

    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK(strstr(o.e.message, "systemd does not manage the cgroup controller hugetlb"));
    CHECK_INT(decide(&root_systemd, CGROUP_CGROUPFS, NULL, &r).r, 0);
}

static void a_delegated_cgroup_is_used_without_a_bus(void)
{
    struct outcome o = decide(&delegated, CGROUP_AUTO, NULL, NULL);

    CHECK_INT(o.r, 0);
    CHECK_INT(o.plan.manager, CGROUP_CGROUPFS);
    CHECK_STR(o.plan.path, "/ci.slice/job.service/shell/lichen-box");
    CHECK(!cgroup_needs_pid(&o.plan));
}

static void limits_put_the_container_beside_the_callers_cgroup(void)
{
    struct spec_resources r = with_memory();
    struct cgroup_host h = delegated;

    CHECK_STR(decide(&h, CGROUP_AUTO, NULL, &r).plan.path, "/ci.slice/job.service/lichen-box");
    CHECK_STR(decide(&h, CGROUP_CGROUPFS, "a/b", &r).plan.path, "/ci.slice/job.service/a/b");
    /* The parent is not ours: below own, where begin will say what is in the way. */
    (void)str_format(h.own, sizeof(h.own), "%s", h.delegated);
    CHECK_STR(decide(&h, CGROUP_AUTO, NULL, &r).plan.path, "/ci.slice/job.service/lichen-box");
    /* A cgroup namespace's root, and right below one. */
    (void)str_format(h.own, sizeof(h.own), "/");
    (void)str_format(h.delegated, sizeof(h.delegated), "/");
    CHECK_STR(decide(&h, CGROUP_AUTO, NULL, &r).plan.path, "/lichen-box");
    CHECK_STR(decide(&h, CGROUP_AUTO, NULL, NULL).plan.path, "/lichen-box");
    (void)str_format(h.own, sizeof(h.own), "/init");
    CHECK_STR(decide(&h, CGROUP_AUTO, NULL, &r).plan.path, "/lichen-box");
}

static void a_path_is_taken_as_a_directory(void)
{
    struct outcome o = decide(&delegated, CGROUP_AUTO, "/ci.slice/job.service/pod/x/", NULL);

    CHECK_INT(o.r, 0);
    CHECK_INT(o.plan.manager, CGROUP_CGROUPFS);
    CHECK_STR(o.plan.path, "/ci.slice/job.service/pod/x");
    CHECK_STR(decide(&root_systemd, CGROUP_AUTO, "/pod/x", NULL).plan.path, "/pod/x");
}

static void paths_out_of_place_are_refused(void)
{
    static const struct {
        const char *path, *message;
        int code;
    } rows[] = {
        { "/other",
          "linux.cgroupsPath: /other is not below /ci.slice/job.service, the cgroup this user may write",
          EACCES },
        { "/ci.slice/job.service2/x",
          "linux.cgroupsPath: /ci.slice/job.service2/x is not below /ci.slice/job.service, the cgroup this "
          "user may "
          "write",
          EACCES },
        { "../x", "linux.cgroupsPath: ../x has a component \"..\"", EINVAL },
        { "/ci.slice/job.service/../../x",
          "linux.cgroupsPath: /ci.slice/job.service/../../x has a component \"..\"", EINVAL },
        { "a/./b", "linux.cgroupsPath: a/./b has a component \".\"", EINVAL },
        { "a\nb", "linux.cgroupsPath: has a line break", EINVAL },
        { "/ci.slice/job.service/shell",
          "linux.cgroupsPath: /ci.slice/job.service/shell is a cgroup the caller is in, a container needs "
          "one of its "
          "own",
          EINVAL },
        { "/ci.slice",
          "linux.cgroupsPath: /ci.slice is a cgroup the caller is in, a container needs one of its own",
          EINVAL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct outcome o = decide(&delegated, CGROUP_CGROUPFS, rows[i].path, NULL);

        CHECK_INT(o.r, -rows[i].code);
        CHECK_STR(o.e.message, rows[i].message);
    }
    CHECK_INT(decide(&root_systemd, CGROUP_CGROUPFS, "/", NULL).r, -EINVAL);
    CHECK(strstr(decide(&delegated, CGROUP_CGROUPFS, "a.slice:b:c", NULL).e.message, "is for systemd"));
}

static void a_path_that_cannot_be_had_is_an_error(void)
{
    struct outcome o = decide(&session, CGROUP_AUTO, "/foo", NULL);

    CHECK_INT(o.r, -EACCES);
    CHECK(str_has_prefix(o.e.message, "linux.cgroupsPath: /foo: "));
    CHECK(strstr(o.e.remedy, "slice:prefix:name"));
    o = decide(&bare, CGROUP_AUTO, "a.slice:b:c", NULL);
    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK(strstr(o.e.message, "no systemd user session"));
    CHECK(strstr(o.e.remedy, "loginctl enable-linger"));
}

static void none_is_fine_without_limits_and_recorded(void)
{
    struct outcome o = decide(&bare, CGROUP_AUTO, NULL, NULL);

    CHECK_INT(o.r, 0);
    CHECK_INT(o.plan.manager, CGROUP_NONE);
    CHECK(str_has_prefix(o.plan.downgrade, "no cgroup: no systemd session"));
    CHECK(!cgroup_needs_pid(&o.plan));
    o = decide(&hybrid, CGROUP_AUTO, NULL, NULL);
    CHECK_INT(o.plan.manager, CGROUP_NONE);
    CHECK_STR(o.plan.downgrade, "no cgroup: this host's controllers are in cgroup v1 (hybrid hierarchy)");
    o = decide(&(struct cgroup_host){ 0 }, CGROUP_AUTO, "", NULL);
    CHECK_INT(o.r, 0);
    CHECK_STR(o.plan.downgrade, "no cgroup: cgroup v2 is not mounted at /sys/fs/cgroup");
}

static void a_limit_without_any_cgroup_is_an_error(void)
{
    struct spec_resources r = with_memory();
    struct outcome o = decide(&bare, CGROUP_AUTO, NULL, &r);

    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK_STR(o.e.message,
              "linux.resources.memory.limit: needs the cgroup controller memory, but no systemd session of "
              "this user answers and the caller's cgroup is not delegated to it");
    CHECK(strstr(o.e.remedy, "loginctl enable-linger"));
    o = decide(&hybrid, CGROUP_AUTO, NULL, &r);
    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK(strstr(o.e.message, "cgroup v1"));
    o = decide(&session, CGROUP_NONE, NULL, &r);
    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK(strstr(o.e.message, "cgroups are disabled by the caller"));
}

static void a_limit_of_the_core_needs_a_cgroup_too(void)
{
    struct spec_key_value depth = { "cgroup.max.depth", "3" };
    struct spec_resources r = { .n_unified = 1, .unified = &depth };
    struct outcome o = decide(&bare, CGROUP_AUTO, NULL, &r);

    CHECK_INT(o.r, -EOPNOTSUPP);
    CHECK(str_has_prefix(o.e.message, "linux.resources.unified[\"cgroup.max.depth\"]: needs a cgroup"));
}

static void disabled_ignores_the_path(void)
{
    struct outcome o = decide(&session, CGROUP_NONE, "a.slice:b:c", NULL);

    CHECK_INT(o.r, 0);
    CHECK_INT(o.plan.manager, CGROUP_NONE);
    CHECK_STR(o.plan.downgrade, "");
}

static void an_explicit_manager_that_is_missing_is_an_error(void)
{
    CHECK_INT(decide(&session, CGROUP_CGROUPFS, NULL, NULL).r, -EACCES);
    CHECK_INT(decide(&delegated, CGROUP_SYSTEMD, NULL, NULL).r, -EOPNOTSUPP);
    CHECK_INT(decide(&hybrid, CGROUP_SYSTEMD, NULL, NULL).r, -EOPNOTSUPP);
    /* Freezing and killing work in a hybrid hierarchy; limits don't. */
    CHECK_STR(decide(&hybrid, CGROUP_CGROUPFS, NULL, NULL).plan.path, "/lichen-box");
}

static void the_system_bus_is_never_used_unprivileged(void)
{
    struct cgroup_host h = bare;

    h.system_bus = true;
    CHECK_INT(decide(&h, CGROUP_AUTO, NULL, NULL).plan.manager, CGROUP_NONE);
    CHECK_INT(decide(&h, CGROUP_SYSTEMD, NULL, NULL).r, -EOPNOTSUPP);
    h = root_systemd;
    h.system_bus = false;
    h.user_bus = true;
    CHECK_INT(decide(&h, CGROUP_SYSTEMD, NULL, NULL).r, -EOPNOTSUPP);
}

static void device_rules_are_enforced_for_root_in_a_cgroup(void)
{
    struct spec_device_rule rule = { .allow = false, .type = 'a', .access = "rwm" };
    struct spec_resources r = { .n_device_rules = 1, .device_rules = &rule };

    CHECK(decide(&root_systemd, CGROUP_AUTO, NULL, &r).plan.device_filter);
    CHECK(!decide(&root_systemd, CGROUP_AUTO, NULL, NULL).plan.device_filter);
    /* The nodes are the policy, which is no downgrade. */
    CHECK(!decide(&session, CGROUP_AUTO, NULL, &r).plan.device_filter);
    CHECK_STR(decide(&session, CGROUP_AUTO, NULL, &r).plan.downgrade, "");
    CHECK(!strstr(decide(&bare, CGROUP_AUTO, NULL, &r).plan.downgrade, "linux.resources.devices"));
    CHECK(!decide(&hybrid, CGROUP_AUTO, NULL, &r).plan.device_filter);
    CHECK(strstr(decide(&hybrid, CGROUP_AUTO, NULL, &r).plan.downgrade, "; linux.resources.devices: "));
}

static void properties_for_systemd_are_read_strictly(void)
{
    static const struct {
        const char *name, *value;
        char type;
        int64_t number;
    } good[] = {
        { "KillSignal", "37", 'i', 37 },
        { "TimeoutStopUSec", "uint64 10000000", 't', 10000000 },
        { "TimeoutStopSec", "1.5", 't', 1500000 },
        { "CollectMode", "'inactive-or-failed'", 's', 0 },
        { "SendSIGHUP", " true", 'b', 1 },
        { "CPUWeight", "uint64 18446744073709551615", 't', -1 },
        { "Wants", "['a.service', \"b.service\" ]", 'a', 2 },
        { "X", "byte 255", 'y', 255 },
        { "X", "int16 -5", 'n', -5 },
    };
    static const char *const bad[][2] = {
        { "", "1" },          { "A.B", "1" },     { "KillSignal", "" },        { "KillSignal", "2147483648" },
        { "X", "'open" },     { "X", "'a' 'b'" }, { "X", "['a' 'b']" },        { "X", "byte 256" },
        { "X", "uint64 -1" }, { "X", "<1>" },     { "X", "'a\nb'" },           { "X", "nan" },
        { "Slice", "'x'" },   { "PIDs", "1" },    { "TimeoutStopSec", "'a'" }, { "TimeoutStopSec", "-1" },
        { "X", "uint64  " },  { "X", "(1, 2)" },  { "Delegate", "false" },     { "X", "1e400.0" },
    };
    struct arena arena = { 0 };
    struct unit_property p;

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        CHECK_INT(unit_property_parse(good[i].name, good[i].value, &arena, &p, NULL), 0);
        CHECK_INT(p.type, good[i].type);
        if (p.type == 'a')
            CHECK_INT(p.n_texts, 2);
        else if (p.type != 's')
            CHECK_INT((int64_t)p.u, good[i].number);
    }
    CHECK_INT(unit_property_parse("TimeoutStopSec", "3", &arena, &p, NULL), 0);
    CHECK_STR(p.name, "TimeoutStopUSec");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct err e = { 0 };

        CHECK_INT(unit_property_parse(bad[i][0], bad[i][1], &arena, &p, &e), -EINVAL);
        CHECK(str_has_prefix(e.message, "annotation org.systemd.property."));
    }
    arena_free(&arena);
}

static void a_wrong_property_is_an_error_under_every_manager(void)
{
    static const struct spec_resources nothing;
    static const struct spec_key_value annotations[] = { { "other", "x" },
                                                         { "org.systemd.property.KillSignal", "TERM" } };
    struct cgroup_request request = { .manager = CGROUP_NONE,
                                      .id = "box",
                                      .resources = &nothing,
                                      .n_annotations = 2,
                                      .annotations = annotations };
    struct cgroup_plan plan;
    struct err e = { 0 };

    CHECK_INT(cgroup_decide(&session, &request, &plan, &e), -EINVAL);
    CHECK_STR(e.message, "annotation org.systemd.property.KillSignal: cannot read the value TERM");
}

UNIT_MAIN(TEST(properties_for_systemd_are_read_strictly),
          TEST(a_wrong_property_is_an_error_under_every_manager),
          TEST(a_login_gets_a_scope_of_the_users_manager), TEST(root_uses_the_system_manager),
          TEST(unit_names_are_made_as_runc_makes_them), TEST(malformed_systemd_paths_are_refused),
          TEST(a_limit_that_is_not_delegated_names_controller_and_drop_in),
          TEST(a_limit_that_asks_for_nothing_needs_no_controller), TEST(systemd_has_no_hugetlb),
          TEST(a_delegated_cgroup_is_used_without_a_bus),
          TEST(limits_put_the_container_beside_the_callers_cgroup), TEST(a_path_is_taken_as_a_directory),
          TEST(paths_out_of_place_are_refused), TEST(a_path_that_cannot_be_had_is_an_error),
          TEST(none_is_fine_without_limits_and_recorded), TEST(a_limit_without_any_cgroup_is_an_error),
          TEST(a_limit_of_the_core_needs_a_cgroup_too), TEST(disabled_ignores_the_path),
          TEST(an_explicit_manager_that_is_missing_is_an_error),
          TEST(the_system_bus_is_never_used_unprivileged),
          TEST(device_rules_are_enforced_for_root_in_a_cgroup))
