// SPDX-License-Identifier: Apache-2.0
/* Joining namespaces. Runs in the verbs and in the processes that join, which are not dumpable. */
#include "create/join.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "spec/names.h"

int join_namespaces_of(pid_t pid, int *ret, struct err *e)
{
    *ret = 0;
    for (int ns = 0; ns < NS_N; ns++) {
        char theirs[64], ours[64];
        struct stat a, b;

        (void)str_format(theirs, sizeof(theirs), "/proc/%d/ns/%s", (int)pid, spec_ns_table[ns].proc_name);
        (void)str_format(ours, sizeof(ours), "/proc/self/ns/%s", spec_ns_table[ns].proc_name);
        if (stat(ours, &b) < 0)
            continue; /* a kernel without that kind */
        if (stat(theirs, &a) < 0)
            return err_sys(e, errno, "container's %s namespace", spec_ns_table[ns].name);
        if (a.st_ino != b.st_ino || a.st_dev != b.st_dev)
            *ret |= (int)spec_ns_table[ns].clone_flag;
    }
    return 0;
}

int join_become_root(struct err *e)
{
    if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
        return err_sys(e, errno, "cannot become root of the container's user namespace");
    return 0;
}
