#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cgroup v2: scopes of the user's systemd, delegated directories, limits that hold, freezing, statistics. In the test machine
# (make check-vm), where Debian's default delegation holds: cpu, memory and pids. The lane "root" runs the same runtime
# against the system's manager, and the user's commands from a cgroup outside of the user's session.

load lib/lichen

setup() {
    lichen_setup
    bundle_new
    bundle_args sleep 100
}

teardown() {
    [[ -z ${AS_LOGIN_STATE-} ]] || { as_login "$LICHEN_OCI" --root "$AS_LOGIN_STATE" delete --force "$CTR" || :; rm -rf "$AS_LOGIN_STATE"; }
    lichen_teardown
}

SCOPE_OF_USER=/user.slice/user-$EUID.slice/user@$EUID.service/user.slice

limits() { bundle_edit ".linux.resources = $1"; }
up() { run_lichen -0 run --detach "$CTR"; }

# The cgroup of a process, as the host sees it.
cgroup_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
cgroup_dir() { echo "/sys/fs/cgroup$(cgroup_of "$(container_pid "$CTR")")"; }
# file_is NAME TEXT: a file of the container's cgroup
file_is() {
    local got
    got=$(<"$(cgroup_dir)/$1")
    [[ $got == "$2" ]] || { echo "# $1 is '$got', not '$2'" && return 1; }
}
property() { systemctl --user show --property "$2" --value "$1"; }
scope_gone() { [[ $(property "$1" LoadState) == not-found ]]; }
has_files() { [[ -e $1 ]]; }

@test "a container is a delegated scope of the user's systemd, gone after delete" {
    requires --lane vm cgroup-v2 systemd-user
    local dir
    bundle_edit '.annotations += {"org.systemd.property.TimeoutStopSec": "3", "org.systemd.property.Documentation": "['"'man:lichen-oci(1)'"']"}'
    up
    [[ $(property "lichen-$CTR.scope" TimeoutStopUSec) == 3s ]]
    [[ $(property "lichen-$CTR.scope" Documentation) == *man:lichen-oci* ]]
    dir=$(cgroup_dir)
    [[ $dir == "/sys/fs/cgroup$SCOPE_OF_USER/lichen-$CTR.scope" ]]
    [[ $(property "lichen-$CTR.scope" ActiveState) == active ]]
    [[ $(property "lichen-$CTR.scope" Delegate) == yes ]]
    [[ -w $dir/cgroup.procs && -w $dir/memory.max ]]
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    [[ ! -e $dir ]]
    scope_gone "lichen-$CTR.scope"
}

@test "run leaves no scope behind" {
    requires --lane vm cgroup-v2 systemd-user
    bundle_args true
    run_lichen -0 run "$CTR"
    [[ ! -e /sys/fs/cgroup$SCOPE_OF_USER/lichen-$CTR.scope ]]
    scope_gone "lichen-$CTR.scope"
}

@test "a created container is in its scope before its process runs" {
    requires --lane vm cgroup-v2 systemd-user
    run_lichen -0 create "$CTR"
    [[ $(cgroup_dir) == */lichen-$CTR.scope ]]
    run_lichen -0 delete --force "$CTR"
    scope_gone "lichen-$CTR.scope"
}

@test "a memory limit kills" {
    requires --lane vm cgroup-memory systemd-user
    limits '{memory: {limit: 33554432, swap: 33554432}}'
    bundle_args tail /dev/zero
    run_lichen -137 run "$CTR"
}

@test "below the memory limit nothing is killed" {
    requires --lane vm cgroup-memory systemd-user
    limits '{memory: {limit: 67108864, swap: 67108864}}'
    bundle_script 'head -c 8388608 /dev/zero | tail -c 8388608 | wc -c'
    run_lichen -0 run "$CTR"
    [[ $stdout == 8388608 ]]
}

