#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# System calls that an older kernel has not (ENOSYS), or that the seccomp profile of a container around us denies (ENOSYS,
# EPERM): either there is another way with the same guarantees, or an error that names the call. Never a container
# with less protection than it asked for. build/deny is the profile; it implies no_new_privs, under which newuidmap has no
# power, so these containers have one id.

load lib/lichen

setup() {
    lichen_setup
    requires userns seccomp lichen
    DENY=$LICHEN_BUILD/deny
    [[ -x $DENY ]] || skip "needs deny: make check-programs builds it"
    PLAIN=$LICHEN_OCI
    bundle_new
    bundle_rootless
    guarded_bundle
}

# A bundle with something of everything that protects; its program says what does not hold.
guarded_bundle() {
    mkdir -p rootfs/secret-dir rootfs/fixed "$T/source/below"
    echo secret >rootfs/secret
    echo secret >rootfs/secret-dir/file
    echo data >"$T/source/file"
    cat >rootfs/bin/guarded <<'END'
#!/bin/sh
[ "$(cat /source/file)" = data ] || echo "WEAK no bind"
[ ! -s /secret ] || echo "WEAK masked file"
[ -z "$(ls -A /secret-dir)" ] || echo "WEAK masked directory"
for d in /fixed /source /source/below /secret-dir /sys; do
    touch $d/x 2>/dev/null && echo "WEAK $d can be written"
done
awk '$5 == "/source" && $6 !~ /nosuid/ || $5 == "/scratch" && $6 !~ /nodev/ { print "WEAK options of " $5 }' /proc/self/mountinfo
grep -q "^NoNewPrivs:.1" /proc/self/status || echo "WEAK privileges"
# 0, 1, 2 and the directory that ls reads.
[ "$(ls /proc/self/fd | wc -l)" -eq 4 ] || { echo "WEAK descriptors"; ls -l /proc/self/fd; }
chmod 0 /secret 2>/dev/null && mkdir /denied-by-seccomp 2>/dev/null && echo "WEAK seccomp"
echo guarded
END
    chmod 0755 rootfs/bin/guarded
    bundle_edit --arg s "$T/source" '.mounts += [
            {destination: "/source", type: "bind", source: $s, options: ["rbind", "rro", "rnosuid", "rprivate"]},
            {destination: "/scratch", type: "tmpfs", source: "t", options: ["nosuid", "nodev", "size=64k"]}]
        | .linux.maskedPaths += ["/secret", "/secret-dir"] | .linux.readonlyPaths += ["/fixed"]
        | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
    bundle_args guarded
}

# denied ERRNO CALLS: from here on "lichen" and "run_lichen" are under that filter.
denied() {
    printf '#!/bin/sh\nexec %q %q %q %q "$@"\n' "$DENY" "$1" "$2" "$PLAIN" >"$T/lichen-oci"
    chmod 0755 "$T/lichen-oci"
    LICHEN_OCI=$T/lichen-oci
}
allowed() { LICHEN_OCI=$PLAIN; }

is_guarded() { [[ $1 != *WEAK* && $1 == *guarded* ]]; }
nothing_left() { [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]; }

# Create, start, exec, kill and delete, then run with an overlay and on a terminal: all of it, or nothing at all.
whole_life() {
    bundle_edit '.process.terminal = false'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
    run_lichen -0 exec "$CTR" guarded
    is_guarded "$stdout"
    jq '.process | .args = ["sh", "-c", "exit 7"]' config.json >"$T/process.json"
    run_lichen -7 exec --process "$T/process.json" "$CTR"
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    bundle_args guarded
    run_lichen -0 run "$CTR"
    is_guarded "$stdout"
    if have kernel-overlay; then
        # fuse-overlayfs itself cannot do without openat2 where that is EPERM.
        bundle_edit '.annotations["io.lichen.rootfs.driver"] = "overlay"'
        run_lichen -0 run --overlay "$CTR"
        bundle_edit 'del(.annotations)'
        is_guarded "$stdout"
    fi
    bundle_edit '.process.terminal = true'
    capture "$LICHEN_LIB/pty" run 33 97 '[]' "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 ]]
    is_guarded "$stdout"
    bundle_edit '.process.terminal = false'
    nothing_left
}

