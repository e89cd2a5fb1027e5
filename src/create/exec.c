// SPDX-License-Identifier: Apache-2.0
/*
 * exec. Three processes: the caller (parent); a stage that joins the container's namespaces at once with
 * setns(pidfd) and clones; and the process itself, a child of the parent (CLONE_PARENT), inside the
 * container's pid namespace. The container is hostile: the joining processes are not dumpable, keep no
 * descriptor of the host but the report socket, and trust nothing they see inside.
 *
 * Where nothing has to be talked over (needs_talk) the three share one memory and run one after
 * the other (proc_clone_shared), and a failure is simply in struct exec. Else the stage is a copy and the
 * process tells the parent by messages. Only where the container has a user namespace of its own: then memory
 * that is shared is still out of its reach, since what is not dumpable can be traced or read by nobody with
 * no more than the capabilities of the container's user namespace (ptrace(2): they are looked for in the
 * namespace in which the program was started). It can be killed, however, in the middle of whatever it does
 * to the memory: see run_shared.
 */
#include "create/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "create/join.h"
#include "create/pid_file.h"
#include "create/process.h"
#include "create/rdt.h"
#include "create/seccomp_agent.h"
#include "create/socket.h"
#include "create/sync.h"
#include "create/terminal.h"
#include "security/affinity.h"
#include "security/limits.h"
#include "spec/names.h"

struct exec {
    struct container *c;
    const struct exec_request *request;
    struct seccomp_filter filter;
    struct spec *spec; /* the container's, where exec takes on more than a process of it; else NULL */
    struct seccomp_agent agent;
    enum lifecycle_status status;
    bool setgroups_denied;
    bool must_wait; /* the process may not go on before the parent has moved it to its cgroup or written its
                       pid */
    int init_pidfd;
    int namespaces;            /* CLONE_NEW* that differ from ours */
    int parent_end, child_end; /* -1 in shared memory */
    pid_t stage, process;      /* of the parent; the process's is -errno when it was not made */
    struct err failure;        /* in shared memory: why there is no process */
    bool reached;              /* in shared memory: nothing of it is touched any more, execve is next */
};

