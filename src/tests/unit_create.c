// SPDX-License-Identifier: Apache-2.0
/* The messages of create's conversation, and the plan made for made-up hosts. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "create/notify.h"
#include "create/plan.h"
#include "create/sync.h"
#include "tests/unit.h"

static void a_message_arrives_with_its_value_text_and_descriptor(void)
{
    struct sync_msg msg;
    struct err e = { 0 };
    struct stat a, b;
    int pair[2], fd = -1;

    CHECK_INT(sync_pair(pair, &e), 0);
    CHECK_INT(sync_send(pair[0], SYNC_TAP, 7, pair[0], &e), 0);
    CHECK_INT(sync_expect(pair[1], SYNC_TAP, &msg, &fd, &e), 0);
    CHECK_INT(msg.value, 7);
    CHECK(fd >= 0 && fstat(fd, &a) == 0 && fstat(pair[0], &b) == 0 && a.st_ino == b.st_ino);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    fd_close(fd);
    CHECK_INT(sync_send_text(pair[0], SYNC_NOTE, 0, "a text", &e), 0);
    CHECK_INT(sync_expect(pair[1], SYNC_NOTE, &msg, &fd, &e), 0);
    CHECK_STR(msg.text, "a text");
    CHECK_INT(fd, -1);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void a_text_too_long_is_cut_not_lost(void)
{
    char text[2 * ERR_MESSAGE_MAX];
    struct sync_msg msg;
    struct err e = { 0 };
    int pair[2];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(sync_pair(pair, &e), 0);
    CHECK_INT(sync_send_text(pair[0], SYNC_NOTE, 0, text, &e), 0);
    CHECK_INT(sync_expect(pair[1], SYNC_NOTE, &msg, NULL, &e), 0);
    CHECK_INT(strlen(msg.text), ERR_MESSAGE_MAX - 1);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void a_failure_travels_as_the_senders_error(void)
{
    struct err sent = { 0 }, e = { 0 };
    struct sync_msg msg;
    int pair[2];

    err_set(&sent, EROFS, "mounts[3]: destination /x");
    err_remedy(&sent, "use an overlay");
    sent.exit_status = 126;
    CHECK_INT(sync_pair(pair, &e), 0);
    sync_send_failed(pair[0], &sent);
    CHECK_INT(sync_expect(pair[1], SYNC_READY, &msg, NULL, &e), -EROFS);
    CHECK_STR(e.message, "mounts[3]: destination /x");
    CHECK_STR(e.remedy, "use an overlay");
    CHECK_INT(e.exit_status, 126);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

static void the_end_of_a_peer_names_what_was_awaited(void)
{
    struct sync_msg msg;
    struct err e = { 0 };
    int pair[2];

    CHECK_INT(sync_pair(pair, &e), 0);
    fd_close(pair[0]);
    CHECK_INT(sync_expect(pair[1], SYNC_MAPPED, &msg, NULL, &e), -ECONNRESET);
    CHECK(strstr(e.message, "MAPPED") != NULL);
    CHECK_INT(sync_send(pair[1], SYNC_START, 0, -1, &e), -EPIPE);
    fd_close(pair[1]);
}

static void an_unexpected_message_names_both(void)
{
    struct sync_msg msg;
    struct err e = { 0 };
    int pair[2];

    CHECK_INT(sync_pair(pair, &e), 0);
    CHECK_INT(sync_send(pair[0], SYNC_HOOKS, 0, -1, &e), 0);
    CHECK_INT(sync_expect(pair[1], SYNC_CGROUP, &msg, NULL, &e), -EPROTO);
    CHECK_STR(e.message, "expected CGROUP, received HOOKS");
    /* Neither whole nor ours. */
    CHECK(send(pair[0], "xyz", 3, 0) == 3);
    CHECK_INT(sync_expect(pair[1], SYNC_CGROUP, &msg, NULL, &e), -EPROTO);
    CHECK_STR(sync_name(SYNC_N), "an unknown message");
    fd_close(pair[0]);
    fd_close(pair[1]);
}

/* A bundle whose root is /, which every machine has; nothing is made of it. */
#define CONFIG(linux_members)                                                                           \
    "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/\"},\"process\":{\"cwd\":\"/\",\"args\":[\"x\"]}," \
    "\"linux\":{" linux_members "}}"
#define NAMESPACES "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"uts\"}"

static const struct host user_host = {
    .uid = 1000,
    .gid = 1000,
    .initial_userns = true,
    .ranges_loaded = true,
    .subuids = { .n = 1, .v = { { 100000, 65536 } } },
    .subgids = { .n = 1, .v = { { 200000, 65536 } } },
};

