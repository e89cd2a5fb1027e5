# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# config.md "Process", "POSIX process", "Linux Process", "User".

conformance_case process --spec config.md#process --asserts 7 --quick --upstream \
    --covers "process.args process.env process.cwd" \
    --proves "args, env and cwd are the program's; cwd is absolute; args has at least one entry"
case_process() {
    # shellcheck disable=SC2016
    bundle_args sh -c 'pwd; printf "[%s]" "$0" "$@"; echo; env | grep "^CONF_" | sort' "a b" "" '$x' '*'
    bundle_edit '.process.cwd = "/home/user" | .process.env += ["CONF_A=1", "CONF_B=x=y z", "CONF_EMPTY="]'
    run_lichen -0 run "$CTR"
    is "cwd" "${lines[0]}" /home/user
    is "args, as they are" "${lines[1]}" '[a b][][$x][*]'
    is "env" "${lines[*]:2}" 'CONF_A=1 CONF_B=x=y z CONF_EMPTY='
    refused "a cwd that is not absolute" '.process.cwd = "tmp"' "process.cwd"
    refused "no cwd" 'del(.process.cwd)' "process.cwd"
    refused "no args" 'del(.process.args)' "process.args"
    refused "empty args" '.process.args = []' "process.args"
}

conformance_case process_environment --spec config.md#process --asserts 3 \
    --differs "runc: 1.1 takes an entry without =" \
    --proves "env has the meaning of environ: NAME=VALUE, nothing of the caller's environment"
case_process_environment() {
    export CONF_OUTSIDE=1
    bundle_edit '.process.env = ["PATH=/bin", "CONF_IN=1"]'
    bundle_args env
    run_lichen -0 run "$CTR"
    like "what is given" $'\n'"$stdout"$'\n' $'*\nCONF_IN=1\n*'
    unlike "and nothing of the caller" "$stdout" '*CONF_OUTSIDE*'
    refused "an entry that is no assignment" '.process.env = ["NOEQUALS"]' "process.env[0]"
}

conformance_case process_args_path --spec config.md#process --asserts 3 \
    --proves "args[0] is looked for in PATH of process.env, as execvp does"
case_process_args_path() {
    mkdir rootfs/special
    cp rootfs/bin/busybox rootfs/special/pwd-of-special
    ln -s busybox rootfs/special/only-here
    printf '#!/bin/sh\necho found\n' >rootfs/special/only-here.sh
    chmod 0755 rootfs/special/only-here.sh
    bundle_edit '.process.env = ["PATH=/special:/bin"]'
    bundle_args only-here.sh
    run_lichen -0 run "$CTR"
    is "in the container's PATH" "$stdout" found
    bundle_edit '.process.env = ["PATH=/bin"]'
    errs "not in another" only-here.sh run "$CTR"
    bundle_args /special/only-here.sh
    run_lichen -0 run "$CTR"
    is "a path is taken as it is" "$stdout" found
}

conformance_case process_terminal --spec config.md#process --asserts 5 --needs "command=python3" \
    --covers "process.terminal process.consoleSize process.consoleSize.height process.consoleSize.width" \
    --differs "runc: 1.1 ignores consoleSize" \
    --proves "terminal gives the process a pseudoterminal on its three descriptors, consoleSize its size; without a terminal it is ignored"
case_process_terminal() {
    inside 'test -t 0 || test -t 1 || test -t 2 || echo none'
    is "false by default" "$stdout" none
    bundle_edit '.process.terminal = true | .process.consoleSize = {height: 43, width: 117}'
    bundle_script 'test -t 0 && test -t 1 && test -t 2 && echo three; stty size; stat -c %F /dev/console'
    # Whoever takes the terminal sets a size of its own first; the configured one is set after that, at start.
    "$LICHEN_LIB/pty" receive "$T/console" 24 80 >"$T/received" 2>"$T/receiver" </dev/null &
    wait_until 10 grep -q ready "$T/receiver"
    run_lichen -0 create --console-socket "$T/console" "$CTR"
    wait_until 10 grep -q received "$T/receiver"
    run_lichen -0 start "$CTR"
    wait_until 30 grep -q '^end$' "$T/receiver"
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    like "on all three" "$(<"$T/received")" '*three*'
    like "of the size" "$(<"$T/received")" '*43 117*'
    like "/dev/console is there" "$(<"$T/received")" '*character special file*'
    bundle_edit '.process.terminal = false'
    bundle_args true
    run_lichen -0 run "$CTR"
    assertion 0 "consoleSize without a terminal is ignored"
}

