# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # stdout, stderr, status, lines, LICHEN_GLOBAL: lichen.bash
#
# config-linux.md "Control groups" on cgroup v2. runtime-tools knows cgroup v1 alone: its names are kept, what they prove is
# proved on the files of cgroup v2. A user's systemd delegates cpu, memory and pids; the rest needs root (lane root).

V1_ONLY="it looks for the files of cgroup v1"

limits() { bundle_edit --argjson r "$1" '.linux.resources = $r'; }
# relative_path, absolute_path: a cgroupsPath of this case, of either kind, that this caller may have.
relative_path() { bundle_edit --arg p "conf-$CTR" '.linux.cgroupsPath = $p' && LICHEN_GLOBAL=(--cgroup-manager cgroupfs); }
absolute_path() {
    local own=''
    # Root: below the root of the hierarchy; a user: below its manager's subtree, which is delegated.
    [[ $EUID -eq 0 ]] || own=$(sed -n 's/^0::\(.*user@[0-9]*\.service\).*/\1/p' /proc/self/cgroup)
    bundle_edit --arg p "$own/conf-$CTR" '.linux.cgroupsPath = $p'
    LICHEN_GLOBAL=(--cgroup-manager cgroupfs)
}
cgroup_dir() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(in_state .pid)/cgroup")"; }
file_of() { cat "$(cgroup_dir)/$1"; }

# in_cgroup PATH-KIND RESOURCES FILE=WANT...: creates with the limits; each file has the value. One assertion a file.
in_cgroup() {
    local file
    [[ $1 == any ]] || "$1_path"
    limits "$2"
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    for file in "${@:3}"; do
        is "${file%%=*}" "$(file_of "${file%%=*}")" "${file#*=}"
    done
    [[ $1 == any ]] || like "in the cgroup asked for" "$(cgroup_dir)" "*/conf-$CTR"
    run_lichen -0 delete --force "$CTR"
}

CPUS='{"cpu": {"shares": 1024, "quota": 50000, "period": 100000, "burst": 1000}}'
CPU_FILES=(cpu.weight=100 "cpu.max=50000 100000" cpu.max.burst=1000)

conformance_case linux_cgroups_cpus --spec config-linux.md#cpu --asserts 4 --lane vm,root --needs cgroup-cpu --upstream-fails "$V1_ONLY" \
    --covers "linux.resources linux.resources.cpu linux.resources.cpu.shares linux.resources.cpu.quota linux.resources.cpu.burst linux.resources.cpu.period linux.cgroupsPath" \
    --limits "needs a delegated cgroup v2 controller (systemd: cpu, memory and pids by default); otherwise an error that names it and the drop-in that delegates it" \
    --proves "shares, quota, period and burst are the cgroup's"
case_linux_cgroups_cpus() { in_cgroup absolute "$CPUS" "${CPU_FILES[@]}"; }

conformance_case linux_cgroups_relative_cpus --spec config-linux.md#cgroups-path --asserts 4 --lane vm,root --needs cgroup-cpu --upstream-fails "$V1_ONLY" \
    --covers "linux.cgroupsPath" --proves "the same in a cgroup by a relative path"
case_linux_cgroups_relative_cpus() { in_cgroup relative "$CPUS" "${CPU_FILES[@]}"; }

conformance_case linux_cgroups_cpu_idle --spec config-linux.md#cpu --asserts 2 --lane vm,root --needs cgroup-cpu \
    --covers "linux.resources.cpu.idle" --proves "idle makes the cgroup one that runs when nothing else does; 0 is the default"
case_linux_cgroups_cpu_idle() {
    in_cgroup any '{"cpu": {"idle": 1}}' cpu.idle=1
    in_cgroup any '{"cpu": {"idle": 0, "shares": 1024}}' cpu.idle=0
}

conformance_case linux_cgroups_cpuset --spec config-linux.md#cpu --asserts 2 --lane root --needs cgroup-cpuset \
    --covers "linux.resources.cpu.cpus linux.resources.cpu.mems" --limits "cpuset is not delegated by default" \
    --proves "cpus and mems are where the cgroup may run and allocate"
