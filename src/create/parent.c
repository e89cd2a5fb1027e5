// SPDX-License-Identifier: Apache-2.0
/*
 * The parent's side of create's conversation: maps, cgroup, network helper, runtime hooks, terminal. Runs in
 * the caller's namespaces with the caller's privileges. It trusts its children's messages (they run our code
 * and nothing of the container's yet), but checks their order.
 */
#include "create/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "create/context.h"
#include "create/hooks.h"
#include "create/idmapped.h"
#include "create/netdevices.h"
#include "create/rdt.h"
#include "create/start_socket.h"
#include "create/sync.h"
#include "create/terminal.h"
#include "spec/names.h"
#include "state/dir.h"
#include "userns/mapping.h"

#define NET_PATIENCE_MS 10000

struct parent {
    struct created *c;
    struct create_context context;
    bool for_run, ready;
};

static int open_namespaces(struct parent *p, struct err *e)
{
    for (int ns = 0; ns < NS_N; ns++)
        p->context.join[ns] = -1;
    for (int ns = 0; ns < NS_N; ns++) {
        const char *path = p->c->plan.join[ns];

        if (!path)
            continue;
        p->context.join[ns] = open(path, O_RDONLY | O_CLOEXEC);
        if (p->context.join[ns] < 0)
            return err_sys(e, errno, "linux.namespaces: %s namespace %s", spec_ns_table[ns].name, path);
        /* ioctl_ns(2): a file that is no namespace, or of another kind, is a config error and not setns's
         * EINVAL. */
        if (ioctl(p->context.join[ns], _IO(0xb7, 0x3)) != (int)spec_ns_table[ns].clone_flag)
            return err_set(e, EINVAL, "linux.namespaces: %s is not a %s namespace", path,
                           spec_ns_table[ns].name);
    }
    return 0;
}

static int prepare(struct parent *p, struct err *e)
{
    struct created *c = p->c;
    int pair[2], r;

    p->context.plan = &c->plan;
    p->context.record = &c->record;
    p->context.filter = c->filter;
    p->context.rootfs_log = -1;
    p->context.listen = -1;
    p->context.mounts = mem_zalloc_array(c->plan.n_mounts + 1, sizeof(int));
    for (size_t i = 0; i < c->plan.n_mounts; i++)
        p->context.mounts[i] = -1;
    r = open_namespaces(p, e);
    if (r >= 0)
        r = idmapped_binds(&c->plan, p->context.join[NS_USER], p->context.mounts, e);
    if (r < 0)
        return r;
    if (c->plan.driver != ROOTFS_DIR)
        p->context.rootfs_log = memfd_create("lichen-rootfs-log", MFD_CLOEXEC);
    if (!p->for_run) {
        p->context.listen = start_socket_listen(c->dir, e);
        if (p->context.listen < 0)
            return p->context.listen;
    }
    r = sync_pair(pair, e);
    if (r < 0)
        return r;
    p->context.parent_end = pair[0];
    p->context.child_end = pair[1];
    c->sync = pair[0];
    return 0;
}

/* What later cleaning up may touch: the cgroup that was made; none when it was not (the name may be another
 * container's). */
static void keep_cgroup(struct created *c, int r)
{
    if (r < 0) {
        c->plan.cgroup.manager = CGROUP_NONE;
        return;
    }
    c->plan.cgroup = c->cgroup.plan;
    c->record.cgroup_path = arena_strdup(&c->record.arena, c->cgroup.plan.path);
    c->record.cgroup_mount = arena_strdup(&c->record.arena, c->cgroup.plan.mount);
    if (c->cgroup.plan.inode)
        c->record.cgroup_inode =
            arena_printf(&c->record.arena, "%llu", (unsigned long long)c->cgroup.plan.inode);
}

/* cgroupfs: the directory is there before init, which is then born in it. */
static int begin_cgroup_early(struct parent *p, struct err *e)
{
    struct created *c = p->c;
    int r;

    if (cgroup_needs_pid(&c->plan.cgroup))
        return 0;
    r = cgroup_begin(&c->plan.cgroup, &c->spec->resources, 0, &c->cgroup, e);
    c->cgroup_begun = r >= 0;
    keep_cgroup(c, r);
    return r;
}

static void stage_of_anchor(void *argument)
{
    stage_main(argument);
}

