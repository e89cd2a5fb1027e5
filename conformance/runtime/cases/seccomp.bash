# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# config-linux.md "Seccomp". mkdir is the call that the filters are about: busybox makes it and names the errno.

# seccomp PROFILE: the profile (JSON, merged over one that allows all)
seccomp() { bundle_edit --argjson p "$1" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"} + $p'; }

conformance_case linux_seccomp --spec config-linux.md#seccomp --asserts 4 --quick --needs seccomp --upstream-fails \
    "its filter refuses getcwd to a program that calls it before the test begins" \
    --covers "linux.seccomp linux.seccomp.defaultAction linux.seccomp.syscalls linux.seccomp.syscalls[].names linux.seccomp.syscalls[].action" \
    --proves "calls listed get their action, others the default action; the errno is EPERM when none is given"
case_linux_seccomp() {
    seccomp '{"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
    inside 'mkdir /tmp/x 2>&1 || :; ls -d /tmp; grep ^Seccomp: /proc/self/status'
    like "the call listed is refused with EPERM" "$stdout" '*Operation not permitted*'
    like "others are not" "$stdout" $'*\n/tmp\n*'
    like "by a filter" "$stdout" $'*Seccomp:\t2*'
    refutes "nothing was made" test -e rootfs/tmp/x
}

conformance_case linux_seccomp_errno --spec config-linux.md#seccomp --asserts 3 --needs seccomp \
    --covers "linux.seccomp.defaultErrnoRet linux.seccomp.syscalls[].errnoRet" \
    --differs "runc: 1.1 takes an errno for any action" \
    --proves "errnoRet and defaultErrnoRet are the errno returned; with an action that has none they are an error"
case_linux_seccomp_errno() {
    seccomp '{"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}'
    inside 'mkdir /tmp/x 2>&1 || :'
    like "errnoRet" "$stdout" '*not supported*'
    # A profile that lists what may be done: every other call, mkdir among them, gets the default errno.
    seccomp "$(jq -n --arg names "$(all_calls_but mkdir mkdirat)" '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 28, syscalls: [{names: ($names | split(" ")), action: "SCMP_ACT_ALLOW"}]}')"
    inside 'mkdir /tmp/x 2>&1 || :'
    like "defaultErrnoRet" "$stdout" '*No space left*'
    refused "an errno for an action without" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_KILL", errnoRet: 1}]}' "linux.seccomp"
}

# all_calls_but NAME...: what busybox' shell needs here; more than enough does no harm.
all_calls_but() {
    local call words=''
    for call in access arch_prctl brk capget capset chdir clock_gettime clone clone3 close close_range dup dup2 dup3 epoll_create1 \
        execve execveat exit exit_group faccessat faccessat2 fchdir fcntl fork fstat fstatfs futex getcwd getdents64 getegid geteuid getgid \
        getpgrp getpid getppid getrandom gettid getuid ioctl keyctl kill lseek lstat madvise mkdir mkdirat mmap mprotect mremap munmap nanosleep \
        newfstatat open openat openat2 pipe pipe2 poll prctl pread64 prlimit64 read readlink readlinkat readv recvmsg rseq rt_sigaction \
        rt_sigprocmask rt_sigreturn rt_sigsuspend sched_getaffinity sched_yield seccomp sendmsg set_robust_list set_tid_address setgid setgroups setitimer \
        setpgid setresgid setresuid setsid setuid shutdown sigaltstack socket stat statfs statx sysinfo tgkill umask uname unlink vfork wait4 write writev; do
        [[ " $* " == *" $call "* ]] || words+=" $call"
    done
    echo "${words# }"
}

conformance_case linux_seccomp_args --spec config-linux.md#seccomp --asserts 7 --needs seccomp \
    --covers "linux.seccomp.syscalls[].args linux.seccomp.syscalls[].args[].index linux.seccomp.syscalls[].args[].value linux.seccomp.syscalls[].args[].valueTwo linux.seccomp.syscalls[].args[].op" \
    --proves "a rule with args is about the calls whose arguments compare so, for each of the seven operators"
case_linux_seccomp_args() {
    # kill(pid, signal): which of the signals 0, 10 and 12 are refused.
    local op want value two
    # Not on stdin, which is the container's.
    while read -r op value two want <&9; do
        seccomp "{\"syscalls\": [{\"names\": [\"kill\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 95,
            \"args\": [{\"index\": 1, \"value\": $value, \"valueTwo\": $two, \"op\": \"SCMP_CMP_$op\"}]}]}"
        # A trap-free child that ignores them; what ends it at last must not be kill.
        inside 'trap "" USR1 USR2; sleep 0.01 & for s in 0 10 12; do kill -$s $! 2>/dev/null || printf "%s " $s; done; wait 2>/dev/null; :'
        is "$op $value $two" "${stdout% }" "${want//,/ }"
    done 9<<'TABLE'
EQ 10 0 10
NE 10 0 0,12
LT 10 0 0
LE 10 0 0,10
GT 10 0 12
GE 10 0 10,12
MASKED_EQ 2 2 10
TABLE
}

conformance_case linux_seccomp_actions --spec config-linux.md#seccomp --asserts 8 --needs seccomp \
    --covers "linux.seccomp.syscalls[].action linux.seccomp.architectures" \
    --proves "the actions are those of libseccomp: kill, trap, errno, log, allow; architectures beside the native one can be named"
case_linux_seccomp_actions() {
    local action
    bundle_args mkdir /tmp/x
    for action in KILL KILL_PROCESS KILL_THREAD TRAP; do
        seccomp "{\"syscalls\": [{\"names\": [\"mkdir\", \"mkdirat\"], \"action\": \"SCMP_ACT_$action\"}]}"
        run_lichen run "$CTR"
        # SIGSYS is 31.
        is "$action" "$status" 159
    done
    for action in LOG ALLOW; do
        rm -rf rootfs/tmp/x
        seccomp "{\"syscalls\": [{\"names\": [\"mkdir\", \"mkdirat\"], \"action\": \"SCMP_ACT_$action\"}]}"
        run_lichen run "$CTR"
        is "$action" "$status" 0
    done
    rm -rf rootfs/tmp/x
    seccomp '{"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64"], "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
    run_lichen run "$CTR"
    is "architectures" "$status" 1
    refused "an architecture that is none" '.linux.seccomp.architectures = ["SCMP_ARCH_MAGIC"]' "linux.seccomp.architectures[0]"
}

conformance_case linux_seccomp_flags --spec config-linux.md#seccomp --asserts 3 --needs seccomp --covers "linux.seccomp.flags" \
    --differs "runc: 1.1.5 has no flags" \
    --proves "the flags of seccomp(2) are taken by their names; an unknown one is an error"
case_linux_seccomp_flags() {
    seccomp '{"flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"], "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
    inside 'mkdir /tmp/x 2>&1 || :; grep ^Speculation_Store_Bypass /proc/self/status'
    like "the filter works with them" "$stdout" '*not permitted*'
    unlike "SPEC_ALLOW leaves the mitigation alone" "$stdout" '*force mitigated*'
    refused "an unknown flag" '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_MAGIC"]' "linux.seccomp.flags[0]"
}

conformance_case linux_seccomp_invalid --spec config-linux.md#seccomp --asserts 6 \
    --differs "runc: 1.1 takes an empty list of names" \
    --proves "what is not valid in a profile is an error by its name: names are never empty, actions and operators are known"
case_linux_seccomp_invalid() {
    refused "no default action" '.linux.seccomp = {syscalls: []}' linux.seccomp.defaultAction
    refused "an unknown action" '.linux.seccomp = {defaultAction: "SCMP_ACT_MAGIC"}' linux.seccomp.defaultAction
    refused "no names" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: [], action: "SCMP_ACT_ERRNO"}]}' 'linux.seccomp.syscalls[0].names'
    refused "an unknown action of a rule" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "x"}]}' 'linux.seccomp.syscalls[0].action'
    refused "an unknown operator" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kill"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 1, op: "x"}]}]}' 'linux.seccomp.syscalls[0].args[0].op'
    refused "an argument that no call has" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kill"], action: "SCMP_ACT_ERRNO", args: [{index: 6, value: 1, op: "SCMP_CMP_EQ"}]}]}' 'linux.seccomp.syscalls[0].args[0].index'
}

conformance_case linux_seccomp_listener --spec config-linux.md#seccomp --asserts 2 --needs seccomp \
    --covers "linux.seccomp.listenerPath linux.seccomp.listenerMetadata" \
    --differs "runc: ignores metadata without a path" \
    --proves "SCMP_ACT_NOTIFY needs a listener, and one that cannot be reached is an error; metadata without a listener too"
case_linux_seccomp_listener() {
    start_refused "a listener that is not there" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/no/such/socket", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}' linux.seccomp
    refused "metadata without a listener" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x"}' linux.seccomp.listenerMetadata
}
