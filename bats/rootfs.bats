#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The root file system: a directory, layers by the kernel's overlay, layers by fuse-overlayfs; and that nothing of them is
# left, however the container ends.

load lib/lichen

setup() {
    lichen_setup
    requires userns subids lichen
    bundle_new
    bundle_edit '.process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID"])'
}

# layers DRIVER [LOWER]: annotations; the lower layers default to two: the shared tree below one with /etc/layer.
layers() {
    mkdir -p "$T/top/etc"
    echo top >"$T/top/etc/layer"
    bundle_edit --arg driver "$1" --arg lower "${2:-$T/top:$(rootfs_shared)}" \
        '.annotations = ((.annotations // {}) + {"io.lichen.rootfs.driver": $driver, "io.lichen.rootfs.lower": $lower})'
}

upper() {
    mkdir -p "$T/upper" "$T/work"
    bundle_edit --arg u "$T/upper" --arg w "$T/work" \
        '.annotations += {"io.lichen.rootfs.upper": $u, "io.lichen.rootfs.work": $w}'
}

driver_of() { lichen state "$1" | jq -r '.annotations["io.lichen.rootfs.driver"]'; }
downgrades_of() { lichen state "$1" | jq -r '.annotations | to_entries[] | select(.key | startswith("io.lichen.downgrade")) | .value'; }
# The fuse-overlayfs that serves this test: its mount options name the test's directory.
fuse_pids() { pgrep -u "$(id -u)" -f "^fuse-overlayfs.*$T" || :; }
fuse_gone() { [[ -z $(fuse_pids) ]]; }

# Every driver that shows layers.
each_driver() {
    local driver
    for driver in overlay fuse-overlayfs; do
        "$@" "$driver"
    done
}

several_layers() {
    layers "$1"
    bundle_script 'cat /etc/layer; test -x /bin/busybox && echo both; : >/new'
    run_lichen ! run "$CTR"
    [[ $stdout == $'top\nboth' && $stderr == *Read-only* ]]
}

@test "several lower layers are one tree, read-only without an upper" {
    requires kernel-overlay fuse
    each_driver several_layers
}

keeps_upper() {
    rm -rf "$T/upper" "$T/work"
    layers "$1"
    upper
    bundle_script 'echo changed >/etc/layer; rm /etc/hosts; mkdir /made; : >/made/x; ls /etc'
    run_lichen -0 run "$CTR"
    [[ $stdout != *hosts* ]]
    [[ $(<"$T/upper/etc/layer") == changed && -e $T/upper/made/x && -d $T/work ]]
    [[ $(<"$T/top/etc/layer") == top && -e $(rootfs_shared)/etc/hosts ]]
    # The whiteout still hides the lower layer's file in the next container, from the same upper.
    bundle_script 'cat /etc/layer; ls /etc'
    run_lichen -0 run "$CTR"
    [[ $stdout == changed* && $stdout != *hosts* ]]
}

@test "an upper layer keeps changes and whiteouts after delete; the lower ones are untouched" {
    requires kernel-overlay fuse
    each_driver keeps_upper
}

@test "layers may be relative to the bundle, with spaces and commas in their names" {
    requires kernel-overlay fuse
    mkdir -p "in the bundle, really/etc"
    echo odd >"in the bundle, really/etc/layer"
    bundle_args cat /etc/layer
    odd_names() {
        layers "$1" "in the bundle, really:rootfs"
        run_lichen -0 run "$CTR"
        [[ $stdout == odd ]]
    }
    each_driver odd_names
}

throw_away() {
    bundle_edit --arg d "$1" '.annotations = {"io.lichen.rootfs.driver": $d}'
    bundle_script 'mkdir -p /a/b; : >/a/b/f; chown -R 33:33 /a; chmod 000 /a/b /a; : >/new; rm /etc/hosts; ls -d /a /new'
    run_lichen -0 run --overlay "$CTR"
    [[ ! -e rootfs/a && ! -e rootfs/new && -e rootfs/etc/hosts ]]
    [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]
}

@test "--overlay leaves root.path untouched and nothing behind, not even others' directories of mode 000" {
    requires kernel-overlay fuse
    each_driver throw_away
}

@test "one read-only root serves five containers at once" {
    requires kernel-overlay
    bundle_edit --arg root "$(rootfs_shared)" '.root = {path: $root}'
    bundle_script 'hostname >/tmp/who; echo x >>/etc/count; sleep 100'
    local i
    for i in 1 2 3 4 5; do
        run_lichen -0 run --detach --overlay "$CTR-$i"
    done
    for i in 1 2 3 4 5; do
        wait_until 10 lichen exec "$CTR-$i" grep -q x /etc/count
        run_lichen -0 exec "$CTR-$i" cat /etc/count
        [[ $stdout == x ]]
        run_lichen -0 delete --force "$CTR-$i"
    done
    [[ ! -e $(rootfs_shared)/etc/count ]]
}

