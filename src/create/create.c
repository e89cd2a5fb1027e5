// SPDX-License-Identifier: Apache-2.0
/*
 * The parent of create: reads and plans (this file), then executes the plan by conversation with stage and
 * init (parent.c). Runs in the caller's namespaces with the caller's privileges.
 */
#include "create/create.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "create/cleanup.h"
#include "create/container.h"
#include "create/hooks.h"
#include "create/notify.h"
#include "create/parent.h"
#include "create/pid_file.h"
#include "create/socket.h"
#include "create/sync.h"
#include "state/dir.h"

/* A fifo as config.json must not hang us, nor a device be read for ever. */
static int read_regular(const char *path, struct buf *ret)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? fd_read_all(fd, SPEC_MAX_SIZE, ret) : -EINVAL;
}

static int read_bundle(const struct create_request *request, struct created *c, struct err *e)
{
    _cleanup_free_ char *path = request->config ? str_printf("%s", request->config)
                                                : str_printf("%s/config.json", request->options.bundle);
    int r;

    r = read_regular(path, &c->config);
    if (r < 0) {
        err_sys(e, r, "cannot read %s", path);
        return r == -ENOENT
                   ? err_remedy(
                         e,
                         "give the bundle's directory with --bundle; `lichen-oci spec` writes a config.json")
                   : r;
    }
    r = spec_parse(c->config.data, c->config.len, &c->spec, e);
    return r < 0 ? err_prefix(e, "%s", path) : 0;
}

/* Where throw-away uppers live: a disk, not the state directory's tmpfs. */
static int make_overlay_base(bool privileged, char **ret, struct err *e)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    _cleanup_free_ char *base = NULL;

    if (privileged)
        base = str_printf("/var/lib/lichen/overlay");
    else if (data && *data == '/')
        base = str_printf("%s/lichen/overlay", data);
    else if (home && *home == '/')
        base = str_printf("%s/.local/share/lichen/overlay", home);
    else
        return err_remedy((err_set(e, ENOENT, "--overlay: no place for the upper layer"), e),
                          "set HOME or XDG_DATA_HOME");
    for (char *p = base + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        (void)mkdir(base, 0755);
        *p = '/';
    }
    if (mkdir(base, 0700) < 0 && errno != EEXIST)
        return err_sys(e, errno, "--overlay: %s", base);
    *ret = TAKE_PTR(base);
    return 0;
}

/* The directory's name is decided before planning; it is made after the record that names it is written. */
static int choose_overlay(struct create_request *request, const struct host *host, struct created *c,
                          struct err *e)
{
    _cleanup_free_ char *base = NULL;
    int r;

    if (!request->options.overlay)
        return 0;
    r = make_overlay_base(host->privileged, &base, e);
    if (r < 0)
        return r;
    c->overlay_dir = str_printf("%s/%s.%d", base, request->options.id, (int)getpid());
    request->options.overlay_dir = c->overlay_dir;
    return 0;
}

static int make_overlay(const struct created *c, struct err *e)
{
    if (!c->overlay_dir)
        return 0;
    /* 0711: in a mapped namespace the container's root may be another id, which has to pass through. */
    if (mkdir(c->overlay_dir, 0711) < 0 || mkdir(c->plan.overlay.upper, 0755) < 0 ||
        mkdir(c->plan.overlay.work, 0755) < 0)
        return err_sys(e, errno, "--overlay: %s", c->overlay_dir);
    return 0;
}

static int make_plan(struct create_request *request, struct created *c, struct host *host, struct err *e)
{
    int r;

    r = host_probe(host, e);
    if (r < 0)
        return r;
    c->root_path = state_root_path(request->root_option, host->privileged);
    if (c->root_path[0] != '/') {
        _cleanup_free_ char *cwd = getcwd(NULL, 0), *relative = c->root_path;

        c->root_path = str_printf("%s/%s", cwd ? cwd : "", relative);
    }
    c->state_path = str_printf("%s/%s", c->root_path, request->options.id);
    request->options.state_dir = c->state_path;
    /* Where there is no state yet there is no anchor either; make_state makes the directory and says what is
     * wrong. */
    c->root = state_root_open(c->root_path, false, NULL);
    if (c->root >= 0 && !host->privileged && !host->namespace_root && anchor_open(c->root, &c->anchor) == 0)
        host->anchor = &c->anchor;
    r = choose_overlay(request, host, c, e);
    if (r >= 0 && plan_needs_ranges(c->spec, &request->options, host))
        r = host_load_ranges(host, e);
    if (r >= 0)
        r = plan_make(c->spec, &request->options, host, &c->plan, e);
    return r;
}

