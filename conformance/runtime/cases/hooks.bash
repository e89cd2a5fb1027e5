# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# Hooks: config.md "POSIX-platform Hooks" and steps 3 to 13 of runtime.md "Lifecycle".

HOOK_KINDS=(prestart createRuntime createContainer startContainer poststart poststop)

conformance_case hooks --spec config.md#posix-platform-hooks --asserts 4 --quick --upstream \
    --covers "hooks hooks.prestart hooks.createRuntime hooks.createContainer hooks.startContainer hooks.poststart hooks.poststop" \
    --differs "runc: 1.1 calls poststart hooks at the end of create" \
    --proves "every kind of hook is called at its step of the lifecycle, hooks of a kind in the order of the list"
case_hooks() {
    local kind
    log_directory
    for kind in "${HOOK_KINDS[@]}"; do
        hook "$kind" "echo $kind-1 >>$LOG/order"
        hook "$kind" "echo $kind-2 >>$LOG/order"
    done
    bundle_script "echo process >>$LOG/order; exec sleep 100"
    run_lichen -0 create "$CTR"
    is "create" "$(log_words order)" "prestart-1 prestart-2 createRuntime-1 createRuntime-2 createContainer-1 createContainer-2 "
    : >"$LOG/order"
    run_lichen -0 start "$CTR"
    wait_until 10 grep -q process "$LOG/order"
    is "start, the process being anywhere after its hooks" "$(grep -v process "$LOG/order" | tr '\n' ' ')" \
        "startContainer-1 startContainer-2 poststart-1 poststart-2 "
    holds "startContainer is before the process" test "$(grep -n process "$LOG/order" | cut -d: -f1)" -gt 2
    : >"$LOG/order"
    halt
    is "delete" "$(log_words order)" "poststop-1 poststop-2 "
}

conformance_case hooks_stdin --spec config.md#posix-platform-hooks --asserts 18 --quick --upstream \
    --differs "runc: 1.1 gives createContainer and startContainer hooks the host's pid" \
    --proves "each hook reads the state on stdin, with the status of the moment; the pid is as its namespace sees it"
case_hooks_stdin() {
    local kind want pid
    log_directory
    for kind in "${HOOK_KINDS[@]}"; do
        hook "$kind" "cat >$LOG/$kind"
    done
    up
    pid=$(in_state .pid)
    halt
    for kind in "${HOOK_KINDS[@]}"; do
        case $kind in
            startContainer) want=created ;;
            poststart) want=running ;;
            poststop) want=stopped ;;
            *) want=creating ;;
        esac
        is "$kind: id and bundle" "$(jq -r '"\(.id) \(.bundle)"' "$LOG/$kind")" "$CTR $BUNDLE"
        is "$kind: status" "$(jq -r .status "$LOG/$kind")" "$want"
        case $kind in
            createContainer | startContainer) want=1 ;;
            # Optional once it has stopped.
            poststop) want=$(jq -r .pid "$LOG/$kind") ;;
            *) want=$pid ;;
        esac
        is "$kind: pid" "$(jq -r .pid "$LOG/$kind")" "$want"
    done
}

conformance_case hooks_namespaces --spec config.md#posix-platform-hooks --asserts 6 \
    --proves "createContainer and startContainer hooks run in the container's namespaces, the others in the runtime's; only startContainer's path is the container's"
case_hooks_namespaces() {
    local kind mine inside_ns
    log_directory
    : >rootfs/this-is-the-container
    mine=$(readlink /proc/self/ns/mnt)
    for kind in "${HOOK_KINDS[@]}"; do
        hook "$kind" "readlink /proc/self/ns/mnt >$LOG/$kind; test -e /this-is-the-container && echo inside >>$LOG/$kind || echo outside >>$LOG/$kind"
    done
    up
    run_lichen -0 exec "$CTR" readlink /proc/self/ns/mnt
    inside_ns=$stdout
    halt
    for kind in prestart createRuntime poststart poststop; do
        is "$kind" "$(log_words "$kind")" "$mine outside "
    done
    is createContainer "$(log_words createContainer)" "$inside_ns outside "
    is startContainer "$(log_words startContainer)" "$inside_ns inside "
}

conformance_case hooks_execution --spec config.md#posix-platform-hooks --asserts 14 \
    --covers "hooks.prestart[].path hooks.prestart[].args hooks.prestart[].env hooks.createRuntime[].path hooks.createRuntime[].args hooks.createRuntime[].env hooks.createContainer[].path hooks.createContainer[].args hooks.createContainer[].env hooks.startContainer[].path hooks.startContainer[].args hooks.startContainer[].env hooks.poststart[].path hooks.poststart[].args hooks.poststart[].env hooks.poststop[].path hooks.poststop[].args hooks.poststop[].env" \
    --proves "path is the absolute program, args what execv takes, env the whole environment"
