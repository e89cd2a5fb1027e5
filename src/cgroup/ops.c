// SPDX-License-Identifier: Apache-2.0
/*
 * What can be done to a container's cgroup whoever made it: list, signal, freeze. Runs in the verbs (kill,
 * pause, ps, delete), as the caller. The container's processes are not trusted: they fork while they are
 * counted, so that everything here is repeated until nothing is new, within bounds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "cgroup/private.h"

#define FREEZE_PATIENCE_MS 10000
#define KILL_ROUNDS        64
#define MAX_PROCS_FILE     (64U << 20)

void cgroup_pause_ms(int ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    (void)nanosleep(&t, NULL);
}

int cgroup_read_key(int dirfd, const char *file, const char *key, uint64_t *ret)
{
    _cleanup_buf_ struct buf b = { 0 };
    size_t len = strlen(key);
    int r = fd_read_file(dirfd, file, 1U << 20, &b);

    if (r < 0)
        return r;
    for (const char *line = b.data; *line; line += *line == '\n') {
        if (strncmp(line, key, len) == 0 && line[len] == ' ') {
            *ret = strtoull(line + len + 1, NULL, 10);
            return 0;
        }
        line += strcspn(line, "\n");
    }
    return -ENOENT;
}

int cgroup_read_number(int dirfd, const char *file, uint64_t *ret)
{
    _cleanup_buf_ struct buf b = { 0 };
    int r = fd_read_file(dirfd, file, 4096, &b);

    if (r < 0)
        return r;
    if (b.len && b.data[b.len - 1] == '\n')
        b.data[--b.len] = '\0';
    if (str_eq(b.data, "max")) {
        *ret = UINT64_MAX;
        return 0;
    }
    return str_to_u64(b.data, 0, UINT64_MAX, ret);
}

int cgroup_children(int dirfd, char ***ret, size_t *ret_n)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent *entry;
    DIR *d;

    if (fd < 0)
        return -errno;
    d = fdopendir(fd);
    if (!d) {
        int r = -errno;

        fd_close(fd);
        return r;
    }
    while ((entry = readdir(d))) {
        if (entry->d_type == DT_DIR && !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            strv_append(ret, ret_n, entry->d_name);
    }
    closedir(d);
    return 0;
}

struct pid_list {
    pid_t *v;
    size_t n;
};

static int read_procs(int dirfd, struct pid_list *list)
{
    _cleanup_buf_ struct buf b = { 0 };
    int r = fd_read_file(dirfd, "cgroup.procs", MAX_PROCS_FILE, &b);

    /* A threaded cgroup: its processes are listed in the domain above. One that was removed meanwhile is
     * empty. */
    if (r == -EOPNOTSUPP || r == -ENODEV || r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    for (char *at = b.data; *at;) {
        long pid = strtol(at, &at, 10);

        at += strspn(at, "\n");
        /* 0: a process that this pid namespace does not show. */
        if (pid <= 0)
            continue;
        list->v = mem_realloc_array(list->v, list->n + 1, sizeof(pid_t));
        list->v[list->n++] = (pid_t)pid;
    }
    return 0;
}

static int walk_procs(int dirfd, int depth, struct pid_list *list)
{
    _cleanup_strv_ char **names = NULL;
    size_t n = 0;
    int r = read_procs(dirfd, list);

    if (r >= 0 && depth > 0)
        r = cgroup_children(dirfd, &names, &n);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        _cleanup_close_ int child = cgroup_open_below(dirfd, names[i]);

        if (child >= 0)
            r = walk_procs(child, depth - 1, list);
    }
    return r;
}

int cgroup_pids(struct cgroup *cg, pid_t **ret, size_t *ret_n)
{
    struct pid_list list = { 0 };
    int r;

    if (cg->dirfd < 0)
        return -EOPNOTSUPP;
    r = walk_procs(cg->dirfd, CGROUP_MAX_DEPTH, &list);
    if (r < 0) {
        free(list.v);
        return r;
    }
    *ret = list.v;
    *ret_n = list.n;
    return 0;
}

static bool is_in(const struct pid_list *list, pid_t pid)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i] == pid)
            return true;
    }
    return false;
}

/* A number read from cgroup.procs may have been reused: the pidfd first, then the look whether it is still
 * one of ours. */
static int signal_if_inside(const struct cgroup_plan *plan, pid_t pid, int signal)
{
    _cleanup_close_ int pidfd = proc_pidfd(pid);
    char name[16], path[sizeof(plan->path)];
    size_t len = strlen(plan->path);

    if (pidfd < 0)
        return pidfd == -ESRCH ? 0 : pidfd;
    (void)str_format(name, sizeof(name), "%d", (int)pid);
    if (cgroup_of_process(name, path, sizeof(path)) < 0 || strncmp(path, plan->path, len) != 0 ||
        (path[len] != '\0' && path[len] != '/'))
        return 0;
    return proc_signal(pidfd, signal);
}