static int plan(const char *text, const struct host *host, const struct create_options *extra,
                struct spec **spec, struct plan *ret, struct err *e)
{
    struct create_options options = extra ? *extra : (struct create_options){ 0 };
    int r = spec_parse(text, strlen(text), spec, e);

    options.id = "box";
    options.bundle = "/";
    options.state_dir = "/run/box";
    options.cgroup_manager = CGROUP_NONE;
    memset(ret, 0, sizeof(*ret));
    return r < 0 ? r : plan_make(*spec, &options, host, ret, e);
}

static void a_stock_bundle_gets_a_user_namespace_with_the_default_map(void)
{
    struct spec *spec = NULL;
    struct err e = { 0 };
    struct plan p;

    CHECK_INT(plan(CONFIG(NAMESPACES "]"), &user_host, NULL, &spec, &p, &e), 0);
    CHECK(p.make_userns && p.has_map && !p.map_directly && p.become_root && p.in_userns);
    CHECK_STR(p.id_map_name, "default");
    CHECK_INT(p.uids.n, 2);
    CHECK_INT(p.uids.v[0].host, 1000);
    CHECK_INT(p.uids.v[1].container, 1);
    CHECK_INT(p.uids.v[1].host, 100000);
    CHECK_INT(p.gids.v[1].host, 200000);
    CHECK(p.clone_flags == (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS));
    CHECK(p.bind_devices);
    plan_free(&p);
    spec_free(spec);
}

static void root_gets_no_namespace_it_did_not_ask_for(void)
{
    static const struct host root = { .initial_userns = true, .privileged = true };
    struct spec *spec = NULL;
    struct err e = { 0 };
    struct plan p;

    CHECK_INT(plan(CONFIG(NAMESPACES "]"), &root, NULL, &spec, &p, &e), 0);
    CHECK(!p.make_userns && !p.has_map && !p.in_userns && !p.bind_devices);
    CHECK_STR(p.id_map_name, "none");
    plan_free(&p);
    spec_free(spec);
}

static void a_user_without_ranges_gets_one_id_and_is_told(void)
{
    struct host host = user_host;
    struct spec *spec = NULL;
    struct err e = { 0 };
    struct plan p;

    host.subuids.n = host.subgids.n = 0;
    CHECK_INT(plan(CONFIG(NAMESPACES "]"), &host, NULL, &spec, &p, &e), 0);
    CHECK_INT(idmap_size(&p.uids), 1);
    CHECK(p.map_directly);
    CHECK(p.downgrades.n >= 1 && strstr(p.downgrades.v[0], "no subordinate ids for uid 1000"));
    plan_free(&p);
    spec_free(spec);
}