case_hooks_execution() {
    local kind
    log_directory
    export OUTSIDE=1
    for kind in "${HOOK_KINDS[@]}"; do
        # shellcheck disable=SC2016
        printf '#!/bin/sh\nprintf "[%%s]" "$@" >"%s/args-%s"; tr "\\0" "\\n" </proc/self/environ >"%s/env-%s"\n' "$LOG" "$kind" "$LOG" "$kind" >"$T/hook-$kind"
        chmod 0755 "$T/hook-$kind"
        cp "$T/hook-$kind" rootfs/bin/
        local path=$T/hook-$kind
        [[ $kind != startContainer ]] || path=/bin/hook-$kind
        bundle_edit --arg k "$kind" --arg p "$path" '.hooks[$k] = [{path: $p, args: ["name", "a b", "", "*"], env: ["ONE=1", "TWO=2 3"]}]'
    done
    up
    halt
    for kind in "${HOOK_KINDS[@]}"; do
        is "$kind: args" "$(<"$LOG/args-$kind")" '[a b][][*]'
        is "$kind: env" "$(grep -v '^PWD=\|^_=\|^SHLVL=\|^OLDPWD=' "$LOG/env-$kind")" $'ONE=1\nTWO=2 3'
    done
    refused "a path that is not absolute" '.hooks.createRuntime = [{path: "bin/true"}]' "hooks.createRuntime[0].path"
    refused "a hook without a path" '.hooks.poststart = [{args: ["x"]}]' "hooks.poststart[0].path"
}

conformance_case hooks_timeout --spec config.md#posix-platform-hooks --asserts 9 \
    --covers "hooks.prestart[].timeout hooks.createRuntime[].timeout hooks.createContainer[].timeout hooks.startContainer[].timeout hooks.poststart[].timeout hooks.poststop[].timeout" \
    --differs "runc: 1.1 takes a timeout of 0" \
    --proves "timeout is a number of seconds above zero after which the hook is aborted and has failed"
case_hooks_timeout() {
    local kind
    log_directory
    bundle_args sleep 100
    for kind in prestart createRuntime createContainer; do
        bundle_edit 'del(.hooks)'
        hook "$kind" 'exec sleep 100' ', timeout: 1'
        errs "$kind that does not end fails create" "hooks.${kind}[0]" create "$CTR"
    done
    for kind in startContainer poststart; do
        bundle_edit 'del(.hooks)'
        hook "$kind" 'exec sleep 100' ', timeout: 1'
        run_lichen -0 create "$CTR"
        errs "$kind that does not end fails start" "hooks.${kind}[0]" start "$CTR"
        lichen delete --force "$CTR" || :
    done
    bundle_edit 'del(.hooks)'
    hook poststop "echo \$\$ >$LOG/pid; exec sleep 100" ', timeout: 1'
    run_lichen -0 create "$CTR"
    run_lichen -0 delete --force "$CTR"
    holds "poststop that does not end is aborted" process_gone "$(<"$LOG/pid")"
    bundle_edit 'del(.hooks)'
    for kind in "${HOOK_KINDS[@]}"; do
        hook "$kind" 'exit 0' ', timeout: 60'
    done
    run_lichen -0 run --detach "$CTR"
    run_lichen -0 delete --force "$CTR"
    assertion 0 "hooks that end in time are no failure"
    bundle_edit 'del(.hooks)'
    refused "a timeout of zero" '.hooks.createRuntime = [{path: "/bin/true", timeout: 0}]' "hooks.createRuntime[0].timeout"
    refused "a timeout below zero" '.hooks.createRuntime = [{path: "/bin/true", timeout: -1}]' "hooks.createRuntime[0].timeout"
}

conformance_case prestart --spec config.md#prestart --asserts 3 --upstream \
    --proves "prestart hooks are called when the environment has been made and before the program runs"
case_prestart() {
    log_directory
    hook prestart "pid=\$(sed 's/.*\"pid\": *\([0-9]*\).*/\1/'); readlink /proc/\$pid/ns/net >$LOG/net; echo prestart >>$LOG/order"
    bundle_script "echo process >>$LOG/order; exec sleep 100"
    run_lichen -0 create "$CTR"
    is "called by the end of create" "$(log_words order)" "prestart "
    is "with the namespaces there" "$(<"$LOG/net")" "$(readlink "/proc/$(in_state .pid)/ns/net")"
    run_lichen -0 start "$CTR"
    wait_until 10 grep -q process "$LOG/order"
    is "before the program" "$(log_words order)" "prestart process "
    halt
}

conformance_case prestart_fail --spec runtime.md#lifecycle --asserts 4 --upstream \
    --proves "a prestart hook that fails is an error: the container is stopped and destroyed, the program does not run, poststop hooks do"