static void fill_record(const struct create_request *request, struct created *c, const struct host *host)
{
    struct record *rec = &c->record;
    const struct cgroup_plan *cg = &c->plan.cgroup;
    char now[40];

    record_timestamp(now, sizeof(now));
    rec->id = arena_strdup(&rec->arena, request->options.id);
    rec->oci_version = c->spec->oci_version;
    rec->bundle = arena_strdup(&rec->arena, request->options.bundle);
    rec->rootfs = c->plan.rootfs;
    rec->created = arena_strdup(&rec->arena, now);
    rec->owner_uid = host->uid;
    rec->has_process = c->spec->has_process;
    rec->has_hooks = c->spec->hooks.n[HOOK_POSTSTART] || c->spec->hooks.n[HOOK_POSTSTOP];
    rec->exec_context = c->spec->personality.set || c->spec->memory_policy.set;
    rec->shared_pid = !c->plan.own[NS_PID];
    rec->overlay_dir = c->overlay_dir;
    rec->cgroup_manager = cgroup_manager_name(cg->manager);
    rec->cgroup_path = cg->path;
    rec->cgroup_slice = cg->slice;
    rec->cgroup_scope = cg->scope;
    rec->cgroup_mount = cg->mount;
    rec->cgroup_user = cg->user;
    if (cg->manager == CGROUP_NONE)
        rec->cgroup_reason = cg->downgrade[0] ? cg->downgrade : "cgroups were disabled by the caller";
    rec->notify_socket = c->plan.options.passed.notify ? c->plan.options.notify_socket : NULL;
    rec->seccomp_listener = c->plan.seccomp_listener;
    rec->seccomp_metadata = c->plan.seccomp_listener ? c->spec->seccomp.listener_metadata : NULL;
    rec->driver = rootfs_driver_name(c->plan.driver);
    rec->id_map = c->plan.id_map_name;
    rec->n_annotations = c->spec->n_annotations;
    rec->annotations = ARENA_ARRAY(&rec->arena, c->spec->n_annotations + 1, struct record_pair);
    for (size_t i = 0; i < c->spec->n_annotations; i++)
        rec->annotations[i] =
            (struct record_pair){ c->spec->annotations[i].key, c->spec->annotations[i].value };
    for (size_t i = 0; i < c->plan.downgrades.n; i++)
        record_downgrade(rec, c->plan.downgrades.v[i]);
}

static int write_resolv_conf(const struct created *c, struct err *e)
{
    _cleanup_buf_ struct buf host = { 0 }, text = { 0 };
    int r;

    if (!c->plan.resolv_conf)
        return 0;
    (void)fd_read_file(AT_FDCWD, "/etc/resolv.conf", 1U << 20, &host);
    net_resolv_conf(&c->plan.net, host.data ? host.data : "", &text);
    r = fd_replace_file(c->dir, "resolv.conf", 0644, text.data, text.len, false);
    return r < 0 ? err_sys(e, r, "%s", c->plan.resolv_conf) : 0;
}

static int prepare_filter(struct created *c, struct err *e)
{
    _cleanup_close_ int cache = -1;

    if (!c->spec->has_process || !c->spec->seccomp.set)
        return 0;
    cache = seccomp_cache_open(c->root);
    return seccomp_prepare(&c->spec->seccomp, cache, &c->filter, e);
}

/* ROOT/<id>, the record that says "creating" and names all a crash could leave, the frozen configuration. */
static int make_state(struct create_request *request, struct created *c, const struct host *host,
                      struct err *e)
{
    int r;