static bool setgroups_is_denied(pid_t pid)
{
    _cleanup_buf_ struct buf b = { 0 };
    char path[64];

    (void)str_format(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
    return fd_read_file(AT_FDCWD, path, 64, &b) == 0 && str_has_prefix(b.data, "deny");
}

static int use_terminal(struct exec *x, struct err *e)
{
    _cleanup_close_ int root = -1, master = -1, peer = -1;
    struct sync_msg msg;
    int r;

    root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_sys(e, errno, "open /");
    r = terminal_make(root, &master, &peer, e);
    if (r >= 0)
        r = sync_send(x->child_end, SYNC_TERMINAL, 0, master, e);
    if (r >= 0)
        r = sync_expect(x->child_end, SYNC_TERMINAL_DONE, &msg, NULL, e);
    return r < 0 ? r : process_use_terminal(peer, x->request->process, e);
}

/* INIT: as in create our own first word, so that no other message of ours can overtake it. */
static int introduce(struct exec *x, struct err *e)
{
    _cleanup_close_ int self = proc_pidfd(getpid());
    struct sync_msg msg;
    int r;

    if (self < 0)
        return err_sys(e, self, "pidfd_open");
    r = sync_send(x->child_end, SYNC_INIT, 0, self, e);
    if (r < 0)
        return r;
    return x->must_wait ? sync_expect(x->child_end, SYNC_CGROUP, &msg, NULL, e) : 0;
}

/* The process. Inside everything; not dumpable. */
static int run_process(struct exec *x, struct err *e)
{
    struct process_setup setup = {
        .process = x->request->process,
        .personality = x->spec ? &x->spec->personality : NULL,
        .memory_policy = x->spec ? &x->spec->memory_policy : NULL,
        .filter = &x->filter,
        .preserve_fds = x->request->preserve_fds,
        .passed = x->request->passed,
        .no_new_keyring = x->request->no_new_keyring,
        .keep_groups = record_annotation(&x->c->record, "run.oci.keep_original_groups") != NULL,
        .id = x->c->id,
        .setgroups_denied = x->setgroups_denied,
        .reached = &x->reached,
    };
    int report = x->child_end, r;

    proc_set_name("lichen:[exec]");
    r = x->child_end >= 0 ? introduce(x, e) : 0;
    if (r >= 0)
        r = affinity_apply_final(x->request->process, e);
    if (r < 0)
        return r;
    /* In the user namespace all capabilities are ours; its root, where mapped, is what files are opened as.
     */
    r = x->namespaces & CLONE_NEWUSER ? join_become_root(e) : 0;
    if (r < 0)
        return r;
    (void)setsid();
    r = x->request->process->terminal ? use_terminal(x, e) : 0;
    if (r < 0)
        return r;
    if (!x->request->process->terminal)
        process_own_stdio(x->request->process);
    r = process_find_program(&setup, e);
    if (r >= 0)
        r = process_apply_limits(&setup, e);
    if (r < 0)
        return r;
    proc_reset_signals();
    return process_run(&setup, &report, e);
}

/* In a process of its own. Returns its exit status: it failed. */
static int process_main(void *argument)
{
    struct exec *x = argument;
    struct err e = { 0 };

    if (run_process(x, &e) < 0 && x->child_end >= 0)
        sync_send_failed(x->child_end, &e);
    else
        x->failure = e;
    return e.exit_status ? e.exit_status : 255;
}

/*
 * credentials changes set the dumpable flag to fs.suid_dumpable (proc_sys_fs(5)): with 1, a debugging aid,
 * the joining processes could be traced between two of our steps.
 */
static bool stays_undumpable(void)
{
    _cleanup_buf_ struct buf b = { 0 };

    return fd_read_file(AT_FDCWD, "/proc/sys/fs/suid_dumpable", 16, &b) == 0 && b.data && b.data[0] != '1';
}

/* time_namespaces(7): a child that shares memory stays in the clocks it came from. Without a user namespace
 * of its own the container may have capabilities that reach us. */
static bool can_share(const struct exec *x)
{
    return proc_can_share() && !(x->namespaces & CLONE_NEWTIME) && (x->namespaces & CLONE_NEWUSER);
}

/* Whether there is something to hand over, or to be done from outside, before the process execs. */
static bool needs_talk(const struct exec *x, const struct cgroup *cg)
{
    return x->request->process->terminal || x->request->cgroup || x->request->pidfd_socket ||
           x->filter.notify || cg->dirfd >= 0 || x->c->record.rdt_group;
}

static int run_stage(struct exec *x, struct err *e)
{
    int r;

    r = limits_apply_oom_score(x->request->process, e);
    if (r < 0)
        return r;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_sys(e, errno, "PR_SET_DUMPABLE");
    if (x->namespaces && setns(x->init_pidfd, x->namespaces) < 0) {
        err_sys(e, errno, "joining the namespaces of container %s (setns)", x->c->id);
        return err_remedy(e, "the container must belong to you; was it made by another user or as root?");
    }
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    /* The parent's may be the same memory: the variable stays as it is. */
    fd_close(x->init_pidfd);
    if (can_share(x)) {
        x->process = proc_clone_shared(CLONE_PARENT, process_main, x);
    } else {
        x->process = proc_clone(CLONE_PARENT, -1, NULL);
        if (x->process == 0)
            _exit(process_main(x));
    }
    return x->process < 0 ? err_sys(e, x->process, "cannot make the process") : 0;
}

static int stage_main_exec(void *argument)
{
    struct exec *x = argument;
    struct err e = { 0 };
    int r;

    proc_set_name("lichen:[join]");
    fd_keep_only(x->request->preserve_fds, (const int[]){ x->child_end, x->init_pidfd }, 2);
    r = run_stage(x, &e);
    if (r < 0 && x->child_end >= 0)
        sync_send_failed(x->child_end, &e);
    else if (r < 0)
        x->failure = e;
    return r < 0;
}

/* Born in the container's cgroup where the kernel allows; *ret_attach says that it must be moved there
 * afterwards. */
static int make_stage(struct exec *x, struct cgroup *cg, bool *ret_attach, struct err *e)
{
    int r;

    if (x->request->cgroup && *x->request->cgroup && !str_eq(x->request->cgroup, "/")) {
        r = cgroup_enter_sub(cg, x->request->cgroup, e);
        if (r < 0)
            return r;
    }
    *ret_attach = false;
    x->must_wait = x->request->pid_file || x->request->pidfd_socket || x->c->record.rdt_group;
    x->stage = proc_clone(0, cg->dirfd, NULL);
    /* At pids.max or out of memory it is not the place that is wrong. */
    if (x->stage < 0 && cg->dirfd >= 0 && x->stage != -EAGAIN && x->stage != -ENOMEM) {
        /* EACCES across delegation boundaries, EBUSY with domain controllers below, EOPNOTSUPP in a threaded
         * one (crun#376). */
        *ret_attach = true;
        x->must_wait = true;
        x->stage = proc_clone(0, -1, NULL);
    }
    if (x->stage == 0)
        _exit(stage_main_exec(x));
    return x->stage < 0 ? err_sys(e, x->stage, "cannot fork") : 0;
}

static int on_terminal(struct exec *x, struct exec_result *ret, int *fd, struct err *e)
{
    int r = 0;

    if (*fd < 0)
        return err_set(e, EPROTO, "TERMINAL without a descriptor");
    if (x->request->console_socket)
        r = terminal_send(x->request->console_socket, *fd, e);
    else
        terminal_copy_size(ret->master = TAKE_FD(*fd));
    return r < 0 ? r : sync_send(x->parent_end, SYNC_TERMINAL_DONE, 0, -1, e);
}

/* From INIT to the exec, which is the end of the socket. */
static int converse(struct exec *x, struct cgroup *cg, bool attach, struct exec_result *ret, struct err *e)
{
    struct sync_msg msg;
    int r;

    r = sync_expect(x->parent_end, SYNC_INIT, &msg, &ret->pidfd, e);
    if (r < 0)
        return r;
    ret->pid = ret->pidfd < 0 ? -EPROTO : proc_pid_of(ret->pidfd);
    if (ret->pid < 0)
        return err_sys(e, ret->pid, "the process is gone");
    if (attach)
        r = cgroup_attach(cg, ret->pid, e);
    if (r >= 0)
        r = rdt_join(&x->c->record, ret->pid, e);
    if (r >= 0)
        r = pid_file_write(x->request->pid_file, ret->pid, e);
    if (r >= 0 && x->request->pidfd_socket)
        r = socket_send_fd("--pidfd-socket", x->request->pidfd_socket, "pidfd", ret->pidfd, e);
    if (r >= 0 && x->must_wait)
        r = sync_send(x->parent_end, SYNC_CGROUP, 0, -1, e);
    while (r >= 0) {
        _cleanup_close_ int fd = -1;

        r = sync_recv(x->parent_end, &msg, &fd, "exec", e);
        if (r == -ECONNRESET)
            return seccomp_agent_check(&x->agent, e);
        if (r < 0)
            return r;
        if (msg.type == SYNC_TERMINAL)
            r = on_terminal(x, ret, &fd, e);
        else if (msg.type == SYNC_SECCOMP)
            r = seccomp_agent_deliver(&x->agent, ret->pid, x->status, fd, e);
        else
            r = sync_unexpected(&msg, "TERMINAL or SECCOMP", e);
    }
    return r;
}

static int check_status(struct container *c, const struct exec_request *request, enum lifecycle_status status,
                        struct err *e)
{
    if (status == STATUS_PAUSED && request->ignore_paused)
        return 0;
    return lifecycle_check(VERB_EXEC, status, c->id, e);
}

static int prepare(struct exec *x, struct err *e)
{
    pid_t pid = x->c->record.init.pid;
    int r;

    x->init_pidfd = container_init_pidfd(x->c, e);
    if (x->init_pidfd < 0)
        return x->init_pidfd;
    r = join_namespaces_of(pid, &x->namespaces, e);
    if (r < 0)
        return r;
    x->setgroups_denied = setgroups_is_denied(pid);
    r = container_filter(x->c, &x->filter, e);
    if (r >= 0 && x->c->record.exec_context)
        r = container_spec(x->c, &x->spec, e);
    if (r >= 0 && x->filter.notify)
        r = seccomp_agent_connect(&x->c->record, &x->agent, e);
    return r < 0 ? r : affinity_apply_initial(x->request->process, e);
}

/* All in one memory, one after the other: when the stage's clone returns here, the process has called execve.
 */
static int run_shared(struct exec *x, struct exec_result *ret, struct err *e)
{
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), status, r;

    x->stage = proc_clone_shared(0, stage_main_exec, x);
    /* The flag is the memory's, not the process's. */
    (void)prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
    if (x->stage < 0)
        return err_sys(e, x->stage, "cannot fork");
    if (x->failure.code) {
        if (x->process > 0)
            (void)proc_wait(x->process, &status);
        if (e)
            *e = x->failure;
        return err_code(&x->failure);
    }
    /*
     * Killed, by somebody in the container perhaps, while it was in the middle of something: of malloc, for
     * all we know, so that nothing of this memory can be relied on. Its files are closed and its locks given
     * back by the kernel.
     */
    if (x->process <= 0 || !x->reached) {
        static const char text[] = "lichen-oci: exec: the process was killed before it could begin\n";

        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        _exit(128 + SIGKILL);
    }
    ret->pid = x->process;
    ret->pidfd = proc_pidfd(ret->pid);
    if (ret->pidfd < 0) {
        r = err_sys(e, ret->pidfd, "pidfd_open");
        /* Our own child, not collected yet. */
        (void)kill(x->process, SIGKILL);
        (void)proc_wait(x->process, &status);
        return r;
    }
    return pid_file_write(x->request->pid_file, ret->pid, e);
}

