// SPDX-License-Identifier: Apache-2.0
/*
 * The stage. Who: a child of the parent, first process of the container's user namespace, with all
 * capabilities in it and none outside; still in the caller's mount, pid and other namespaces. Why: only a
 * process already in the user namespace may make namespaces owned by it, and fuse-overlayfs must live in that
 * user namespace but outside the container's mount namespace. What it trusts: the plan. No code of the
 * container runs before it is gone or has become fuse-overlayfs.
 *
 * init is cloned with CLONE_PARENT: it is the parent's child (and, when create exits, its subreaper's),
 * whatever becomes of the stage.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "create/context.h"
#include "create/idmapped.h"
#include "create/sync.h"
#include "rootfs/overlay.h"
#include "security/limits.h"
#include "spec/names.h"

/* Join the namespaces given by path; the user namespace first, since the rights to the others come from it.
 */
static int join_namespaces(struct create_context *c, struct err *e)
{
    for (int ns = 0; ns < NS_N; ns++) {
        if (c->join[ns] < 0)
            continue;
        if (setns(c->join[ns], (int)spec_ns_table[ns].clone_flag) < 0) {
            err_sys(e, errno, "linux.namespaces: joining %s namespace %s", spec_ns_table[ns].name,
                    c->plan->join[ns]);
            return errno == EPERM && ns != NS_USER
                       ? err_remedy(
                             e, "an unprivileged container can only join namespaces owned by its own user "
                                "namespace; join that one by path too")
                       : err_code(e);
        }
        c->join[ns] = fd_close(c->join[ns]);
    }
    return 0;
}

/* time_namespaces(7): the offsets are written before any process is in the new namespace. */
static int make_time_namespace(const struct spec *spec, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    int r;

    if (unshare(CLONE_NEWTIME) < 0)
        return err_sys(e, errno, "linux.namespaces: new time namespace");
    if (spec->time_offset_monotonic.set)
        buf_printf(&text, "monotonic %lld %u\n", (long long)spec->time_offset_monotonic.secs,
                   spec->time_offset_monotonic.nanosecs);
    if (spec->time_offset_boottime.set)
        buf_printf(&text, "boottime %lld %u\n", (long long)spec->time_offset_boottime.secs,
                   spec->time_offset_boottime.nanosecs);
    if (!text.len)
        return 0;
    r = fd_write_control(AT_FDCWD, "/proc/self/timens_offsets", text.data);
    return r < 0 ? err_sys(e, r, "linux.timeOffsets") : 0;
}

/* Take on the ids files are made with: the namespace's root, where it has one. */
static int become_namespace_root(const struct plan *plan, struct err *e)
{
    if (!plan->become_root || (!plan->make_userns && !plan->join_userns))
        return 0;
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return err_sys(e, errno, "cannot become root of the container's user namespace");
    /* The root directory of an overlay is its upper's. A throw-away one was made by the caller and must be
     * root's, unless it is shifted. */
    if (plan->options.overlay && !plan->overlay.uid_mapping &&
        fchownat(AT_FDCWD, plan->overlay.upper, 0, 0, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, errno, "--overlay: %s", plan->overlay.upper);
    return 0;
}

/* Wait until init has mounted the root; when it needs a server for it, become that server. Returns only on
 * failure or when there is nothing to do. */
static int serve_rootfs(struct create_context *c, int pair, struct err *e)
{
    _cleanup_close_ int fuse = -1;
    struct sync_msg msg;
    int r;

    r = sync_expect(pair, SYNC_ROOTED, &msg, &fuse, e);
    if (r < 0)
        return 0; /* init says itself what went wrong */
    if (fuse < 0)
        return 0;
    sync_test_step("stage:fuse");
    return overlay_exec_fuse(&c->plan->overlay, c->plan->fuse_program, fuse, c->rootfs_log, e);
}

/* Nothing of the parent's but what we and init are meant to have: no state directory (its lock is the
 * parent's alone), no log, no bus. */
static void drop_parents_descriptors(struct create_context *c)
{
    size_t n = 3 + NS_N + c->plan->n_mounts;
    _cleanup_free_ int *keep = mem_zalloc_array(n, sizeof(int));

    keep[0] = c->child_end;
    keep[1] = c->listen;
    keep[2] = c->rootfs_log;
    memcpy(keep + 3, c->join, sizeof(c->join));
    memcpy(keep + 3 + NS_N, c->mounts, c->plan->n_mounts * sizeof(int));
    fd_keep_only(c->plan->options.preserve_fds, keep, n);
    c->parent_end = -1;
}

static int run_stage(struct create_context *c, struct err *e)
{
    const struct plan *plan = c->plan;
    _cleanup_close_ int cgroup = -1;
    int pair[2] = { -1, -1 }, r;
    struct sync_msg msg;
    pid_t pid;

    drop_parents_descriptors(c);
    /* Inherited by init and kept over exec; written now, while /proc/self is still ours (later we are not
     * dumpable). */
    r = plan->spec->has_process ? limits_apply_oom_score(&plan->spec->process, e) : 0;
    if (r >= 0)
        r = sync_expect(c->child_end, SYNC_MAPPED, &msg, &cgroup, e);
    if (r < 0)
        return r;
    sync_test_step("stage:mapped");
    r = idmapped_filesystems(plan, c->mounts, e);
    if (r < 0)
        return r;
    if (plan->own[NS_TIME])
        r = make_time_namespace(plan->spec, e);
    /* From here on no process of a namespace we join may look into or trace us (CVE-2016-9962). */
    if (r >= 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        r = err_sys(e, errno, "PR_SET_DUMPABLE");
    if (r >= 0)
        r = join_namespaces(c, e);
    if (r >= 0)
        r = become_namespace_root(plan, e);
    if (r >= 0)
        r = sync_pair(pair, e);
    if (r < 0)
        return r;
    pid = proc_clone(plan->clone_flags | CLONE_PARENT, cgroup, NULL);
    if (pid == 0) {
        fd_close(pair[0]);
        init_main(c, pair[1]);
    }
    fd_close(pair[1]);
    if (pid < 0)
        return err_sys(e, pid, "cannot make the container's namespaces");
    sync_test_step("stage:cloned");
    if (plan->driver == ROOTFS_DIR)
        return 0;
    return serve_rootfs(c, pair[0], e);
}

void stage_main(struct create_context *c)
{
    struct err e = { 0 };

    proc_set_name("lichen:[stage]");
    if (run_stage(c, &e) < 0) {
        sync_send_failed(c->child_end, &e);
        _exit(1);
    }
    _exit(0);
}
