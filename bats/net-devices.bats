#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# linux.netDevices: the host's network devices in the container. As root in a network namespace made for the test, so
# that the machine's own devices are left alone.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
}

# in_netns COMMAND...: in a network namespace of its own with the devices d0 and d1 (taps: not every kernel has dummies).
in_netns() {
    # shellcheck disable=SC2016
    capture unshare --net sh -ec '
        ip tuntap add dev d0 mode tap && ip tuntap add dev d1 mode tap
        ip addr add 192.0.2.7/24 brd 192.0.2.255 dev d0
        ip addr add 192.0.2.8/32 peer 192.0.2.9 dev d0
        ip addr add 2001:db8::7/64 dev d0 nodad
        ip addr add 169.254.9.9/16 scope link dev d0
        ip addr add 198.51.100.1/24 dev d0 valid_lft 1000 preferred_lft 1000
        "$@"; rc=$?; ip -o link | sed "s/^/left: /"; exit $rc' sh "$@"
}

run_in_netns() { in_netns "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"; }

@test "an unprivileged user is refused with the reason, before anything is made" {
    # covers: linux.netDevices
    requires user
    bundle_edit '.linux.netDevices = {lo: {}}'
    run_lichen -1 create "$CTR"
    [[ $stderr == *'linux.netDevices["lo"]: an unprivileged user cannot take a device out'*CAP_NET_ADMIN* ]]
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
    # An empty object asks for nothing.
    bundle_edit '.linux.netDevices = {}'
    bundle_args true
    run_lichen -0 run "$CTR"
}

@test "root: a device is moved with its permanent global addresses, and is up" {
    requires --lane root root tun command=ip
    bundle_edit '.linux.netDevices = {d0: {}}'
    bundle_script 'ip addr show; cat /sys/class/net/d0/flags'
    run_in_netns
    [[ $status -eq 0 ]]
    [[ $stdout == *"inet 192.0.2.7/24 brd 192.0.2.255"* && $stdout == *"192.0.2.8 peer 192.0.2.9/32"* && $stdout == *"inet6 2001:db8::7/64"* ]]
    [[ $stdout != *169.254.9.9* && $stdout != *198.51.100.1* ]]
    # IFF_UP is bit 0.
    (($(grep -o '^0x.*' <<<"$stdout") & 1))
    [[ $stdout == *"left: "*d1* && $(grep ^left: <<<"$stdout") != *d0* ]]
}

@test "root: a device gets another name, or one of a template, in a user namespace too" {
    # covers: linux.netDevices linux.netDevices.name
    requires --lane root root tun command=ip
    bundle_edit '.linux.netDevices = {d0: {name: "eth0"}, d1: {name: "net%d"}}'
    bundle_script 'ls /sys/class/net; ip -4 addr show eth0'
    run_in_netns
    [[ $status -eq 0 && $stdout == eth0$'\n'lo$'\n'net0$'\n'*192.0.2.7/24* ]]
    local dir
    for dir in "$BUNDLE" "$T" "${T%/*}" "${T%/*/*}" "$BATS_RUN_TMPDIR"; do chmod a+x "$dir"; done
    chown -R 100000:100000 rootfs
    bundle_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
    run_in_netns
    [[ $status -eq 0 && $stdout == eth0$'\n'lo$'\n'net0$'\n'*192.0.2.7/24* ]]
}

@test "root: what cannot be moved is an error that names the device" {
    requires --lane root root tun command=ip
    bundle_edit '.linux.netDevices = {nosuch0: {}}'
    run_in_netns
    [[ $status -eq 1 && $stderr == *'linux.netDevices["nosuch0"]: there is no such network device'* ]]
    bundle_edit '.linux.netDevices = {lo: {name: "other"}}'
    run_in_netns
    [[ $status -eq 1 && $stderr == *'linux.netDevices["lo"]: moving it to the container'* ]]
    bundle_edit '.linux.netDevices = {d0: {name: "lo"}}'
    run_in_netns
    [[ $status -eq 1 && $stderr == *'linux.netDevices["d0"]'*'has a device "lo" already'* ]]
    bundle_edit '.linux.netDevices = {d0: {}} | .linux.namespaces |= map(select(.type != "network"))'
    run_in_netns
    [[ $status -eq 1 && $stderr == *"linux.netDevices: the container shares the host's network namespace"* ]]
    run_lichen -1 state "$CTR"
}