/* Below the anchor it is mapped at once. */
static int clone_stage(struct parent *p, struct err *e)
{
    struct created *c = p->c;
    const struct plan *plan = &c->plan;

    if (plan->anchor) {
        c->stage = anchor_clone(plan->anchor, &plan->anchor_uids, &plan->anchor_gids, stage_of_anchor,
                                &p->context, e);
        return c->stage < 0 ? (int)c->stage : 0;
    }
    c->stage = proc_clone(plan->make_userns ? CLONE_NEWUSER : 0, -1, NULL);
    if (c->stage == 0)
        stage_main(&p->context);
    if (c->stage > 0)
        return 0;
    err_sys(e, c->stage, "cannot make a user namespace");
    return err_remedy(e, "unprivileged user namespaces may be switched off (sysctl "
                         "kernel.unprivileged_userns_clone, user.max_user_namespaces); "
                         "lichen-oci doctor tells");
}

/* The stage, its maps, MAPPED. newuidmap and newgidmap run beside each other and beside the stage's start. */
static int make_stage(struct parent *p, struct err *e)
{
    struct created *c = p->c;
    bool map = c->plan.has_map && !c->plan.anchor;
    struct mapping_job job;
    int r;

    r = clone_stage(p, e);
    p->context.child_end = fd_close(p->context.child_end);
    p->context.listen = fd_close(p->context.listen);
    if (r < 0)
        return r;
    sync_test_step("parent:staged");
    if (map) {
        r = mapping_begin(c->stage, &c->plan.uids, &c->plan.gids, c->plan.map_directly,
                          c->plan.map_privileged, &job, e);
        if (r < 0)
            return r;
    }
    r = begin_cgroup_early(p, e);
    if (map) {
        int r2 = mapping_finish(&job, r < 0 ? NULL : e);

        r = r < 0 ? r : r2;
    }
    if (r < 0)
        return r;
    sync_test_step("parent:mapped");
    return sync_send(c->sync, SYNC_MAPPED, 0, c->cgroup_begun ? c->cgroup.dirfd : -1, e);
}

static int on_init(struct parent *p, int *fd, struct err *e)
{
    struct created *c = p->c;
    pid_t pid;
    int r;

    if (*fd < 0)
        return err_set(e, EPROTO, "INIT without a pidfd");
    c->init_pidfd = TAKE_FD(*fd);
    pid = proc_pid_of(c->init_pidfd);
    r = pid < 0 ? pid : proc_identify(pid, &c->record.init);
    if (r < 0)
        return err_sys(e, r, "init is gone");
    r = netdevices_move(c->spec, pid, e);
    if (r >= 0)
        r = rdt_begin(&c->spec->intel_rdt, pid, &c->record, e);
    /* A group that was made is to be found by delete, whenever we are killed. */
    if (c->record.rdt_group) {
        int r2 = record_write(c->dir, &c->record, r < 0 ? NULL : e);

        r = r < 0 ? r : r2;
    }
    if (r < 0)
        return r;
    if (cgroup_needs_pid(&c->plan.cgroup)) {
        r = cgroup_begin(&c->plan.cgroup, &c->spec->resources, c->record.init.pid, &c->cgroup, e);
        c->cgroup_begun = r >= 0;
        keep_cgroup(c, r);
    }
    return r;
}

/* init has mounted its root: by now the systemd job has had time to run beside that. */
static int on_rootfs(struct parent *p, const struct sync_msg *msg, struct err *e)
{
    struct created *c = p->c;
    int r = 0;

    c->record.driver = rootfs_driver_name((enum rootfs_driver)msg->value);
    if (msg->text[0])
        record_downgrade(&c->record, msg->text);
    if (msg->value == ROOTFS_FUSE)
        (void)proc_identify(c->stage, &c->record.rootfs_helper);
    if (c->cgroup_begun) {
        r = cgroup_finish(&c->cgroup, &c->spec->resources, c->record.init.pid, e);
        keep_cgroup(c, c->cgroup.plan.inode ? 0 : r);
    }
    return r < 0 ? r : sync_send(c->sync, SYNC_CGROUP, 0, -1, e);
}

static int on_tap(struct parent *p, int tap, struct err *e)
{
    struct created *c = p->c;
    int r;

    if (tap < 0 || c->init_pidfd < 0)
        return err_set(e, EPROTO, "TAP without a device");
    r = net_helper_start(&c->plan.net, tap, c->init_pidfd, -1, &c->net, e);
    c->net_begun = r >= 0;
    return r;
}