conformance_case process_user --spec config.md#posix-platform-user --asserts 7 --quick --upstream --needs "subids" \
    --covers "process.user process.user.uid process.user.gid process.user.umask process.user.additionalGids" \
    --limits "ids that are mapped: the caller's own and its subordinate ids; another is an error that names it" \
    --differs "runc: the bundle's map has one id" \
    --proves "uid, gid, umask and additionalGids are those of the process"
case_process_user() {
    bundle_edit '.process.user = {uid: 33, gid: 1000, additionalGids: [50, 1], umask: 23}'
    inside 'id -u; id -g; umask; grep ^Groups /proc/self/status; : >/tmp/new; stat -c "%u %g %a" /tmp/new'
    is uid "${lines[0]}" 33
    is gid "${lines[1]}" 1000
    is umask "${lines[2]}" 0027
    is additionalGids "$(tr -s '\t ' '  ' <<<"${lines[3]}" | sed 's/^Groups: //; s/ $//' | tr ' ' '\n' | sort -n | grep -vx 1000 | tr '\n' ' ')" "1 50 "
    is "files are its own" "${lines[4]}" "33 1000 640"
    bundle_edit '.process.user = {uid: 0, gid: 0}'
    inside 'umask'
    is "without umask it is 0022" "$stdout" 0022
    refused "an id that cannot be one" '.process.user.uid = 4294967295' "process.user.uid"
}

conformance_case process_capabilities --spec config.md#linux-process --asserts 8 --quick --upstream \
    --covers "process.capabilities process.capabilities.bounding process.capabilities.effective process.capabilities.inheritable process.capabilities.permitted process.capabilities.ambient" \
    --limits "capabilities of the container's user namespace, not of the host" \
    --proves "each of the five sets has the capabilities listed and no others"
case_process_capabilities() {
    # CHOWN 0, KILL 5, SETUID 7, NET_RAW 13. Read by a program that the process is, not by one that root's exec makes anew.
    bundle_edit '.process.noNewPrivileges = false | .process.capabilities = {
        bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"],
        effective: ["CAP_CHOWN", "CAP_KILL"], inheritable: ["CAP_CHOWN", "CAP_SETUID"], ambient: ["CAP_CHOWN"]}'
    bundle_args cat /proc/self/status
    run_lichen -0 run "$CTR"
    is bounding "$(capability_set Bnd)" 00000000000020a1
    is inheritable "$(capability_set Inh)" 0000000000000081
    bundle_edit '.process.user = {uid: 0, gid: 0} | .process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"],
        permitted: ["CAP_CHOWN", "CAP_KILL"], effective: ["CAP_CHOWN", "CAP_KILL"]}'
    run_lichen -0 run "$CTR"
    is permitted "$(capability_set Prm)" 0000000000000021
    is effective "$(capability_set Eff)" 0000000000000021
    is "inheritable is empty unless asked for" "$(capability_set Inh)" 0000000000000000
    is "ambient too" "$(capability_set Amb)" 0000000000000000
    bundle_edit '.process.capabilities.inheritable = ["CAP_KILL"] | .process.capabilities.ambient = ["CAP_KILL"]'
    run_lichen -0 run "$CTR"
    is ambient "$(capability_set Amb)" 0000000000000020
    bundle_edit '.process.capabilities = {}'
    run_lichen -0 run "$CTR"
    is "none when none is listed" "$(capability_set Prm) $(capability_set Eff) $(capability_set Bnd)" "0000000000000000 0000000000000000 0000000000000000"
}

capability_set() { sed -n "s/^Cap$1:[[:space:]]*//p" <<<"$stdout"; }

conformance_case process_capabilities_fail --spec config.md#linux-process --asserts 2 --upstream-fails \
    "it wants an error, as runtime-spec 1.0 said; since 1.1 a capability that is not known or cannot be had is a warning" \
    --proves "a capability that the kernel does not know is a warning and no error"
case_process_capabilities_fail() {
    bundle_edit '.process.capabilities.bounding += ["CAP_MAGIC"]'
    bundle_args true
    run_lichen run "$CTR"
    is "it runs" "$status" 0
    like "with a warning that names it" "$output" '*CAP_MAGIC*'
}

conformance_case process_rlimits --spec config.md#posix-process --asserts 5 --quick --upstream-fails \
    "its program is Go, whose runtime raises its own soft RLIMIT_NOFILE before it looks" \
    --covers "process.rlimits process.rlimits[].type process.rlimits[].soft process.rlimits[].hard" \
    --limits "not above the caller's hard limit: an error with both values" \
    --proves "each limit has the soft and hard value given, as the kernel shows it (not what a program makes of it)"
