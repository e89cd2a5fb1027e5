// SPDX-License-Identifier: Apache-2.0
/*
 * The names of the runtime spec as tables. Constant data; used in every process. The seccomp numbers are the
 * kernel's (linux/seccomp.h), which are libseccomp's too: security/seccomp.c asserts that.
 */
#include "spec/names.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#    define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

const struct spec_ns_info spec_ns_table[] = {
    [NS_USER] = { "user", "user", CLONE_NEWUSER },
    [NS_MOUNT] = { "mount", "mnt", CLONE_NEWNS },
    [NS_PID] = { "pid", "pid", CLONE_NEWPID },
    [NS_NETWORK] = { "network", "net", CLONE_NEWNET },
    [NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
    [NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
    [NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
    [NS_TIME] = { "time", "time", CLONE_NEWTIME },
};
static_assert(ARRAY_SIZE(spec_ns_table) == NS_N, "one row per namespace");

const char *const spec_hook_names[] = {
    [HOOK_PRESTART] = "prestart",
    [HOOK_CREATE_RUNTIME] = "createRuntime",
    [HOOK_CREATE_CONTAINER] = "createContainer",
    [HOOK_START_CONTAINER] = "startContainer",
    [HOOK_POSTSTART] = "poststart",
    [HOOK_POSTSTOP] = "poststop",
};
static_assert(ARRAY_SIZE(spec_hook_names) == HOOK_KIND_N, "one name per kind of hook");

const struct spec_name spec_rlimit_names[] = {
    { "RLIMIT_CPU", RLIMIT_CPU },
    { "RLIMIT_FSIZE", RLIMIT_FSIZE },
    { "RLIMIT_DATA", RLIMIT_DATA },
    { "RLIMIT_STACK", RLIMIT_STACK },
    { "RLIMIT_CORE", RLIMIT_CORE },
    { "RLIMIT_RSS", RLIMIT_RSS },
    { "RLIMIT_NPROC", RLIMIT_NPROC },
    { "RLIMIT_NOFILE", RLIMIT_NOFILE },
    { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
    { "RLIMIT_AS", RLIMIT_AS },
    { "RLIMIT_LOCKS", RLIMIT_LOCKS },
    { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
    { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
    { "RLIMIT_NICE", RLIMIT_NICE },
    { "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
    { "RLIMIT_RTTIME", RLIMIT_RTTIME },
    { NULL, 0 },
};
static_assert(ARRAY_SIZE(spec_rlimit_names) == RLIMIT_NLIMITS + 1, "one name per rlimit of the kernel");

const struct spec_name spec_seccomp_action_names[] = {
    { "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
    { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
    { "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD }, /* what libseccomp's SCMP_ACT_KILL has always meant */
    { "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
    { "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
    { "SCMP_ACT_LOG", SECCOMP_RET_LOG },
    { "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
    { "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
    { "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
    { NULL, 0 },
};

/* enum scmp_compare of libseccomp */
const struct spec_name spec_seccomp_operator_names[] = {
    { "SCMP_CMP_NE", 1 }, { "SCMP_CMP_LT", 2 }, { "SCMP_CMP_LE", 3 },        { "SCMP_CMP_EQ", 4 },
    { "SCMP_CMP_GE", 5 }, { "SCMP_CMP_GT", 6 }, { "SCMP_CMP_MASKED_EQ", 7 }, { NULL, 0 },
};

const struct spec_name spec_seccomp_flag_names[] = {
    { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
    { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
    { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
    { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
    { NULL, 0 },
};

const char *const spec_seccomp_arch_names[] = {
    "SCMP_ARCH_AARCH64",  "SCMP_ARCH_ARM",         "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
    "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PARISC",      "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_PPC",      "SCMP_ARCH_PPC64",       "SCMP_ARCH_PPC64LE",     "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_S390",     "SCMP_ARCH_S390X",       "SCMP_ARCH_SH",          "SCMP_ARCH_SHEB",
    "SCMP_ARCH_X32",      "SCMP_ARCH_X86",         "SCMP_ARCH_X86_64",      NULL,
};

/* linux/mempolicy.h; the numbers themselves, since distributions' headers lack the newer modes. */
const struct spec_name spec_memory_policy_mode_names[] = {
    { "MPOL_DEFAULT", 0 },
    { "MPOL_PREFERRED", 1 },
    { "MPOL_BIND", 2 },
    { "MPOL_INTERLEAVE", 3 },
    { "MPOL_LOCAL", 4 },               /* Linux 5.14 as a mode of its own */
    { "MPOL_PREFERRED_MANY", 5 },      /* Linux 5.15 */
    { "MPOL_WEIGHTED_INTERLEAVE", 6 }, /* Linux 6.9 */
    { NULL, 0 },
};

const struct spec_name spec_memory_policy_flag_names[] = {
    { "MPOL_F_NUMA_BALANCING", 1 << 13 },
    { "MPOL_F_RELATIVE_NODES", 1 << 14 },
    { "MPOL_F_STATIC_NODES", 1 << 15 },
    { NULL, 0 },
};

const struct spec_name spec_capability_names[] = {
    { "CAP_CHOWN", 0 },
    { "CAP_DAC_OVERRIDE", 1 },
    { "CAP_DAC_READ_SEARCH", 2 },
    { "CAP_FOWNER", 3 },
    { "CAP_FSETID", 4 },
    { "CAP_KILL", 5 },
    { "CAP_SETGID", 6 },
    { "CAP_SETUID", 7 },
    { "CAP_SETPCAP", 8 },
    { "CAP_LINUX_IMMUTABLE", 9 },
    { "CAP_NET_BIND_SERVICE", 10 },
    { "CAP_NET_BROADCAST", 11 },
    { "CAP_NET_ADMIN", 12 },
    { "CAP_NET_RAW", 13 },
    { "CAP_IPC_LOCK", 14 },
    { "CAP_IPC_OWNER", 15 },
    { "CAP_SYS_MODULE", 16 },
    { "CAP_SYS_RAWIO", 17 },
    { "CAP_SYS_CHROOT", 18 },
    { "CAP_SYS_PTRACE", 19 },
    { "CAP_SYS_PACCT", 20 },
    { "CAP_SYS_ADMIN", 21 },
    { "CAP_SYS_BOOT", 22 },
    { "CAP_SYS_NICE", 23 },
    { "CAP_SYS_RESOURCE", 24 },
    { "CAP_SYS_TIME", 25 },
    { "CAP_SYS_TTY_CONFIG", 26 },
    { "CAP_MKNOD", 27 },
    { "CAP_LEASE", 28 },
    { "CAP_AUDIT_WRITE", 29 },
    { "CAP_AUDIT_CONTROL", 30 },
    { "CAP_SETFCAP", 31 },
    { "CAP_MAC_OVERRIDE", 32 },
    { "CAP_MAC_ADMIN", 33 },
    { "CAP_SYSLOG", 34 },
    { "CAP_WAKE_ALARM", 35 },
    { "CAP_BLOCK_SUSPEND", 36 },
    { "CAP_AUDIT_READ", 37 },
    { "CAP_PERFMON", 38 },
    { "CAP_BPF", 39 },
    { "CAP_CHECKPOINT_RESTORE", 40 },
    { NULL, 0 },
};
/* Not ==: newer kernel headers may know one more; a name unknown here is warned about, not lost. */
static_assert(ARRAY_SIZE(spec_capability_names) >= CAP_AUDIT_READ + 2, "one name per capability");

int spec_name_to_number(const struct spec_name *table, const char *name, int64_t *ret)
{
    for (; table->name; table++) {
        if (strcmp(table->name, name) == 0) {
            *ret = table->value;
            return 0;
        }
    }
    return -ENOENT;
}

const char *spec_number_to_name(const struct spec_name *table, int64_t number)
{
    for (; table->name; table++) {
        if (table->value == number)
            return table->name;
    }
    return NULL;
}
