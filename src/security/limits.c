// SPDX-License-Identifier: Apache-2.0
/*
 * rlimits, oom_score_adj, scheduler and io priority. limits_check runs in the parent, before anything is
 * created; the others in init and in exec's process.
 */
#include "security/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

/* A limit for a message: the number or "unlimited". */
static const char *limit_text(uint64_t limit, char *buf, size_t size)
{
    if (limit == RLIM_INFINITY)
        return "unlimited";
    (void)str_format(buf, size, "%" PRIu64, limit);
    return buf;
}

static int check_rlimits(const struct spec_process *process, struct err *e)
{
    char wanted[24], allowed[24];

    for (size_t i = 0; i < process->n_rlimits; i++) {
        const struct spec_rlimit *limit = &process->rlimits[i];
        struct rlimit now;

        if (getrlimit((__rlimit_resource_t)limit->resource, &now) < 0)
            return err_sys(e, errno, "cannot read %s", limit->name);
        if (limit->hard <= now.rlim_max)
            continue;
        (void)err_set(e, EPERM, "process.rlimits[%zu].hard: %s %s is above the caller's hard limit %s", i,
                      limit->name, limit_text(limit->hard, wanted, sizeof(wanted)),
                      limit_text(now.rlim_max, allowed, sizeof(allowed)));
        return err_remedy(e, "ask for at most %s, or have the administrator raise the limit (limits.conf(5))",
                          allowed);
    }
    return 0;
}

/* A descriptor of our own oom_score_adj in a real procfs. */
static int open_oom_score(int flags)
{
    _cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (proc < 0)
        return -errno;
    return path_open_procfs(proc, "self/oom_score_adj", flags);
}

static int read_oom_score(int64_t *ret)
{
    _cleanup_close_ int fd = open_oom_score(O_RDONLY);
    _cleanup_buf_ struct buf b = { 0 };
    int r;

    if (fd < 0)
        return fd;
    r = fd_read_all(fd, 64, &b);
    if (r < 0)
        return r;
    if (!b.data)
        return -EIO;
    b.data[strcspn(b.data, "\n")] = '\0';
    return str_to_i64(b.data, -1000, 1000, ret);
}

static int check_oom_score(const struct spec_process *process, struct err *e)
{
    int64_t now;
    int r;

    if (!process->oom_score_adj.set)
        return 0;
    r = read_oom_score(&now);
    if (r < 0)
        return err_sys(e, r, "cannot read /proc/self/oom_score_adj");
    if (process->oom_score_adj.value >= now)
        return 0;
    (void)err_set(e, EACCES,
                  "process.oomScoreAdj: %" PRId64 " is below the caller's %" PRId64
                  ", which needs CAP_SYS_RESOURCE",
                  process->oom_score_adj.value, now);
    return err_remedy(e, "ask for %" PRId64 " or more", now);
}

/* sched(7) and ioprio_set(2): what needs CAP_SYS_NICE or an rlimit that allows it. */
int limits_check_scheduling(const struct spec_process *process, struct err *e)
{
    const struct spec_scheduler *s = &process->scheduler;
    struct rlimit rtprio, nice;

    if (getrlimit(RLIMIT_RTPRIO, &rtprio) < 0 || getrlimit(RLIMIT_NICE, &nice) < 0)
        return err_sys(e, errno, "cannot read RLIMIT_RTPRIO and RLIMIT_NICE");
    if (s->set && s->policy == SCHED_DEADLINE)
        return err_set(e, EPERM, "process.scheduler.policy: SCHED_DEADLINE needs CAP_SYS_NICE on the host");
    if (s->set && (s->policy == SCHED_FIFO || s->policy == SCHED_RR) &&
        (uint64_t)s->priority > rtprio.rlim_cur)
        return err_set(
            e, EPERM,
            "process.scheduler.priority: real-time priority %d is above the caller's RLIMIT_RTPRIO %" PRIu64,
            s->priority, (uint64_t)rtprio.rlim_cur);
    errno = 0;
    if (s->set && s->nice < getpriority(PRIO_PROCESS, 0) && (uint64_t)(20 - s->nice) > nice.rlim_cur)
        return err_set(
            e, EPERM,
            "process.scheduler.nice: %d is below the caller's %d, and RLIMIT_NICE does not allow it", s->nice,
            getpriority(PRIO_PROCESS, 0));
    if (process->io_priority.set && process->io_priority.class == IOPRIO_CLASS_RT)
        return err_set(e, EPERM, "process.ioPriority.class: IOPRIO_CLASS_RT needs CAP_SYS_NICE on the host");
    return 0;
}

int limits_check(const struct spec_process *process, bool privileged, struct err *e)
{
    int r;

    if (privileged)
        return 0;
    r = check_rlimits(process, e);
    if (r < 0)
        return r;
    r = check_oom_score(process, e);
    if (r < 0)
        return r;
    return limits_check_scheduling(process, e);
}

int limits_apply_rlimits(const struct spec_process *process, struct err *e)
{
    char soft[24], hard[24];

    for (size_t i = 0; i < process->n_rlimits; i++) {
        const struct spec_rlimit *limit = &process->rlimits[i];
        struct rlimit value = { .rlim_cur = limit->soft, .rlim_max = limit->hard };

        if (setrlimit((__rlimit_resource_t)limit->resource, &value) < 0)
            return err_sys(e, errno, "cannot set %s to %s (soft) and %s (hard)", limit->name,
                           limit_text(limit->soft, soft, sizeof(soft)),
                           limit_text(limit->hard, hard, sizeof(hard)));
    }
    return 0;
}

int limits_apply_oom_score(const struct spec_process *process, struct err *e)
{
    _cleanup_close_ int fd = -1;
    char text[24];
    int64_t now;
    int r;

    if (!process->oom_score_adj.set)
        return 0;
    /* Writing even the same value needs the file to be ours, which it is not for an undumpable process. */
    if (read_oom_score(&now) == 0 && now == process->oom_score_adj.value)
        return 0;
    (void)str_format(text, sizeof(text), "%" PRId64, process->oom_score_adj.value);
    fd = open_oom_score(O_WRONLY);
    r = fd < 0 ? fd : fd_write_all(fd, text, strlen(text));
    if (r < 0)
        return err_sys(e, r, "cannot write %s to /proc/self/oom_score_adj", text);
    return 0;
}

static int apply_scheduler(const struct spec_scheduler *s, struct err *e)
{
    struct sched_attr attr = {
        .size = sizeof(attr),
        .sched_policy = (uint32_t)s->policy,
        .sched_flags = s->flags,
        .sched_nice = s->nice,
        .sched_priority = (uint32_t)s->priority,
        .sched_runtime = s->runtime,
        .sched_deadline = s->deadline,
        .sched_period = s->period,
    };

    if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
        return err_sys(e, errno,
                       "process.scheduler: cannot set policy %d, nice %d, priority %d, flags %#" PRIx64,
                       s->policy, s->nice, s->priority, s->flags);
    return 0;
}

int limits_apply_scheduling(const struct spec_process *process, struct err *e)
{
    int r;

    if (process->scheduler.set) {
        r = apply_scheduler(&process->scheduler, e);
        if (r < 0)
            return r;
    }
    if (!process->io_priority.set)
        return 0;
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                IOPRIO_PRIO_VALUE(process->io_priority.class, process->io_priority.priority)) < 0)
        return err_sys(e, errno, "process.ioPriority: cannot set class %d, priority %d",
                       process->io_priority.class, process->io_priority.priority);
    return 0;
}
