// SPDX-License-Identifier: Apache-2.0
/* Shared by the verbs. */
#include "oci/common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#define PRESERVE_MAX 1024
#define INPUT_MAX    (4U << 20)

int common_preserve_fds(const char *text, unsigned *ret, struct err *e)
{
    uint64_t n = 0;

    if (text && str_to_u64(text, 0, PRESERVE_MAX, &n) < 0)
        return err_set(e, EINVAL, "--preserve-fds %s: a number from 0 to %d", text, PRESERVE_MAX);
    for (uint64_t i = 0; i < n; i++) {
        if (fcntl((int)(3 + i), F_GETFD) < 0)
            return err_set(e, EBADF, "--preserve-fds %s: descriptor %d is not open", text, (int)(3 + i));
    }
    *ret = (unsigned)n;
    /* Whatever else our caller left open is not for the container (CVE-2024-21626). */
    (void)fd_cloexec_from(3 + (unsigned)n);
    return 0;
}

static int parse_manager(const struct cli *cli, struct create_options *o, struct err *e)
{
    o->systemd_cgroup = cli->systemd_cgroup;
    o->cgroup_manager = CGROUP_AUTO;
    if (cli->cgroup_manager)
        return cgroup_manager_parse(cli->cgroup_manager, &o->cgroup_manager, e);
    if (cli->systemd_cgroup)
        o->cgroup_manager = CGROUP_SYSTEMD;
    return 0;
}

int common_create_request(const struct cli *cli, struct create_request *ret, char **ret_bundle, struct err *e)
{
    const char *given = cli->bundle ? cli->bundle : ".";
    _cleanup_free_ char *absolute = realpath(given, NULL);
    struct create_options *o = &ret->options;
    int r;

    *ret =
        (struct create_request){ .root_option = cli->root, .dry_run = cli->dry_run, .config = cli->config };
    if (!absolute)
        return err_sys(e, errno, "--bundle %s", given);
    r = common_preserve_fds(cli->preserve_fds, &o->preserve_fds, e);
    if (r >= 0)
        r = parse_manager(cli, o, e);
    if (r >= 0 && cli->ids) {
        o->ids_given = true;
        r = ids_mode_parse(cli->ids, &o->ids, e);
    }
    if (r < 0)
        return r;
    o->id = cli->operands[0];
    o->console_socket = cli->console_socket;
    o->pid_file = cli->pid_file;
    o->pidfd_socket = cli->pidfd_socket;
    o->seccomp_receiver = getenv("RUN_OCI_SECCOMP_RECEIVER");
    o->no_pivot = cli->no_pivot;
    o->no_new_keyring = cli->no_new_keyring;
    o->net = cli->net;
    o->publish = (struct spec_strings){ cli->publish.n, cli->publish.v };
    o->overlay = cli->overlay;
    *ret_bundle = TAKE_PTR(absolute);
    o->bundle = *ret_bundle;
    return 0;
}

int common_open(const struct cli *cli, bool lock, struct container *ret, struct err *e)
{
    return container_open(cli->root, cli->operands[0], lock, ret, e);
}

int common_read_input(const char *option, const char *path, struct buf *ret, struct err *e)
{
    _cleanup_close_ int fd =
        str_eq(path, "-") ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int r = fd < 0 ? -errno : fd_read_all(fd, INPUT_MAX, ret);

    return r < 0 ? err_sys(e, r, "%s %s", option, path) : 0;
}