/* The stage is a copy; it and the process tell by messages. */
static int run_copied(struct exec *x, struct cgroup *cg, struct exec_result *ret, struct err *e)
{
    bool attach = false;
    int pair[2], r;

    r = sync_pair(pair, e);
    if (r < 0)
        return r;
    x->parent_end = pair[0];
    x->child_end = pair[1];
    r = make_stage(x, cg, &attach, e);
    x->child_end = fd_close(x->child_end);
    return r < 0 ? r : converse(x, cg, attach, ret, e);
}

int container_exec(struct container *c, const struct exec_request *request, struct exec_result *ret,
                   struct err *e)
{
    struct exec x = { .c = c,
                      .request = request,
                      .init_pidfd = -1,
                      .parent_end = -1,
                      .child_end = -1,
                      .agent = { .sock = -1 } };
    struct cgroup cg = { .dirfd = -1 };
    int status, r;

    *ret = (struct exec_result){ .pidfd = -1, .master = -1 };
    x.status = container_status(c);
    r = check_status(c, request, x.status, e);
    if (r >= 0)
        r = prepare(&x, e);
    if (r >= 0)
        r = container_cgroup(c, &cg, e);
    if (r >= 0)
        r = can_share(&x) && !needs_talk(&x, &cg) && stays_undumpable() ? run_shared(&x, ret, e)
                                                                        : run_copied(&x, &cg, ret, e);
    if (r < 0 && ret->pidfd >= 0) {
        (void)proc_signal(ret->pidfd, SIGKILL);
        (void)proc_wait(ret->pid, &status);
        ret->pidfd = fd_close(ret->pidfd);
        ret->master = fd_close(ret->master);
    }
    if (x.stage > 0)
        (void)proc_wait(x.stage, &status);
    seccomp_filter_free(&x.filter);
    spec_free(x.spec);
    seccomp_agent_close(&x.agent);
    fd_close(x.parent_end);
    fd_close(x.init_pidfd);
    cgroup_close(&cg);
    return r;
}
