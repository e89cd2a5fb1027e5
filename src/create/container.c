// SPDX-License-Identifier: Apache-2.0
/* Opening and observing containers. Runs in the verbs, as the caller. */
#include "create/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "create/host.h"
#include "create/start_socket.h"
#include "state/dir.h"

#define LOCK_TIMEOUT_MS 30000

static bool caller_is_privileged(void)
{
    struct host host;

    /* Only for the default of --root; cheap next to opening the directory. */
    return geteuid() == 0 && host_probe(&host, NULL) == 0 && host.privileged;
}

int container_open_root(const char *root_option, struct container *ret, struct err *e)
{
    *ret = (struct container){ .root = -1, .dir = -1 };
    ret->root_path = state_root_path(root_option, caller_is_privileged());
    ret->root = state_root_open(ret->root_path, false, e);
    if (ret->root >= 0)
        return 0;
    container_close(ret);
    return err_code(e);
}

int container_open(const char *root_option, const char *id, bool lock, struct container *ret, struct err *e)
{
    struct err local;
    int r;

    e = e ? e : &local;
    *ret = (struct container){ .root = -1, .dir = -1 };
    r = state_check_id(id, e);
    if (r < 0)
        return r;
    r = container_open_root(root_option, ret, e);
    if (r < 0)
        return r == -ENOENT ? err_set(e, ENOENT, "container does not exist: %s", id) : r;
    ret->id = id;
    r = ret->dir = state_open(ret->root, id, e);
    if (r >= 0 && lock)
        r = state_lock(ret->dir, LOCK_TIMEOUT_MS, id, e);
    /* With the lock at last in hand: another verb may have deleted it, and a third have made one of its name.
     */
    if (r >= 0 && lock && !path_is_current(ret->root, id, ret->dir))
        r = err_set(e, ENOENT, "container does not exist: %s", id);
    if (r >= 0)
        r = record_read(ret->dir, id, &ret->record, e);
    if (r < 0)
        container_close(ret);
    return r < 0 ? r : 0;
}

int container_discard(const char *root_option, const char *id, struct err *e)
{
    struct container c;
    int r;

    r = container_open_root(root_option, &c, e);
    if (r < 0)
        return r;
    r = c.dir = state_open(c.root, id, e);
    if (r >= 0)
        r = state_lock(c.dir, LOCK_TIMEOUT_MS, id, e);
    if (r >= 0)
        r = state_remove(c.root, id, e);
    container_close(&c);
    return r;
}

void container_close(struct container *c)
{
    record_free(&c->record);
    c->dir = fd_close(c->dir);
    c->root = fd_close(c->root);
    free(c->root_path);
    c->root_path = NULL;
}

int container_init_pidfd(const struct container *c, struct err *e)
{
    int fd = proc_open_id(&c->record.init);

    if (fd == -ESRCH)
        return err_set(e, ESRCH, "container %s not running", c->id);
    return fd < 0 ? err_sys(e, fd, "container %s: pidfd_open of its init (pid %d)", c->id,
                            (int)c->record.init.pid)
                  : fd;
}

bool container_waits_for_start(const struct container *c)
{
    _cleanup_close_ int sock = start_socket_connect(c->dir);

    /* EAGAIN: somebody else's connection is being looked at this moment; init listens. */
    return sock >= 0 || sock == -EAGAIN;
}

/* Only "no such process" says that it is gone. One that cannot be looked at (no descriptors left, pidfd_open
 * denied by a sandbox around us) is taken for alive: its state must not be deleted under it. */
static bool may_be_alive(int pidfd)
{
    return pidfd != -ESRCH;
}

static bool creator_alive(const struct container *c)
{
    _cleanup_close_ int fd = proc_open_id(&c->record.creator);

    return may_be_alive(fd);
}

enum lifecycle_status container_status(struct container *c)
{
    struct lifecycle_evidence evidence = { .record_complete = c->record.complete };
    _cleanup_close_ int pidfd = -1;

    if (!evidence.record_complete) {
        evidence.creator_alive = creator_alive(c);
        return lifecycle_derive(&evidence);
    }
    pidfd = container_init_pidfd(c, NULL);
    evidence.init_alive = may_be_alive(pidfd);
    if (evidence.init_alive) {
        struct cgroup cg;

        evidence.waiting_for_start = container_waits_for_start(c);
        if (container_cgroup(c, &cg, NULL) == 0) {
            evidence.frozen = cgroup_is_frozen(&cg) > 0;
            cgroup_close(&cg);
        }
    }
    return lifecycle_derive(&evidence);
}

static void copy_text(char *to, size_t size, const char *from)
{
    (void)str_format(to, size, "%s", from ? from : "");
}

void container_cgroup_plan(const struct container *c, struct cgroup_plan *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->manager = CGROUP_NONE;
    if (c->record.cgroup_manager)
        (void)cgroup_manager_parse(c->record.cgroup_manager, &ret->manager, NULL);
    ret->user = c->record.cgroup_user;
    copy_text(ret->path, sizeof(ret->path), c->record.cgroup_path);
    copy_text(ret->slice, sizeof(ret->slice), c->record.cgroup_slice);
    copy_text(ret->scope, sizeof(ret->scope), c->record.cgroup_scope);
    copy_text(ret->mount, sizeof(ret->mount), c->record.cgroup_mount);
    if (c->record.cgroup_inode)
        (void)str_to_u64(c->record.cgroup_inode, 0, UINT64_MAX, &ret->inode);
}

int container_no_cgroup(const struct container *c, const char *what, struct err *e)
{
    const char *reason = c->record.cgroup_reason ? c->record.cgroup_reason : "";

    /* The downgrade says "no cgroup: why". */
    if (str_has_prefix(reason, "no cgroup: "))
        reason += strlen("no cgroup: ");
    err_set(e, EOPNOTSUPP, "%s %s: the container has no cgroup%s%s", what, c->id, *reason ? ": " : "",
            reason);
    return err_remedy(
        e, "run it in a systemd user session or another delegated cgroup (lichen-oci doctor tells)");
}

int container_cgroup(const struct container *c, struct cgroup *ret, struct err *e)
{
    struct cgroup_plan plan;

    container_cgroup_plan(c, &plan);
    return cgroup_open(&plan, ret, e);
}
