#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Hooks: when they run, where, with what on stdin, and what their failure does (runtime.md "Lifecycle", config.md
# "POSIX-platform Hooks").

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
    # Where hooks of either side can write: /mnt is bound into the container at its own path.
    LOG=$T/log
    mkdir "$LOG"
    bundle_edit --arg log "$LOG" '.mounts += [{destination: $log, type: "bind", source: $log, options: ["rbind", "rw"]}]'
}

# hook KIND SCRIPT [EDIT]: appends a hook that runs the script; startContainer's is looked up inside the container.
hook() {
    bundle_edit --arg kind "$1" --arg script "$2" '.hooks[$kind] += [{path: "/bin/sh", args: ["sh", "-c", $script]'"${3:-}"'}]'
}

hooks_everywhere() {
    local kind
    for kind in prestart createRuntime createContainer startContainer poststart poststop; do
        hook "$kind" "$1"
    done
}

nothing_left() {
    run_lichen -1 state "$CTR"
    [[ -z $(ls -A "$LICHEN_ROOT" | grep -v seccomp) ]]
}

@test "all six kinds run, in the order of the lifecycle, several of a kind in their own" {
    local kind
    for kind in prestart createRuntime createContainer startContainer poststart poststop; do
        hook "$kind" "echo $kind-1 >>$LOG/order"
        hook "$kind" "echo $kind-2 >>$LOG/order"
    done
    bundle_script "echo process >>$LOG/order; sleep 100"
    run_lichen -0 create "$CTR"
    [[ $(tr '\n' ' ' <"$LOG/order") == "prestart-1 prestart-2 createRuntime-1 createRuntime-2 createContainer-1 createContainer-2 " ]]
    run_lichen -0 start "$CTR"
    wait_until 10 grep -q process "$LOG/order"
    [[ $(grep -v process "$LOG/order" | tail -n +7 | tr '\n' ' ') == "startContainer-1 startContainer-2 poststart-1 poststart-2 " ]]
    # The process runs after its startContainer hooks.
    [[ $(grep -n process "$LOG/order" | cut -d: -f1) -gt 8 ]]
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    ! grep -q poststop "$LOG/order"
    run_lichen -0 delete "$CTR"
    [[ $(tail -n 2 "$LOG/order" | tr '\n' ' ') == "poststop-1 poststop-2 " ]]
}

@test "run runs all six kinds too" {
    local kind
    for kind in prestart createRuntime createContainer startContainer poststart poststop; do
        hook "$kind" "echo $kind >>$LOG/order"
    done
    bundle_args true
    run_lichen -0 run "$CTR"
    [[ $(tr '\n' ' ' <"$LOG/order") == "prestart createRuntime createContainer startContainer poststart poststop " ]]
}

@test "the state on stdin has the status and the pid of the moment" {
    local kind pid
    for kind in prestart createRuntime createContainer startContainer poststart poststop; do
        hook "$kind" "cat >$LOG/$kind"
    done
    bundle_edit '.annotations = {"org.example.a": "x"}'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    pid=$(container_pid "$CTR")
    run_lichen -0 start "$CTR"
    wait_until 10 test -s "$LOG/poststart"
    run_lichen -0 delete --force "$CTR"
    for kind in prestart createRuntime createContainer startContainer poststart poststop; do
        echo "# $kind: $(<"$LOG/$kind")"
        [[ $(jq -r .id "$LOG/$kind") == "$CTR" ]]
        [[ $(jq -r .ociVersion "$LOG/$kind") == 1.0.2 ]]
        [[ $(jq -r .bundle "$LOG/$kind") == "$BUNDLE" ]]
        [[ $(jq -r '.annotations["org.example.a"]' "$LOG/$kind") == x ]]
    done
    [[ $(jq -r .status "$LOG/prestart") == creating && $(jq .pid "$LOG/prestart") == "$pid" ]]
    [[ $(jq -r .status "$LOG/createRuntime") == creating && $(jq .pid "$LOG/createRuntime") == "$pid" ]]
    # "For hooks executed in the container namespace, it is the pid as seen by the container."
    [[ $(jq -r .status "$LOG/createContainer") == creating && $(jq .pid "$LOG/createContainer") == 1 ]]
    [[ $(jq -r .status "$LOG/startContainer") == created && $(jq .pid "$LOG/startContainer") == 1 ]]
    [[ $(jq -r .status "$LOG/poststart") == running && $(jq .pid "$LOG/poststart") == "$pid" ]]
    [[ $(jq -r .status "$LOG/poststop") == stopped ]]
}