@test "memory limits are in the files and in the unit" {
    requires --lane vm cgroup-memory systemd-user
    limits '{memory: {limit: 33554432, swap: 50331648, reservation: 16777216}}'
    up
    file_is memory.max 33554432
    file_is memory.low 16777216
    [[ ! -e $(cgroup_dir)/memory.swap.max ]] || file_is memory.swap.max 16777216
    [[ $(property "lichen-$CTR.scope" MemoryMax) == 33554432 ]]
    [[ $(property "lichen-$CTR.scope" MemoryLow) == 16777216 ]]
    [[ $(property "lichen-$CTR.scope" MemorySwapMax) == 16777216 ]]
}

@test "a pids limit refuses the fork" {
    requires --lane vm cgroup-pids systemd-user
    limits '{pids: {limit: 5}}'
    # shellcheck disable=SC2016 # for the container's shell
    bundle_script 'for i in 1 2 3 4 5 6 7 8; do sleep 3 & done; echo all'
    run_lichen ! run "$CTR"
    [[ $stderr == *fork* && $stdout != *all* ]]
}

@test "a pids limit is in the file and in the unit" {
    requires --lane vm cgroup-pids systemd-user
    limits '{pids: {limit: 17}}'
    up
    file_is pids.max 17
    [[ $(property "lichen-$CTR.scope" TasksMax) == 17 ]]
}

@test "a cpu quota is exact in cpu.max and throttles" {
    requires --lane vm cgroup-cpu systemd-user
    limits '{cpu: {quota: 5500, period: 50000, shares: 2048}}'
    bundle_script 'while :; do :; done'
    up
    file_is cpu.max '5500 50000'
    file_is cpu.weight 174
    # What systemd keeps is rounded up, to whole per cents.
    [[ $(property "lichen-$CTR.scope" CPUQuotaPerSecUSec) == 110ms ]]
    [[ $(property "lichen-$CTR.scope" CPUWeight) == 174 ]]
    throttled() { awk '$1 == "nr_throttled" && $2 > 2 { found = 1 } END { exit !found }' "$(cgroup_dir)/cpu.stat"; }
    wait_until 10 throttled
}

@test "unified values go to their files" {
    requires --lane vm cgroup-memory systemd-user
    limits '{unified: {"memory.high": "25165824", "cgroup.max.descendants": "3"}}'
    up
    file_is memory.high 25165824
    file_is cgroup.max.descendants 3
    [[ $(property "lichen-$CTR.scope" MemoryHigh) == 25165824 ]]
}

@test "a daemon-reload leaves the limits as they are" {
    requires --lane vm cgroup-cpu systemd-user
    limits '{memory: {limit: 33554432}, pids: {limit: 17}, cpu: {shares: 512}}'
    up
    systemctl --user daemon-reload
    file_is memory.max 33554432
    file_is pids.max 17
    file_is cpu.weight 59
}

@test "a limit of a controller that is not delegated is refused with the drop-in" {
    requires --lane vm cgroup-v2 systemd-user
    limits '{cpu: {cpus: "0"}}'
    run_lichen ! run "$CTR"
    [[ $stderr == *'linux.resources.cpu.cpus: the cgroup controller cpuset is not delegated to this user (delegated: cpu memory pids)'* ]]
    [[ $stderr == *'Delegate=cpu cpuset io memory pids'*/etc/systemd/system/user@.service.d/delegate.conf* ]]
    limits '{blockIO: {weight: 100}}'
    run_lichen ! run "$CTR"
    [[ $stderr == *'linux.resources.blockIO.weight: the cgroup controller io is not delegated'* ]]
    [[ -z $(state_of "$CTR") ]]
}

@test "a value that the kernel refuses is named and nothing is left" {
    requires --lane vm cgroup-memory systemd-user
    limits '{unified: {"memory.high": "plenty"}}'
    run_lichen ! run "$CTR"
    [[ $stderr == *'linux.resources.unified["memory.high"]'*'"plenty"'*memory.high* ]]
    scope_gone "lichen-$CTR.scope"
}

