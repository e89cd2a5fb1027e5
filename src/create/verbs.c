// SPDX-License-Identifier: Apache-2.0
/* start, kill, delete, pause on an existing container. Runs as the caller, with the container's lock held
 * where it changes something. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "create/cleanup.h"
#include "create/container.h"
#include "create/hooks.h"
#include "create/pids.h"
#include "create/seccomp_agent.h"
#include "create/start_socket.h"
#include "create/sync.h"
#include "state/dir.h"

#define KILL_PATIENCE_MS 10000

/* The socket closes on exec: its end is the success. A failure before or at the exec is a FAILED record. */
static int await_exec(int sock, struct seccomp_agent *agent, struct err *e)
{
    for (;;) {
        _cleanup_close_ int fd = -1;
        struct sync_msg msg;
        int r = sync_recv(sock, &msg, &fd, "START", e);

        if (r == -ECONNRESET)
            return seccomp_agent_check(agent, e);
        if (r < 0)
            return r;
        if (msg.type != SYNC_SECCOMP)
            return sync_unexpected(&msg, "the process to start", e);
        r = seccomp_agent_deliver(agent, agent->record->init.pid, STATUS_CREATED, fd, e);
        if (r < 0) {
            /* It goes on by itself, but nobody would answer it. */
            _cleanup_close_ int init = proc_open_id(&agent->record->init);

            (void)proc_signal(init, SIGKILL);
            return r;
        }
    }
}

int container_release(int sock, const struct record *record, struct err *e)
{
    struct seccomp_agent agent;
    int r;

    r = seccomp_agent_connect(record, &agent, e);
    if (r >= 0)
        r = sync_send(sock, SYNC_START, 0, -1, e);
    if (r >= 0)
        r = await_exec(sock, &agent, e);
    seccomp_agent_close(&agent);
    return r;
}

/* The hooks of the frozen configuration; NULL in *ret where there are none to run. */
static int load_hooks(struct container *c, struct spec **ret, struct err *e)
{
    *ret = NULL;
    return c->record.has_hooks ? container_spec(c, ret, e) : 0;
}

static int run_hooks(struct container *c, const struct spec *spec, enum spec_hook_kind kind,
                     enum lifecycle_status status, struct err *e)
{
    return spec ? hooks_run(&spec->hooks, kind, &c->record, status, e) : 0;
}

int container_start(struct container *c, struct notify *ret_notify, struct err *e)
{
    _cleanup_(spec_freep) struct spec *hooks = NULL;
    _cleanup_close_ int sock = -1;
    int r;

    *ret_notify = (struct notify){ .sock = -1, .host = -1 };
    r = lifecycle_check(VERB_START, container_status(c), c->id, e);
    if (r < 0)
        return r;
    if (!c->record.has_process)
        return err_set(e, EINVAL, "cannot start container %s: its config.json has no process", c->id);
    sock = start_socket_connect(c->dir);
    if (sock < 0)
        return err_sys(e, sock, "container %s: start socket", c->id);
    /* Connected without blocking; from here a wait for the answer is wanted. */
    (void)fd_set_blocking(sock);
    r = notify_open(c->dir, c->record.notify_socket, ret_notify, e);
    if (r < 0)
        return r;
    r = container_release(sock, &c->record, e);
    if (r < 0)
        return r;
    r = load_hooks(c, &hooks, e);
    if (r >= 0)
        r = run_hooks(c, hooks, HOOK_POSTSTART, STATUS_RUNNING, e);
    /* runtime.md, "Lifecycle", step 9: the container is stopped and destroyed. */
    if (r < 0)
        (void)container_delete(c, true, NULL);
    return r;
}

/* Every process: by the cgroup, else by the pid namespace, whose end the kernel makes the end of all in it.
 */
static int kill_all(struct container *c, int init, int signal, struct err *e)
{
    struct cgroup cg;
    int r;

    if (container_cgroup(c, &cg, NULL) == 0) {
        bool usable = cg.dirfd >= 0;

        r = usable ? cgroup_kill(&cg, signal, e) : 0;
        cgroup_close(&cg);
        if (usable)
            return r;
    }
    if (c->record.shared_pid)
        return err_set(e, EOPNOTSUPP,
                       "kill --all %s: the container has neither a cgroup nor a pid namespace of its own",
                       c->id);
    if (signal != SIGKILL)
        return container_signal_namespace(c, signal, e);
    r = proc_signal(init, signal);
    return r < 0 ? err_sys(e, r, "container %s: signal %d", c->id, signal) : 0;
}