@test "each kind runs in the namespaces the specification names" {
    local kind ns mine
    mine=$(readlink /proc/self/ns/mnt)
    # Numbers are compared, since createContainer sees the host's files and startContainer the container's.
    for kind in prestart createRuntime createContainer startContainer poststart poststop; do
        hook "$kind" "readlink /proc/self/ns/mnt >$LOG/$kind; hostname >>$LOG/$kind; [ -e /bin/busybox -a -e /home/user -a ! -e $T/leaks ] && echo inside >>$LOG/$kind || echo outside >>$LOG/$kind"
    done
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    ns=$(readlink "/proc/$(container_pid "$CTR")/ns/mnt") || ns=$(lichen exec "$CTR" readlink /proc/self/ns/mnt)
    wait_until 10 test -s "$LOG/poststart"
    run_lichen -0 delete --force "$CTR"
    for kind in prestart createRuntime poststart poststop; do
        [[ $(<"$LOG/$kind") == "$mine"$'\n'"$(hostname)"$'\noutside' ]]
    done
    [[ $(<"$LOG/createContainer") == "$ns"$'\nlichen-test\noutside' ]]
    [[ $(<"$LOG/startContainer") == "$ns"$'\nlichen-test\ninside' ]]
}

@test "prestart and createRuntime can use the container's namespaces" {
    local kind
    for kind in prestart createRuntime; do
        hook "$kind" 'pid=$(sed "s/.*\"pid\":\([0-9]*\).*/\1/"); for n in net uts ipc; do readlink /proc/$pid/ns/$n; done >'"$LOG/$kind"
    done
    bundle_args true
    run_lichen -0 create "$CTR"
    local n want
    want=$(for n in net uts ipc; do readlink "/proc/$(container_pid "$CTR")/ns/$n"; done)
    [[ $(wc -l <<<"$want") -eq 3 && $(<"$LOG/prestart") == "$want" && $(<"$LOG/createRuntime") == "$want" ]]
}

@test "a hook gets exactly its environment and arguments" {
    printf '#!/bin/sh\nprintf "[%%s]" "$0" "$@" >"%s/args"; tr "\\0" "\\n" </proc/self/environ >"%s/env"\n' "$LOG" "$LOG" >"$T/hook"
    chmod +x "$T/hook"
    bundle_edit --arg path "$T/hook" '.hooks.createRuntime = [{path: $path, args: ["name", "a b", ""], env: ["ONE=1", "TWO=2 3"]}]'
    bundle_args true
    OUTSIDE=1 run_lichen -0 create "$CTR"
    [[ $(<"$LOG/args") == "[$T/hook][a b][]" ]]
    [[ $(grep -v '^PWD=\|^_=\|^SHLVL=' "$LOG/env") == $'ONE=1\nTWO=2 3' ]]
    run_lichen -0 delete --force "$CTR"
    bundle_edit --arg path "$T/hook" '.hooks.createRuntime = [{path: $path}]'
    OUTSIDE=1 run_lichen -0 create "$CTR"
    [[ $(<"$LOG/args") == "[$T/hook]" ]]
    ! grep -q OUTSIDE "$LOG/env"
}

@test "a hook that exceeds its timeout is killed and fails create" {
    hook createRuntime 'echo $$ >'"$LOG/pid; exec sleep 100" ', timeout: 1'
    bundle_args true
    local before
    before=$(clock_ms)
    run_lichen -1 create "$CTR"
    (($(clock_ms) - before >= 900))
    [[ $stderr == *"hooks.createRuntime[0]: /bin/sh did not end within its timeout of 1 s"* ]]
    process_gone "$(<"$LOG/pid")"
    nothing_left
}

@test "a hook that ends within its timeout is no failure" {
    hook createRuntime 'sleep 0.1' ', timeout: 60'
    bundle_args true
    run_lichen -0 run "$CTR"
}

@test "a failing hook of create fails it, leaves nothing, and poststop hooks run" {
    local kind
    for kind in prestart createRuntime createContainer; do
        bundle_edit 'del(.hooks)'
        hook "$kind" "echo first >>$LOG/$kind"
        hook "$kind" 'echo "this went wrong" >&2; exit 3'
        hook "$kind" "echo third >>$LOG/$kind"
        hook poststop "echo poststop >>$LOG/$kind"
        bundle_script "echo process >>$LOG/$kind"
        run_lichen -1 create "$CTR"
        [[ $stderr == *"hooks.$kind[1]: /bin/sh failed with exit status 3: this went wrong"* ]]
        [[ $(tr '\n' ' ' <"$LOG/$kind") == "first poststop " ]]
        nothing_left
        run_lichen ! run "$CTR"
        nothing_left
    done
}