    if (c->root < 0)
        c->root = state_root_open(c->root_path, true, e);
    if (c->root < 0)
        return c->root;
    c->dir = state_create(c->root, request->options.id, e);
    if (c->dir < 0)
        return c->dir;
    sync_test_step("parent:state-made");
    fill_record(request, c, host);
    r = proc_identify(getpid(), &c->record.creator);
    if (r < 0)
        return err_sys(e, r, "/proc/self/stat");
    r = record_write(c->dir, &c->record, e);
    if (r < 0)
        return r;
    sync_test_step("parent:recorded");
    r = prepare_filter(c, e);
    if (r >= 0)
        r = container_freeze(c->dir, c->config.data, c->config.len, &c->filter, e);
    if (r < 0)
        return r;
    if (c->plan.driver != ROOTFS_DIR && mkdirat(c->dir, "rootfs", 0755) < 0)
        return err_sys(e, errno, "the root's mount point in the state directory");
    /* A container root that is another id than ours must reach its mount point below. */
    if (c->plan.driver != ROOTFS_DIR && host->privileged && c->plan.in_userns &&
        (fchmod(c->root, 0711) < 0 || fchmod(c->dir, 0711) < 0))
        return err_sys(e, errno, "state directory");
    if (c->plan.options.passed.notify && mkdirat(c->dir, NOTIFY_DIRECTORY, 0755) < 0)
        return err_sys(e, errno, "NOTIFY_SOCKET: its directory in the state directory");
    r = write_resolv_conf(c, e);
    return r < 0 ? r : make_overlay(c, e);
}

static int create_steps(struct create_request *request, struct created *c, struct err *e)
{
    struct host host;
    int r;

    r = state_check_id(request->options.id, e);
    if (r >= 0)
        r = read_bundle(request, c, e);
    if (r >= 0 && request->for_run && !c->spec->has_process)
        r = err_set(e, EINVAL, "cannot run container %s: its config.json has no process",
                    request->options.id);
    if (r >= 0)
        r = make_plan(request, c, &host, e);
    if (r >= 0 && request->options.console_socket)
        r = socket_check("--console-socket", request->options.console_socket, e);
    if (r >= 0 && request->options.pidfd_socket)
        r = socket_check("--pidfd-socket", request->options.pidfd_socket, e);
    if (r < 0 || request->dry_run) {
        if (r >= 0)
            plan_print(&c->plan, request->plan_text);
        return r;
    }
    r = make_state(request, c, &host, e);
    if (r >= 0)
        r = parent_build(c, request->for_run, e);
    if (r >= 0 && request->options.pidfd_socket)
        r = socket_send_fd("--pidfd-socket", request->options.pidfd_socket, "pidfd", c->init_pidfd, e);
    if (r >= 0)
        r = pid_file_write(request->options.pid_file, c->record.init.pid, e);
    if (r < 0)
        return r;
    c->record.complete = true;
    r = record_write(c->dir, &c->record, e);
    sync_test_step("parent:complete");
    if (r >= 0 && !request->for_run) {
        r = sync_send(c->sync, SYNC_RECORDED, 0, -1, e);
        c->sync = fd_close(c->sync);
    }
    return r;
}

int container_create(struct create_request *request, struct created *ret, struct err *e)
{
    int r;

    *ret = (struct created){
        .root = -1,
        .dir = -1,
        .sync = -1,
        .init_pidfd = -1,
        .master = -1,
        .net = { .status_fd = -1 },
        .anchor = { .userns = -1 },
    };
    ret->cgroup.dirfd = -1;
    r = create_steps(request, ret, e);
    if (r < 0) {
        created_abort(ret);
        created_close(ret);
    }
    return r;
}

void created_abort(struct created *c)
{
    if (c->init_pidfd >= 0) {
        (void)proc_signal(c->init_pidfd, SIGKILL);
        (void)proc_wait_dead(c->init_pidfd, 10000);
    }
    c->sync = fd_close(c->sync);
    if (c->net_begun)
        net_helper_abort(&c->net);
    if (c->dir < 0)
        return; /* nothing of ours was made (the id may be another container's) */
    cleanup_container(c->root, &c->record, &c->plan.cgroup, NULL);
    /* A container there was, if only for a moment: its poststop hooks run (runtime.md, "Lifecycle"). */
    if (c->spec && c->record.init.pid)
        (void)hooks_run(&c->spec->hooks, HOOK_POSTSTOP, &c->record, STATUS_STOPPED, NULL);
}

void created_close(struct created *c)
{
    if (c->cgroup_begun)
        cgroup_close(&c->cgroup);
    c->sync = fd_close(c->sync);
    c->init_pidfd = fd_close(c->init_pidfd);
    c->master = fd_close(c->master);
    c->dir = fd_close(c->dir);
    c->root = fd_close(c->root);
    anchor_close(&c->anchor);
    plan_free(&c->plan);
    record_free(&c->record);
    spec_freep(&c->spec);
    buf_free(&c->config);
    seccomp_filter_free(&c->filter);
    free(c->root_path);
    free(c->state_path);
    free(c->overlay_dir);
}