case_linux_cgroups_cpuset() { in_cgroup any '{"cpu": {"cpus": "0", "mems": "0"}}' cpuset.cpus=0 cpuset.mems=0; }

MEMORY='{"memory": {"limit": 50593792, "reservation": 33554432, "swap": 50593792}}'
MEMORY_FILES=(memory.max=50593792 memory.low=33554432)

conformance_case linux_cgroups_memory --spec config-linux.md#memory --asserts 3 --lane vm,root --needs cgroup-memory --upstream-fails "$V1_ONLY" \
    --covers "linux.resources.memory linux.resources.memory.limit linux.resources.memory.reservation" \
    --proves "limit and reservation are the cgroup's"
case_linux_cgroups_memory() { in_cgroup absolute "$MEMORY" "${MEMORY_FILES[@]}"; }

conformance_case linux_cgroups_relative_memory --spec config-linux.md#cgroups-path --asserts 3 --lane vm,root --needs cgroup-memory --upstream-fails "$V1_ONLY" \
    --proves "the same in a cgroup by a relative path"
case_linux_cgroups_relative_memory() { in_cgroup relative "$MEMORY" "${MEMORY_FILES[@]}"; }

conformance_case linux_cgroups_memory_swap --spec config-linux.md#memory --asserts 2 --lane vm,root --needs cgroup-memory \
    --covers "linux.resources.memory.swap" --proves "swap is memory and swap together: what it has above limit is the swap"
case_linux_cgroups_memory_swap() {
    limits '{"memory": {"limit": 33554432, "swap": 50331648}}'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    # A kernel without swap accounting has no file, and no swap.
    like "the difference" "$(cat "$(cgroup_dir)/memory.swap.max" 2>/dev/null || echo 16777216)" 16777216
    run_lichen -0 delete --force "$CTR"
    refused "less than limit" '.linux.resources.memory.swap = 1048576' linux.resources.memory.swap
}

conformance_case linux_cgroups_pids --spec config-linux.md#pids --asserts 3 --lane vm,root --needs cgroup-pids --upstream-fails "$V1_ONLY" \
    --covers "linux.resources.pids linux.resources.pids.limit" --proves "no more tasks than limit can be in the cgroup"
case_linux_cgroups_pids() {
    in_cgroup absolute '{"pids": {"limit": 5}}' pids.max=5
    # shellcheck disable=SC2016
    bundle_script 'for i in 1 2 3 4 5 6 7 8; do sleep 3 & done; echo all'
    run_lichen run "$CTR"
    unlike "the fork that is too many fails" "$status$stdout" '0*all*'
}

conformance_case linux_cgroups_relative_pids --spec config-linux.md#cgroups-path --asserts 2 --lane vm,root --needs cgroup-pids --upstream-fails "$V1_ONLY" \
    --proves "the same in a cgroup by a relative path"
case_linux_cgroups_relative_pids() { in_cgroup relative '{"pids": {"limit": 1000}}' pids.max=1000; }

# io_device: "MAJOR MINOR" of a whole disk; a limit of a partition is refused by the kernel.
io_device() {
    local device
    for device in /sys/block/*/; do
        [[ ${device} == */@(vd|sd|nvme|xvd)* && -e $device/dev ]] && tr ':' ' ' <"$device/dev" && return
    done
    skip "there is no disk here to limit"
}

io_limits() {
    local device major minor
    device=$(io_device)
    [[ $device =~ ^([0-9]+)\ ([0-9]+)$ ]] || skip "there is no disk here to limit"
    major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
    jq -n --argjson major "$major" --argjson minor "$minor" '{major: $major, minor: $minor} as $d | {blockIO: {
        throttleReadBpsDevice: [$d + {rate: 102400}], throttleWriteBpsDevice: [$d + {rate: 204800}],
        throttleReadIOPSDevice: [$d + {rate: 111}], throttleWriteIOPSDevice: [$d + {rate: 222}]}}'
}