case_prestart_fail() { failing_create_hook prestart; }

conformance_case create_runtime_fail --spec runtime.md#lifecycle --asserts 4 \
    --proves "a createRuntime hook that fails is an error: the container is stopped and destroyed, the program does not run, poststop hooks do"
case_create_runtime_fail() { failing_create_hook createRuntime; }

conformance_case create_container_fail --spec runtime.md#lifecycle --asserts 4 \
    --differs "runc: 1.1 runs no poststop hooks then" \
    --proves "a createContainer hook that fails is an error: the container is stopped and destroyed, the program does not run, poststop hooks do"
case_create_container_fail() { failing_create_hook createContainer; }

failing_create_hook() {
    log_directory
    hook "$1" 'exit 3'
    hook "$1" "echo next >>$LOG/order"
    hook poststop "echo poststop >>$LOG/order"
    bundle_script "echo process >>$LOG/order"
    errs "create" "hooks.$1[0]: /bin/sh failed with exit status 3" create "$CTR"
    refutes "there is no container" exists "$CTR"
    holds "nothing of it is left" nothing_left
    is "the lifecycle goes on with poststop" "$(log_words order)" "poststop "
}

conformance_case start_container_fail --spec runtime.md#lifecycle --asserts 4 \
    --differs "runc: 1.1 does not report the failure to start" \
    --proves "a startContainer hook that fails is an error: the container is stopped, the program does not run"
case_start_container_fail() {
    log_directory
    hook startContainer 'exit 4'
    hook poststop "echo poststop >>$LOG/order"
    bundle_script "echo process >>$LOG/order"
    run_lichen -0 create "$CTR"
    errs "start" "hooks.startContainer[0]: /bin/sh failed with exit status 4" start "$CTR"
    # init has told its failure and ends; some runtimes remove the container at once.
    holds "the container is stopped or gone" wait_until 10 stopped_or_gone
    lichen delete --force "$CTR" || :
    is "the program did not run, poststop did" "$(log_words order)" "poststop "
    refutes "and it is gone" exists "$CTR"
}

stopped_or_gone() { ! exists "$CTR" || state_is "$CTR" stopped; }

conformance_case poststart --spec config.md#poststart --asserts 2 --upstream \
    --differs "runc: 1.1 calls poststart hooks at the end of create" \
    --proves "poststart hooks are called when the program runs and before start returns"
case_poststart() {
    log_directory
    hook poststart "cat >$LOG/state; echo poststart >>$LOG/order"
    up
    is "called by the end of start" "$(log_words order)" "poststart "
    is "with the program running" "$(jq -r .status "$LOG/state")" running
    halt
}

conformance_case poststart_fail --spec runtime.md#lifecycle --asserts 3 --upstream-fails \
    "it wants a warning, as runtime-spec 1.0 said; since 1.2.1 a failing poststart hook is an error that stops the container" \
    --differs "runc: 1.1 was written for runtime-spec 1.0" \
    --proves "a poststart hook that fails is an error: the container is stopped and destroyed, poststop hooks run"
case_poststart_fail() {
    log_directory
    hook poststart 'exit 5'
    hook poststop "echo poststop >>$LOG/order"
    bundle_args sleep 100
    run_lichen -0 create --pid-file "$T/pid" "$CTR"
    errs "start" "hooks.poststart[0]: /bin/sh failed with exit status 5" start "$CTR"
    holds "the program is stopped" process_gone "$(<"$T/pid")"
    is "the lifecycle goes on with poststop" "$(log_words order)" "poststop "
}

conformance_case poststop --spec config.md#poststop --asserts 3 --upstream \
    --proves "poststop hooks are called when the container has been deleted and before delete returns"
case_poststop() {
    log_directory
    hook poststop "cat >$LOG/state; echo poststop >>$LOG/order"
    up
    local pid
    pid=$(in_state .pid)
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    refutes "not called when the program ends" test -e "$LOG/order"
    run_lichen -0 delete "$CTR"
    is "called by the end of delete" "$(log_words order)" "poststop "
    holds "when the process is gone" process_gone "$pid"
}

conformance_case poststop_fail --spec runtime.md#lifecycle --asserts 3 --upstream-fails \
    "it makes no TAP plan and passes whatever happens" \
    --differs "runc: 1.1 leaves the other hooks out" \
    --proves "a poststop hook that fails is a warning; the other hooks and the deletion go on"
case_poststop_fail() {
    log_directory
    hook poststop 'exit 6'
    hook poststop "echo second >>$LOG/order"
    up
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    like "a warning" "$stderr" '*[Pp]oststop*'
    is "the other hook" "$(log_words order)" "second "
    refutes "the container is deleted" exists "$CTR"
}
