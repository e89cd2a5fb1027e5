// SPDX-License-Identifier: Apache-2.0
/* Moves network devices in a child of the parent, which needs a socket in either network namespace and shall
 * not leave its own. */
#include "create/netdevices.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "create/sync.h"
#include "net/netdev.h"

static int move_all(const struct spec *spec, int netns, struct err *e)
{
    struct rtnl_batch from, to;
    int r;

    r = rtnl_open(&from, e);
    if (r >= 0 && setns(netns, CLONE_NEWNET) < 0)
        r = err_sys(e, errno, "linux.netDevices: the container's network namespace");
    if (r >= 0)
        r = rtnl_open(&to, e);
    for (size_t i = 0; r >= 0 && i < spec->n_net_devices; i++)
        r = netdev_move(&spec->net_devices[i], &from, &to, netns, e);
    return r;
}

static void __attribute__((noreturn)) child(const struct spec *spec, int netns, int sock)
{
    struct err e = { 0 };

    proc_set_name("lichen:[netdev]");
    if (move_all(spec, netns, &e) < 0)
        sync_send_failed(sock, &e);
    else
        (void)sync_send(sock, SYNC_READY, 0, -1, NULL);
    _exit(0);
}

int netdevices_move(const struct spec *spec, pid_t init, struct err *e)
{
    _cleanup_close_ int netns = -1;
    struct sync_msg msg;
    int pair[2], status, r;
    char path[64];
    pid_t pid;

    if (spec->n_net_devices == 0)
        return 0;
    (void)str_format(path, sizeof(path), "/proc/%d/ns/net", (int)init);
    netns = open(path, O_RDONLY | O_CLOEXEC);
    if (netns < 0)
        return err_sys(e, errno, "%s", path);
    r = sync_pair(pair, e);
    if (r < 0)
        return r;
    pid = proc_clone(0, -1, NULL);
    if (pid == 0)
        child(spec, netns, pair[1]);
    fd_close(pair[1]);
    r = pid < 0 ? err_sys(e, pid, "linux.netDevices: fork") : sync_expect(pair[0], SYNC_READY, &msg, NULL, e);
    fd_close(pair[0]);
    if (pid > 0)
        (void)proc_wait(pid, &status);
    return r;
}