conformance_case linux_cgroups_blkio --spec config-linux.md#block-io --asserts 2 --lane root --needs cgroup-io --upstream-fails "$V1_ONLY" \
    --covers "linux.resources.blockIO linux.resources.blockIO.throttleReadBpsDevice.* linux.resources.blockIO.throttleWriteBpsDevice.* linux.resources.blockIO.throttleReadIOPSDevice.* linux.resources.blockIO.throttleWriteIOPSDevice.* linux.resources.blockIO.throttleReadBpsDevice linux.resources.blockIO.throttleWriteBpsDevice linux.resources.blockIO.throttleReadIOPSDevice linux.resources.blockIO.throttleWriteIOPSDevice" \
    --limits "io is not delegated by default" --proves "the four rates of a device are the cgroup's io.max"
case_linux_cgroups_blkio() {
    local device resources
    resources=$(io_limits)
    device=$(io_device | tr ' ' ':')
    in_cgroup absolute "$resources" "io.max=$device rbps=102400 wbps=204800 riops=111 wiops=222"
}

conformance_case linux_cgroups_relative_blkio --spec config-linux.md#cgroups-path --asserts 2 --lane root --needs cgroup-io --upstream-fails "$V1_ONLY" \
    --proves "the same in a cgroup by a relative path"
case_linux_cgroups_relative_blkio() {
    local device resources
    resources=$(io_limits)
    device=$(io_device | tr ' ' ':')
    in_cgroup relative "$resources" "io.max=$device rbps=102400 wbps=204800 riops=111 wiops=222"
}

# A page size that this kernel has a limit for, as the spec writes it.
huge_page() {
    local file
    for file in /sys/kernel/mm/hugepages/hugepages-*kB; do
        case ${file##*/} in
            hugepages-2048kB) echo 2MB && return ;;
            hugepages-1048576kB) echo 1GB && return ;;
        esac
    done
    skip "this kernel has no huge pages"
}

conformance_case linux_cgroups_hugetlb --spec config-linux.md#huge-page-limits --asserts 3 --lane root --needs cgroup-hugetlb --upstream-fails "$V1_ONLY" \
    --covers "linux.resources.hugepageLimits linux.resources.hugepageLimits[].pageSize linux.resources.hugepageLimits[].limit" \
    --limits "systemd does not manage hugetlb" --proves "the limit of a page size is that of reservations and of use"
case_linux_cgroups_hugetlb() {
    local size
    size=$(huge_page)
    [[ -n $size ]] || skip "this kernel has no huge pages"
    in_cgroup absolute "{\"hugepageLimits\": [{\"pageSize\": \"$size\", \"limit\": 1073741824}]}" "hugetlb.$size.max=1073741824" "hugetlb.$size.rsvd.max=1073741824"
}

conformance_case linux_cgroups_relative_hugetlb --spec config-linux.md#cgroups-path --asserts 3 --lane root --needs cgroup-hugetlb --upstream-fails "$V1_ONLY" \
    --proves "the same in a cgroup by a relative path"
case_linux_cgroups_relative_hugetlb() {
    local size
    size=$(huge_page)
    [[ -n $size ]] || skip "this kernel has no huge pages"
    in_cgroup relative "{\"hugepageLimits\": [{\"pageSize\": \"$size\", \"limit\": 1073741824}]}" "hugetlb.$size.max=1073741824" "hugetlb.$size.rsvd.max=1073741824"
}

conformance_case linux_cgroups_unified --spec config-linux.md#unified --asserts 4 --lane vm,root --needs cgroup-memory \
    --covers "linux.resources.unified" --proves "each file of unified gets its text; a controller that is not there is an error"
case_linux_cgroups_unified() {
    in_cgroup any '{"unified": {"memory.high": "25165824", "cgroup.max.descendants": "3", "pids.max": "44"}}' \
        memory.high=25165824 cgroup.max.descendants=3 pids.max=44
    refused "of a controller that is none" '.linux.resources = {unified: {"magic.max": "1"}}' 'linux.resources.unified["magic.max"]'
}

