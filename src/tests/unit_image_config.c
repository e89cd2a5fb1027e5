// SPDX-License-Identifier: Apache-2.0
/* image/config.c and image/user.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "image/config.h"
#include "image/user.h"
#include "tests/unit.h"

static const char whole[] =
    "{\"created\":\"2026-01-01T00:00:00Z\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"os\":\"linux\","
    "\"unknown\":[1],"
    "\"config\":{\"User\":\"www-data\",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Env\":[\"PATH=/"
    "bin\",\"A=\"],"
    "\"Entrypoint\":[\"/init\"],\"Cmd\":[\"-v\",\"x\"],\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/srv\","
    "\"Labels\":{\"a\":\"b\"},\"StopSignal\":\"SIGQUIT\",\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],"
    "\"Interval\":30000000000,\"Retries\":3}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:0\"]},"
    "\"history\":[{}]}";

static void a_configuration_is_read_whole(void)
{
    _cleanup_image_config_ struct image_config c = { 0 };
    struct err e = { 0 };

    CHECK_INT(image_config_parse(whole, strlen(whole), &c, &e), 0);
    CHECK_STR(e.message, "");
    CHECK_STR(c.architecture, "arm64");
    CHECK_STR(c.variant, "v8");
    CHECK_STR(c.user, "www-data");
    CHECK_INT(c.exposed_ports.n, 2);
    CHECK_STR(c.exposed_ports.v[0], "80/tcp");
    CHECK_INT(c.env.n, 2);
    CHECK_STR(c.entrypoint.v[0], "/init");
    CHECK_INT(c.cmd.n, 2);
    CHECK_STR(c.volumes.v[0], "/data");
    CHECK_STR(c.working_dir, "/srv");
    CHECK_INT(c.n_labels, 1);
    CHECK_STR(c.labels[0].value, "b");
    CHECK_STR(c.stop_signal, "SIGQUIT");
    CHECK(c.healthcheck.set);
    CHECK_INT(c.healthcheck.interval, 30000000000);
    CHECK_INT(c.healthcheck.retries, 3);
    CHECK_INT(c.diff_ids.n, 1);
}

static void what_is_left_out_is_empty(void)
{
    static const char text[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":null,\"rootfs\":{\"diff_ids\":[]}}";
    _cleanup_image_config_ struct image_config c = { 0 };

    CHECK_INT(image_config_parse(text, strlen(text), &c, NULL), 0);
    CHECK(!c.user && !c.working_dir && !c.healthcheck.set);
    CHECK_INT(c.env.n + c.cmd.n + c.entrypoint.n + c.diff_ids.n, 0);
}

static void a_wrong_configuration_names_the_field(void)
{
    static const char *const bad[][2] = {
        { "{}", "architecture" },
        { "{\"architecture\":\"a\",\"os\":1,\"rootfs\":{}}", "os" },
        { "{\"architecture\":\"a\",\"os\":\"l\",\"rootfs\":{\"diff_ids\":[1]}}", "rootfs.diff_ids[0]" },
        { "{\"architecture\":\"a\",\"os\":\"l\",\"rootfs\":{},\"config\":{\"Env\":[\"X\"]}}",
          "config.Env[0]" },
        { "{\"architecture\":\"a\",\"os\":\"l\",\"rootfs\":{},\"config\":{\"Volumes\":[]}}",
          "config.Volumes" },
        { "{\"architecture\":\"a\",\"os\":\"l\",\"rootfs\":{},\"config\":{\"Healthcheck\":{\"Retries\":-1}}}",
          "config.Healthcheck.Retries" },
        { "[]", "image config" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct image_config c;
        struct err e = { 0 };

        CHECK_INT(image_config_parse(bad[i][0], strlen(bad[i][0]), &c, &e), -EINVAL);
        CHECK(strstr(e.message, bad[i][1]));
    }
}

static const char passwd[] =
    "root:x:0:0:root:/root:/bin/sh\nbroken\nwww-data:x:33:33::/:\nuser:x:1000:100::/:\n"
    "1:x:5:5::/:\nbig:x:4294967295:0::/:\nneg:x:-1:0::/:\n";
static const char group[] = "root:x:0:\nstaff:x:50:user,www-data\nusers:x:100:user\nadm:x:4:root,user\n";

static void users_are_looked_up_in_the_image(void)
{
    static const struct {
        const char *text;
        int r;
        uint32_t uid, gid, groups;
    } rows[] = {
        { "", 0, 0, 0, 1 },
        { "root", 0, 0, 0, 1 },
        { "www-data", 0, 33, 33, 1 },
        { "user", 0, 1000, 100, 2 }, /* not its own group once more */
        { "1000", 0, 1000, 100, 2 },
        { "1", 0, 1, 0, 0 }, /* a number, though a user is called so */
        { "77", 0, 77, 0, 0 },
        { "user:staff", 0, 1000, 50, 0 },
        { "user:7", 0, 1000, 7, 0 },
        { "5:6", 0, 5, 6, 0 },
        { "nobody", -ENOENT, 0, 0, 0 },
        { "user:nogroup", -ENOENT, 0, 0, 0 },
        { "big", -ENOENT, 0, 0, 0 },
        { "neg", -ENOENT, 0, 0, 0 },
        { "broken", -ENOENT, 0, 0, 0 },
        { "4294967295", -EINVAL, 0, 0, 0 },
        { "99999999999", -EINVAL, 0, 0, 0 },
        { "user:", -EINVAL, 0, 0, 0 },
        { "user:a:b", -EINVAL, 0, 0, 0 },
        { "us,er", -EINVAL, 0, 0, 0 },
        { "-1", -ENOENT, 0, 0, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena = { 0 };
        struct spec_user u = { 0 };
        struct err e = { 0 };

        CHECK_INT(image_user_lookup(passwd, group, rows[i].text, &arena, &u, &e), rows[i].r);
        if (rows[i].r == 0) {
            CHECK_INT(u.uid, rows[i].uid);
            CHECK_INT(u.gid, rows[i].gid);
            CHECK_INT(u.n_additional_gids, rows[i].groups);
        } else {
            CHECK(e.message[0]);
        }
        arena_free(&arena);
    }
}