@test "pause stops every process and resume lets them go on" {
    requires --lane vm cgroup-v2 systemd-user
    bundle_script 'i=0; while :; do i=$((i + 1)); echo $i >/count; done'
    local before
    up
    wait_until 10 has_files "$BUNDLE/rootfs/count"
    run_lichen -0 pause "$CTR"
    state_is "$CTR" paused
    file_is cgroup.freeze 1
    grep -qx 'frozen 1' "$(cgroup_dir)/cgroup.events"
    before=$(<"$BUNDLE/rootfs/count")
    sleep 0.3
    [[ $(<"$BUNDLE/rootfs/count") == "$before" ]]
    run_lichen ! pause "$CTR"
    run_lichen ! exec "$CTR" true
    run_lichen -0 resume "$CTR"
    state_is "$CTR" running
    goes_on() { [[ $(<"$BUNDLE/rootfs/count") != "$before" ]]; }
    wait_until 10 goes_on
    run_lichen ! resume "$CTR"
}

@test "a paused container can be killed and deleted" {
    requires --lane vm cgroup-v2 systemd-user
    up
    run_lichen -0 pause "$CTR"
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    up
    run_lichen -0 pause "$CTR"
    run_lichen -0 delete --force "$CTR"
    scope_gone "lichen-$CTR.scope"
}

@test "exec is in the container's cgroup and under its limits" {
    requires --lane vm cgroup-pids systemd-user
    limits '{pids: {limit: 6}}'
    up
    run_lichen -0 exec --detach --pid-file "$T/pid" "$CTR" sleep 100
    [[ $(cgroup_of "$(<"$T/pid")") == "$(cgroup_of "$(container_pid "$CTR")")" ]]
    run_lichen ! exec "$CTR" sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 3 & done; echo all'
    [[ $stderr == *fork* && $stdout != *all* ]]
}

@test "ps shows the processes of the cgroup" {
    requires --lane vm cgroup-v2 systemd-user
    bundle_script 'sleep 99 & sleep 98 & wait'
    up
    run_lichen -0 exec --detach --pid-file "$T/pid" "$CTR" sleep 97
    four() { [[ $(lichen ps --format json "$CTR" | jq length) -eq 4 ]]; }
    wait_until 5 four
    lichen ps --format json "$CTR" | jq -e --argjson pid "$(<"$T/pid")" 'index($pid)'
}

@test "a container's cgroup namespace begins at its scope" {
    requires --lane vm cgroup-v2 systemd-user
    bundle_edit '.linux.namespaces += [{type: "cgroup"}] | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup",
        source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}]'
    limits '{pids: {limit: 23}}'
    bundle_script 'cat /proc/self/cgroup /sys/fs/cgroup/pids.max'
    run_lichen -0 run "$CTR"
    [[ $stdout == $'0::/\n23' ]]
}

@test "killing a container without a pid namespace of its own leaves no process" {
    requires --lane vm cgroup-v2 systemd-user
    bundle_edit '.linux.namespaces |= map(select(.type != "pid"))'
    bundle_script 'sleep 99 & sleep 98 & setsid sleep 97 & wait'
    up
    local dir pids pid
    dir=$(cgroup_dir)
    four() { [[ $(wc -l <"$dir/cgroup.procs") -eq 4 ]]; }
    wait_until 5 four
    mapfile -t pids <"$dir/cgroup.procs"
    run_lichen -0 kill --all "$CTR" KILL
    for pid in "${pids[@]}"; do
        wait_until 5 process_gone "$pid"
    done
}

@test "kill --all sends any signal to every process" {
    requires --lane vm cgroup-v2 systemd-user
    # shellcheck disable=SC2016
    bundle_script 'for n in 1 2 3; do sh -c "trap \"touch /got$n; exit\" USR1; touch /up$n; while :; do sleep 0.05; done" & done; trap : USR1; while :; do sleep 0.05; done'
    up
    wait_until 10 has_files "$BUNDLE/rootfs/up1"
    wait_until 10 has_files "$BUNDLE/rootfs/up2"
    wait_until 10 has_files "$BUNDLE/rootfs/up3"
    run_lichen -0 kill --all "$CTR" USR1
    wait_until 10 has_files "$BUNDLE/rootfs/got1"
    wait_until 10 has_files "$BUNDLE/rootfs/got2"
    wait_until 10 has_files "$BUNDLE/rootfs/got3"
}

