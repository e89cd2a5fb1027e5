// SPDX-License-Identifier: Apache-2.0
/* The lifecycle table, the status that evidence gives, the record's way to disk and back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "state/dir.h"
#include "state/lifecycle.h"
#include "state/record.h"
#include "tests/unit.h"

static void every_verb_is_allowed_in_exactly_the_statuses_of_the_specification(void)
{
    /* C creating, c created, r running, p paused, s stopped */
    static const char *const allowed[VERB_N] = {
        [VERB_START] = "c",    [VERB_KILL] = "crp",   [VERB_DELETE] = "s", [VERB_EXEC] = "cr",
        [VERB_PAUSE] = "cr",   [VERB_RESUME] = "p",   [VERB_PS] = "crp",   [VERB_UPDATE] = "crp",
        [VERB_EVENTS] = "crp", [VERB_MOUNTS] = "crp",
    };
    static const char letters[STATUS_N] = "Ccrps";

    for (int verb = 0; verb < VERB_N; verb++) {
        for (int status = 0; status < STATUS_N; status++) {
            struct err e = { 0 };
            int r = lifecycle_check((enum lifecycle_verb)verb, (enum lifecycle_status)status, "box", &e);

            CHECK((r == 0) == (strchr(allowed[verb], letters[status]) != NULL));
            CHECK(r == 0 || (strstr(e.message, "box") && e.code == -r));
        }
    }
}

static void a_refused_verb_says_what_is_and_what_should_be(void)
{
    struct err e = { 0 };

    CHECK_INT(lifecycle_check(VERB_DELETE, STATUS_RUNNING, "box", &e), -EINVAL);
    CHECK_STR(e.message, "cannot delete container box: it is running, not stopped");
    CHECK(strstr(e.remedy, "delete --force") != NULL);
    /* podman looks for these words. */
    CHECK_INT(lifecycle_check(VERB_KILL, STATUS_STOPPED, "box", &e), -ESRCH);
    CHECK_STR(e.message, "container box not running");
}

