// SPDX-License-Identifier: Apache-2.0
/*
 * init. Who: pid 1 of the container (the parent's child by CLONE_PARENT), root of its user namespace, in all
 * its namespaces. It builds the root file system, waits for start and becomes the user's program. What it
 * trusts: the plan, and the host's file system until the pivot. The root file system and everything in it is
 * hostile. It is not dumpable until the exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "create/context.h"
#include "create/hooks.h"
#include "create/init_rootfs.h"
#include "create/process.h"
#include "create/sync.h"
#include "create/terminal.h"
#include "rootfs/devices.h"
#include "rootfs/root.h"
#include "security/sysctl.h"

struct init {
    struct create_context *c;
    int sync;              /* to the parent */
    int stage;             /* to the stage */
    int root;              /* the mounted root file system */
    int proc;              /* the host's procfs, opened before anything of the container was touched */
    int tty;               /* the container's terminal, or -1 */
    bool setgroups_denied; /* by a map written without privilege, here or in a namespace above */
    int report;            /* where a failed exec is told: the start verb's connection, or the sync socket */
    struct process_setup process;
};

/* Network: while the host's /dev/net/tun and /proc are still in sight. */
static int setup_network(struct init *in, struct err *e)
{
    const struct plan *plan = in->c->plan;
    _cleanup_close_ int tap = -1;
    int r;

    if (plan->setup_loopback)
        return net_setup_loopback(e);
    if (!plan->setup_tap)
        return 0;
    r = net_setup_tap(&plan->net, in->proc, &tap, e);
    if (r >= 0)
        r = sync_send(in->sync, SYNC_TAP, 0, tap, e);
    if (r >= 0)
        (void)net_allow_ping(in->proc, NULL);
    return r;
}

static int setup_names(const struct spec *spec, struct err *e)
{
    if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
        return err_sys(e, errno, "hostname %s", spec->hostname);
    if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
        return err_sys(e, errno, "domainname %s", spec->domainname);
    return 0;
}

/* Wait until the parent has us in our cgroup, then make its namespace: the cgroup we are in now becomes its
 * root. */
static int enter_cgroup(struct init *in, struct err *e)
{
    struct sync_msg msg;
    int r;

    r = sync_expect(in->sync, SYNC_CGROUP, &msg, NULL, e);
    if (r < 0)
        return r;
    sync_test_step("init:cgroup");
    if (in->c->plan->own[NS_CGROUP] && unshare(CLONE_NEWCGROUP) < 0)
        return err_sys(e, errno, "linux.namespaces: new cgroup namespace");
    return 0;
}

/* user_namespaces(7), "The /proc/[pid]/setgroups file": then setgroups(2) fails for ever, and the caller's
 * groups stay. */
static bool setgroups_is_denied(const struct init *in)
{
    _cleanup_close_ int fd = path_open_procfs(in->proc, "self/setgroups", O_RDONLY);
    char text[8] = "";

    return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && str_has_prefix(text, "deny");
}

static int run_hooks_inside(struct init *in, enum spec_hook_kind kind, enum lifecycle_status status,
                            struct err *e)
{
    return hooks_run(&in->c->plan->spec->hooks, kind, in->c->record, status, e);
}

/*
 * exec into a created container and the runtime hooks use our namespaces through /proc/PID/ns, which needs to
 * look at us (ptrace(2), "access mode checking"). With a user and a pid namespace of our own nobody else is
 * in here who could, too.
 */
