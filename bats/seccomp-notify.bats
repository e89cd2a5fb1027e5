#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# SCMP_ACT_NOTIFY: the listener reaches the agent, which answers (config-linux.md, "Seccomp").

load lib/lichen

setup() {
    lichen_setup
    requires userns seccomp command=python3
    bundle_new
    AGENT=
    notify mkdir mkdirat
    bundle_edit --arg path "$T/agent.sock" '.linux.seccomp += {listenerPath: $path, listenerMetadata: "meta data"}'
}

teardown() {
    [[ -z $AGENT ]] || { kill "$AGENT" 2>/dev/null || :; wait "$AGENT" 2>/dev/null || :; }
    lichen_teardown
}

# notify NAME...: a filter that asks for these calls and allows all others
notify() {
    bundle_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: $ARGS.positional, action: "SCMP_ACT_NOTIFY"}]}' --args -- "$@"
}
# agent [--connections N] ANSWER...
agent() {
    local connections=()
    [[ $1 != --connections ]] || { connections=("$1" "$2") && shift 2; }
    "$LICHEN_LIB/seccomp-agent" "${connections[@]}" "$T/agent.sock" "$T/states" "$@" </dev/null >/dev/null 2>"$T/agent.err" 3>&- 4>&- &
    AGENT=$!
    wait_until 10 grep -q ready "$T/agent.err"
}
# The agent ends by itself, and well, when the filter's last process has.
agent_ends() {
    wait "$AGENT" || { echo "# the agent failed: $(<"$T/agent.err")" && return 1; }
    AGENT=
}
state() { jq -e -s "$@" "$T/states"; }

@test "the agent answers what run's process calls" {
    agent 123 continue 0
    bundle_script 'mkdir /tmp/a; mkdir /tmp/b && echo made; mkdir /tmp/c && echo pretended; ls /tmp; echo $$'
    run_lichen -0 run "$CTR"
    [[ $stderr == *"/tmp/a"*"No medium found"* ]]
    [[ $stdout == $'made\npretended\nb\n1' ]]
    agent_ends
    state --arg id "$CTR" --arg bundle "$BUNDLE" 'length == 1 and (.[0] | .fds == ["seccompFd"] and .metadata == "meta data" and .pid > 1 and .ociVersion
        and .state.id == $id and .state.bundle == $bundle and .state.pid == .pid and (.state | has("status") and has("ociVersion")))'
}

@test "the agent gets the listener at start, with the process's pid on the host" {
    agent continue
    bundle_args sleep 100
    run_lichen -0 create --pid-file "$T/pid" "$CTR"
    [[ ! -e $T/states ]]
    run_lichen -0 start "$CTR"
    state --argjson pid "$(<"$T/pid")" '.[0].pid == $pid and .[0].state.status == "created"'
    run_lichen -0 kill "$CTR" KILL
    agent_ends
}

@test "an exec'ed process has a listener of its own" {
    agent --connections 2 123
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    run_lichen -1 exec --pid-file "$T/pid" "$CTR" mkdir /tmp/x
    [[ $stderr == *"No medium found"* ]]
    state --argjson pid "$(<"$T/pid")" 'length == 2 and .[1].pid == $pid and .[1].state.pid == .[0].pid and .[1].state.status == "running"'
    run_lichen -0 kill "$CTR" KILL
    agent_ends
}

@test "it works without noNewPrivileges, where the filter is on before the change of user" {
    requires subids
    agent 123
    bundle_edit '.process.noNewPrivileges = false | .process.user = {uid: 33, gid: 33}'
    bundle_script 'mkdir /tmp/a; id -u'
    run_lichen -0 run "$CTR"
    [[ $stdout == 33 && $stderr == *"No medium found"* ]]
    agent_ends
}

@test "crun's annotation and variable name the agent too" {
    bundle_edit 'del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)'
    bundle_args mkdir /tmp/a
    agent --connections 2 123
    RUN_OCI_SECCOMP_RECEIVER=$T/agent.sock run_lichen -1 run "$CTR"
    [[ $stderr == *"No medium found"* ]]
    bundle_edit --arg path "$T/agent.sock" '.annotations["run.oci.seccomp.receiver"] = $path'
    RUN_OCI_SECCOMP_RECEIVER=/nowhere run_lichen -1 run "$CTR"
    [[ $stderr == *"No medium found"* ]]
    agent_ends
    state 'length == 2 and (.[0] | has("metadata") | not)'
    bundle_edit '.annotations["run.oci.seccomp.receiver"] = "agent.sock"'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"the seccomp receiver agent.sock is not an absolute path"* ]]
}

@test "an agent that is not there is an error, and nothing runs" {
    bundle_script ': >/ran'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"linux.seccomp.listenerPath $T/agent.sock: "*"start the seccomp agent first"* ]]
    [[ -z $(state_of "$CTR") && ! -e rootfs/ran ]]
    run_lichen -0 create "$CTR"
    run_lichen -1 start "$CTR"
    # It may be tried again.
    state_is "$CTR" created
    agent 123
    run_lichen -0 start "$CTR"
    wait_state "$CTR" stopped
    agent_ends
    [[ -e rootfs/ran ]]
}

@test "a filter without a listener, or one that would lock the runtime up, is refused" {
    bundle_edit 'del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"linux.seccomp.listenerPath: is required by SCMP_ACT_NOTIFY"* ]]
    local name
    for name in write sendmsg; do
        notify mkdir "$name"
        run_lichen -1 run "$CTR"
        [[ $stderr == *"linux.seccomp.syscalls[0].names[1]: SCMP_ACT_NOTIFY cannot be used for $name"* ]]
    done
    bundle_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/x"}'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default"* ]]
}

@test "a filter that forbids the handing over is an error, not a container that never was" {
    agent 123
    bundle_edit '.linux.seccomp.syscalls += [{names: ["sendmsg"], action: "SCMP_ACT_ERRNO"}]'
    run_lichen -1 run "$CTR"
    [[ $stderr == *"linux.seccomp: the process ended before it had handed over its listener"*sendmsg* ]]
    [[ -z $(state_of "$CTR") ]]
}