static int on_hooks(struct parent *p, struct err *e)
{
    struct created *c = p->c;
    int r;

    /* config.md, "Hooks": prestart and createRuntime see the namespaces made and the state "creating". */
    r = hooks_run(&c->spec->hooks, HOOK_PRESTART, &c->record, STATUS_CREATING, e);
    if (r >= 0)
        r = hooks_run(&c->spec->hooks, HOOK_CREATE_RUNTIME, &c->record, STATUS_CREATING, e);
    return r < 0 ? r : sync_send(c->sync, SYNC_HOOKS_DONE, 0, -1, e);
}

static int on_terminal(struct parent *p, int *fd, struct err *e)
{
    struct created *c = p->c;
    int r = 0;

    if (*fd < 0)
        return err_set(e, EPROTO, "TERMINAL without a descriptor");
    if (c->plan.options.console_socket)
        r = terminal_send(c->plan.options.console_socket, *fd, e);
    else
        terminal_copy_size(c->master = TAKE_FD(*fd));
    return r < 0 ? r : sync_send(c->sync, SYNC_TERMINAL_DONE, 0, -1, e);
}

static int handle(struct parent *p, const struct sync_msg *msg, int *fd, struct err *e)
{
    if (msg->type != SYNC_INIT && p->c->init_pidfd < 0)
        return sync_unexpected(msg, "INIT", e);
    switch (msg->type) {
    case SYNC_INIT:
        return on_init(p, fd, e);
    case SYNC_ROOTFS:
        return on_rootfs(p, msg, e);
    case SYNC_TAP:
        return on_tap(p, *fd, e);
    case SYNC_NOTE:
        record_downgrade(&p->c->record, msg->text);
        return 0;
    case SYNC_HOOKS:
        return on_hooks(p, e);
    case SYNC_TERMINAL:
        return on_terminal(p, fd, e);
    case SYNC_READY:
        p->ready = true;
        return 0;
    default:
        return sync_unexpected(msg, "INIT, ROOTFS, TAP, NOTE, HOOKS, TERMINAL or READY", e);
    }
}

/* lichen-net has been starting beside everything else; its ports must be open before the container is
 * "created". */
static int finish_network(struct parent *p, struct err *e)
{
    struct created *c = p->c;
    char warning[NET_WARNING_MAX];
    int r;

    if (!c->net_begun)
        return 0;
    r = net_helper_await(&c->net, NET_PATIENCE_MS, warning, e);
    if (r < 0) {
        c->net_begun = false;
        return r;
    }
    if (warning[0])
        record_downgrade(&c->record, warning);
    (void)proc_identify(c->net.pid, &c->record.net_helper);
    return 0;
}

/* When the root's server died, what it printed says more than init's "Transport endpoint is not connected".
 */
static void explain_rootfs(struct parent *p, struct err *e)
{
    char text[256];
    ssize_t n;

    if (p->context.rootfs_log < 0 || !e)
        return;
    n = pread(p->context.rootfs_log, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    (void)err_prefix(e, "fuse-overlayfs says: %s", text);
}

static int converse(struct parent *p, struct err *e)
{
    int r = 0;

    while (r >= 0 && !p->ready) {
        _cleanup_close_ int fd = -1;
        struct sync_msg msg;

        r = sync_recv(p->c->sync, &msg, &fd, p->c->init_pidfd < 0 ? "INIT" : "READY", e);
        if (r >= 0)
            r = handle(p, &msg, &fd, e);
    }
    return r < 0 ? r : finish_network(p, e);
}

int parent_build(struct created *c, bool for_run, struct err *e)
{
    struct parent p = { .c = c, .for_run = for_run, .context = { .parent_end = -1, .child_end = -1 } };
    int r;

    r = prepare(&p, e);
    if (r >= 0)
        r = make_stage(&p, e);
    if (r >= 0)
        r = converse(&p, e);
    if (r < 0)
        explain_rootfs(&p, e);
    sync_test_step("parent:ready");
    /* Unless it has become fuse-overlayfs, the stage has done its work; nobody else would collect it. */
    if (c->stage > 0 && !c->record.rootfs_helper.pid) {
        int status;

        c->sync = r < 0 ? fd_close(c->sync) : c->sync;
        (void)proc_wait(c->stage, &status);
        c->stage = 0;
    }
    fd_close(p.context.child_end);
    fd_close(p.context.listen);
    fd_close(p.context.rootfs_log);
    for (size_t i = 0; p.context.mounts && i < c->plan.n_mounts; i++)
        fd_close(p.context.mounts[i]);
    free(p.context.mounts);
    for (int ns = 0; ns < NS_N; ns++)
        fd_close(p.context.join[ns]);
    return r;
}