@test "statistics are numbers of the cgroup" {
    requires --lane vm cgroup-memory systemd-user
    limits '{memory: {limit: 67108864}, pids: {limit: 50}}'
    up
    run_lichen -0 ps --stats "$CTR"
    jq -e '.memory.usage | .usage > 0 and .limit == 67108864' <<<"$stdout"
    jq -e '.pids == {current: 1, limit: 50}' <<<"$stdout"
    jq -e '.cpu.usage.total > 0 and .memory.raw.anon > 0 and (.cpu.throttling | type) == "object"' <<<"$stdout"
}

@test "slice:prefix:name names the scope as runc does" {
    requires --lane vm cgroup-v2 systemd-user
    LICHEN_GLOBAL=(--systemd-cgroup)
    bundle_edit --arg path "app.slice:test:$CTR" '.linux.cgroupsPath = $path'
    up
    [[ $(cgroup_dir) == /sys/fs/cgroup${SCOPE_OF_USER%/*}/app.slice/test-$CTR.scope ]]
    run_lichen ! run "$CTR-2"
    [[ $stderr == *"test-$CTR.scope"* ]]
    state_is "$CTR" running
    bundle_edit '.linux.cgroupsPath = "/not/systemd"'
    run_lichen ! run "$CTR-2"
    [[ $stderr == *'linux.cgroupsPath: "/not/systemd" is not slice:prefix:name'* ]]
}

@test "the cgroupfs manager makes a directory with the limits in it" {
    requires --lane vm cgroup-memory systemd-user
    LICHEN_GLOBAL=(--cgroup-manager cgroupfs)
    limits '{memory: {limit: 33554432}, pids: {limit: 9}}'
    local dir
    up
    dir=$(cgroup_dir)
    [[ $dir == */lichen-$CTR ]]
    file_is memory.max 33554432
    file_is pids.max 9
    run_lichen -0 pause "$CTR"
    state_is "$CTR" paused
    run_lichen -0 resume "$CTR"
    # A process that outlives init is no reason to keep it.
    run_lichen -0 delete --force "$CTR"
    [[ ! -e $dir ]]
}

@test "without limits the cgroupfs manager stays below the caller's cgroup" {
    requires --lane vm cgroup-v2 systemd-user
    LICHEN_GLOBAL=(--cgroup-manager cgroupfs)
    local dir
    up
    dir=$(cgroup_dir)
    [[ $dir == "/sys/fs/cgroup$(cgroup_of self)/lichen-$CTR" ]]
    # Cgroups that the container's user made below go with it.
    mkdir -p "$dir/a/b"
    run_lichen -0 delete --force "$CTR"
    [[ ! -e $dir ]]
}

@test "a cgroupsPath out of the delegated tree is refused" {
    requires --lane vm cgroup-v2 systemd-user
    bundle_edit '.linux.cgroupsPath = "/system.slice/mine"'
    run_lichen ! run "$CTR"
    [[ $stderr == *'linux.cgroupsPath: /system.slice/mine is not below /user.slice/'* ]]
    bundle_edit '.linux.cgroupsPath = "../mine"'
    run_lichen ! run "$CTR"
    [[ $stderr == *'linux.cgroupsPath: "../mine" contains ".."'* ]]
}

@test "a cgroup that is in use is refused" {
    requires --lane vm cgroup-v2 systemd-user
    bundle_edit --arg path "pod-$CTR" '.linux.cgroupsPath = $path'
    up
    [[ $(cgroup_dir) == */pod-$CTR ]]
    run_lichen ! run "$CTR-2"
    [[ $stderr == *"pod-$CTR is in use"* ]]
    state_is "$CTR" running
}

@test "disabled means no cgroup, and no limit either" {
    requires --lane vm cgroup-v2 systemd-user
    LICHEN_GLOBAL=(--cgroup-manager disabled)
    up
    [[ $(cgroup_dir) == "/sys/fs/cgroup$(cgroup_of self)" ]]
    run_lichen ! pause "$CTR"
    [[ $stderr == *'no cgroup'* ]]
    run_lichen -0 delete --force "$CTR"
    limits '{memory: {limit: 33554432}}'
    run_lichen ! run "$CTR"
    [[ $stderr == *'linux.resources.memory.limit: needs the cgroup controller memory, but cgroups are disabled by the caller'* ]]
}

@test "where no cgroup can be had, a container without limits runs and one with is refused" {
    requires --lane user userns
    # shellcheck disable=SC2034 # the runtime's
    run env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS stat -f -c %T /sys/fs/cgroup
    [[ $output != cgroup2fs ]] || skip "this machine may have a cgroup for us"
    bundle_args true
    run_lichen -0 run "$CTR"
    limits '{memory: {limit: 33554432}}'
    run_lichen ! run "$CTR"
    [[ $stderr == *'linux.resources.memory.limit: needs the cgroup controller memory, but '* ]]
}

# --- the system's manager, and a user outside of the session -----------------------------------------------------------

@test "root's containers are scopes of the system's systemd" {
    requires --lane root root cgroup-cpuset
    limits '{cpu: {cpus: "0", mems: "0"}, memory: {limit: 33554432}, blockIO: {throttleReadBpsDevice: []}}'
    up
    [[ $(cgroup_dir) == /sys/fs/cgroup/system.slice/lichen-$CTR.scope ]]
    file_is cpuset.cpus 0
    [[ $(systemctl show --property AllowedCPUs --value "lichen-$CTR.scope") == 0 ]]
    run_lichen -0 delete --force "$CTR"
    [[ $(systemctl show --property LoadState --value "lichen-$CTR.scope") == not-found ]]
}

@test "root's cgroupsPath makes directories from the root down" {
    requires --lane root root cgroup-memory
    bundle_edit --arg path "/lichen-test/$CTR" '.linux.cgroupsPath = $path'
    limits '{memory: {limit: 33554432}}'
    up
    [[ $(cgroup_dir) == /sys/fs/cgroup/lichen-test/$CTR ]]
    file_is memory.max 33554432
    run_lichen -0 delete --force "$CTR"
    [[ ! -e /sys/fs/cgroup/lichen-test/$CTR ]]
    rmdir /sys/fs/cgroup/lichen-test
}

# As the test machine's user, with a bus but in root's cgroup: what su, cron or a ssh session are to the user's manager.
as_login() {
    runuser -u lichen -- env -i HOME=/home/lichen PATH="$PATH" TMPDIR=/tmp XDG_RUNTIME_DIR=/run/user/1000 "$@" 3>&- 4>&-
}

@test "a user in another session's cgroup gets a scope and can exec into it" {
    requires --lane root root cgroup-pids
    id lichen >/dev/null || skip "needs the test machine's user"
    AS_LOGIN_STATE=$(as_login mktemp -d /tmp/lichen-login-XXXXXX)
    local dir
    limits '{pids: {limit: 20}}'
    cp -a "$BUNDLE" "$AS_LOGIN_STATE/bundle"
    chown -R lichen: "$AS_LOGIN_STATE/bundle"
    capture as_login "$LICHEN_OCI" --root "$AS_LOGIN_STATE" run --detach --bundle "$AS_LOGIN_STATE/bundle" "$CTR"
    [[ $status -eq 0 ]]
    dir=$(as_login "$LICHEN_OCI" --root "$AS_LOGIN_STATE" state "$CTR" | jq -r .pid)
    dir=$(cgroup_of "$dir")
    [[ $dir == /user.slice/user-1000.slice/user@1000.service/user.slice/lichen-$CTR.scope ]]
    [[ $(</sys/fs/cgroup$dir/pids.max) == 20 ]]
    capture as_login "$LICHEN_OCI" --root "$AS_LOGIN_STATE" exec "$CTR" cat /proc/self/cgroup
    [[ $status -eq 0 && $stdout == 0::*lichen-$CTR.scope ]]
    capture as_login "$LICHEN_OCI" --root "$AS_LOGIN_STATE" delete --force "$CTR"
    [[ $status -eq 0 && ! -e /sys/fs/cgroup$dir ]]
}
