// SPDX-License-Identifier: Apache-2.0
/* lichen-oci ps: the container's processes, from its cgroup or else from its pid namespace. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "create/pids.h"
#include "oci/common.h"

#define OUTPUT_MAX (16U << 20)

static bool is_listed(const pid_t *pids, size_t n, pid_t pid)
{
    for (size_t i = 0; i < n; i++) {
        if (pids[i] == pid)
            return true;
    }
    return false;
}

static void print_json(const pid_t *pids, size_t n)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < n; i++)
        json_object_array_add(list, json_object_new_int(pids[i]));
    puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
    json_object_put(list);
}

/* Run ps(1) on the host with the caller's options (default -ef), as runc does. */
static int run_ps(const struct cli *cli, struct buf *ret, struct err *e)
{
    _cleanup_strv_ char **argv = NULL;
    posix_spawn_file_actions_t actions;
    int pipefd[2], status, r;
    size_t n = 0;
    pid_t pid;

    strv_append(&argv, &n, "ps");
    for (size_t i = 1; i < cli->n_operands; i++)
        strv_append(&argv, &n, cli->operands[i]);
    if (cli->n_operands == 1)
        strv_append(&argv, &n, "-ef");
    if (pipe2(pipefd, O_CLOEXEC) < 0)
        return err_sys(e, errno, "pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipefd[1], STDOUT_FILENO);
    r = posix_spawnp(&pid, "ps", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    fd_close(pipefd[1]);
    if (r != 0) {
        fd_close(pipefd[0]);
        err_sys(e, r, "cannot run ps");
        return err_remedy(e, "install procps, or use --format json");
    }
    r = fd_read_all(pipefd[0], OUTPUT_MAX, ret);
    fd_close(pipefd[0]);
    (void)proc_wait(pid, &status);
    if (r < 0)
        return err_sys(e, r, "reading ps");
    return status == 0 ? 0 : err_set(e, EINVAL, "ps failed");
}

/* Keep the header and the lines whose PID column is one of ours. */
static int filter_table(char *text, const pid_t *pids, size_t n, struct err *e)
{
    char *save = NULL, *line = strtok_r(text, "\n", &save);
    size_t column = 0;
    bool found = false;
    char *header, *inner = NULL;

    if (!line)
        return err_set(e, EINVAL, "ps printed nothing");
    puts(line);
    header = line;
    for (char *word = strtok_r(header, " \t", &inner); word && !found; word = strtok_r(NULL, " \t", &inner)) {
        found = str_eq(word, "PID");
        column += !found;
    }
    if (!found)
        return err_set(e, EINVAL, "the ps options show no PID column");
    while ((line = strtok_r(NULL, "\n", &save))) {
        _cleanup_free_ char *copy = str_printf("%s", line);
        char *word, *state = NULL;
        size_t i = 0;

        for (word = strtok_r(copy, " \t", &state); word && i < column; i++)
            word = strtok_r(NULL, " \t", &state);
        if (word && is_listed(pids, n, (pid_t)atoi(word)))
            puts(line);
    }
    return 0;
}

static int print_stats(struct container *c, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    struct cgroup cg;
    int r = container_cgroup(c, &cg, e);

    if (r < 0)
        return r;
    r = cg.plan.manager == CGROUP_NONE ? container_no_cgroup(c, "ps --stats", e)
                                       : cgroup_stats(&cg, &text, e);
    cgroup_close(&cg);
    if (r >= 0)
        puts(text.data);
    return r;
}

int verb_ps(struct cli *cli, struct err *e)
{
    bool json = cli->format && str_eq(cli->format, "json");
    _cleanup_free_ pid_t *pids = NULL;
    _cleanup_buf_ struct buf table = { 0 };
    struct container c;
    size_t n = 0;
    int r;

    if (cli->format && !json && !str_eq(cli->format, "table"))
        return err_set(e, EINVAL, "--format %s: table or json", cli->format);
    r = common_open(cli, false, &c, e);
    if (r < 0)
        return r;
    r = lifecycle_check(VERB_PS, container_status(&c), c.id, e);
    if (r >= 0 && cli->stats) {
        r = print_stats(&c, e);
    } else if (r >= 0) {
        r = container_pids(&c, &pids, &n, e);
        if (r >= 0 && json)
            print_json(pids, n);
        else if (r >= 0 && (r = run_ps(cli, &table, e)) >= 0)
            r = filter_table(table.data, pids, n, e);
    }
    container_close(&c);
    return r;
}