static void the_status_follows_from_what_is_observed(void)
{
    static const struct {
        struct lifecycle_evidence evidence;
        enum lifecycle_status status;
    } cases[] = {
        { { .creator_alive = true }, STATUS_CREATING },
        { { 0 }, STATUS_STOPPED },
        { { .init_alive = true }, STATUS_STOPPED }, /* create was killed: nobody will start that */
        { { .record_complete = true }, STATUS_STOPPED },
        { { .record_complete = true, .creator_alive = true }, STATUS_STOPPED },
        { { .record_complete = true, .init_alive = true, .waiting_for_start = true }, STATUS_CREATED },
        { { .record_complete = true, .init_alive = true }, STATUS_RUNNING },
        { { .record_complete = true, .init_alive = true, .frozen = true }, STATUS_PAUSED },
        { { .record_complete = true, .init_alive = true, .frozen = true, .waiting_for_start = true },
          STATUS_PAUSED },
        { { .record_complete = true, .frozen = true }, STATUS_STOPPED },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_INT(lifecycle_derive(&cases[i].evidence), cases[i].status);
}

static void ids_are_checked(void)
{
    static const char *const good[] = { "a", "A-1_+.x", "-x", "_", "+", "0.." };
    static const char *const bad[] = { "", ".", "..", ".x", "a/b", "a b", "a\n", "\xc3\xa4", "a:b", "a%" };
    char longest[257];

    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        CHECK_INT(state_check_id(good[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(state_check_id(bad[i], NULL), -EINVAL);
    memset(longest, 'x', sizeof(longest));
    longest[256] = '\0';
    CHECK_INT(state_check_id(longest, NULL), -ENAMETOOLONG);
    longest[255] = '\0';
    CHECK_INT(state_check_id(longest, NULL), 0);
}

/* A directory that ends with the test. */
static int scratch(char path[64])
{
    (void)str_format(path, 64, "%s", "/tmp/lichen-unit-XXXXXX");
    return mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static struct record sample(void)
{
    static const struct record_pair annotations[] = { { "org.example.a", "x \"quoted\"\n" },
                                                      { "empty", "" } };

    return (struct record){
        .id = "box",
        .oci_version = "1.2.1",
        .bundle = "/b \xc3\xa4",
        .rootfs = "/b/rootfs",
        .created = "2026-01-02T03:04:05.000000006Z",
        .owner_uid = 4294967294U,
        .complete = true,
        .creator = { .pid = 10, .start_time = 11 },
        .init = { .pid = 2147483647, .start_time = 9007199254740993ULL },
        .has_process = true,
        .shared_pid = true,
        .net_helper = { .pid = 12, .start_time = 13 },
        .overlay_dir = "/o",
        .cgroup_path = "/user.slice/x",
        .cgroup_user = true,
        .driver = "overlay",
        .id_map = "keep-id",
        .n_annotations = ARRAY_SIZE(annotations),
        .annotations = (struct record_pair *)annotations,
    };
}

static void a_record_comes_back_as_it_was_written(void)
{
    struct record in = sample(), out;
    struct err e = { 0 };
    char path[64];
    int dir = scratch(path);

    record_downgrade(&in, "first");
    record_downgrade(&in, "second");
    CHECK_INT(record_write(dir, &in, &e), 0);
    CHECK_INT(record_read(dir, "box", &out, &e), 0);
    CHECK_STR(out.id, "box");
    CHECK_STR(out.oci_version, in.oci_version);
    CHECK_STR(out.bundle, in.bundle);
    CHECK_STR(out.created, in.created);
    CHECK_INT(out.owner_uid, in.owner_uid);
    CHECK(out.complete && out.has_process && out.shared_pid && out.cgroup_user && !out.has_hooks);
    CHECK_INT(out.init.pid, in.init.pid);
    CHECK(out.init.start_time == in.init.start_time);
    CHECK_INT(out.creator.pid, 10);
    CHECK_INT(out.rootfs_helper.pid, 0);
    CHECK_INT(out.net_helper.pid, 12);
    CHECK_STR(out.overlay_dir, "/o");
    CHECK(out.cgroup_slice == NULL);
    CHECK_STR(out.driver, "overlay");
    CHECK_INT(out.n_annotations, 2);
    CHECK_STR(out.annotations[0].value, "x \"quoted\"\n");
    CHECK_STR(out.annotations[1].value, "");
    CHECK_INT(out.n_downgrades, 2);
    CHECK_STR(out.downgrades[1], "second");
    record_free(&out);
    arena_free(&in.arena);
    (void)unlinkat(dir, "state.json", 0);
    fd_close(dir);
    (void)rmdir(path);
}

static void a_missing_record_is_one_that_was_never_finished(void)
{
    struct record out;
    struct err e = { 0 };
    char path[64];
    int dir = scratch(path);

    CHECK_INT(record_read(dir, "box", &out, &e), 0);
    CHECK_STR(out.id, "box");
    CHECK(!out.complete && out.creator.pid == 0 && out.init.pid == 0);
    record_free(&out);
    fd_close(dir);
    (void)rmdir(path);
}

static void a_record_that_others_could_write_is_not_trusted(void)
{
    struct record in = sample(), out;
    struct err e = { 0 };
    char path[64];
    int dir = scratch(path);

    CHECK_INT(record_write(dir, &in, &e), 0);
    CHECK(fchmodat(dir, "state.json", 0666, 0) == 0);
    CHECK_INT(record_read(dir, "box", &out, &e), -EPERM);
    CHECK(strstr(e.message, "not trusted") != NULL);
    (void)unlinkat(dir, "state.json", 0);
    CHECK(symlinkat("/etc/passwd", dir, "state.json") == 0);
    CHECK_INT(record_read(dir, "box", &out, &e), -ELOOP);
    (void)unlinkat(dir, "state.json", 0);
    fd_close(dir);
    (void)rmdir(path);
}

static void malformed_records_are_refused(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"format\":2,\"id\":\"a\",\"bundle\":\"/\"}",
        "{\"format\":1,\"id\":\"a\"}",
        "{\"format\":1,\"id\":1,\"bundle\":\"/\"}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"complete\":1}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"ownerUid\":-1}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"ownerUid\":4294967296}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"init\":{\"pid\":0,\"startTime\":1}}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"init\":{\"pid\":-1,\"startTime\":1}}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"init\":{\"pid\":2147483648,\"startTime\":1}}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"init\":{\"pid\":1}}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"annotations\":{\"a\":1}}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"annotations\":[]}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"downgrades\":[1]}",
        "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\"} x",
    };
    static const char good[] = "{\"format\":1,\"id\":\"a\",\"bundle\":\"/\",\"fromTheFuture\":true}";
    struct record out;
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        e = (struct err){ 0 };
        CHECK_INT(record_parse(bad[i], strlen(bad[i]), &out, &e), -EINVAL);
        CHECK(strstr(e.message, "state.json") != NULL);
    }
    CHECK_INT(record_parse(good, strlen(good), &out, &e), 0);
    record_free(&out);
}

static void the_state_has_a_pid_unless_stopped(void)
{
    struct record in = sample();

    for (int status = 0; status < STATUS_N; status++) {
        _cleanup_buf_ struct buf text = { 0 };

        record_hook_state(&in, (enum lifecycle_status)status, &text);
        CHECK((strstr(text.data, "\"pid\":2147483647") != NULL) == (status != STATUS_STOPPED));
        CHECK((strstr(text.data, "\"pid\":0") != NULL) == (status == STATUS_STOPPED));
        CHECK(strstr(text.data, lifecycle_status_name((enum lifecycle_status)status)) != NULL);
    }
}

static void a_state_root_is_private_to_its_owner(void)
{
    struct err e = { 0 };
    char path[64];
    int dir = scratch(path), root;

    root = state_root_open(path, false, &e);
    CHECK(root >= 0);
    fd_close(root);
    CHECK(fchmod(dir, 0770) == 0);
    CHECK_INT(state_root_open(path, false, &e), -EPERM);
    CHECK(fchmod(dir, 0700) == 0);
    fd_close(dir);
    (void)rmdir(path);
    CHECK_INT(state_root_open(path, false, &e), -ENOENT);
}

UNIT_MAIN(TEST(every_verb_is_allowed_in_exactly_the_statuses_of_the_specification),
          TEST(a_refused_verb_says_what_is_and_what_should_be),
          TEST(the_status_follows_from_what_is_observed), TEST(ids_are_checked),
          TEST(a_record_comes_back_as_it_was_written), TEST(a_missing_record_is_one_that_was_never_finished),
          TEST(a_record_that_others_could_write_is_not_trusted), TEST(malformed_records_are_refused),
          TEST(the_state_has_a_pid_unless_stopped), TEST(a_state_root_is_private_to_its_owner))
