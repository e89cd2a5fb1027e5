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
#include "create/child.h"
#include "net/netdev.h"

struct move {
    const struct spec *spec;
    int netns;
};

static int move_all(void *argument, int sock, struct err *e)
{
    const struct move *m = argument;
    struct rtnl_batch from, to;
    int r;

    (void)sock;
    proc_set_name("lichen:[netdev]");
    r = rtnl_open(&from, e);
    if (r >= 0 && setns(m->netns, CLONE_NEWNET) < 0)
        r = err_sys(e, errno, "linux.netDevices: the container's network namespace");
    if (r >= 0)
        r = rtnl_open(&to, e);
    for (size_t i = 0; r >= 0 && i < m->spec->n_net_devices; i++)
        r = netdev_move(&m->spec->net_devices[i], &from, &to, m->netns, e);
    return r < 0 ? r : 0;
}

int netdevices_move(const struct spec *spec, pid_t init, struct err *e)
{
    _cleanup_close_ int netns = -1;
    struct move m = { .spec = spec };
    char path[64];

    if (spec->n_net_devices == 0)
        return 0;
    (void)str_format(path, sizeof(path), "/proc/%d/ns/net", (int)init);
    m.netns = netns = open(path, O_RDONLY | O_CLOEXEC);
    if (netns < 0)
        return err_sys(e, errno, "%s", path);
    return child_run(move_all, &m, "linux.netDevices: fork", e);
}
