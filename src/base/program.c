// SPDX-License-Identifier: Apache-2.0
/* Starting other programs. posix_spawn (vfork underneath): our page tables are not copied. Runs in the
 * caller's namespaces, as the caller. */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"

extern char **environ;

/* The directory of the running program; false for one that runs from a memfd or is deleted. */
static bool own_directory(char *buf, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", buf, size - 1);
    const char *original = getenv("LICHEN_SELF");
    char *slash;

    if (n < 0 || (size_t)n == size - 1)
        return false;
    buf[n] = '\0';
    /* lichen-oci may run from a sealed copy of itself (create/self_protect.h), which says where the original
     * is. */
    if (str_has_prefix(buf, "/memfd:") && (!original || str_format(buf, size, "%s", original) < 0))
        return false;
    slash = strrchr(buf, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

int program_helper_path(const char *name, char **ret, struct err *e)
{
    const char *override = getenv("LICHEN_LIBEXECDIR");
    char own[PATH_MAX];
    char *candidates[3] = { NULL };
    size_t n = 0;
    int r = -ENOENT;

    if (override && *override) {
        candidates[n++] = str_printf("%s/%s", override, name);
    } else {
        if (own_directory(own, sizeof(own))) {
            candidates[n++] = str_printf("%s/helpers/%s", own, name);
            candidates[n++] = str_printf("%s/../libexec/lichen/%s", own, name);
        }
        candidates[n++] = str_printf("%s/%s", LIBEXECDIR, name);
    }
    for (size_t i = 0; i < n && r < 0; i++) {
        if (access(candidates[i], X_OK) == 0) {
            *ret = TAKE_PTR(candidates[i]);
            r = 0;
        }
    }
    if (r < 0) {
        err_set(e, ENOENT, "%s: no such program (last looked for as %s)", name, candidates[n - 1]);
        err_remedy(e, "install lichen completely, or set LICHEN_LIBEXECDIR to the directory of its helpers");
    }
    for (size_t i = 0; i < n; i++)
        free(candidates[i]);
    return r;
}

int program_start(char *const argv[], pid_t *ret_pid, int *ret_out)
{
    posix_spawn_file_actions_t actions;
    int pipefd[2], r;

    if (pipe2(pipefd, O_CLOEXEC) < 0)
        return -errno;
    r = posix_spawn_file_actions_init(&actions);
    if (r == 0) {
        r = posix_spawn_file_actions_adddup2(&actions, pipefd[1], STDOUT_FILENO);
        if (r == 0)
            r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
            r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
            r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (r == 0)
            r = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    fd_close(pipefd[1]);
    if (r != 0) {
        fd_close(pipefd[0]);
        return -r;
    }
    *ret_out = pipefd[0];
    return 0;
}

int program_capture(char *const argv[], size_t max, struct buf *ret)
{
    _cleanup_close_ int out = -1;
    int r, r2, status;
    pid_t pid;

    r = program_start(argv, &pid, &out);
    if (r < 0)
        return r;
    r = fd_read_all(out, max, ret);
    /* What goes on printing beyond @max must not be waited for. */
    out = fd_close(out);
    r2 = proc_wait(pid, &status);
    if (r >= 0)
        r = r2;
    return r < 0 ? r : status != 0 ? -EIO : 0;
}