static void what_cannot_hold_is_refused_by_its_field(void)
{
    static const struct {
        const char *config, *words;
    } cases[] = {
        { CONFIG("\"namespaces\":[{\"type\":\"pid\"}]"), "a mount namespace is required" },
        { CONFIG("\"namespaces\":[{\"type\":\"mount\"}]"), "no pid namespace of its own, and no cgroup" },
        { CONFIG(NAMESPACES "],\"timeOffsets\":{\"monotonic\":{\"secs\":1}}"), "linux.timeOffsets" },
        { CONFIG(NAMESPACES
                 ",{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]"),
          "linux.gidMappings is missing" },
        { CONFIG(NAMESPACES "],\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}"),
          "belongs to the network namespace" },
        { CONFIG(NAMESPACES "],\"sysctl\":{\"vm.swappiness\":\"1\"}"), "does not belong to a namespace" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct spec *spec = NULL;
        struct err e = { 0 };
        struct plan p;

        CHECK_INT(plan(cases[i].config, &user_host, NULL, &spec, &p, &e), -EINVAL);
        CHECK(strstr(e.message, cases[i].words) != NULL);
        plan_free(&p);
        spec_free(spec);
    }
}

static void ports_need_a_slirp_network(void)
{
    const char *port[] = { "8080:80", NULL };
    struct create_options options = { .net = "none", .publish = { 1, port } };
    struct spec *spec = NULL;
    struct err e = { 0 };
    struct plan p;

    CHECK_INT(plan(CONFIG(NAMESPACES "]"), &user_host, &options, &spec, &p, &e), -EINVAL);
    CHECK(strstr(e.message, "--publish 8080:80") != NULL);
    plan_free(&p);
    spec_free(spec);
    options.net = "slirp";
    CHECK_INT(plan(CONFIG(NAMESPACES "]"), &user_host, &options, &spec, &p, &e), 0);
    CHECK(p.setup_tap && !p.setup_loopback && (p.clone_flags & CLONE_NEWNET));
    CHECK_STR(p.resolv_conf, "/run/box/resolv.conf");
    plan_free(&p);
    spec_free(spec);
}

static void a_container_tells_the_service_manager_only_what_it_may(void)
{
    static const struct {
        const char *text, *out;
        bool ready;
    } rows[] = {
        { "READY=1", "READY=1\n", true },
        { "STATUS=up\nREADY=1\n", "STATUS=up\nREADY=1\n", true },
        { "READY=0", "READY=0\n", false },
        { "READY=10", "READY=10\n", false },
        { "MAINPID=1\nWATCHDOG=1", "WATCHDOG=1\n", false },
        { "MAINPID=1", "", false },
        { "BARRIER=1", "", false },
        { "FDSTORE=1\nFDNAME=x\nNOTIFYACCESS=all", "", false },
        { " READY=1", "", false },
        { "STATUS=READY=1", "STATUS=READY=1\n", false },
        { "", "", false },
        { "\n\n", "", false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_buf_ struct buf out = { 0 };

        CHECK_INT(notify_filter(rows[i].text, strlen(rows[i].text), &out), rows[i].ready);
        CHECK_STR(out.data ? out.data : "", rows[i].out);
    }
    {
        _cleanup_buf_ struct buf out = { 0 };

        CHECK_INT(notify_filter("READY=1\0\nSTATUS=x", 17, &out), false);
        CHECK_STR(out.data, "STATUS=x\n");
    }
}

/* The last option handed to the file system of mount @i, "" none. */
static const char *last_data(const struct plan *p, size_t i)
{
    const struct mount_options *o = &p->mounts[i].options;

    return o->n_data ? o->data[o->n_data - 1] : "";
}

static void mounts_are_labelled_where_selinux_allows_it(void)
{
    static const char mounts[] =
        "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/\"},\"mounts\":["
        "{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"size=1\"]},{\"destination\":\"/"
        "b\",\"type\":\"proc\"},"
        "{\"destination\":\"/c\",\"type\":\"none\",\"source\":\"/\",\"options\":[\"bind\"]},"
        "{\"destination\":\"/d\",\"type\":\"ext4\",\"source\":\"/dev/x\"}],"
        "\"annotations\":{\"run.oci.mount_context_type\":\"rootcontext\"},"
        "\"linux\":{\"mountLabel\":\"u:r:t:s0:c1,c2\"," NAMESPACES "]}}";
    struct host host = user_host, root = { .initial_userns = true, .privileged = true, .selinux = true };
    struct spec *spec = NULL;
    struct err e = { 0 };
    struct plan p;

    CHECK_INT(plan(mounts, &host, NULL, &spec, &p, &e), 0);
    CHECK_STR(last_data(&p, 0), "size=1");
    plan_free(&p);
    spec_free(spec);
    host.selinux = true;
    CHECK_INT(plan(mounts, &host, NULL, &spec, &p, &e), 0);
    CHECK_STR(last_data(&p, 0), "rootcontext=u:r:t:s0:c1,c2");
    CHECK_STR(last_data(&p, 1), "");
    CHECK_STR(last_data(&p, 2), "");
    CHECK_STR(last_data(&p, 3), "");
    plan_free(&p);
    spec_free(spec);
    CHECK_INT(plan(mounts, &root, NULL, &spec, &p, &e), 0);
    CHECK_STR(last_data(&p, 3), "rootcontext=u:r:t:s0:c1,c2");
    plan_free(&p);
    spec_free(spec);
}

UNIT_MAIN(TEST(a_container_tells_the_service_manager_only_what_it_may),
          TEST(mounts_are_labelled_where_selinux_allows_it),
          TEST(a_message_arrives_with_its_value_text_and_descriptor), TEST(a_text_too_long_is_cut_not_lost),
          TEST(a_failure_travels_as_the_senders_error), TEST(the_end_of_a_peer_names_what_was_awaited),
          TEST(an_unexpected_message_names_both),
          TEST(a_stock_bundle_gets_a_user_namespace_with_the_default_map),
          TEST(root_gets_no_namespace_it_did_not_ask_for),
          TEST(a_user_without_ranges_gets_one_id_and_is_told), TEST(what_cannot_hold_is_refused_by_its_field),
          TEST(ports_need_a_slirp_network))