# refused CALL: nothing can be made, and the message says why and what to do.
refused() {
    bundle_args guarded
    run_lichen ! run "$CTR"
    [[ $stdout != *guarded* && $stderr == *"$1"* && $stderr == *"seccomp profile"* ]]
    run_lichen ! create "$CTR"
    [[ $stderr == *"$1"* && $stderr == *"seccomp profile"* ]]
    nothing_left
}

@test "close_range denied: everything works, and no descriptor gets in" {
    local code
    for code in ENOSYS EPERM; do
        denied "$code" close_range
        whole_life
    done
}

@test "clone3 denied: everything works by clone" {
    local code
    for code in ENOSYS EPERM; do
        denied "$code" clone3
        whole_life
    done
}

@test "openat2 denied: everything works by a walk that does not leave the root either" {
    local code
    for code in ENOSYS EPERM; do
        denied "$code" openat2
        whole_life
    done
}

@test "openat2, clone3 and close_range denied at once, as by Docker's older profiles" {
    denied EPERM openat2,clone3,close_range,statx
    # statx is how the walk tells a bind mount over a file of /proc: without it nothing is written there.
    bundle_args guarded
    run_lichen run "$CTR"
    [[ $status -ne 0 ]] || is_guarded "$stdout"
    bundle_edit '.linux.sysctl = {"net.ipv4.ip_forward": "1"}'
    run_lichen ! run "$CTR"
    [[ $stderr == *"linux.sysctl"* && $stdout != *guarded* ]]
    nothing_left
    denied EPERM openat2,clone3,close_range
    run_lichen -0 run "$CTR"
    is_guarded "$stdout"
}

@test "openat2 denied: hostile links lead nowhere, /proc and /dev must be real" {
    mkdir "$T/outside"
    ln -s "$T/outside" rootfs/absolute
    ln -s ../../../../../../../../../../.."$T/outside" rootfs/relative
    ln -s loop rootfs/loop
    denied ENOSYS openat2
    bundle_args sh -c 'ls /absolute/a/file /relative/b/file && echo inside'
    bundle_edit --arg s "$T/source" '.mounts += [
        {destination: "/absolute/a", type: "bind", source: $s, options: ["bind"]},
        {destination: "/relative/b", type: "bind", source: $s, options: ["bind"]}] | .linux.seccomp = null'
    # The directories that the links name do not exist inside; with them made the mounts are there.
    mkdir -p "rootfs$T/outside"
    run_lichen -0 run "$CTR"
    [[ $stdout == *inside* && -z $(ls -A "$T/outside") ]]
    local at
    for at in /loop/x /proc/self/root/x /proc/1/cwd/y; do
        bundle_edit --arg a "$at" '.mounts |= map(select(.source != "hostile")) + [{destination: $a, type: "tmpfs", source: "hostile"}]'
        run_lichen ! run "$CTR"
        [[ $stderr == *"destination $at"* ]]
    done
    bundle_edit '.mounts |= map(select(.source != "hostile"))'
    for at in proc dev; do
        mv "rootfs/$at" "rootfs/real-$at"
        ln -s "$T/outside" "rootfs/$at"
        [[ $at == proc ]] || bundle_edit '.mounts |= map(select(.destination | startswith("/dev") | not))'
        run_lichen ! run "$CTR"
        [[ $stderr == *"/$at"* && -z $(ls -A "$T/outside") ]]
        rm "rootfs/$at"
        mv "rootfs/real-$at" "rootfs/$at"
    done
    nothing_left
}

@test "a call there is no way around is named, with what to do, and nothing is left" {
    local call code
    for call in mount_setattr fsopen fsconfig fsmount open_tree move_mount pidfd_open; do
        for code in ENOSYS EPERM; do
            denied "$code" "$call"
            refused "$call"
        done
    done
}