static void show_namespaces(const struct init *in)
{
    if (in->c->plan->make_userns && in->c->plan->own[NS_PID])
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* prestart and createRuntime run in the parent while we wait; createContainer here, before the pivot
 * (config.md, "Hooks"). */
static int run_create_hooks(struct init *in, struct err *e)
{
    struct sync_msg msg;
    int r;

    if (in->c->plan->runtime_hooks) {
        show_namespaces(in);
        r = sync_send(in->sync, SYNC_HOOKS, 0, -1, e);
        if (r >= 0)
            r = sync_expect(in->sync, SYNC_HOOKS_DONE, &msg, NULL, e);
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (r < 0)
            return r;
    }
    return run_hooks_inside(in, HOOK_CREATE_CONTAINER, STATUS_CREATING, e);
}

static int setup_terminal(struct init *in, struct err *e)
{
    _cleanup_close_ int master = -1;
    struct sync_msg msg;
    int r;

    if (!in->c->plan->terminal)
        return 0;
    r = terminal_make(in->root, &master, &in->tty, e);
    if (r >= 0)
        r = devices_bind_console(in->root, in->tty, e);
    if (r >= 0)
        r = sync_send(in->sync, SYNC_TERMINAL, 0, master, e);
    /* The receiver sets the size; it must be there before the program asks (podman#10560). */
    if (r >= 0)
        r = sync_expect(in->sync, SYNC_TERMINAL_DONE, &msg, NULL, e);
    return r;
}

static int check_program(struct init *in, struct err *e)
{
    const struct plan *plan = in->c->plan;

    if (!plan->spec->has_process)
        return 0;
    in->process = (struct process_setup){
        .process = &plan->spec->process,
        .personality = &plan->spec->personality,
        .memory_policy = &plan->spec->memory_policy,
        .filter = &in->c->filter,
        .preserve_fds = plan->options.preserve_fds,
        .passed = plan->options.passed,
        .no_new_keyring = plan->options.no_new_keyring,
        .keep_groups = spec_annotation(plan->spec, "run.oci.keep_original_groups") != NULL,
        .id = plan->options.id,
        .setgroups_denied = in->setgroups_denied,
    };
    return process_find_program(&in->process, e);
}

/* INIT: a pidfd of ourselves, from which the parent learns our pid in its own pid namespace. */
static int introduce(struct init *in, struct err *e)
{
    _cleanup_close_ int self = proc_pidfd(getpid());

    if (self < 0)
        return err_sys(e, self, "pidfd_open");
    return sync_send(in->sync, SYNC_INIT, 0, self, e);
}

/* Everything before the start. */
static int build(struct init *in, struct err *e)
{
    const struct plan *plan = in->c->plan;
    int r;

    r = introduce(in, e);
    if (r < 0)
        return r;
    in->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (in->proc < 0)
        return err_sys(e, errno, "/proc");
    in->setgroups_denied = setgroups_is_denied(in);
    /* runtime.md, "State": for hooks in the container's namespaces, the pid as the container sees it. */
    ((struct record *)in->c->record)->init.pid = getpid();
    r = setup_network(in, e);
    if (r >= 0)
        r = init_mount_root(in->c, in->sync, in->stage, &in->root, e);
    in->stage = fd_close(in->stage);
    sync_test_step("init:rooted");
    if (r >= 0)
        r = setup_names(plan->spec, e);
    if (r >= 0)
        r = enter_cgroup(in, e);
    if (r >= 0)
        r = init_fill_root(in->c, in->sync, in->root, e);
    if (r >= 0)
        r = sysctl_apply(plan->spec, in->proc, e);
    sync_test_step("init:mounted");
    if (r >= 0)
        r = setup_terminal(in, e);
    if (r >= 0)
        r = run_create_hooks(in, e);
    if (r >= 0)
        r = init_hide_paths(in->c, in->root, e);
    if (r >= 0)
        r = root_enter(in->root, plan->options.no_pivot, e);
    in->root = fd_close(in->root);
    in->proc = fd_close(in->proc);
    sync_test_step("init:pivoted");
    if (r >= 0)
        r = root_set_propagation(plan->spec->rootfs_propagation, e);
    if (r >= 0 && plan->spec->root.readonly)
        r = root_make_readonly(e);
    if (r >= 0)
        r = check_program(in, e);
    return r;
}

/*
 * Wait on the start socket. `state` connects too, to see that we still wait, and closes without a word; only
 * START counts. Returns the connection of the start verb.
 */
static int await_start(struct init *in, struct err *e)
{
    for (;;) {
        _cleanup_close_ int connection = accept4(in->c->listen, NULL, NULL, SOCK_CLOEXEC);
        struct sync_msg msg;

        if (connection < 0 && errno == EINTR)
            continue;
        if (connection < 0)
            return err_sys(e, errno, "start socket");
        if (sync_recv(connection, &msg, NULL, "START", NULL) == 0 && msg.type == SYNC_START)
            return TAKE_FD(connection);
    }
}

static int wait_for_start(struct init *in, struct err *e)
{
    struct sync_msg msg;
    int r;

    /* From here on the end of the socket tells us; create's own, regular end must not kill us. */
    (void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    r = sync_send(in->sync, SYNC_READY, 0, -1, e);
    if (r < 0)
        return r;
    if (in->c->listen < 0)
        return sync_expect(in->sync, SYNC_START, &msg, NULL, e);
    /* Until the record names us nobody could find us: if the parent dies now, so do we. */
    r = sync_expect(in->sync, SYNC_RECORDED, &msg, NULL, e);
    if (r < 0)
        return r;
    in->sync = fd_close(in->sync);
    in->report = -1;
    show_namespaces(in);
    r = await_start(in, e);
    if (r < 0)
        return r;
    in->report = r;
    in->c->listen = fd_close(in->c->listen);
    return 0;
}

static int start(struct init *in, struct err *e)
{
    const struct plan *plan = in->c->plan;
    const struct spec_process *process = &plan->spec->process;
    int r;

    sync_test_step("init:start");
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setsid();
    r = plan->terminal ? process_use_terminal(in->tty, process, e) : 0;
    if (r < 0)
        return r;
    if (!plan->terminal)
        process_own_stdio(process);
    r = run_hooks_inside(in, HOOK_START_CONTAINER, STATUS_CREATED, e);
    if (r >= 0)
        r = process_apply_limits(&in->process, e);
    if (r < 0)
        return r;
    proc_reset_signals();
    return process_run(&in->process, &in->report, e);
}

void init_main(struct create_context *c, int stage_end)
{
    struct init in = { .c = c, .sync = c->child_end, .stage = stage_end, .root = -1, .proc = -1, .tty = -1 };
    struct err e = { 0 };
    int r;

    proc_set_name("lichen:[init]");
    /* A hook or a mount may keep us from reading the socket when the parent is killed; nobody knows us yet.
     */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    in.report = in.sync;
    r = build(&in, &e);
    if (r >= 0) {
        proc_set_name("lichen:[wait]");
        r = wait_for_start(&in, &e);
    }
    if (r >= 0)
        (void)start(&in, &e);
    if (in.report >= 0)
        sync_send_failed(in.report, &e);
    _exit(e.exit_status ? e.exit_status : 1);
}