static void the_images_files_cannot_lead_out_or_hang(void)
{
    char top[] = "/tmp/lichen-unit-XXXXXX";
    struct arena arena = { 0 };
    struct spec_user u;
    struct err e = { 0 };
    int root;

    CHECK(mkdtemp(top) != NULL);
    root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(mkdirat(root, "etc", 0755), 0);
    /* The host's has this user; the image has none. */
    CHECK_INT(symlinkat("../../../../../../etc/passwd", root, "etc/passwd"), 0);
    CHECK_INT(image_user_resolve(root, "daemon", &arena, &u, &e), -ENOENT);
    CHECK_INT(unlinkat(root, "etc/passwd", 0), 0);
    CHECK_INT(mkfifoat(root, "etc/passwd", 0600), 0);
    CHECK_INT(image_user_resolve(root, "daemon", &arena, &u, &e), -ENOENT);
    CHECK_INT(image_user_resolve(root, "5:6", &arena, &u, &e), 0);
    CHECK_INT(unlinkat(root, "etc/passwd", 0), 0);
    {
        _cleanup_close_ int fd = openat(root, "etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        CHECK_INT(ftruncate(fd, 1 << 30), 0);
    }
    CHECK_INT(image_user_resolve(root, "daemon", &arena, &u, &e), -EFBIG);
    fd_close(root);
    CHECK_INT(path_remove_tree(AT_FDCWD, top), 0);
    arena_free(&arena);
}

UNIT_MAIN(TEST(a_configuration_is_read_whole), TEST(what_is_left_out_is_empty),
          TEST(a_wrong_configuration_names_the_field), TEST(users_are_looked_up_in_the_image),
          TEST(the_images_files_cannot_lead_out_or_hang))