@test "options that only mount_setattr can set are never left out" {
    # Each alone, so that it is this one which fails.
    local field
    denied EPERM mount_setattr
    bundle_edit '.mounts |= map(select(.destination != "/source" and .destination != "/scratch"))
        | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
    bundle_args echo started
    cp config.json "$T/plain.json"
    run_lichen -0 run "$CTR"
    for field in '.root.readonly = true' '.linux.readonlyPaths = ["/fixed"]' \
        '.mounts += [{destination: "/source", type: "bind", source: $s, options: ["bind", "ro"]}]' \
        '.mounts += [{destination: "/source", type: "bind", source: $s, options: ["rbind", "rro"]}]' \
        '.mounts += [{destination: "/source", type: "bind", source: $s, options: ["bind", "nosuid", "nodev"]}]'; do
        cp "$T/plain.json" config.json
        bundle_edit --arg s "$T/source" "$field"
        run_lichen ! run "$CTR"
        [[ $stdout != *started* && $stderr == *mount_setattr* ]] || { echo "# $field" && return 1; }
    done
    nothing_left
}

@test "exec and the other verbs name the denied call, and the container is as it was" {
    local verb
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    denied EPERM pidfd_open
    # That it cannot be looked at is no proof of its end: nothing takes its state away.
    for verb in "delete" "delete --force" "kill"; do
        # shellcheck disable=SC2086
        run_lichen ! $verb "$CTR"
        [[ $stderr == *"$CTR"* ]]
    done
    run_lichen ! exec "$CTR" true
    [[ $stderr == *pidfd_open*"seccomp profile"* ]]
    denied EPERM setns
    run_lichen ! exec "$CTR" true
    [[ $stderr == *setns*"seccomp profile"* ]]
    denied ENOSYS pidfd_send_signal
    run_lichen ! kill "$CTR" KILL
    [[ $stderr == *pidfd_send_signal*"seccomp profile"* ]]
    allowed
    state_is "$CTR" running
    run_lichen -0 delete --force "$CTR"
}

@test "without memfd_create a binary that the container could write does not run at all" {
    cp "$PLAIN" "$T/copy"
    PLAIN=$T/copy denied EPERM memfd_create
    refused memfd_create
}

@test "doctor finds the calls that are denied, and no others" {
    export XDG_RUNTIME_DIR=$T
    run_lichen doctor --json
    jq -e '.[] | select(.name == "syscalls") | .ok' <<<"$stdout"
    denied EPERM fsopen,mount_setattr
    run_lichen -1 doctor --json
    jq -e '.[] | select(.name == "syscalls") | .ok == false and .needed and (.fix | (contains("mount_setattr, fsopen") and contains("Linux 5.12")))' <<<"$stdout"
    denied ENOSYS openat2,clone3,close_range
    run_lichen doctor --json
    jq -e '.[] | select(.name == "syscalls") | .ok' <<<"$stdout"
}

# suite FILE [FILTER]: with the denied runtime. By a name other than lichen-oci bundle_new gives every bundle one id.
suite() {
    mv "$T/lichen-oci" "$T/denied-oci"
    capture env -u BATS_TEST_TMPDIR -u BATS_RUN_TMPDIR -u BATS_ROOT_PID LICHEN_OCI="$T/denied-oci" LICHEN_TEST_CACHE="$T/cache" \
        timeout 100 bats --tap --filter "${2-.}" "$LICHEN_SRC/bats/$1"
    [[ $status -eq 0 && $stdout == *"ok 1 "* && $stdout != *"not ok"* ]]
}

@test "the suite of mount options passes with openat2 denied" {
    denied ENOSYS openat2
    suite mount-options.bats 'option|slave|bind|remount|tmpcopyup|cannot'
}

@test "the mounts of the configuration pass with openat2 denied" {
    denied EPERM openat2
    suite config.bats '^(root.readonly|a tmpfs|a bind|a relative|propagation|tmpcopyup|remount|proc, sysfs|mounts |a mount|masked|the default devices|a FIFO|sysctl)'
}
