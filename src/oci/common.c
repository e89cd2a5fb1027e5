// SPDX-License-Identifier: Apache-2.0
/* Shared by the verbs. */
#include "oci/common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "state/dir.h"

#define PRESERVE_MAX 1024
#define INPUT_MAX    (4U << 20)

/* LISTEN_PID names who the descriptors are for; without it they are taken, as crun does. */
static int listen_fds(struct process_passed *ret, struct err *e)
{
    const char *text = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID"), *names = getenv("LISTEN_FDNAMES");
    uint64_t n = 0, whose = (uint64_t)getpid();

    if (!text || !*text)
        return 0;
    if (pid && *pid && str_to_u64(pid, 1, INT32_MAX, &whose) < 0)
        return err_set(e, EINVAL, "LISTEN_PID=%s: not a process id", pid);
    if (str_to_u64(text, 0, PRESERVE_MAX, &n) < 0)
        return err_set(e, EINVAL, "LISTEN_FDS=%s: a number from 0 to %d", text, PRESERVE_MAX);
    if (whose != (uint64_t)getpid())
        return 0;
    ret->listen_fds = (unsigned)n;
    ret->listen_names = names;
    return 0;
}

int common_preserve_fds(const char *text, unsigned *ret, struct process_passed *ret_passed, struct err *e)
{
    uint64_t n = 0;
    int r;

    *ret_passed = (struct process_passed){ 0 };
    if (text && str_to_u64(text, 0, PRESERVE_MAX, &n) < 0)
        return err_set(e, EINVAL, "--preserve-fds %s: a number from 0 to %d", text, PRESERVE_MAX);
    r = listen_fds(ret_passed, e);
    if (r < 0)
        return r;
    for (uint64_t i = 0; i < n + ret_passed->listen_fds; i++) {
        if (fcntl((int)(3 + i), F_GETFD) >= 0)
            continue;
        if (i < ret_passed->listen_fds)
            return err_set(e, EBADF, "LISTEN_FDS=%u: descriptor %d is not open", ret_passed->listen_fds,
                           (int)(3 + i));
        return err_set(e, EBADF, "--preserve-fds %s: descriptor %d is not open", text, (int)(3 + i));
    }
    *ret = (unsigned)n + ret_passed->listen_fds;
    /* Whatever else our caller left open is not for the container (CVE-2024-21626). */
    (void)fd_cloexec_from(3 + *ret);
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

static int create_request(const struct cli *cli, struct create_request *ret, char **ret_bundle, struct err *e)
{
    const char *given = cli->bundle ? cli->bundle : ".", *notify = getenv("NOTIFY_SOCKET");
    _cleanup_free_ char *absolute = realpath(given, NULL);
    struct create_options *o = &ret->options;
    int r;

    *ret =
        (struct create_request){ .root_option = cli->root, .dry_run = cli->dry_run, .config = cli->config };
    if (!absolute)
        return err_sys(e, errno, "--bundle %s", given);
    r = common_preserve_fds(cli->preserve_fds, &o->preserve_fds, &o->passed, e);
    if (notify && *notify) {
        o->notify_socket = notify;
        r = r < 0 ? r : notify_check(notify, e);
    }
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

/* What the specification wants logged (config.md "Linux Process": a capability that cannot be had). */
static void log_warnings(const struct created *c)
{
    for (size_t i = 0; i < c->plan.warnings.n; i++)
        log_message(LOG_WARNING, "%s", c->plan.warnings.v[i]);
}

int common_create(const struct cli *cli, bool for_run, struct created *ret, bool *ret_made, struct err *e)
{
    _cleanup_free_ char *bundle = NULL;
    _cleanup_buf_ struct buf plan = { 0 };
    struct create_request request;
    int r;

    r = create_request(cli, &request, &bundle, e);
    if (r < 0)
        return r;
    request.options.detach = cli->detach || !for_run;
    request.for_run = for_run;
    request.plan_text = &plan;
    r = container_create(&request, ret, e);
    if (r < 0)
        return r;
    log_warnings(ret);
    *ret_made = !cli->dry_run;
    if (cli->dry_run) {
        fputs(plan.data, stdout);
        created_close(ret);
    }
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int common_ids(const struct cli *cli, char ***ret, size_t *ret_n, struct err *e)
{
    struct container root;
    struct dirent *entry;
    DIR *d;
    int r;

    r = container_open_root(cli->root, &root, e);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    d = fdopendir(TAKE_FD(root.root));
    container_close(&root);
    if (!d)
        return err_sys(e, errno, "state directory");
    while ((entry = readdir(d))) {
        if (entry->d_type == DT_DIR && state_check_id(entry->d_name, NULL) >= 0)
            strv_append(ret, ret_n, entry->d_name);
    }
    closedir(d);
    if (*ret_n)
        qsort(*ret, *ret_n, sizeof(**ret), compare_ids);
    return 0;
}

static int each_match(struct cli *cli, const regex_t *regex,
                      int (*act)(struct cli *cli, const char *id, struct err *e), struct err *e)
{
    _cleanup_strv_ char **ids = NULL;
    size_t n = 0;
    int r = common_ids(cli, &ids, &n, e), failed = 0;

    for (size_t i = 0; r >= 0 && i < n; i++) {
        struct err why = { 0 };

        if (regexec(regex, ids[i], 0, NULL, 0) != 0 || act(cli, ids[i], &why) >= 0)
            continue;
        if (failed < 0)
            log_error(e);
        *e = why;
        failed = err_code(&why);
    }
    return r < 0 ? r : failed;
}

int common_each(struct cli *cli, int (*act)(struct cli *cli, const char *id, struct err *e), struct err *e)
{
    char why[128];
    regex_t regex;
    int r;

    if (!cli->regex)
        return act(cli, cli->operands[0], e);
    r = regcomp(&regex, cli->operands[0], REG_EXTENDED | REG_NOSUB);
    if (r != 0) {
        (void)regerror(r, &regex, why, sizeof(why));
        return err_set(e, EINVAL, "--regex %s: %s", cli->operands[0], why);
    }
    r = each_match(cli, &regex, act, e);
    regfree(&regex);
    return r;
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