static int signal_round(struct cgroup *cg, int signal, struct pid_list *done, bool *ret_new)
{
    struct pid_list now = { 0 };
    int result = 0, r = cgroup_pids(cg, &now.v, &now.n);

    if (r < 0)
        return r;
    *ret_new = false;
    for (size_t i = 0; i < now.n; i++) {
        if (is_in(done, now.v[i]))
            continue;
        *ret_new = true;
        done->v = mem_realloc_array(done->v, done->n + 1, sizeof(pid_t));
        done->v[done->n++] = now.v[i];
        r = signal_if_inside(&cg->plan, now.v[i], signal);
        if (r < 0 && r != -ESRCH)
            result = r;
    }
    free(now.v);
    return result;
}

int cgroup_kill(struct cgroup *cg, int signal, struct err *e)
{
    struct pid_list done = { 0 };
    bool more = true;
    int r = 0;

    if (cg->dirfd < 0)
        return err_set(e, EOPNOTSUPP, "the container has no cgroup to find its processes by");
    if (!cg->plan.inode)
        return err_set(e, ESTALE, "the cgroup %s is not known to be the container's", cg->plan.path);
    /* Linux 5.14: all at once, forks included. */
    if (signal == SIGKILL && fd_write_control(cg->dirfd, "cgroup.kill", "1") >= 0)
        return 0;
    for (int round = 0; more && r >= 0 && round < KILL_ROUNDS; round++)
        r = signal_round(cg, signal, &done, &more);
    free(done.v);
    if (r < 0)
        return err_sys(e, r, "signal %d to the processes of the cgroup %s", signal, cg->plan.path);
    if (more)
        return err_set(e, EBUSY, "signal %d: processes keep appearing in the cgroup %s", signal,
                       cg->plan.path);
    return 0;
}

/* cgroup.events says when the last process has stopped; the kernel wakes pollers (POLLPRI) at every change.
 */
static int wait_frozen(struct cgroup *cg, bool frozen, int patience_ms)
{
    _cleanup_close_ int fd = openat(cg->dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    int64_t deadline = clock_now_ms() + patience_ms;

    if (fd < 0)
        return -errno;
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLPRI };
        int64_t left = deadline - clock_now_ms();
        uint64_t now;
        char text[256];
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
        const char *at;

        if (n < 0)
            return -errno;
        text[n] = '\0';
        at = strstr(text, "frozen ");
        if (!at)
            return -EOPNOTSUPP;
        now = at[7] == '1';
        if (now == frozen)
            return 0;
        if (left <= 0)
            return -ETIMEDOUT;
        if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
            return -errno;
    }
}

int cgroup_freeze(struct cgroup *cg, bool frozen, struct err *e)
{
    const char *verb = frozen ? "freezing" : "thawing";
    int r;

    if (cg->dirfd < 0) {
        err_set(e, EOPNOTSUPP, "%s: the container has no cgroup", verb);
        (void)err_remedy(e, "run it in a systemd user session or another delegated cgroup");
        return -EOPNOTSUPP;
    }
    if (!cg->plan.inode)
        return err_set(e, ESTALE, "the cgroup %s is not known to be the container's", cg->plan.path);
    r = fd_write_control(cg->dirfd, "cgroup.freeze", frozen ? "1" : "0");
    if (r < 0)
        return err_sys(e, r, "%s the cgroup %s", verb, cg->plan.path);
    r = wait_frozen(cg, frozen, FREEZE_PATIENCE_MS);
    if (r >= 0)
        return 0;
    if (frozen)
        (void)fd_write_control(cg->dirfd, "cgroup.freeze", "0");
    err_sys(e, r, "%s the cgroup %s", verb, cg->plan.path);
    if (r == -ETIMEDOUT)
        return err_remedy(e, frozen ? "a process in it sleeps uninterruptibly (state D); try again"
                                    : "a cgroup above it is frozen");
    return r;
}

void cgroup_watch_begin(struct cgroup *cg, struct cgroup_watch *ret)
{
    *ret = (struct cgroup_watch){ .fd = -1 };
    if (cg->dirfd >= 0)
        ret->fd = openat(cg->dirfd, "memory.events", O_RDONLY | O_CLOEXEC);
    (void)cgroup_watch_kills(ret);
}

uint64_t cgroup_watch_kills(struct cgroup_watch *w)
{
    char text[512];
    ssize_t n = w->fd < 0 ? -1 : pread(w->fd, text, sizeof(text) - 1, 0);
    uint64_t now, before = w->kills;
    const char *at;

    if (n < 0)
        return 0;
    text[n] = '\0';
    at = strstr(text, "\noom_kill ");
    now = at ? strtoull(at + strlen("\noom_kill "), NULL, 10) : before;
    w->kills = now;
    return now > before ? now - before : 0;
}

void cgroup_watch_end(struct cgroup_watch *w)
{
    w->fd = fd_close(w->fd);
}

int cgroup_is_frozen(struct cgroup *cg)
{
    uint64_t value;
    int r;

    if (cg->dirfd < 0)
        return 0;
    r = cgroup_read_number(cg->dirfd, "cgroup.freeze", &value);
    /* The root of a hierarchy has no such file and can't be frozen. */
    if (r == -ENOENT)
        return 0;
    return r < 0 ? r : value == 1;
}
