#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# SIGKILL at any moment of create: whatever is left can be seen and deleted, and then nothing is left. The leak check of
# every test's teardown looks for processes, mounts, cgroups and files. Helpers hold nothing of the caller's open.

load lib/lichen
bats_require_minimum_version 1.5.0

setup() {
    lichen_setup
    requires userns
    bundle_new
    bundle_args sleep 100
}

# recovers [CREATE OPTIONS]: what every crash is followed by. The runtime that was killed may have died before it made anything.
recovers() {
    local id
    run_lichen -0 list
    run_lichen -0 list --format json
    jq -e 'type == "array"' <<<"$stdout"
    run_lichen -0 list --quiet
    for id in $stdout; do
        run_lichen -0 state "$id"
        # The killed process may be dying still, never for long.
        [[ $(jq -r .status <<<"$stdout") =~ ^(creating|created|running|stopped)$ ]]
        run_lichen -0 delete --force "$id"
        run_lichen -1 state "$id"
    done
    run_lichen -0 delete --force "$CTR"
    # Not even a file, but for the compiled filters.
    [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]
    # The id is free again, and the bundle unharmed.
    run_lichen -0 create "$@" "$CTR"
    run_lichen -0 delete --force "$CTR"
}

kill_at_every_step() {
    local step r
    for step in parent:state-made parent:recorded parent:staged parent:mapped stage:mapped stage:cloned stage:fuse \
        init:rooted init:cgroup init:mounted init:pivoted parent:ready parent:complete; do
        echo "# step $step"
        r=0
        LICHEN_TEST_KILL_AT=$step timeout -k 1 60 "$LICHEN_OCI" --root "$LICHEN_ROOT" create "$@" "$CTR" \
            >"$T/said" 2>&1 </dev/null 3>&- 4>&- || r=$?
        cat "$T/said"
        # Without layers there is no fuse-overlayfs, and once init is there nobody needs the stage any more.
        [[ $r -ne 0 || $step == stage:fuse || $step == stage:cloned ]] || { echo "# not killed at $step" && return 1; }
        [[ $r -ne 124 ]]
        if [[ $step != parent:* && $r -ne 0 ]]; then
            # The parent lives: it takes everything away itself and says what was waited for.
            grep -q "lichen-oci:" "$T/said"
            run_lichen -1 state "$CTR"
        fi
        recovers "$@"
    done
}

@test "SIGKILL at each step of create leaves nothing after delete --force" {
    requires test-hooks
    kill_at_every_step
}

@test "SIGKILL at each step of create with an overlay and a network leaves nothing" {
    requires test-hooks fuse slirp
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "fuse-overlayfs"}'
    export XDG_DATA_HOME=$T/data
    kill_at_every_step --overlay --net slirp
    [[ -z $(find "$T/data" -mindepth 3) ]]
}

@test "SIGKILL of init between start and exec is told by start" {
    requires test-hooks
    LICHEN_TEST_KILL_AT=init:start run_lichen -0 create "$CTR"
    run_lichen start "$CTR"
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    recovers
}

@test "kill -9 of create at random moments leaves nothing after delete --force" {
    local i create
    for i in {1..15}; do
        "$LICHEN_OCI" --root "$LICHEN_ROOT" create "$CTR" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
        create=$!
        sleep "0.0$((RANDOM % 5))$((RANDOM % 10))"
        kill -KILL "$create" 2>/dev/null || :
        wait "$create" || :
        run_lichen -0 list --quiet
        run_lichen -0 delete --force "$CTR"
    done
    recovers
}

@test "kill -9 of a foreground run at random moments leaves nothing after delete --force" {
    requires fuse
    export XDG_DATA_HOME=$T/data
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "fuse-overlayfs"}'
    local i run
    for i in {1..10}; do
        "$LICHEN_OCI" --root "$LICHEN_ROOT" run --overlay "$CTR" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
        run=$!
        sleep "0.0$((RANDOM % 9))$((RANDOM % 10))"
        kill -KILL "$run" 2>/dev/null || :
        wait "$run" || :
        run_lichen -0 delete --force "$CTR"
    done
    [[ -z $(find "$T/data" -mindepth 3) ]]
}

@test "a container whose init is killed takes fuse-overlayfs and lichen-net with it" {
    requires fuse slirp
    export XDG_DATA_HOME=$T/data
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "fuse-overlayfs"}'
    run_lichen -0 run --detach --overlay --net slirp "$CTR"
    pgrep -u "$(id -u)" fuse-overlayfs
    pgrep -u "$(id -u)" lichen-net
    kill -KILL "$(container_pid "$CTR")"
    no_helpers() { ! pgrep -r D,R,S,T -u "$(id -u)" 'fuse-overlayfs|lichen-net'; }
    wait_until 10 no_helpers
    run_lichen -0 delete "$CTR"
    [[ -z $(find "$T/data" -mindepth 3) ]]
}

# A descriptor that a background process keeps stalls a suite, or "docker run | cat", for ever (podman#3695).
holds_no_pipe() {
    mkfifo "$T/fifo"
    # fd 3, as bats has it, and another; stdio is the container's to keep.
    "$LICHEN_OCI" --root "$LICHEN_ROOT" "$@" "$CTR" 3>"$T/fifo" 9>&3 >/dev/null 2>&1 </dev/null 4>&- &
    local runtime=$!
    exec 7<"$T/fifo"
    wait "$runtime"
    run -0 timeout 10 cat <&7
    exec 7<&-
    [[ $(state_of "$CTR") =~ ^(created|running)$ ]]
}

@test "create leaves no inherited pipe open" {
    holds_no_pipe create
}

@test "run --detach with fuse-overlayfs and lichen-net leaves no inherited pipe open" {
    requires fuse slirp
    export XDG_DATA_HOME=$T/data
    bundle_edit '.annotations = {"io.lichen.rootfs.driver": "fuse-overlayfs"}'
    holds_no_pipe run --detach --overlay --net slirp
    pgrep -u "$(id -u)" lichen-net
}

@test "an exec'ed process that is left running holds no inherited pipe open" {
    run_lichen -0 run --detach "$CTR"
    mkfifo "$T/fifo"
    "$LICHEN_OCI" --root "$LICHEN_ROOT" exec --detach "$CTR" sleep 100 3>"$T/fifo" 9>&3 >/dev/null 2>&1 </dev/null 4>&- &
    exec 7<"$T/fifo"
    wait $!
    run -0 timeout 10 cat <&7
    exec 7<&-
}