case_process_rlimits() {
    bundle_edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 4096},
        {type: "RLIMIT_STACK", soft: 1048576, hard: 4194304}, {type: "RLIMIT_CPU", soft: 500, hard: 600}]'
    bundle_args cat /proc/self/limits
    run_lichen -0 run "$CTR"
    is RLIMIT_NOFILE "$(limit_of "open files")" "100 200"
    is RLIMIT_CORE "$(limit_of "core file size")" "0 4096"
    is RLIMIT_STACK "$(limit_of "stack size")" "1048576 4194304"
    is RLIMIT_CPU "$(limit_of "cpu time")" "500 600"
    bundle_edit 'del(.process.rlimits)'
    run_lichen -0 run "$CTR"
    is "without it the limits are the caller's" "$(limit_of "cpu time")" "unlimited unlimited"
}

limit_of() { grep "^Max $1" <<<"$stdout" | sed "s/^Max $1 *//" | awk '{ print $1, $2 }'; }

conformance_case process_rlimits_fail --spec config.md#posix-process --asserts 3 --upstream \
    --differs "runc: 1.1 takes a kind twice" \
    --proves "a limit that the kernel does not have, or given twice, or with soft above hard, is an error"
case_process_rlimits_fail() {
    refused "a kind that is none" '.process.rlimits = [{type: "RLIMIT_TEST", soft: 1, hard: 1}]' "process.rlimits[0].type"
    refused "a kind given twice" '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1, hard: 1}, {type: "RLIMIT_CORE", soft: 2, hard: 2}]' "RLIMIT_CORE"
    refused "soft above hard" '.process.rlimits = [{type: "RLIMIT_CORE", soft: 2, hard: 1}]' "process.rlimits[0]"
}

conformance_case process_oom_score_adj --spec config.md#linux-process --asserts 3 --quick --upstream \
    --covers "process.oomScoreAdj" --limits "not below the caller's own value: an error with both" \
    --proves "oomScoreAdj is set, and where it is not given the runtime leaves the value alone"
case_process_oom_score_adj() {
    local mine
    mine=$(</proc/self/oom_score_adj)
    bundle_edit --argjson n "$((mine + 100))" '.process.oomScoreAdj = $n'
    inside 'cat /proc/self/oom_score_adj'
    is "as given" "$stdout" "$((mine + 100))"
    bundle_edit 'del(.process.oomScoreAdj)'
    inside 'cat /proc/self/oom_score_adj'
    is "the caller's when not given" "$stdout" "$mine"
    refused "a value out of the kernel's range" '.process.oomScoreAdj = 1001' "process.oomScoreAdj"
}

conformance_case process_no_new_privileges --spec config.md#linux-process --asserts 2 --covers "process.noNewPrivileges" \
    --proves "noNewPrivileges keeps the process from gaining privileges; false leaves it able to"
case_process_no_new_privileges() {
    local value
    for value in true false; do
        bundle_edit --argjson v "$value" '.process.noNewPrivileges = $v'
        inside "sed -n 's/NoNewPrivs:[^0-9]*//p' /proc/self/status"
        is "$value" "$stdout" "$([[ $value == true ]] && echo 1 || echo 0)"
    done
}

conformance_case linux_process --spec config.md#linux-process --asserts 3 --upstream-fails \
    "it asks for an AppArmor profile and an SELinux label that no host has, and takes no error for an answer" \
    --proves "several properties of the Linux process hold together: oomScoreAdj, noNewPrivileges, all capabilities"
case_linux_process() {
    bundle_edit '.process.oomScoreAdj = 500 | .process.noNewPrivileges = true | .process.user = {uid: 0, gid: 0}'
    bundle_args cat /proc/self/status /proc/self/oom_score_adj
    run_lichen -0 run "$CTR"
    is oomScoreAdj "${lines[-1]}" 500
    like noNewPrivileges "$stdout" $'*NoNewPrivs:\t1*'
    is capabilities "$(capability_set Eff)" 0000000020000420
}

conformance_case linux_process_apparmor_profile --spec config.md#linux-process --asserts plan --covers "process.apparmorProfile" \
    --upstream-fails "it asks for a profile that no host has loaded, and never looks at the answer" \
    --proves "apparmorProfile is the profile of the process; where the kernel has no AppArmor, or not that profile, it is an error, not ignored"
case_linux_process_apparmor_profile() {
    if [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]]; then
        plan 2
        # The one profile that every kernel with AppArmor has.
        bundle_edit '.process.apparmorProfile = "unconfined"'
        inside 'cat /proc/self/attr/current'
        like "the profile asked for" "$stdout" 'unconfined*'
        bundle_edit 'del(.process.apparmorProfile)'
    else
        plan 1
    fi
    refused "a profile that is not there" '.process.apparmorProfile = "lichen-no-such-profile"' "process.apparmorProfile"
}

