#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# How the process is scheduled and where its memory comes from: scheduler, ioPriority, memoryPolicy, personality,
# execCPUAffinity.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
}

inside() {
    bundle_script "$1"
    run_lichen -0 run "$CTR"
}

@test "scheduler: what needs no privilege is set, with its flags" {
    bundle_edit '.process.scheduler = {policy: "SCHED_BATCH", nice: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
    bundle_args cat /proc/self/stat
    run_lichen -0 run "$CTR"
    # proc(5), stat: 19 nice, 41 policy.
    [[ $(cut -d' ' -f19,41 <<<"$stdout") == "5 3" ]]
    bundle_edit '.process.scheduler = {policy: "SCHED_IDLE"}'
    bundle_args cat /proc/self/stat
    run_lichen -0 run "$CTR"
    [[ $(cut -d' ' -f41 <<<"$stdout") == 5 ]]
}

@test "scheduler and ioPriority: what needs privilege is refused before anything is made" {
    requires user
    bundle_refused '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 2000000, period: 2000000}' "process.scheduler.policy: SCHED_DEADLINE needs CAP_SYS_NICE"
    bundle_refused '.process.scheduler = {policy: "SCHED_RR", priority: 5}' "process.scheduler.priority"
    bundle_refused '.process.scheduler = {policy: "SCHED_OTHER", nice: -5}' "process.scheduler.nice"
    bundle_refused '.process.scheduler = {policy: "SCHED_ISO"}' "process.scheduler.policy: SCHED_ISO is implemented in no Linux kernel"
    bundle_refused '.process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 4}' "process.ioPriority.class"
}

@test "root: real-time and deadline scheduling are set; in a user namespace they are refused" {
    requires --lane root root
    bundle_edit '.process.scheduler = {policy: "SCHED_FIFO", priority: 7} | .process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 3}'
    bundle_script 'cat /proc/self/stat; ionice'
    run_lichen run "$CTR"
    # A cgroup v1 hierarchy with real-time bandwidth control gives a new cgroup none of it.
    [[ $status -eq 0 || $stderr == *"process.scheduler: cannot set policy"* ]]
    [[ $status -ne 0 || $(head -n 1 <<<"$stdout" | cut -d' ' -f40,41) == "7 1" && $stdout == *"realtime: prio 3"* ]]
    bundle_edit 'del(.process.ioPriority) | .process.scheduler = {policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 20000000, period: 20000000, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
    bundle_args cat /proc/self/stat
    run_lichen -0 run "$CTR"
    [[ $(cut -d' ' -f41 <<<"$stdout") == 6 ]]
    # The flag: a child is an ordinary process again.
    inside 'cat /proc/self/stat; :'
    [[ $(cut -d' ' -f41 <<<"$stdout") == 0 ]]
    bundle_refused '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}] | .linux.gidMappings = .linux.uidMappings' \
        "process.scheduler.policy: SCHED_DEADLINE needs CAP_SYS_NICE"
}

@test "ioPriority is set" {
    bundle_edit '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
    inside ionice
    [[ $stdout == *"best-effort: prio 6"* ]]
    bundle_edit '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
    inside ionice
    [[ $stdout == *idle* ]]
}

@test "memoryPolicy is the process's, and exec's" {
    # covers: linux.memoryPolicy linux.memoryPolicy.mode linux.memoryPolicy.nodes linux.memoryPolicy.flags
    [[ -e /proc/self/numa_maps ]] || skip "this kernel has no NUMA"
    bundle_edit '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
    inside 'grep -m 1 stack /proc/self/numa_maps'
    [[ $stdout == *"interleave=static:0"* ]]
    bundle_edit '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
    run_lichen -0 exec "$CTR" grep -m 1 stack /proc/self/numa_maps
    [[ $stdout == *"bind:0"* ]]
}

@test "memoryPolicy that cannot be is refused before anything is made" {
    [[ -e /proc/self/numa_maps ]] || skip "this kernel has no NUMA"
    [[ ! -e /sys/devices/system/node/node1000 ]]
    bundle_refused '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1000"}' "linux.memoryPolicy: mode MPOL_BIND, nodes 1000: Invalid argument"
    bundle_refused '.linux.memoryPolicy = {mode: "MPOL_MAGIC"}' "linux.memoryPolicy.mode"
    bundle_refused '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE"}' "linux.memoryPolicy.nodes: is required for MPOL_INTERLEAVE"
    bundle_refused '.linux.memoryPolicy = {nodes: "0"}' "linux.memoryPolicy.mode: is required"
}

@test "exec has the container's personality" {
    [[ $(uname -m) == x86_64 ]] || skip "uname -m of LINUX32 is known for x86_64 only"
    bundle_edit '.linux.personality = {domain: "LINUX32"}'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
    run_lichen -0 exec "$CTR" uname -m
    [[ $stdout == i686 ]]
}

# The first CPU this test may use.
first_cpu() { awk '/^Cpus_allowed_list/ { split($2, a, /[,-]/); print a[1] }' /proc/self/status; }
allowed() { run_lichen -0 exec "$@" grep Cpus_allowed_list /proc/self/status && allowed=${stdout##*[[:space:]]}; }

@test "execCPUAffinity: final is where exec's process runs, initial where it begins" {
    # covers: process.execCPUAffinity process.execCPUAffinity.initial process.execCPUAffinity.final
    local cpu all allowed
    cpu=$(first_cpu)
    all=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
    bundle_edit --arg c "$cpu" '.process.execCPUAffinity = {initial: $c, final: $c}'
    bundle_script 'grep Cpus_allowed_list /proc/self/status; exec sleep 100'
    lichen create "$CTR" >"$T/init-out"
    run_lichen -0 start "$CTR"
    wait_until 10 grep -q Cpus "$T/init-out"
    # Not init's.
    [[ $(awk '{ print $2 }' "$T/init-out") == "$all" ]]
    allowed "$CTR"
    [[ $allowed == "$cpu" ]]
    # With the process in a file it is the file's; an initial list alone is gone in the end.
    printf '{"cwd": "/", "args": ["/bin/grep", "Cpus_allowed_list", "/proc/self/status"]}' >"$T/p.json"
    run_lichen -0 exec --process "$T/p.json" "$CTR"
    [[ ${stdout##*[[:space:]]} == "$all" ]]
    jq --arg c "$cpu" '.execCPUAffinity = {initial: $c}' "$T/p.json" >"$T/q.json"
    run_lichen -0 exec --process "$T/q.json" "$CTR"
    [[ ${stdout##*[[:space:]]} == "$all" || $(nproc) -eq 1 ]]
    jq '.execCPUAffinity = {final: "8000"}' "$T/p.json" >"$T/q.json"
    run_lichen ! exec --process "$T/q.json" "$CTR"
    [[ $stderr == *"process.execCPUAffinity.final: CPUs 8000"* ]]
    jq '.execCPUAffinity = {initial: "0-x"}' "$T/p.json" >"$T/q.json"
    run_lichen ! exec --process "$T/q.json" "$CTR"
    [[ $stderr == *"process.execCPUAffinity.initial"* ]]
}