@test "a failing startContainer hook fails start and the process does not run" {
    hook startContainer 'echo "not today" >&2; exit 4'
    hook poststop "echo poststop >>$LOG/order"
    bundle_script "echo process >>$LOG/order"
    run_lichen -0 create "$CTR"
    run_lichen -1 start "$CTR"
    [[ $stderr == *"hooks.startContainer[0]: /bin/sh failed with exit status 4: not today"* ]]
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    [[ $(<"$LOG/order") == poststop ]]
    run_lichen -1 run "$CTR"
    nothing_left
}

@test "a failing poststart hook stops and destroys the container" {
    hook poststart 'exit 5'
    hook poststop "echo poststop >>$LOG/order"
    bundle_script "echo started >>$LOG/order; exec sleep 100"
    run_lichen -0 create --pid-file "$T/pid" "$CTR"
    run_lichen -1 start "$CTR"
    [[ $stderr == *"hooks.poststart[0]: /bin/sh failed with exit status 5"* ]]
    process_gone "$(<"$T/pid")"
    [[ $(tail -n 1 "$LOG/order") == poststop ]]
    nothing_left
    run_lichen -1 run "$CTR"
    nothing_left
    run_lichen -1 run --detach "$CTR"
    nothing_left
}

@test "a failing poststop hook is a warning, and the others still run" {
    hook poststop 'exit 6'
    hook poststop "echo second >>$LOG/order"
    bundle_args true
    run_lichen -0 create "$CTR"
    run_lichen -0 delete --force "$CTR"
    [[ $stderr == *"hooks.poststop[0]: /bin/sh failed with exit status 6"* ]]
    [[ $(<"$LOG/order") == second ]]
    nothing_left
    run_lichen -0 run "$CTR"
    [[ $stderr == *"hooks.poststop[0]"* ]]
    nothing_left
}

@test "a hook killed by a signal is a failure that names it" {
    hook createRuntime 'kill -9 $$'
    bundle_args true
    run_lichen -1 create "$CTR"
    [[ $stderr == *"hooks.createRuntime[0]: /bin/sh failed with signal 9"* ]]
}

@test "a hook that is not there is a failure that names it" {
    bundle_edit '.hooks.createRuntime = [{path: "/no/such/hook"}]'
    bundle_args true
    run_lichen -1 create "$CTR"
    [[ $stderr == *"hooks.createRuntime[0]: /no/such/hook failed"*"No such file or directory"* ]]
    nothing_left
    bundle_edit '.hooks.createRuntime = [{path: "relative"}]'
    run_lichen -1 create "$CTR"
    [[ $stderr == *"hooks.createRuntime[0].path"* ]]
}

@test "hooks that ignore their stdin or close it do no harm" {
    # A state larger than a pipe holds.
    bundle_edit '.annotations = ([range(2000) | {("org.example.key-\(.)"): ("x" * 100)}] | add)'
    hooks_everywhere 'exec <&-; exit 0'
    hooks_everywhere 'exit 0'
    bundle_args true
    run_lichen -0 run "$CTR"
}

@test "a hook that prints much is not blocked" {
    hook createRuntime 'yes | head -c 1000000'
    hook createRuntime "echo after >$LOG/after"
    bundle_args true
    run_lichen -0 run "$CTR"
    [[ $(<"$LOG/after") == after ]]
}

@test "a daemon that a hook leaves does not hold create up" {
    hook createRuntime 'sleep 100 & echo $! >'"$LOG/pid"
    bundle_args true
    local before
    before=$(clock_ms)
    run_lichen -0 run "$CTR"
    (($(clock_ms) - before < 30000))
    kill "$(<"$LOG/pid")"
}

@test "hooks inherit no descriptor but the standard three" {
    hook createRuntime "ls /proc/self/fd >$LOG/fds"
    hook startContainer "ls /proc/self/fd >$LOG/fds-inside"
    bundle_args true
    exec 7<"$BATS_TEST_FILENAME"
    run_lichen -0 run "$CTR"
    exec 7<&-
    # 3 is ls' own.
    [[ $(tr '\n' ' ' <"$LOG/fds") == "0 1 2 3 " ]]
    [[ $(tr '\n' ' ' <"$LOG/fds-inside") == "0 1 2 3 " ]]
}
