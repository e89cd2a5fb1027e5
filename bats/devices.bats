#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# linux.resources.devices: as root the kernel's device filter, for everybody else the nodes that are there. Root's tests
# want cgroup v2; where the machine has it not at /sys/fs/cgroup, a mount namespace of the test's own has.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
}

# with_cgroup COMMAND...: where cgroup v2 is at /sys/fs/cgroup.
with_cgroup() {
    if [[ $(stat -f -c %T /sys/fs/cgroup 2>/dev/null) == cgroup2fs ]]; then
        capture "$@"
    else
        # shellcheck disable=SC2016
        capture unshare --mount sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh "$@"
    fi
}

# inside SCRIPT: runs it in a container in a cgroup.
inside() {
    bundle_script "$1"
    with_cgroup "$LICHEN_OCI" --root "$LICHEN_ROOT" --cgroup-manager cgroupfs run "$CTR"
}

rules() { bundle_edit --argjson r "$1" '.linux.resources.devices = $r'; }

@test "root: devices that no rule allows cannot be opened, whatever nodes are made" {
    requires --lane root root fuse
    # /dev/fuse can be opened by anybody, so that it is the filter that answers.
    bundle_edit '.process.capabilities |= map_values(. + ["CAP_MKNOD"] | unique)'
    rules '[{"allow": false, "access": "rwm"}]'
    inside 'mknod /tmp/k c 10 229 && echo made; (: <>/tmp/k); rm /tmp/k; : >/dev/null && echo null; head -c 2 /dev/zero | wc -c; head -c 1 /dev/urandom | wc -c'
    [[ $stdout == $'made\nnull\n2\n1' && $stderr == *"Operation not permitted"* ]]
    rules '[{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "w"}]'
    inside 'mknod /tmp/k c 10 229; (: >>/tmp/k) && echo write; (: </tmp/k) && echo read; (: <>/tmp/k) && echo both; rm /tmp/k'
    [[ $stdout == write ]]
    rules '[{"allow": false}, {"allow": true, "type": "c", "major": 10, "access": "rw"}, {"allow": false, "type": "c", "major": 10, "minor": 229, "access": "w"}]'
    inside 'mknod /tmp/k c 10 229; (: >>/tmp/k) && echo write; (: </tmp/k) && echo read; rm /tmp/k'
    [[ $stdout == read ]]
}

@test "root: exec is under the same rules, an update leaves them" {
    requires --lane root root fuse
    bundle_edit '.process.capabilities |= map_values(. + ["CAP_MKNOD"] | unique)'
    rules '[{"allow": false, "access": "rwm"}]'
    bundle_args sleep 100
    # shellcheck disable=SC2016
    with_cgroup sh -c 'l="$0 --root $1 --cgroup-manager cgroupfs"; $l create "$2" </dev/null >/dev/null 2>&1 && $l start "$2" || exit 9
        $l exec "$2" sh -c "mknod /tmp/k c 10 229; : </tmp/k && echo read"; $l update --pids-limit 50 "$2"; $l exec "$2" sh -c ": </tmp/k && echo read"; $l delete --force "$2"' \
        "$LICHEN_OCI" "$LICHEN_ROOT" "$CTR"
    [[ $stdout != *read* && $(grep -c "Operation not permitted" <<<"$stderr") -eq 2 ]]
}

@test "an unprivileged user: deny-all holds by what nodes there are" {
    requires user
    bundle_edit '.linux.resources.devices = [{allow: false, access: "rwm"}]'
    bundle_script 'ls /dev; mknod /tmp/k c 10 229 2>&1'
    run_lichen ! run "$CTR"
    [[ $stdout == *"not permitted"* && $stdout != *fuse* ]]
    # It holds, so it is no downgrade.
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    run_lichen -0 state "$CTR"
    [[ $stdout != *linux.resources.devices* ]]
}

@test "an unprivileged user: a denial of a device that is asked for is refused" {
    requires user fuse
    bundle_edit '.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229}]
        | .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: false, type: "c", major: 10, minor: 229, access: "w"}]'
    run_lichen -1 create "$CTR"
    [[ $stderr == *"linux.resources.devices[1]: denies /dev/fuse, which linux.devices[0] asks for"* ]]
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
    bundle_edit '.linux.resources.devices[1].allow = true'
    bundle_args true
    run_lichen -0 run "$CTR"
}