# Conversions that cannot be done are errors, in any lane: config-linux.md "If the conversion is not possible".
conformance_case linux_cgroups_network --spec config-linux.md#network --asserts 2 --covers "linux.resources.network" --upstream-fails "$V1_ONLY, net_cls and net_prio" \
    --differs "runc: 1.1 ignores it" \
    --limits "refused for everybody: cgroup v2 has no net_cls and net_prio" \
    --proves "net_cls and net_prio are not in cgroup v2: asked for, they are an error"
case_linux_cgroups_network() {
    refused classID '.linux.resources = {network: {classID: 255}}' linux.resources.network
    refused priorities '.linux.resources = {network: {priorities: [{name: "lo", priority: 10}]}}' linux.resources.network
}

conformance_case linux_cgroups_relative_network --spec config-linux.md#network --asserts 1 --upstream-fails "$V1_ONLY, net_cls and net_prio" \
    --differs "runc: 1.1 ignores it" \
    --proves "the same with a relative cgroupsPath"
case_linux_cgroups_relative_network() {
    bundle_edit '.linux.cgroupsPath = "conf-relative"'
    refused classID '.linux.resources = {network: {classID: 255}}' linux.resources.network
}

conformance_case linux_cgroups_v1_only --spec config-linux.md#unified --asserts 7 --needs lichen \
    --covers "linux.resources.memory.swappiness linux.resources.memory.disableOOMKiller linux.resources.cpu.realtimeRuntime linux.resources.cpu.realtimePeriod linux.resources.blockIO.leafWeight linux.resources.blockIO.weightDevice[].leafWeight" \
    --limits "refused for everybody: cgroup v2 has nothing like it" \
    --proves "a setting of cgroup v1 that has no counterpart in cgroup v2 is an error that names it"
case_linux_cgroups_v1_only() {
    local r
    refused swappiness '.linux.resources = {memory: {swappiness: 10}}' linux.resources.memory.swappiness
    refused disableOOMKiller '.linux.resources = {memory: {disableOOMKiller: true}}' linux.resources.memory.disableOOMKiller
    refused realtimeRuntime '.linux.resources = {cpu: {realtimeRuntime: 1000}}' linux.resources.cpu.realtime
    refused realtimePeriod '.linux.resources = {cpu: {realtimePeriod: 1000000}}' linux.resources.cpu.realtime
    refused leafWeight '.linux.resources = {blockIO: {leafWeight: 100}}' linux.resources.blockIO.leafWeight
    refused "leafWeight of a device" '.linux.resources = {blockIO: {weightDevice: [{major: 8, minor: 0, leafWeight: 100}]}}' linux.resources.blockIO.weightDevice
    # Which ask for nothing in cgroup v2, where memory is always accounted by the hierarchy and to the kernel's use.
    r='{"memory": {"disableOOMKiller": false, "useHierarchy": true, "kernel": 1, "kernelTCP": 1}}'
    limits "$r"
    bundle_args true
    run_lichen run "$CTR"
    is "what asks for nothing is no error" "$status" 0
}

conformance_case linux_cgroups_memory_obsolete --spec config-linux.md#memory --asserts 1 --needs lichen \
    --covers "linux.resources.memory.kernel linux.resources.memory.kernelTCP linux.resources.memory.useHierarchy" \
    --proves "the properties that the specification does not recommend are read and without effect"
case_linux_cgroups_memory_obsolete() {
    limits '{"memory": {"kernel": 52428800, "kernelTCP": 52428800, "useHierarchy": true}}'
    bundle_args true
    run_lichen run "$CTR"
    is "no error" "$status" 0
}

conformance_case linux_cgroups_not_available --spec config-linux.md#unified --asserts plan --needs lichen \
    --covers "linux.resources.blockIO.weight linux.resources.blockIO.weightDevice linux.resources.blockIO.weightDevice[].major linux.resources.blockIO.weightDevice[].minor linux.resources.blockIO.weightDevice[].weight linux.resources.rdma linux.resources.rdma.hcaHandles linux.resources.rdma.hcaObjects linux.resources.memory.checkBeforeUpdate" \
    --limits "io and rdma are not delegated by default" \
    --proves "a limit whose controller is not there is an error that names the field, never ignored"