int container_kill(struct container *c, int signal, bool all, struct err *e)
{
    _cleanup_close_ int pidfd = -1;
    int r;

    r = lifecycle_check(VERB_KILL, container_status(c), c->id, e);
    if (r < 0)
        return r;
    pidfd = container_init_pidfd(c, e);
    if (pidfd < 0)
        return pidfd;
    if (all || (c->record.shared_pid && signal == SIGKILL)) {
        r = kill_all(c, pidfd, signal, e);
        if (r != -EOPNOTSUPP || all)
            return r;
    }
    r = proc_signal(pidfd, signal);
    return r < 0 ? err_sys(e, r, "container %s: signal %d", c->id, signal) : 0;
}

void container_end_creator(const struct container *c)
{
    _cleanup_close_ int creator = c->record.complete ? -1 : proc_open_id(&c->record.creator);

    if (creator < 0)
        return;
    (void)proc_signal(creator, SIGKILL);
    (void)proc_wait_dead(creator, KILL_PATIENCE_MS);
}

/* Everything that may still live: init, what shares its cgroup, a create that never finished. */
static int kill_everything(struct container *c, struct err *e)
{
    _cleanup_close_ int init = -1;
    struct err why = { 0 };
    struct cgroup cg;
    int r;

    container_end_creator(c);
    if (container_cgroup(c, &cg, NULL) == 0) {
        if (cgroup_is_frozen(&cg) > 0)
            (void)cgroup_freeze(&cg, false, NULL);
        if (c->record.shared_pid)
            (void)cgroup_kill(&cg, SIGKILL, NULL);
        cgroup_close(&cg);
    }
    init = container_init_pidfd(c, &why);
    if (init == -ESRCH)
        return 0;
    if (init < 0 && e)
        *e = why;
    if (init < 0)
        return init;
    r = proc_signal(init, SIGKILL);
    if (r < 0 && r != -ESRCH)
        return err_sys(e, r, "container %s: pidfd_send_signal to its init (pid %d)", c->id,
                       (int)c->record.init.pid);
    if (proc_wait_dead(init, KILL_PATIENCE_MS) != 1)
        return err_set(e, ETIMEDOUT, "container %s: its init (pid %d) does not die", c->id,
                       (int)c->record.init.pid);
    return 0;
}

int container_delete(struct container *c, bool force, struct err *e)
{
    _cleanup_(spec_freep) struct spec *hooks = NULL;
    enum lifecycle_status status = container_status(c);
    struct cgroup_plan plan;
    struct err hook = { 0 };
    bool hook_failed;
    int r;

    if (!force) {
        r = lifecycle_check(VERB_DELETE, status, c->id, e);
        if (r < 0)
            return r;
    }
    r = kill_everything(c, e);
    if (r < 0)
        return r;
    container_cgroup_plan(c, &plan);
    /* Read before it is removed; run after: runtime.md, "Lifecycle", steps 12 and 13. A failure is a warning.
     */
    hook_failed = load_hooks(c, &hooks, &hook) < 0;
    r = cleanup_container(c->root, &c->record, &plan, e);
    if (r < 0)
        return r;
    hook_failed = run_hooks(c, hooks, HOOK_POSTSTOP, STATUS_STOPPED, &hook) < 0 || hook_failed;
    if (hook_failed && e)
        *e = hook;
    return 0;
}

int container_pause(struct container *c, bool pause, struct err *e)
{
    struct cgroup cg;
    int r;

    r = lifecycle_check(pause ? VERB_PAUSE : VERB_RESUME, container_status(c), c->id, e);
    if (r >= 0)
        r = container_cgroup(c, &cg, e);
    if (r < 0)
        return r;
    if (cg.plan.manager == CGROUP_NONE) {
        r = container_no_cgroup(c, pause ? "pause" : "resume", e);
    } else {
        r = cgroup_freeze(&cg, pause, e);
    }
    cgroup_close(&cg);
    return r;
}
