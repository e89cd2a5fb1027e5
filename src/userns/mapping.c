// SPDX-License-Identifier: Apache-2.0
/* Writes id maps. Runs in the parent, with the caller's privileges; newuidmap and newgidmap bring their own.
 */
#include "userns/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

static bool is_own_line(const struct idmap *map, uint32_t own)
{
    return map->n == 1 && map->v[0].size == 1 && map->v[0].host == own;
}

bool mapping_can_write_directly(const struct idmap *uids, const struct idmap *gids, bool privileged,
                                uid_t own_uid, gid_t own_gid)
{
    /* user_namespaces(7), "Defining user and group ID mappings: writing to uid_map and gid_map". */
    return privileged || (is_own_line(uids, own_uid) && is_own_line(gids, own_gid));
}

static int write_map(pid_t pid, const char *file, const struct idmap *map, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    char path[64];
    int r;

    for (size_t i = 0; i < map->n; i++)
        buf_printf(&text, "%u %u %u\n", map->v[i].container, map->v[i].host, map->v[i].size);
    (void)str_format(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    r = fd_write_control(AT_FDCWD, path, text.data);
    if (r < 0) {
        err_sys(e, r, "cannot write the %s of the container (%zu lines, first \"%u %u %u\")", file, map->n,
                map->v[0].container, map->v[0].host, map->v[0].size);
        if (r == -EACCES || r == -EPERM)
            err_remedy(e,
                       "AppArmor may forbid unprivileged user namespaces (Ubuntu 23.10 and later): install "
                       "lichen's AppArmor profile, or "
                       "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; lichen-oci doctor tells");
    }
    return r;
}

static int write_directly(pid_t pid, const struct idmap *uids, const struct idmap *gids, bool privileged,
                          struct err *e)
{
    char path[64];
    int r;

    if (!privileged) {
        /* Without CAP_SETGID in the parent namespace gid_map wants setgroups denied first (CVE-2014-8989). */
        (void)str_format(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
        r = fd_write_control(AT_FDCWD, path, "deny");
        if (r < 0 && r != -ENOENT)
            return err_sys(e, r, "cannot deny setgroups in the container's user namespace");
    }
    r = write_map(pid, "gid_map", gids, e);
    return r < 0 ? r : write_map(pid, "uid_map", uids, e);
}

/* Start "newuidmap PID c h n ..." with stderr on a pipe. */
static int start_helper(const char *name, pid_t pid, const struct idmap *map, pid_t *ret_pid, int *ret_err,
                        struct err *e)
{
    _cleanup_strv_ char **argv = NULL;
    posix_spawn_file_actions_t actions;
    int pipefd[2], r;
    size_t n = 0;
    char number[16];

    strv_append(&argv, &n, name);
    (void)str_format(number, sizeof(number), "%d", (int)pid);
    strv_append(&argv, &n, number);
    for (size_t i = 0; i < map->n; i++) {
        const uint32_t values[] = { map->v[i].container, map->v[i].host, map->v[i].size };

        for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
            (void)str_format(number, sizeof(number), "%u", values[k]);
            strv_append(&argv, &n, number);
        }
    }
    if (pipe2(pipefd, O_CLOEXEC) < 0)
        return err_sys(e, errno, "pipe for %s", name);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipefd[1], STDERR_FILENO);
    r = posix_spawnp(ret_pid, name, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    fd_close(pipefd[1]);
    if (r != 0) {
        fd_close(pipefd[0]);
        *ret_pid = 0;
        err_sys(e, r, "cannot run %s", name);
        return err_remedy(
            e, "install the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora), or use --ids single");
    }
    *ret_err = pipefd[0];
    return 0;
}

int mapping_begin(pid_t pid, const struct idmap *uids, const struct idmap *gids, bool directly,
                  bool privileged, struct mapping_job *ret, struct err *e)
{
    int r;

    *ret = (struct mapping_job){ .uid_err = -1, .gid_err = -1 };
    if (directly)
        return write_directly(pid, uids, gids, privileged, e);
    r = start_helper("newuidmap", pid, uids, &ret->uid_pid, &ret->uid_err, e);
    if (r >= 0)
        r = start_helper("newgidmap", pid, gids, &ret->gid_pid, &ret->gid_err, e);
    if (r < 0)
        (void)mapping_finish(ret, NULL);
    return r;
}

static int finish_helper(const char *name, const char *file, pid_t *pid, int *errfd, struct err *e)
{
    _cleanup_buf_ struct buf said = { 0 };
    struct err probe = { 0 };
    int status, r;

    if (*pid == 0)
        return 0;
    (void)fd_read_all(*errfd, 4096, &said);
    *errfd = fd_close(*errfd);
    r = proc_wait(*pid, &status);
    *pid = 0;
    if (r < 0)
        return err_sys(e, r, "waiting for %s", name);
    if (status == 0)
        return 0;
    while (said.len > 0 && said.data[said.len - 1] == '\n')
        said.data[--said.len] = '\0';
    err_set(e, EPERM, "%s failed: %s", name, said.len ? said.data : "no message");
    if (mapping_probe_helper(name, &probe) < 0)
        return err_remedy(e, "%s", probe.message);
    return err_remedy(
        e, "check that %s gives your user these ranges (lichen-oci doctor tells), or use --ids single", file);
}

int mapping_finish(struct mapping_job *job, struct err *e)
{
    int r = finish_helper("newuidmap", "/etc/subuid", &job->uid_pid, &job->uid_err, e);
    int r2 = finish_helper("newgidmap", "/etc/subgid", &job->gid_pid, &job->gid_err, r < 0 ? NULL : e);

    return r < 0 ? r : r2;
}

/* Find @name in $PATH. */
static char *find_program(const char *name)
{
    const char *path = getenv("PATH");

    if (!path || !*path)
        path = "/usr/local/bin:/usr/bin:/bin";
    while (*path) {
        size_t n = strcspn(path, ":");
        _cleanup_free_ char *candidate = str_printf("%.*s/%s", (int)n, path, name);

        if (n > 0 && access(candidate, X_OK) == 0)
            return TAKE_PTR(candidate);
        path += n;
        path += *path == ':';
    }
    return NULL;
}

int mapping_probe_helper(const char *name, struct err *e)
{
    _cleanup_free_ char *path = find_program(name);
    struct stat st;

    if (!path) {
        err_set(e, ENOENT, "%s is not installed", name);
        return err_remedy(e, "install the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora)");
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
        err_set(e, EPERM, "no_new_privs is set on this process, so %s cannot gain its privilege", path);
        return err_remedy(e, "run lichen outside the sandbox that sets no_new_privs, or use --ids single");
    }
    if (stat(path, &st) < 0)
        return err_sys(e, errno, "%s", path);
    /* Either the setuid bit with owner root, or cap_setuid / cap_setgid as a file capability (podman#21738).
     */
    if (!(st.st_mode & S_ISUID) && getxattr(path, "security.capability", NULL, 0) <= 0) {
        err_set(e, EPERM, "%s has neither the setuid bit nor a file capability", path);
        return err_remedy(e, "as root: chmod u+s %s (or setcap cap_set%s+ep %s)", path,
                          strstr(name, "gid") ? "gid" : "uid", path);
    }
    return 0;
}
