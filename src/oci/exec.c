// SPDX-License-Identifier: Apache-2.0
/* lichen-oci exec: the process from --process FILE, or from the frozen config's process with what the command
 * line changes. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "create/exec.h"
#include "create/socket.h"
#include "create/supervise.h"
#include "oci/common.h"
#include "spec/names.h"

/* "UID[:GID]", numbers only: a name would have to be looked up in the container's files, which is the
 * engine's work. */
static int parse_user(const char *text, struct spec_user *user, struct err *e)
{
    const char *colon = strchr(text, ':');
    _cleanup_free_ char *uid = str_printf("%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
    struct spec_user parsed = { .has_umask = user->has_umask, .umask = user->umask };

    if (str_to_u32(uid, &parsed.uid) < 0 || parsed.uid == UINT32_MAX)
        return err_set(e, EINVAL, "--user %s: a uid is a number from 0 to 4294967294", text);
    if (colon && (str_to_u32(colon + 1, &parsed.gid) < 0 || parsed.gid == UINT32_MAX))
        return err_set(e, EINVAL, "--user %s: a gid is a number from 0 to 4294967294", text);
    *user = parsed;
    return 0;
}

static int parse_gids(const struct values *values, struct arena *arena, struct spec_user *user, struct err *e)
{
    if (!values->n)
        return 0;
    user->additional_gids = ARENA_ARRAY(arena, values->n, gid_t);
    user->n_additional_gids = values->n;
    for (size_t i = 0; i < values->n; i++) {
        if (str_to_u32(values->v[i], &user->additional_gids[i]) < 0 || user->additional_gids[i] == UINT32_MAX)
            return err_set(e, EINVAL, "--additional-gids %s: a gid is a number from 0 to 4294967294",
                           values->v[i]);
    }
    return 0;
}

/* The config's environment, with --env's entries after it: the later one wins. */
static int add_env(const struct values *values, struct arena *arena, struct spec_process *p, struct err *e)
{
    const char **env = ARENA_ARRAY(arena, p->env.n + values->n + 1, const char *);
    size_t n = 0;

    for (size_t i = 0; i < p->env.n; i++) {
        size_t name = strcspn(p->env.v[i], "=") + 1;
        bool replaced = false;

        for (size_t k = 0; k < values->n && !replaced; k++)
            replaced = strncmp(values->v[k], p->env.v[i], name) == 0;
        if (!replaced)
            env[n++] = p->env.v[i];
    }
    for (size_t k = 0; k < values->n; k++) {
        if (!strchr(values->v[k], '=') || values->v[k][0] == '=')
            return err_set(e, EINVAL, "--env %s: NAME=VALUE is wanted", values->v[k]);
        env[n++] = values->v[k];
    }
    p->env = (struct spec_strings){ n, env };
    return 0;
}

/* runc's --cap: into bounding, effective and permitted; ambient and inheritable stay as they were
 * (CVE-2022-29162). */
static int add_caps(const struct values *values, struct spec_process *p, struct err *e)
{
    for (size_t i = 0; i < values->n; i++) {
        int64_t number;

        if (spec_name_to_number(spec_capability_names, values->v[i], &number) < 0)
            return err_set(e, EINVAL, "--cap %s: no such capability (write it as CAP_NET_RAW)", values->v[i]);
        p->capabilities.set = true;
        p->capabilities.mask[CAP_SET_BOUNDING] |= 1ULL << number;
        p->capabilities.mask[CAP_SET_EFFECTIVE] |= 1ULL << number;
        p->capabilities.mask[CAP_SET_PERMITTED] |= 1ULL << number;
    }
    return 0;
}

static int from_command_line(const struct cli *cli, const struct container *c, struct arena *arena,
                             struct spec_process *p, struct err *e)
{
    int r = 0;

    if (cli->n_operands < 2) {
        err_set(e, EINVAL, "exec: no command given");
        return err_remedy(e, "usage: lichen-oci exec CONTAINER COMMAND [ARGUMENT ...], or --process FILE");
    }
    r = container_process(c, arena, p, e);
    if (r < 0)
        return r;
    if (!p->cwd)
        p->cwd = "/";
    p->args = (struct spec_strings){ cli->n_operands - 1, cli->operands + 1 };
    p->terminal = cli->tty;
    p->console_height = p->console_width = 0;
    p->no_new_privileges = p->no_new_privileges || cli->no_new_privs;
    if (cli->cwd && cli->cwd[0] != '/')
        return err_set(e, EINVAL, "--cwd %s: an absolute path is wanted", cli->cwd);
    if (cli->cwd)
        p->cwd = cli->cwd;
    if (cli->apparmor)
        p->apparmor_profile = cli->apparmor;
    if (cli->process_label)
        p->selinux_label = cli->process_label;
    if (cli->user)
        r = parse_user(cli->user, &p->user, e);
    if (r >= 0)
        r = parse_gids(&cli->additional_gids, arena, &p->user, e);
    if (r >= 0)
        r = add_env(&cli->env, arena, p, e);
    return r < 0 ? r : add_caps(&cli->caps, p, e);
}

static int from_file(const char *path, struct arena *arena, struct spec_process *p, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    int r = common_read_input("--process", path, &text, e);

    if (r < 0)
        return r;
    r = spec_parse_process(text.data, text.len, arena, p, e);
    return r < 0 ? err_prefix(e, "--process %s", path) : 0;
}

static int run_process(struct cli *cli, struct container *c, const struct exec_request *request,
                       struct err *e)
{
    _cleanup_close_ int signals = -1;
    struct exec_result result;
    int status = 0, r;

    if (request->process->terminal && cli->detach && !cli->console_socket)
        return err_set(e, EINVAL, "exec --tty --detach: give --console-socket for the terminal");
    if (cli->console_socket) {
        r = socket_check("--console-socket", cli->console_socket, e);
        if (r < 0)
            return r;
    }
    if (cli->pidfd_socket) {
        r = socket_check("--pidfd-socket", cli->pidfd_socket, e);
        if (r < 0)
            return r;
    }
    if (!cli->detach) {
        signals = supervise_prepare(e);
        if (signals < 0)
            return signals;
    }
    r = container_exec(c, request, &result, e);
    if (r < 0)
        return r;
    if (!cli->detach)
        r = supervise(result.pid, result.pidfd, signals, result.master, &status, e);
    fd_close(result.pidfd);
    return r < 0 ? r : status;
}

int verb_exec(struct cli *cli, struct err *e)
{
    struct arena arena = { 0 };
    struct spec_process process = { 0 };
    struct exec_request request = {
        .process = &process,
        .detach = cli->detach,
        .ignore_paused = cli->ignore_paused,
        .pid_file = cli->pid_file,
        .console_socket = cli->console_socket,
        .pidfd_socket = cli->pidfd_socket,
        .cgroup = cli->cgroup,
    };
    struct container c;
    int r;

    r = common_preserve_fds(cli->preserve_fds, &request.preserve_fds, &request.passed, e);
    if (r >= 0)
        r = common_open(cli, false, &c, e);
    if (r < 0)
        return r;
    r = cli->process ? from_file(cli->process, &arena, &process, e)
                     : from_command_line(cli, &c, &arena, &process, e);
    if (r >= 0 && cli->tty)
        process.terminal = true;
    if (r >= 0)
        r = run_process(cli, &c, &request, e);
    arena_free(&arena);
    container_close(&c);
    return r;
}
