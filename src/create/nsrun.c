// SPDX-License-Identifier: Apache-2.0
/* A function in namespaces of its own. Runs in the verbs; the child has no privilege outside its user
 * namespace. */
#include "create/nsrun.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "create/child.h"
#include "create/sync.h"
#include "userns/mapping.h"

struct maps {
    struct idmap uids, gids;
    bool directly;
};

static int make_maps(enum nsrun_ids ids, struct maps *ret, struct err *e)
{
    enum ids_mode mode = ids == NSRUN_ONE_ID ? IDS_SINGLE : IDS_DEFAULT;
    struct host host;
    int r;

    r = host_probe(&host, e);
    if (r >= 0 && mode == IDS_DEFAULT)
        r = host_load_ranges(&host, e);
    if (r >= 0)
        r = idmap_build(mode, host.uid, &host.subuids, "/etc/subuid", &ret->uids, e);
    if (r >= 0)
        r = idmap_build(mode, host.gid, &host.subgids, "/etc/subgid", &ret->gids, e);
    if (r >= 0)
        ret->directly = mapping_can_write_directly(&ret->uids, &ret->gids, false, host.uid, host.gid);
    return r;
}

static void __attribute__((noreturn)) child(int sock, int (*function)(void *, struct err *), void *argument)
{
    struct sync_msg msg;
    struct err e = { 0 };
    int r;

    r = sync_expect(sock, SYNC_MAPPED, &msg, NULL, &e);
    if (r >= 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
        r = err_sys(&e, errno, "becoming root of the user namespace");
    if (r >= 0)
        r = function(argument, &e);
    child_report(sock, r, &e);
    _exit(r < 0);
}

static int converse(int sock, pid_t pid, const struct maps *maps, struct err *e)
{
    struct mapping_job job;
    struct sync_msg msg;
    int r;

    r = mapping_begin(pid, &maps->uids, &maps->gids, maps->directly, false, &job, e);
    if (r >= 0)
        r = mapping_finish(&job, e);
    if (r >= 0)
        r = sync_send(sock, SYNC_MAPPED, 0, -1, e);
    return r < 0 ? r : sync_expect(sock, SYNC_READY, &msg, NULL, e);
}

int nsrun(uint64_t flags, enum nsrun_ids ids, int (*function)(void *argument, struct err *e), void *argument,
          struct err *e)
{
    struct maps maps = { 0 };
    int pair[2], status, r;
    pid_t pid;

    r = make_maps(ids, &maps, e);
    if (r >= 0)
        r = sync_pair(pair, e);
    if (r < 0)
        return r;
    pid = proc_clone(CLONE_NEWUSER | flags, -1, NULL);
    if (pid == 0) {
        fd_close(pair[0]);
        child(pair[1], function, argument);
    }
    fd_close(pair[1]);
    r = pid < 0 ? err_sys(e, pid, "cannot make a user namespace") : converse(pair[0], pid, &maps, e);
    fd_close(pair[0]);
    if (pid > 0)
        (void)proc_wait(pid, &status);
    return r;
}
