// SPDX-License-Identifier: Apache-2.0
/* CPU affinity of exec. Runs in exec's caller and in exec's process. */
#include "security/affinity.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

/* The raw call: glibc's cpu_set_t ends at 1024 CPUs. */
static int set_affinity(const unsigned long *cpus)
{
    return syscall(SYS_sched_setaffinity, 0, SPEC_MAX_CPUS / 8, cpus) < 0 ? -errno : 0;
}

static int apply(const char *list, const char *which, struct err *e)
{
    unsigned long cpus[SPEC_MAX_CPUS / (8 * sizeof(unsigned long))];
    int r = str_to_bits(list, cpus, SPEC_MAX_CPUS);

    if (r >= 0)
        r = set_affinity(cpus);
    if (r >= 0)
        return 0;
    err_sys(e, r, "process.execCPUAffinity.%s: CPUs %s", which, list);
    return r == -EINVAL ? err_remedy(e, "one of them at least must be online and in the cgroup's cpuset") : r;
}

int affinity_apply_initial(const struct spec_process *process, struct err *e)
{
    const char *list = process->exec_cpu_affinity.initial;

    return list ? apply(list, "initial", e) : 0;
}

int affinity_apply_final(const struct spec_process *process, struct err *e)
{
    unsigned long all[SPEC_MAX_CPUS / (8 * sizeof(unsigned long))];

    if (process->exec_cpu_affinity.final)
        return apply(process->exec_cpu_affinity.final, "final", e);
    if (!process->exec_cpu_affinity.initial)
        return 0;
    memset(all, 0xff, sizeof(all));
    (void)set_affinity(all);
    return 0;
}
