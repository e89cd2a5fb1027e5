// SPDX-License-Identifier: Apache-2.0
/*
 * Keeping and using the anchor. The verbs run as the caller. The anchor itself is root of its user namespace
 * and has nothing of anybody's open; what it keeps is named in ROOT/.anchor by pid and start time, and
 * believed only when that process is alive and its namespace is not the caller's own.
 */
#include "create/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "create/container.h"
#include "create/host.h"
#include "state/dir.h"
#include "userns/mapping.h"

#define ANCHOR_FILE "anchor"

/* In ROOT beside the containers; a dot keeps it out of their names (state_check_id). */
static const char file_name[] = "." ANCHOR_FILE;

static int read_identity(int root, struct proc_id *ret)
{
    _cleanup_close_ int fd = openat(root, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    unsigned long long start;
    char text[64];
    struct stat st;
    ssize_t n;
    int pid;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return -ENOENT;
    n = read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -ENOENT;
    text[n] = '\0';
    if (sscanf(text, "%d %llu", &pid, &start) != 2 || pid <= 1)
        return -ENOENT;
    *ret = (struct proc_id){ pid, start };
    return 0;
}

static int read_map(pid_t pid, const char *file, struct idmap *ret)
{
    _cleanup_buf_ struct buf text = { 0 };
    char path[64];
    int r;

    (void)str_format(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    r = fd_read_file(AT_FDCWD, path, 65536, &text);
    return r < 0 ? r : idmap_parse(text.data, ret);
}

static bool is_own_namespace(int userns)
{
    struct stat ours, theirs;

    return stat("/proc/self/ns/user", &ours) < 0 || fstat(userns, &theirs) < 0 ||
           (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev);
}

int anchor_open(int root, struct anchor *ret)
{
    _cleanup_close_ int pidfd = -1, userns = -1;
    char path[64];

    ret->userns = -1;
    if (read_identity(root, &ret->process) < 0)
        return -ENOENT;
    pidfd = proc_open_id(&ret->process);
    if (pidfd < 0)
        return -ENOENT;
    (void)str_format(path, sizeof(path), "/proc/%d/ns/user", (int)ret->process.pid);
    userns = open(path, O_RDONLY | O_CLOEXEC);
    if (userns < 0 || is_own_namespace(userns) || read_map(ret->process.pid, "uid_map", &ret->uids) < 0 ||
        read_map(ret->process.pid, "gid_map", &ret->gids) < 0)
        return -ENOENT;
    /* Looked at by number: still the same process after that? */
    if (proc_signal(pidfd, 0) < 0)
        return -ENOENT;
    ret->userns = TAKE_FD(userns);
    return 0;
}

void anchor_close(struct anchor *a)
{
    a->userns = fd_close(a->userns);
}

/* ---- using it
 * ----------------------------------------------------------------------------------------------------- */

/* Filled by the process in between; in memory shared with it, whether that is all of it or only this. */
struct below {
    const struct anchor *anchor;
    const struct idmap *uids, *gids;
    void (*fn)(void *);
    void *argument;
    pid_t pid;
    struct err failure;
};

/*
 * In the anchor's user namespace, with all capabilities there: user_namespaces(7) wants them of who writes
 * the map of a namespace below. setns made us undumpable, which would give the child's /proc files to the
 * real root; nothing of a container runs yet.
 */
static int in_anchor(void *argument)
{
    struct below *b = argument;
    struct mapping_job job;
    struct err *e = &b->failure;
    pid_t pid;

    if (setns(b->anchor->userns, CLONE_NEWUSER) < 0) {
        err_sys(e, errno, "joining the anchor's user namespace");
        err_remedy(e, "lichen-oci anchor stop does without it");
        return 1;
    }
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    pid = proc_clone(CLONE_NEWUSER | CLONE_PARENT, -1, NULL);
    if (pid == 0)
        b->fn(b->argument);
    b->pid = pid;
    if (b->pid < 0)
        err_sys(e, b->pid, "cannot make a user namespace below the anchor's");
    else if (mapping_begin(b->pid, b->uids, b->gids, true, true, &job, e) >= 0)
        return 0;
    return 1;
}

pid_t anchor_clone(const struct anchor *a, const struct idmap *uids, const struct idmap *gids,
                   void (*fn)(void *), void *argument, struct err *e)
{
    struct below *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    pid_t between, pid;

    if (b == MAP_FAILED)
        return err_sys(e, errno, "memory");
    *b = (struct below){ .anchor = a, .uids = uids, .gids = gids, .fn = fn, .argument = argument };
    if (proc_can_share()) {
        between = proc_clone_shared(0, in_anchor, b);
    } else {
        between = proc_clone(0, -1, NULL);
        if (between == 0)
            _exit(in_anchor(b));
    }
    if (between < 0)
        pid = err_sys(e, between, "cannot fork");
    else if (proc_wait(between, &status) < 0 || status != 0 || b->pid <= 0)
        pid = -EIO;
    else
        pid = b->pid;
    if (between > 0 && pid < 0) {
        if (e && b->failure.code)
            *e = b->failure;
        else
            err_set(e, EIO, "the process in the anchor's user namespace was killed");
        if (b->pid > 0) {
            (void)kill(b->pid, SIGKILL); /* our own child, not collected yet */
            (void)proc_wait(b->pid, &status);
        }
        pid = e ? err_code(e) : -EIO;
    }
    (void)munmap(b, sizeof(*b));
    return pid;
}

/* ---- keeping it
 * --------------------------------------------------------------------------------------------------- */

/* The anchor's life. @go ends when the maps are written, or with the starter. */
static void __attribute__((noreturn)) keep(int go)
{
    char byte;
    bool mapped = read(go, &byte, 1) == 1;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    proc_set_name("lichen:[anchor]");
    if (!mapped || null < 0 || setsid() < 0 || chdir("/") < 0)
        _exit(1);
    for (int fd = 0; fd <= 2; fd++)
        (void)dup2(null, fd);
    (void)fd_close_from(3);
    proc_reset_signals();
    (void)signal(SIGHUP, SIG_IGN);
    for (;;)
        (void)pause();
}

static int build_maps(struct anchor *a, struct err *e)
{
    struct host host;
    int r = host_probe(&host, e);

    if (r < 0)
        return r;
    if (host.privileged || host.namespace_root) {
        err_set(e, EINVAL, "anchor: root writes id maps without newuidmap, there is nothing to gain");
        return err_remedy(e, "anchor is for unprivileged users");
    }
    r = host_load_ranges(&host, e);
    if (r < 0)
        return r;
    if (!host.subuids.n || !host.subgids.n) {
        err_set(e, ENOENT, "anchor: no subordinate ids for uid %u in /etc/subuid and /etc/subgid", host.uid);
        return err_remedy(e, "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER");
    }
    r = idmap_build(IDS_DEFAULT, host.uid, &host.subuids, "/etc/subuid", &a->uids, e);
    return r < 0 ? r : idmap_build(IDS_DEFAULT, host.gid, &host.subgids, "/etc/subgid", &a->gids, e);
}

static int map_and_record(int root, struct anchor *a, pid_t pid, struct err *e)
{
    struct mapping_job job;
    char text[64];
    int r;

    r = mapping_begin(pid, &a->uids, &a->gids, false, false, &job, e);
    if (r >= 0)
        r = mapping_finish(&job, e);
    if (r < 0)
        return r;
    r = proc_identify(pid, &a->process);
    if (r < 0)
        return err_sys(e, r, "anchor: its process");
    (void)str_format(text, sizeof(text), "%d %llu\n", (int)pid, (unsigned long long)a->process.start_time);
    r = fd_replace_file(root, file_name, 0600, text, strlen(text), false);
    return r < 0 ? err_sys(e, r, "anchor: the file %s of the state directory", file_name) : 0;
}

/* With the state root locked. */
static int start_locked(int root, struct err *e)
{
    struct anchor a;
    int go[2], status, r;
    char byte = 0;
    pid_t pid;

    if (anchor_open(root, &a) == 0) {
        anchor_close(&a);
        return 0;
    }
    a.uids.n = a.gids.n = 0;
    r = build_maps(&a, e);
    if (r < 0)
        return r;
    if (pipe2(go, O_CLOEXEC) < 0)
        return err_sys(e, errno, "pipe");
    pid = proc_clone(CLONE_NEWUSER, -1, NULL);
    if (pid == 0) {
        fd_close(go[1]);
        keep(go[0]);
    }
    fd_close(go[0]);
    r = pid < 0 ? err_sys(e, pid, "cannot make a user namespace") : map_and_record(root, &a, pid, e);
    if (r >= 0 && fd_write_all(go[1], &byte, 1) < 0)
        r = err_set(e, EPIPE, "anchor: its process is gone");
    fd_close(go[1]);
    if (r < 0 && pid > 0) {
        (void)unlinkat(root, file_name, 0);
        (void)kill(pid, SIGKILL);
        (void)proc_wait(pid, &status);
    }
    return r;
}

static int stop_locked(int root, struct err *e)
{
    _cleanup_close_ int pidfd = -1;
    struct proc_id id;
    int r;

    if (read_identity(root, &id) < 0)
        return 0;
    pidfd = proc_open_id(&id);
    if (pidfd >= 0) {
        r = proc_signal(pidfd, SIGKILL);
        if (r < 0 && r != -ESRCH)
            return err_sys(e, r, "anchor: ending process %d", (int)id.pid);
        (void)proc_wait_dead(pidfd, 10000);
    }
    if (unlinkat(root, file_name, 0) < 0 && errno != ENOENT)
        return err_sys(e, errno, "anchor: the file %s of the state directory", file_name);
    return 0;
}

static int with_root(const char *root_option, bool create, int (*fn)(int root, struct err *e), struct err *e)
{
    struct host host;
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int root = -1;
    int r;

    r = host_probe(&host, e);
    if (r < 0)
        return r;
    path = state_root_path(root_option, host.privileged);
    root = state_root_open(path, create, e);
    if (root == -ENOENT && !create)
        return 0;
    if (root < 0)
        return root;
    r = state_lock(root, 30000, ANCHOR_FILE, e);
    return r < 0 ? r : fn(root, e);
}

int anchor_start(const char *root_option, struct err *e)
{
    return with_root(root_option, true, start_locked, e);
}

int anchor_stop(const char *root_option, struct err *e)
{
    return with_root(root_option, false, stop_locked, e);
}
