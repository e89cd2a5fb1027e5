#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# update: limits of a container that is there. hugetlb is the one controller that a machine with cgroup v1 may have left for v2.

load lib/lichen

setup() {
    lichen_setup
    bundle_new
    bundle_args sleep 100
}

limits() { bundle_edit ".linux.resources = $1"; }
up() { run_lichen -0 run --detach "$CTR"; }
cgroup_dir() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(container_pid "$CTR")/cgroup")"; }
file_is() {
    local got
    got=$(<"$(cgroup_dir)/$1")
    [[ $got == "$2" ]] || { echo "# $1 is '$got', not '$2'" && return 1; }
}
resources() { jq -c .resources <<<"$(lichen state "$CTR")"; }

@test "update changes what it names and keeps the rest" {
    requires --lane vm,root cgroup-memory
    limits '{memory: {limit: 67108864, swap: 100663296}, pids: {limit: 20}, cpu: {quota: 20000, period: 50000, shares: 512}}'
    up
    file_is cpu.max '20000 50000'
    run_lichen -0 update --memory 48m "$CTR"
    file_is memory.max 50331648
    [[ ! -e $(cgroup_dir)/memory.swap.max ]] || file_is memory.swap.max 50331648
    file_is pids.max 20
    run_lichen -0 update --cpu-quota 10000 --pids-limit 30 "$CTR"
    file_is cpu.max '10000 50000'
    file_is pids.max 30
    file_is memory.max 50331648
    file_is cpu.weight 59
    run_lichen -0 update --cpu-period 100000 --cpu-share 1024 "$CTR"
    file_is cpu.max '10000 100000'
    file_is cpu.weight 100
    run_lichen -0 update --cpu-quota=-1 --pids-limit=-1 --memory=-1 --memory-reservation 8m "$CTR"
    file_is cpu.max 'max 100000'
    file_is pids.max max
    file_is memory.max max
    file_is memory.low 8388608
    [[ $(resources) == '{"memory":{"limit":-1,"swap":100663296,"reservation":8388608},"pids":{"limit":-1},"cpu":{"quota":-1,"period":100000,"shares":1024}}' ]]
}

@test "an updated limit survives a daemon-reload" {
    requires --lane vm cgroup-memory systemd-user
    up
    run_lichen -0 update --memory 32m --pids-limit 21 "$CTR"
    systemctl --user daemon-reload
    file_is memory.max 33554432
    file_is pids.max 21
    [[ $(systemctl --user show --property MemoryMax --value "lichen-$CTR.scope") == 33554432 ]]
}

@test "update takes a resources object from a file or stdin, and the next one builds on it" {
    requires --lane vm,root cgroup-pids
    limits '{pids: {limit: 20}}'
    up
    echo '{"pids": {"limit": 11}, "cpu": null}' >"$T/resources.json"
    run_lichen -0 update --resources "$T/resources.json" "$CTR"
    file_is pids.max 11
    run_lichen -0 update -r - "$CTR" <<<'{"unified": {"cgroup.max.descendants": "4"}}'
    file_is cgroup.max.descendants 4
    [[ $(resources) == '{"pids":{"limit":11},"unified":{"cgroup.max.descendants":"4"}}' ]]
}

@test "a paused and a created container can be updated" {
    requires --lane vm,root cgroup-v2
    run_lichen -0 create "$CTR"
    run_lichen -0 update --resources - "$CTR" <<<'{"unified": {"cgroup.max.depth": "5"}}'
    file_is cgroup.max.depth 5
    run_lichen -0 start "$CTR"
    run_lichen -0 pause "$CTR"
    run_lichen -0 update --resources - "$CTR" <<<'{"unified": {"cgroup.max.depth": "6"}}'
    state_is "$CTR" paused
    file_is cgroup.max.depth 6
    [[ $(resources) == '{"unified":{"cgroup.max.depth":"6"}}' ]]
}

