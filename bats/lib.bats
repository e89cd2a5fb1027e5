#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The library's own suite: a check that cannot fail is worth nothing, so each is made to fail here, in an inner bats.

load lib/lichen

# inner_test BODY: a suite of one test with the library; sets status and output of bats.
inner_test() {
    mkdir -p "$T/inner/tmp" "$T/inner/run"
    printf '%s\n' "load '$LICHEN_LIB/lichen'" "@test 'inner' {" "$1" '}' >"$T/inner/inner.bats"
    # Its own directories: the outer test's picture must not get the inner one's leak.
    capture env -u BATS_TEST_TMPDIR -u BATS_RUN_TMPDIR -u BATS_TEST_TIMEOUT LEAK_GRACE=1 TMPDIR="$T/inner/tmp" \
        XDG_RUNTIME_DIR="$T/inner/run" "${INNER_WRAP[@]}" bats --tap "$T/inner/inner.bats"
}

@test "a test that leaves nothing passes" {
    inner_test 'echo hello >"$T/file"; sleep 0.01'
    [[ $status -eq 0 && $output == *"ok 1 inner"* ]]
}

@test "a process that outlives its test fails it by name" {
    inner_test 'setsid sleep 987 3>&- 4>&- >/dev/null 2>&1 </dev/null &'
    [[ $status -ne 0 && $output == *"not ok 1 inner"* && $output == *"leak: process "*"sleep"* ]]
    ! pgrep -u "$(id -u)" -f 'sleep 987'
}

@test "a mount that outlives its test fails it by name" {
    requires userns
    INNER_WRAP=(unshare --user --map-root-user --mount)
    inner_test 'mkdir "$XDG_RUNTIME_DIR/m"; mount -t tmpfs none "$XDG_RUNTIME_DIR/m"'
    [[ $status -ne 0 && $output == *"leak: mount "*"/run/m tmpfs"* ]]
}

@test "a file left in the runtime directory or the temporary directory fails the test by name" {
    inner_test ': >"$XDG_RUNTIME_DIR/left-here"; : >"$TMPDIR/and-here"'
    [[ $status -ne 0 && $output == *"leak: file "*"/left-here"* && $output == *"leak: file "*"/and-here"* ]]
}

@test "a cgroup that outlives its test fails it by name" {
    requires --lane vm cgroup-v2
    local base
    base=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    [[ $base =~ ^(.*/user@[0-9]+\.service)(/.*)?$ ]] && base=${BASH_REMATCH[1]}
    inner_test "mkdir '$base/left-by-$$.scope'"
    rmdir "$base/left-by-$$.scope"
    [[ $status -ne 0 && $output == *"leak: cgroup "*"left-by-$$.scope"* ]]
}

@test "a failing test stays a failure and is still cleaned up" {
    inner_test 'setsid sleep 986 3>&- 4>&- >/dev/null 2>&1 </dev/null & false'
    [[ $status -ne 0 ]]
    ! pgrep -u "$(id -u)" -f 'sleep 986'
}

@test "wait_until succeeds as soon as the condition holds and gives up in time" {
    local before LICHEN_SLOW=1
    before=$(clock_ms)
    wait_until 60 test -d /
    (($(clock_ms) - before < 30000))
    before=$(clock_ms)
    ! wait_until 1 test -e "$T/never" 2>"$T/said"
    (($(clock_ms) - before >= 1000 && $(clock_ms) - before < 30000))
    grep -q "waited 1 s in vain for: test -e $T/never" "$T/said"
}

@test "a missing requirement skips with its reason" {
    inner_test 'requires command=no-such-command; false'
    [[ $status -eq 0 && $output == *"# skip needs command=no-such-command: no-such-command is not installed"* ]]
    inner_test 'requires no-such-requirement; false'
    [[ $output == *"# skip needs no-such-requirement: unknown requirement"* ]]
}

@test "a test of another lane is told apart from a skip" {
    inner_test 'requires --lane nowhere root; false'
    [[ $status -eq 0 && $output == *"# skip not for this lane: nowhere"* ]]
}

@test "run_lichen checks the status it is told to expect" {
    LICHEN_OCI=$T/runtime
    printf '#!/bin/sh\necho "out $*"; echo err >&2; exit 3\n' >"$LICHEN_OCI"
    chmod +x "$LICHEN_OCI"
    run_lichen -3 state x
    [[ $status -eq 3 && $stdout == "out --root $LICHEN_ROOT state x" && $stderr == err ]]
    run_lichen ! state x
    ! run_lichen -0 state x
}

@test "run_lichen does not wait for what holds its output" {
    LICHEN_OCI=$T/runtime
    printf '#!/bin/sh\nsetsid sleep 30 &\necho $! >"%s/pid"\n' "$T" >"$LICHEN_OCI"
    chmod +x "$LICHEN_OCI"
    local before
    before=$(clock_ms)
    run_lichen -0 create x
    kill "$(cat "$T/pid")"
    (($(clock_ms) - before < 20000))
}

@test "userns maps the caller and the subordinate ids, and passes the status on" {
    requires user subids
    capture "$LICHEN_LIB/userns" sh -c 'id -u; : >"$0/f"; chown 33:33 "$0/f"; exit 7' "$T"
    [[ $status -eq 7 && $stdout == 0 ]]
    [[ $(stat -c %u "$T/f") -ne $(id -u) ]]
}

@test "the stock bundle is complete JSON and edits keep it so" {
    bundle_new
    bundle_args echo "two words" '$x'
    bundle_edit '.hostname = "changed"'
    [[ $(jq -r '.process.args[1] + .process.args[2] + .hostname' config.json) == 'two words$xchanged' ]]
    [[ -x rootfs/bin/busybox && $(stat -c %a rootfs/tmp) == 1777 ]]
    [[ $(rootfs/bin/busybox chroot 2>&1 || :) == *BusyBox* ]]
    grep -q '^www-data:x:33:' rootfs/etc/passwd
}
