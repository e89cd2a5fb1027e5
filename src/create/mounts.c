// SPDX-License-Identifier: Apache-2.0
/*
 * mounts add and remove: into a container that runs. Three processes, as in exec: the caller (parent); a
 * joiner, which enters the container's user namespace, clones the sources of binds there in a mount namespace
 * of its own that still shows the host (so with the same rights, and the same locked mounts, as at create),
 * then joins the rest; and its child, in the container's pid namespace, which attaches by descriptor below
 * the container's root. Neither is dumpable, neither runs anything of the container, and no path of the
 * container is followed outside its root.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "create/child.h"
#include "create/container.h"
#include "create/join.h"
#include "rootfs/mount.h"
#include "rootfs/root.h"

struct job {
    struct container *c;
    bool add;
    size_t n;
    struct mount_op *ops;
    int namespaces, init_pidfd;
};

static int make_op(const struct container *c, const struct spec_mount *m, size_t i, bool add,
                   struct arena *arena, struct mount_op *op, struct err *e)
{
    struct stat st;
    int r;

    *op = (struct mount_op){
        .field = arena_printf(arena, "mounts[%zu]", i),
        .type = m->type ? m->type : "bind",
        .destination = m->destination,
        .source = m->source,
    };
    if (!add)
        return 0;
    r = mntopts_parse(m, op->field, arena, &op->options, e);
    if (r < 0)
        return r;
    /* The host's or another container's cgroups are never writable in here (CVE-2023-25809). */
    op->force_readonly = str_eq(op->type, "cgroup") || str_eq(op->type, "cgroup2");
    if (op->options.idmap)
        return err_set(e, EINVAL,
                       "%s: option idmap: a mount added to a running container cannot be id-mapped",
                       op->field);
    if (!op->options.bind || op->options.remount)
        return 0;
    op->type = "bind";
    if (m->source[0] != '/')
        op->source = arena_printf(arena, "%s/%s", c->record.bundle, m->source);
    if (stat(op->source, &st) < 0 && errno == ENOENT)
        return err_set(e, ENOENT, "%s: bind source %s: No such file or directory", op->field, op->source);
    return 0;
}

static int attach_all(struct job *j, int root, struct err *e)
{
    struct mount_context m = { .root = root };
    size_t done = 0;
    int r = 0;

    for (; r >= 0 && done < j->n; done++)
        r = mount_perform(&m, &j->ops[done], e);
    /* All or nothing, but for remounts: what was before is not known. The one that failed is not there. */
    for (size_t i = r < 0 ? done - 1 : 0; i > 0; i--) {
        if (!j->ops[i - 1].options.remount)
            (void)mount_remove(root, j->ops[i - 1].destination, j->ops[i - 1].field, NULL);
    }
    return r;
}

static int remove_all(struct job *j, int root, struct err *e)
{
    int r = 0;

    /* The last one first: an earlier one may hold it. */
    for (size_t i = j->n; r >= 0 && i > 0; i--)
        r = mount_remove(root, j->ops[i - 1].destination, j->ops[i - 1].field, e);
    return r;
}

static int work(struct job *j, struct err *e)
{
    _cleanup_close_ int root = root_open("/", e);

    if (root < 0)
        return root;
    return j->add ? attach_all(j, root, e) : remove_all(j, root, e);
}

/* In a copy of the host's mounts that the container's user namespace owns. */
static int clone_sources(struct job *j, struct err *e)
{
    int r = 0;

    if (unshare(CLONE_NEWNS) < 0)
        return err_sys(e, errno, "a mount namespace for the sources");
    r = root_isolate_propagation(NULL, e);
    for (size_t i = 0; r >= 0 && i < j->n; i++) {
        if (j->ops[i].options.bind && !j->ops[i].options.remount)
            r = mount_clone_source(&j->ops[i], e);
    }
    return r;
}

/* Returns 1: its child reports. */
static int join(struct job *j, int sock, struct err *e)
{
    int status, r = 0;
    pid_t pid;

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_sys(e, errno, "PR_SET_DUMPABLE");
    if (j->namespaces & CLONE_NEWUSER) {
        if (setns(j->init_pidfd, CLONE_NEWUSER) < 0)
            return err_sys(e, errno, "joining the user namespace of container %s", j->c->id);
        r = join_become_root(e);
    }
    if (r >= 0 && j->add)
        r = clone_sources(j, e);
    if (r >= 0 && setns(j->init_pidfd, j->namespaces & ~CLONE_NEWUSER) < 0)
        r = err_sys(e, errno, "joining the namespaces of container %s", j->c->id);
    if (r < 0)
        return r;
    j->init_pidfd = fd_close(j->init_pidfd);
    /* A pid namespace takes children only; proc is mounted for the one we are in. */
    pid = proc_clone(0, -1, NULL);
    if (pid == 0) {
        r = work(j, e);
        child_report(sock, r, e);
        _exit(r < 0);
    }
    if (pid < 0)
        return err_sys(e, pid, "cannot make the process");
    (void)proc_wait(pid, &status);
    return 1;
}

static int joiner(void *argument, int sock, struct err *e)
{
    struct job *j = argument;

    proc_set_name("lichen:[mount]");
    fd_keep_only(0, (const int[]){ sock, j->init_pidfd }, 2);
    return join(j, sock, e);
}

static int make_job(struct container *c, const char *text, size_t size, struct arena *arena, struct job *j,
                    struct err *e)
{
    struct spec_mount *mounts;
    int r;

    r = spec_parse_mounts(text, size, arena, &mounts, &j->n, e);
    if (r < 0)
        return r;
    j->ops = ARENA_ARRAY(arena, j->n + 1, struct mount_op);
    for (size_t i = 0; r >= 0 && i < j->n; i++)
        r = make_op(c, &mounts[i], i, j->add, arena, &j->ops[i], e);
    return r;
}

int container_mounts(struct container *c, const char *text, size_t size, bool add, struct err *e)
{
    _cleanup_close_ int pidfd = -1;
    struct job j = { .c = c, .add = add };
    struct arena arena = { 0 };
    int r;

    r = lifecycle_check(VERB_MOUNTS, container_status(c), c->id, e);
    if (r >= 0)
        r = make_job(c, text, size, &arena, &j, e);
    if (r >= 0) {
        pidfd = container_init_pidfd(c, e);
        j.init_pidfd = pidfd;
        r = pidfd < 0 ? pidfd : join_namespaces_of(c->record.init.pid, &j.namespaces, e);
    }
    if (r >= 0 && !(j.namespaces & CLONE_NEWNS))
        r = err_set(e, EOPNOTSUPP, "container %s has no mount namespace of its own", c->id);
    if (r >= 0 && j.n)
        r = child_run(joiner, &j, "cannot fork", e);
    arena_free(&arena);
    return r;
}