@test "a controller that the container was made with can be updated" {
    requires --lane root cgroup-hugetlb
    LICHEN_GLOBAL=(--cgroup-manager cgroupfs)
    bundle_edit --arg path "/lichen-test-$CTR/c" '.linux.cgroupsPath = $path'
    limits '{hugepageLimits: [{pageSize: "2MB", limit: 4194304}]}'
    up
    file_is hugetlb.2MB.max 4194304
    run_lichen -0 update --resources - "$CTR" <<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}]}'
    file_is hugetlb.2MB.max 8388608
    # One it was not made with is named, and nothing is remembered of the attempt.
    run_lichen -1 update --pids-limit 5 "$CTR"
    [[ $stderr == *"linux.resources.pids.limit: the cgroup controller pids is not enabled in "* ]]
    [[ $(resources) == '{"hugepageLimits":[{"pageSize":"2MB","limit":8388608}]}' ]]
    run_lichen -0 delete --force "$CTR"
    rmdir "/sys/fs/cgroup/lichen-test-$CTR"
}

@test "checkBeforeUpdate refuses a memory limit below what is in use" {
    requires --lane vm,root cgroup-memory
    limits '{memory: {limit: 67108864}}'
    up
    run_lichen -1 update --resources - "$CTR" <<<'{"memory": {"limit": 4096, "checkBeforeUpdate": true}}'
    [[ $stderr == *"linux.resources.memory.limit: 4096 is not above the "*" bytes in use"* ]]
    file_is memory.max 67108864
}

@test "update of a value the kernel refuses names field, value and file" {
    requires --lane vm,root cgroup-v2
    up
    run_lichen -1 update --resources - "$CTR" <<<'{"unified": {"cgroup.max.depth": "deep"}}'
    [[ $stderr == *'linux.resources.unified["cgroup.max.depth"]: writing "deep" to cgroup.max.depth'* ]]
    [[ $(resources) == null ]]
}

@test "without a cgroup update says why there is none" {
    LICHEN_GLOBAL=(--cgroup-manager disabled)
    requires userns
    up
    run_lichen -1 update --memory 32m "$CTR"
    [[ $stderr == *"update $CTR: the container has no cgroup: cgroups were disabled by the caller"* ]]
    [[ $stderr == *"hint: "*doctor* ]]
}

@test "bad values are refused by the option's name before anything is looked at" {
    local option
    for option in --memory=x --memory=-2 --memory-swap=1.5g --memory-reservation= --cpu-period=-1 --cpu-quota=1s --cpu-burst=x \
        --cpu-share=0x10 --cpu-shares=x --cpu-idle=yes --pids-limit=ten --blkio-weight=-1 --cpu-rt-period=x --cpu-rt-runtime=x; do
        run_lichen -1 update "$option" "$CTR"
        option=${option%%=*} && option=${option/shares/share}
        [[ $stderr == *"$option "*": a number"* ]]
    done
    run_lichen -1 update --resources "$T/absent" "$CTR"
    [[ $stderr == *"--resources $T/absent: No such file or directory"* ]]
}

@test "values out of the specification's range and cgroup v1's are refused by field" {
    requires userns
    up
    run_lichen -1 update --blkio-weight 5 "$CTR"
    [[ $stderr == *"linux.resources.blockIO.weight: 5 is out of range (10 to 1000)"* ]]
    run_lichen -1 update --cpu-idle 2 "$CTR"
    [[ $stderr == *"linux.resources.cpu.idle: "* ]]
    run_lichen -1 update --cpuset-cpus all "$CTR"
    [[ $stderr == *'linux.resources.cpu.cpus: "all" is not a list'* ]]
    run_lichen -1 update --resources - "$CTR" <<<'{"memory": {"limit": "1m"}}'
    [[ $stderr == *"--resources -: linux.resources.memory.limit: is a string, not an integer"* ]]
    run_lichen -1 update --resources - "$CTR" <<<'not json'
    [[ $stderr == *"--resources -: linux.resources is not valid JSON"* ]]
}

@test "update of an absent or a stopped container is an error" {
    requires userns
    run_lichen -1 update --memory 32m "$CTR"
    [[ $stderr == *"container does not exist"* ]]
    up
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -1 update --memory 32m "$CTR"
    [[ $stderr == *"cannot update container $CTR: it is stopped"* ]]
}