case_linux_cgroups_not_available() {
    local controllers field resources controller count=0
    controllers=$(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null || :)
    [[ $EUID -eq 0 ]] || controllers=$(cat "/sys/fs/cgroup/user.slice/user-$EUID.slice/user@$EUID.service/cgroup.controllers" 2>/dev/null || :)
    while read -r controller field resources <&9; do
        [[ " $controllers " != *" $controller "* ]] || continue
        refused "$field" ".linux.resources = $resources" "linux.resources.$field"
        count=$((count + 1))
    done 9<<'TABLE'
io blockIO.weight {blockIO: {weight: 100}}
io blockIO.weightDevice {blockIO: {weightDevice: [{major: 8, minor: 0, weight: 500}]}}
io blockIO.throttleReadBpsDevice {blockIO: {throttleReadBpsDevice: [{major: 8, minor: 0, rate: 600}]}}
rdma rdma {rdma: {mlx5_1: {hcaHandles: 3, hcaObjects: 10000}}}
hugetlb hugepageLimits {hugepageLimits: [{pageSize: "2MB", limit: 209715200}]}
cpuset cpu.cpus {cpu: {cpus: "0"}}
memory memory.limit {memory: {limit: 52428800, checkBeforeUpdate: true}}
pids pids.limit {pids: {limit: 10}}
cpu cpu.shares {cpu: {shares: 512}}
TABLE
    # Of the wrong form they are errors wherever they are.
    refused "a device without a weight" '.linux.resources = {blockIO: {weightDevice: [{major: 8, minor: 0}]}}' linux.resources.blockIO.weightDevice
    refused "an rdma device without a limit" '.linux.resources = {rdma: {mlx5_1: {}}}' linux.resources.rdma
    refused "a limit that is no number" '.linux.resources = {pids: {limit: "many"}}' linux.resources.pids.limit
    plan $((count + 3))
}

conformance_case linux_cgroups_io_weight --spec config-linux.md#block-io --asserts 1 --lane root --needs cgroup-io \
    --covers "linux.resources.blockIO.weight" --proves "weight is the cgroup's, or its absence in this kernel an error that names the field"
case_linux_cgroups_io_weight() {
    limits '{"blockIO": {"weight": 500}}'
    bundle_args sleep 100
    run_lichen create "$CTR"
    if [[ $status -eq 0 ]]; then
        like "in either of the two files" "$(cat "$(cgroup_dir)/io.bfq.weight" "$(cgroup_dir)/io.weight" 2>/dev/null | tr '\n' ' ')" '*default @(500|4950)*'
        run_lichen -0 delete --force "$CTR"
    else
        like "refused by name" "$stderr" '*linux.resources.blockIO.weight*'
    fi
}

conformance_case linux_cgroups_devices --spec config-linux.md#allowed-device-list --asserts 4 --upstream-fails "$V1_ONLY" \
    --covers "linux.resources.devices linux.resources.devices[].allow linux.resources.devices[].type linux.resources.devices[].major linux.resources.devices[].minor linux.resources.devices[].access" \
    --limits "root in a cgroup has the rules as a device filter (BPF), which others cannot load: the device nodes that are in the container are the policy, and a rule against one of linux.devices is refused" \
    --differs "runc: 1.1 takes any access" \
    --proves "a device that is not allowed cannot be made or opened; those of the default list can"
case_linux_cgroups_devices() {
    bundle_edit '.linux.resources = {devices: [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 3, access: "rw"}]}'
    # 1:1 is /dev/mem, which is in nobody's list.
    inside 'mknod /tmp/mem c 1 1 2>/dev/null && head -c 1 /tmp/mem 2>/dev/null && echo opened; echo x >/dev/null && echo null'
    is "null can, another not" "$stdout" null
    refused "an unknown type" '.linux.resources.devices[0].type = "q"' "linux.resources.devices[0].type"
    refused "an unknown access" '.linux.resources.devices[0].access = "xyz"' "linux.resources.devices[0].access"
    refused "no allow" '.linux.resources.devices = [{access: "rwm"}]' "linux.resources.devices[0].allow"
}

