// SPDX-License-Identifier: Apache-2.0
/* Finding a container's processes. Runs in ps and kill, as the caller. */
#include "create/pids.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

static int namespace_of(pid_t pid, struct stat *ret)
{
    char path[64];

    (void)str_format(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
    return stat(path, ret) < 0 ? -errno : 0;
}

static bool is_in(pid_t pid, const struct stat *ns)
{
    struct stat st;

    return namespace_of(pid, &st) == 0 && st.st_ino == ns->st_ino && st.st_dev == ns->st_dev;
}

static int pids_of_namespace(const struct stat *ns, pid_t **ret, size_t *ret_n, struct err *e)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    size_t n = 0;

    if (!d)
        return err_sys(e, errno, "/proc");
    while ((entry = readdir(d))) {
        uint32_t pid;

        if (str_to_u32(entry->d_name, &pid) < 0 || !is_in((pid_t)pid, ns))
            continue;
        *ret = mem_realloc_array(*ret, n + 1, sizeof(pid_t));
        (*ret)[n++] = (pid_t)pid;
    }
    closedir(d);
    *ret_n = n;
    return 0;
}

static int init_namespace(const struct container *c, struct stat *ret, struct err *e)
{
    int r = namespace_of(c->record.init.pid, ret);

    return r < 0 ? err_sys(e, r, "container %s: its pid namespace", c->id) : 0;
}

int container_pids(struct container *c, pid_t **ret, size_t *ret_n, struct err *e)
{
    struct cgroup cg;
    struct stat ns;
    int r;

    if (container_cgroup(c, &cg, NULL) == 0) {
        bool usable = cg.dirfd >= 0;

        r = usable ? cgroup_pids(&cg, ret, ret_n) : 0;
        cgroup_close(&cg);
        if (usable)
            return r < 0 ? err_sys(e, r, "container %s: processes of its cgroup", c->id) : 0;
    }
    r = init_namespace(c, &ns, e);
    return r < 0 ? r : pids_of_namespace(&ns, ret, ret_n, e);
}

int container_signal_namespace(struct container *c, int signal, struct err *e)
{
    _cleanup_free_ pid_t *pids = NULL;
    struct stat ns;
    size_t n = 0;
    int r;

    r = init_namespace(c, &ns, e);
    if (r >= 0)
        r = pids_of_namespace(&ns, &pids, &n, e);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        _cleanup_close_ int pidfd = proc_pidfd(pids[i]);
        int sent;

        if (pidfd < 0 || !is_in(pids[i], &ns))
            continue;
        sent = proc_signal(pidfd, signal);
        if (sent < 0 && sent != -ESRCH)
            r = err_sys(e, sent, "container %s: signal %d to process %d", c->id, signal, (int)pids[i]);
    }
    return r;
}
