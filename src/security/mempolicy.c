// SPDX-License-Identifier: Apache-2.0
/* NUMA memory policy. mempolicy_check runs in the parent, mempolicy_apply in init and in exec's process. */
#include "security/mempolicy.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/str.h"

static int set_policy(const struct spec_memory_policy *policy)
{
    unsigned long nodes[SPEC_MAX_NODES / (8 * sizeof(unsigned long))];
    bool none = !policy->nodes;

    /* parse_linux.c has read the list already. */
    if (!none && str_to_bits(policy->nodes, nodes, SPEC_MAX_NODES) < 0)
        return -EINVAL;
    /* The kernel counts one bit less than it is told. */
    if (syscall(SYS_set_mempolicy, policy->mode | policy->flags, none ? NULL : nodes,
                none ? 0UL : SPEC_MAX_NODES + 1UL) < 0)
        return -errno;
    return 0;
}

static int explain(const struct spec_memory_policy *policy, int r, struct err *e)
{
    err_sys(e, r, "linux.memoryPolicy: mode %s, nodes %s", policy->mode_name,
            policy->nodes ? policy->nodes : "none");
    if (r == -ENOSYS)
        return err_remedy(e, "this kernel is built without NUMA: leave the policy out");
    return err_remedy(
        e, "the kernel may be older than the mode, and one node at least must be there and allowed "
           "to the caller (Mems_allowed_list in /proc/self/status)");
}

int mempolicy_check(const struct spec_memory_policy *policy, struct err *e)
{
    int status;
    pid_t pid;
    int r;

    if (!policy->set)
        return 0;
    pid = proc_clone(0, -1, NULL);
    if (pid == 0)
        _exit(-set_policy(policy));
    r = pid < 0 ? pid : proc_wait(pid, &status);
    if (r < 0)
        return err_sys(e, r, "linux.memoryPolicy: trying it");
    return status == 0 ? 0 : explain(policy, -proc_exit_code(status), e);
}

int mempolicy_apply(const struct spec_memory_policy *policy, struct err *e)
{
    int r = policy->set ? set_policy(policy) : 0;

    return r < 0 ? explain(policy, r, e) : 0;
}