conformance_case linux_cgroups_relative_devices --spec config-linux.md#cgroups-path --asserts 1 --lane vm,root --needs cgroup-v2 --upstream-fails "$V1_ONLY" \
    --proves "the same with a relative cgroupsPath"
case_linux_cgroups_relative_devices() {
    relative_path
    bundle_edit '.linux.resources = {devices: [{allow: false, access: "rwm"}]}'
    inside 'mknod /tmp/mem c 1 1 2>/dev/null && head -c 1 /tmp/mem 2>/dev/null && echo opened; echo x >/dev/null && echo null'
    is "null can, another not" "$stdout" null
}

conformance_case linux_cgroups_path --spec config-linux.md#cgroups-path --asserts 3 --lane vm,root --needs cgroup-v2 \
    --covers "linux.cgroupsPath" \
    --proves "an absolute path is below the mount point of cgroups, the same value is the same place, one that is not valid is an error"
case_linux_cgroups_path() {
    local first
    absolute_path
    up
    first=$(cgroup_dir)
    is "below the mount point" "$first" "/sys/fs/cgroup$(jq -r .linux.cgroupsPath config.json)"
    halt
    up
    is "the same again" "$(cgroup_dir)" "$first"
    halt
    refused "a path that leads out" '.linux.cgroupsPath = "/../../etc"' linux.cgroupsPath
}

conformance_case linux_cgroups_path_invalid --spec config-linux.md#cgroups-path --asserts 2 --covers "linux.cgroupsPath" \
    --differs "runc: 1.1 takes it below the cgroup root" \
    --proves "a cgroupsPath that the runtime holds for invalid is an error"
case_linux_cgroups_path_invalid() {
    refused "absolute with .." '.linux.cgroupsPath = "/a/../../b"' linux.cgroupsPath
    refused "relative with .." '.linux.cgroupsPath = "../a"' linux.cgroupsPath
}

conformance_case linux_cgroups_non_empty --spec config-linux.md#control-groups --asserts 2 --lane vm,root --needs cgroup-v2 \
    --proves "create with a cgroup that has another container's processes is an error"
case_linux_cgroups_non_empty() {
    absolute_path
    up
    errs "the cgroup of a running container" "cgroup" create "$CTR-b"
    is "which goes on" "$(in_state .status)" running
    halt
}

conformance_case delete_resources_cgroup --spec runtime.md#delete --asserts 2 --lane vm,root --needs cgroup-pids \
    --proves "delete removes the container's cgroup (delete_resources of runtime-tools, on cgroup v2)"
case_delete_resources_cgroup() {
    local dir
    absolute_path
    limits '{"pids": {"limit": 1000}}'
    up
    dir=$(cgroup_dir)
    is "the limit was there" "$(<"$dir/pids.max")" 1000
    halt
    refutes "the cgroup is gone" test -e "$dir"
}

conformance_case delete_only_create_resources_cgroup --spec runtime.md#delete --asserts 2 --lane root --needs cgroup-v2 \
    --proves "delete leaves a cgroup that somebody else made, though the container was in it (delete_only_create_resources, on cgroup v2)"
case_delete_only_create_resources_cgroup() {
    local foreign=/sys/fs/cgroup/conf-foreign-$CTR
    mkdir "$foreign"
    LICHEN_GLOBAL=(--cgroup-manager cgroupfs)
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    in_state .pid >"$foreign/cgroup.procs"
    run_lichen -0 start "$CTR"
    lichen kill "$CTR" KILL
    wait_state "$CTR" stopped
    lichen delete "$CTR"
    refutes "the container is deleted" exists "$CTR"
    holds "the cgroup is there" test -d "$foreign"
    rmdir "$foreign"
}