conformance_case process_selinux_label --spec config.md#linux-process --asserts 1 --covers "process.selinuxLabel" \
    --differs "runc: 1.1 ignores it without SELinux" \
    --proves "selinuxLabel is the label of the process; where it cannot be had it is an error, not ignored"
case_process_selinux_label() {
    refused "a label that cannot be had" '.process.selinuxLabel = "no_u:no_r:no_t:s0"' "process.selinuxLabel"
}

conformance_case process_scheduler --spec config.md#linux-process --asserts 5 --needs "command=chrt" \
    --covers "process.scheduler process.scheduler.policy process.scheduler.nice" \
    --limits "SCHED_OTHER, SCHED_BATCH and SCHED_IDLE; real-time policies need CAP_SYS_NICE or RLIMIT_RTPRIO, SCHED_DEADLINE CAP_SYS_NICE: refused by name" \
    --differs "runc: 1.1 has no scheduler" \
    --proves "the scheduling policy and nice value are those given; an unknown policy is an error"
case_process_scheduler() {
    local policy
    for policy in SCHED_BATCH SCHED_IDLE SCHED_OTHER; do
        bundle_edit --arg p "$policy" '.process.scheduler = {policy: $p}'
        up
        like "$policy" "$(LC_ALL=C chrt -p "$(in_state .pid)")" "*scheduling policy: $policy*"
        halt
    done
    bundle_edit '.process.scheduler = {policy: "SCHED_OTHER", nice: 7}'
    up
    is nice "$(ps -o ni= -p "$(in_state .pid)" | tr -d ' ')" 7
    halt
    refused "an unknown policy" '.process.scheduler = {policy: "SCHED_MAGIC"}' "process.scheduler.policy"
}

conformance_case process_scheduler_real_time --spec config.md#linux-process --asserts plan --needs "command=chrt" \
    --covers "process.scheduler.priority process.scheduler.flags process.scheduler.runtime process.scheduler.deadline process.scheduler.period" \
    --limits "refused by name before anything is made; root sets them" \
    --differs "runc: 1.1 has no scheduler" \
    --proves "priority, flags and the deadline's three times are set, or refused by name; never ignored"
case_process_scheduler_real_time() {
    # Whether this caller may, asked of the kernel by another program.
    if [[ $EUID -eq 0 ]] && chrt --fifo 10 true 2>/dev/null; then
        plan 2
        bundle_edit '.process.scheduler = {policy: "SCHED_FIFO", priority: 10, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
        up
        like "priority and flags" "$(LC_ALL=C chrt -p "$(in_state .pid)")" '*SCHED_FIFO|SCHED_RESET_ON_FORK*priority: 10*'
        halt
    else
        plan 3
        refused "a real-time priority" '.process.scheduler = {policy: "SCHED_FIFO", priority: 10}' "process.scheduler"
        refused "flags are read" '.process.scheduler = {policy: "SCHED_FIFO", priority: 10, flags: ["SCHED_FLAG_MAGIC"]}' "process.scheduler.flags[0]"
    fi
    start_refused "deadline times that make no sense" '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 30000000, deadline: 20000000, period: 10000000}' "process.scheduler"
}

conformance_case process_io_priority --spec config.md#linux-process --asserts 4 --needs "command=ionice" \
    --covers "process.ioPriority process.ioPriority.class process.ioPriority.priority" \
    --limits "IOPRIO_CLASS_BE and IOPRIO_CLASS_IDLE; IOPRIO_CLASS_RT needs CAP_SYS_NICE: refused by name" \
    --differs "runc: 1.1 has no ioPriority" \
    --proves "the I/O class and priority are those given; another class or priority is an error"
case_process_io_priority() {
    bundle_edit '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
    up
    is "best effort" "$(ionice -p "$(in_state .pid)")" "best-effort: prio 6"
    halt
    bundle_edit '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
    up
    like "idle" "$(ionice -p "$(in_state .pid)")" 'idle*'
    halt
    refused "an unknown class" '.process.ioPriority = {class: "IOPRIO_CLASS_MAGIC", priority: 0}' "process.ioPriority.class"
    refused "a priority out of range" '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 8}' "process.ioPriority.priority"
}

conformance_case process_other_platforms --spec config.md#process --asserts 1 --covers "process.commandLine process.user.username" \
    --proves "properties of the process that Windows alone has are ignored on Linux"
case_process_other_platforms() {
    bundle_edit '.process.commandLine = "other.exe /x" | .process.user.username = "ContainerUser"'
    inside 'echo args'
    is "args is what runs" "$stdout" args
}