@test "under keep-id fuse-overlayfs shifts the layers' owners" {
    requires user fuse
    bundle_script 'stat -c %u:%g /etc/hosts; : >/mine; stat -c %u:%g /mine; sleep 100'
    run_lichen -0 run --detach --ids keep-id --overlay "$CTR"
    [[ $(driver_of "$CTR") == fuse-overlayfs ]]
    run_lichen -0 exec "$CTR" stat -c %u:%g /etc/hosts
    [[ $stdout == 0:0 ]]
    run_lichen -0 delete --force "$CTR"
    wait_until 5 fuse_gone
}

@test "fuse-overlayfs ends with its container: normal exit, SIGKILL of init, of run, of itself" {
    requires fuse
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "fuse-overlayfs"}'
    bundle_args true
    run_lichen -0 run --overlay "$CTR"
    wait_until 5 fuse_gone

    bundle_args sleep 100
    run_lichen -0 run --detach --overlay "$CTR"
    [[ -n $(fuse_pids) ]]
    run_lichen -0 kill "$CTR" KILL
    wait_until 5 fuse_gone
    run_lichen -0 delete --force "$CTR"

    "$LICHEN_OCI" --root "$LICHEN_ROOT" run --overlay "$CTR" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
    local run=$!
    wait_state "$CTR" running
    kill -KILL "$run"
    wait "$run" || :
    run_lichen -0 delete --force "$CTR"
    wait_until 5 fuse_gone

    run_lichen -0 run --detach --overlay "$CTR"
    "$LICHEN_LIB/userns" kill -KILL $(fuse_pids)
    wait_until 5 fuse_gone
    run_lichen ! exec "$CTR" ls /
    run_lichen -0 delete --force "$CTR"
}

@test "without fuse-overlayfs its driver is an error that says what to do; auto takes the kernel's overlay" {
    requires kernel-overlay
    export LICHEN_FUSE_OVERLAYFS=/nonexistent
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "fuse-overlayfs"}'
    run_lichen -1 run --overlay "$CTR"
    [[ $stderr == *fuse-overlayfs* && $stderr == *hint*install* ]]
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "auto"}'
    bundle_args sleep 100
    run_lichen -0 run --detach --overlay "$CTR"
    [[ $(driver_of "$CTR") == overlay ]]
    run_lichen -0 delete --force "$CTR"
}

@test "auto falls back to fuse-overlayfs where the kernel refuses, and records why" {
    requires fuse
    # The kernel takes 4095 bytes of options; these layers' names need more.
    local i name lower
    name=$(printf 'l%.0s' {1..200})
    lower=$(rootfs_shared)
    for ((i = 0; i < 20; i++)); do
        mkdir -p "$T/$name$i/etc"
        lower=$T/$name$i:$lower
    done
    layers auto "$lower"
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    [[ $(driver_of "$CTR") == fuse-overlayfs ]]
    [[ $(downgrades_of "$CTR") == *overlay* ]]
    run_lichen -0 delete --force "$CTR"
    layers overlay "$lower"
    run_lichen -1 run "$CTR"
    [[ $stderr == *"the kernel takes 4095"* ]]
}

@test "wrong drivers and layers are errors that name the annotation" {
    layers chaos
    run_lichen -1 run "$CTR"
    [[ $stderr == *"io.lichen.rootfs.driver: chaos"* ]]
    layers overlay /absent/layer
    run_lichen -1 run "$CTR"
    [[ $stderr == *"io.lichen.rootfs.lower /absent/layer"* ]]
    layers overlay "rootfs::rootfs"
    run_lichen -1 run "$CTR"
    [[ $stderr == *"io.lichen.rootfs.lower"*"empty layer"* ]]
    layers dir
    run_lichen -1 run "$CTR"
    [[ $stderr == *"io.lichen.rootfs.driver dir"* ]]
    layers overlay
    upper
    run_lichen -1 run --overlay "$CTR"
    [[ $stderr == *"--overlay"*"io.lichen.rootfs.upper"* ]]
    bundle_edit 'del(.annotations["io.lichen.rootfs.work"])'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"io.lichen.rootfs.work is missing"* ]]
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "overlay"}'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"io.lichen.rootfs.driver overlay"* ]]
    bundle_edit 'del(.annotations) | .root.path = "absent"'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"root.path"*absent* ]]
    [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]
}

@test "--no-pivot enters the root as well" {
    bundle_script 'ls /; test -x /bin/busybox'
    run_lichen -0 run --no-pivot "$CTR"
    [[ $stdout == *bin* ]]
}
