#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A container's life: every verb in every status, what the state says, what create freezes, what delete takes away.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
}

# A container in the status named by $1, id $CTR.
container_in() {
    case $1 in
        absent) return 0 ;;
        created)
            bundle_args sleep 100
            run_lichen -0 create "$CTR"
            ;;
        running)
            bundle_args sleep 100
            run_lichen -0 run --detach "$CTR"
            ;;
        stopped)
            bundle_args true
            run_lichen -0 create "$CTR"
            run_lichen -0 start "$CTR"
            wait_state "$CTR" stopped
            ;;
        creating)
            # Its create hangs in a hook until the test has seen enough.
            bundle_args true
            printf '#!/bin/sh\nexec sleep 100\n' >"$T/hang" && chmod +x "$T/hang"
            bundle_edit --arg hook "$T/hang" '.hooks.createRuntime = [{path: $hook}]'
            lichen create "$CTR" >"$T/creating" 2>&1 &
            CREATE=$!
            wait_until 10 state_is "$CTR" creating
            ;;
    esac
}

# refused VERB... WORDS: the verb fails with its own exit status and these words, and changes nothing.
refused() {
    local words=${*: -1} before after
    before=$(state_of "$CTR")
    run_lichen -1 "${@:1:$#-1}"
    # shellcheck disable=SC2053 # words is a pattern
    [[ $stderr == *$words* ]] || { echo "# expected: $words" && return 1; }
    after=$(state_of "$CTR")
    [[ $after == "$before" ]] || { echo "# $before became $after" && return 1; }
}

@test "a container goes from created to running to stopped and is deleted" {
    bundle_script 'while [ ! -e /tmp/go ]; do sleep 0.02; done'
    run_lichen -0 create "$CTR"
    [[ -z $output ]]
    state_is "$CTR" created
    run_lichen -0 start "$CTR"
    state_is "$CTR" running
    : >rootfs/tmp/go
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    run_lichen -1 state "$CTR"
    [[ $stderr == *"container does not exist"* ]]
    [[ -z $(ls -A "$LICHEN_ROOT" | grep -v seccomp) ]]
}

@test "no verb but create and run works on an absent container" {
    refused state "$CTR" "container does not exist: $CTR"
    refused start "$CTR" "container does not exist: $CTR"
    refused kill "$CTR" "container does not exist: $CTR"
    refused kill "$CTR" KILL "container does not exist: $CTR"
    refused delete "$CTR" "container does not exist: $CTR"
    refused ps "$CTR" "container does not exist: $CTR"
    refused pause "$CTR" "container does not exist: $CTR"
    refused resume "$CTR" "container does not exist: $CTR"
    run_lichen -255 exec "$CTR" true
    [[ $stderr == *"container does not exist: $CTR"* ]]
}

@test "a created container can be started, killed, entered and listed, not deleted or resumed" {
    container_in created
    refused delete "$CTR" "it is created, not stopped"
    refused resume "$CTR" "it is created, not paused"
    refused create "$CTR" "exists already"
    refused run "$CTR" "exists already"
    run_lichen -0 exec "$CTR" true
    run_lichen -0 ps "$CTR"
    run_lichen -0 start "$CTR"
    state_is "$CTR" running
}

@test "a running container cannot be started again, deleted or resumed" {
    container_in running
    refused start "$CTR" "it is running, not created"
    refused delete "$CTR" "it is running, not stopped"
    refused resume "$CTR" "it is running, not paused"
    refused create "$CTR" "exists already"
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
}

@test "a stopped container can only be deleted" {
    container_in stopped
    refused start "$CTR" "it is stopped, not created"
    refused kill "$CTR" "container $CTR not running"
    refused ps "$CTR" "it is stopped, not running"
    refused pause "$CTR" "it is stopped, not running"
    refused resume "$CTR" "it is stopped, not paused"
    refused create "$CTR" "exists already"
    run_lichen -255 exec "$CTR" true
    [[ $stderr == *"it is stopped, not running"* ]]
    run_lichen -0 state "$CTR"
    [[ $(jq .pid <<<"$stdout") -eq 0 ]]
    run_lichen -0 delete "$CTR"
}

@test "a container that is being created can be seen, and only delete --force takes it" {
    container_in creating
    run_lichen -0 list --quiet
    [[ $stdout == "$CTR" ]]
    refused kill "$CTR" "it is creating, not created or running"
    refused ps "$CTR" "it is creating"
    run_lichen -255 exec "$CTR" true
    [[ $stderr == *"it is creating"* ]]
    run_lichen -0 delete --force "$CTR"
    run_lichen -1 state "$CTR"
    ! wait "$CREATE"
}

@test "the state has every member of the specification and runc's" {
    bundle_edit '.annotations = {"org.example.a": "x", "org.example.empty": ""}'
    container_in created
    run_lichen -0 state "$CTR"
    local state=$stdout
    [[ $(jq -r .ociVersion <<<"$state") == 1.0.2 ]]
    [[ $(jq -r .id <<<"$state") == "$CTR" ]]
    [[ $(jq -r .status <<<"$state") == created ]]
    [[ $(jq -r .bundle <<<"$state") == "$BUNDLE" ]]
    [[ $(jq -r .rootfs <<<"$state") == "$BUNDLE/rootfs" ]]
    [[ $(jq -r .owner <<<"$state") == "$(id -un)" ]]
    [[ $(jq -r .created <<<"$state") =~ ^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{9}Z$ ]]
    [[ $(jq -r '.annotations["org.example.a"]' <<<"$state") == x ]]
    [[ $(jq -r '.annotations["org.example.empty"]' <<<"$state") == "" ]]
    local pid
    pid=$(jq -r .pid <<<"$state")
    [[ -d /proc/$pid ]]
    # Ours, and pid 1 of a pid namespace of its own.
    [[ $(awk '/^NSpid:/ { print $NF }' "/proc/$pid/status") -eq 1 ]]
}

@test "the state says which ids and which root driver the container got" {
    requires user lichen
    container_in created
    run_lichen -0 state "$CTR"
    [[ $(jq -r '.annotations["io.lichen.rootfs.driver"]' <<<"$stdout") == dir ]]
    [[ $(jq -r '.annotations["io.lichen.ids"]' <<<"$stdout") == default ]]
}

@test "many containers live from one bundle at the same time" {
    local i
    bundle_args sleep 100
    for i in 1 2 3 4 5; do
        lichen run --detach "$CTR-$i" </dev/null >/dev/null 2>&1
    done
    run_lichen -0 list --quiet
    [[ $(wc -l <<<"$stdout") -eq 5 ]]
    for i in 1 2 3 4 5; do
        state_is "$CTR-$i" running
        run_lichen -0 delete --force "$CTR-$i"
    done
    run_lichen -0 list --quiet
    [[ -z $stdout ]]
}

@test "two creates of one id at once: one succeeds, the other says so and harms nothing" {
    bundle_args sleep 100
    local a b ra=0 rb=0
    lichen create "$CTR" >/dev/null 2>"$T/a" </dev/null & a=$!
    lichen create "$CTR" >/dev/null 2>"$T/b" </dev/null & b=$!
    wait "$a" || ra=$?
    wait "$b" || rb=$?
    ((ra + rb == 1))
    cat "$T/a" "$T/b" | grep -q "exists already"
    state_is "$CTR" created
    run_lichen -0 start "$CTR"
    run_lichen -0 delete --force "$CTR"
}

@test "the configuration is frozen at create: the bundle may be edited or removed" {
    bundle_script 'echo "first $GREETING" >/tmp/said'
    bundle_edit '.process.env += ["GREETING=hello"]'
    run_lichen -0 create "$CTR"
    bundle_script 'echo second >/tmp/said'
    bundle_edit '.process.env = ["GREETING=changed"] | .annotations = {a: "late"}'
    run_lichen -0 start "$CTR"
    wait_state "$CTR" stopped
    [[ $(<rootfs/tmp/said) == "first hello" ]]
    [[ $(lichen state "$CTR" | jq '.annotations.a') == null ]]
    rm config.json
    run_lichen -0 delete "$CTR"
}

@test "exec's defaults are the frozen ones" {
    bundle_args sleep 100
    bundle_edit '.process.env += ["FROZEN=1"]'
    run_lichen -0 run --detach "$CTR"
    rm config.json
    run_lichen -0 exec "$CTR" sh -c 'echo $FROZEN'
    [[ $stdout == 1 ]]
}

@test "the pid file has init's pid, whole, without a newline" {
    bundle_args sleep 100
    run_lichen -0 create --pid-file "$T/pid" "$CTR"
    [[ $(<"$T/pid") == "$(container_pid "$CTR")" ]]
    [[ $(wc -c <"$T/pid") -eq $(printf %s "$(<"$T/pid")" | wc -c) ]]
    [[ $(stat -c %a "$T/pid") == 644 ]]
    run_lichen -0 delete --force "$CTR"
    echo old >"$T/pid"
    run_lichen -0 run --detach --pid-file "$T/pid" "$CTR"
    [[ $(<"$T/pid") == "$(container_pid "$CTR")" ]]
}

@test "a pid file that cannot be written fails create and leaves nothing" {
    bundle_args sleep 100
    run_lichen -1 create --pid-file "$T/absent/pid" "$CTR"
    [[ $stderr == *"--pid-file $T/absent/pid: No such file or directory"* ]]
    run_lichen -1 state "$CTR"
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
}

@test "list shows a table, JSON or ids" {
    run_lichen -0 list
    [[ $(wc -l <<<"$stdout") -eq 1 && $stdout == ID*PID*STATUS*BUNDLE*CREATED*OWNER* ]]
    run_lichen -0 list --format json
    [[ $(jq -c . <<<"$stdout") == "[]" ]]
    container_in running
    bundle_args true
    run_lichen -0 create "$CTR-b"
    run_lichen -0 list
    [[ $(wc -l <<<"$stdout") -eq 3 ]]
    [[ $stdout == *"$CTR "*" running "*"$BUNDLE "*"$(id -un)"* ]]
    [[ $stdout == *"$CTR-b "*" created "* ]]
    run_lichen -0 list -f json
    [[ $(jq -r 'map(.id + ":" + .status) | sort | join(" ")' <<<"$stdout") == "$CTR-b:created $CTR:running" ||
        $(jq -r 'map(.id + ":" + .status) | join(" ")' <<<"$stdout") == "$CTR:running $CTR-b:created" ]]
    [[ $(jq -r ".[] | select(.id == \"$CTR\") | .pid" <<<"$stdout") == "$(container_pid "$CTR")" ]]
    [[ $(jq -r '.[0] | has("bundle") and has("created") and has("owner")' <<<"$stdout") == true ]]
    run_lichen -0 list -q
    [[ $(sort <<<"$stdout") == "$(printf '%s\n' "$CTR" "$CTR-b" | sort)" ]]
    run_lichen -1 list --format yaml
    [[ $stderr == *"--format yaml: table or json"* ]]
}

@test "list without a state directory is empty and makes none" {
    rmdir "$LICHEN_ROOT"
    run_lichen -0 list --quiet
    [[ -z $output && ! -e $LICHEN_ROOT ]]
    mkdir -m 0700 "$LICHEN_ROOT"
}

@test "ps shows the container's processes and no others" {
    bundle_script 'sleep 101 & sleep 102 & wait'
    run_lichen -0 run --detach "$CTR"
    ps_has_three() { [[ $(lichen ps --format json "$CTR" | jq length) -eq 3 ]]; }
    wait_until 10 ps_has_three
    run_lichen -0 ps --format json "$CTR"
    [[ $(jq -r "index($(container_pid "$CTR")) != null" <<<"$stdout") == true ]]
    run_lichen -0 ps "$CTR"
    [[ ${lines[0]} == *PID* && $stdout == *"sleep 101"* && $stdout == *"sleep 102"* ]]
    [[ $(wc -l <<<"$stdout") -eq 4 ]]
    run_lichen -0 ps "$CTR" -o pid,args
    [[ $(wc -l <<<"$stdout") -eq 4 && $stdout == *"sleep 101"* ]]
    run_lichen -1 ps "$CTR" -o args
    [[ $stderr == *"no PID column"* ]]
}

@test "ids that could be a path or an option are refused" {
    local id
    for id in "" . .. .hidden a/b ../x 'a b' 'a;b' $'a\nb' "ä" "a%b" "a:b"; do
        run_lichen -1 create -- "$id"
        run_lichen -1 state -- "$id"
        run_lichen -1 delete --force -- "$id"
        [[ $stderr == *"container id"* ]]
    done
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
    id=$(printf 'a%.0s' {1..256})
    run_lichen -1 create "$id"
    [[ $stderr == *"256 characters, 255 are allowed"* ]]
}

@test "ids with every allowed character and of full length work" {
    bundle_args true
    run_lichen -0 run "Az09_+-.x"
    run_lichen -0 run -- "-dash"
    run_lichen -0 run -- "$(printf 'a%.0s' {1..255})"
}

@test "delete --force takes a running, a created and a stopped container and is content with none" {
    container_in running
    local pid
    pid=$(container_pid "$CTR")
    run_lichen -0 delete --force "$CTR"
    process_gone "$pid"
    container_in created
    run_lichen -0 delete -f "$CTR"
    container_in stopped
    run_lichen -0 delete --force "$CTR"
    run_lichen -0 delete --force "$CTR"
    [[ -z $output ]]
}

@test "half-written state directories are listed as stopped and can be deleted" {
    mkdir "$LICHEN_ROOT/$CTR"
    run_lichen -0 state "$CTR"
    [[ $(jq -r .status <<<"$stdout") == stopped ]]
    run_lichen -0 list --quiet
    [[ $stdout == "$CTR" ]]
    run_lichen -1 start "$CTR"
    run_lichen -1 kill "$CTR"
    run_lichen -0 delete --force "$CTR"
    [[ ! -e $LICHEN_ROOT/$CTR ]]
    # The same without --force, and with what a crash in the middle of a write leaves.
    mkdir "$LICHEN_ROOT/$CTR"
    : >"$LICHEN_ROOT/$CTR/.lichen"
    echo '{"format":1,"id"' >"$LICHEN_ROOT/$CTR/.state.json.tmp"
    run_lichen -0 delete "$CTR"
    [[ ! -e $LICHEN_ROOT/$CTR ]]
}

@test "a damaged record is an error everywhere but in delete --force" {
    container_in created
    local pid
    pid=$(container_pid "$CTR")
    cp "$LICHEN_ROOT/$CTR/state.json" "$T/state.json"
    printf 'garbage' >"$LICHEN_ROOT/$CTR/state.json"
    run_lichen -1 state "$CTR"
    [[ $stderr == *"container $CTR: state.json: not JSON"* ]]
    run_lichen -1 delete "$CTR"
    # One bad container does not hide the others.
    run_lichen -0 create "$CTR-b"
    run_lichen -0 list --quiet
    [[ $stdout == *"$CTR-b"* ]]
    cp "$T/state.json" "$LICHEN_ROOT/$CTR/state.json"
    run_lichen -0 delete --force "$CTR"
    process_gone "$pid"
    mkdir "$LICHEN_ROOT/$CTR"
    : >"$LICHEN_ROOT/$CTR/.lichen"
    printf 'garbage' >"$LICHEN_ROOT/$CTR/state.json"
    run_lichen -0 delete --force "$CTR"
    [[ ! -e $LICHEN_ROOT/$CTR ]]
}

@test "a directory in the state root that is not a container's is no container and is left alone" {
    mkdir "$LICHEN_ROOT/$CTR"
    : >"$LICHEN_ROOT/$CTR/precious"
    run_lichen -1 state "$CTR"
    run_lichen -0 delete --force "$CTR"
    run_lichen -0 list --quiet
    [[ -z $stdout && -e $LICHEN_ROOT/$CTR/precious ]]
    rm -r "${LICHEN_ROOT:?}/$CTR"
}

@test "a created container that is killed is stopped" {
    container_in created
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    refused start "$CTR" "it is stopped, not created"
    run_lichen -0 delete "$CTR"
}

@test "an init killed from outside leaves a stopped container" {
    container_in running
    local pid
    pid=$(container_pid "$CTR")
    kill -KILL "$pid"
    wait_state "$CTR" stopped
    run_lichen -0 list
    [[ $stdout == *"$CTR "*" 0 "*stopped* ]]
    run_lichen -0 delete "$CTR"
}

@test "a config without process can be created, and start then errs" {
    bundle_edit 'del(.process)'
    run_lichen -0 create "$CTR"
    state_is "$CTR" created
    refused start "$CTR" "has no process"
    run_lichen -0 exec "$CTR" /bin/sh -c 'echo inside'
    [[ $stdout == inside ]]
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    run_lichen -1 run "$CTR"
    [[ $stderr == *"no process"* ]]
    run_lichen -1 state "$CTR"
}

@test "run exits as the process does" {
    local n
    for n in 0 3 255; do
        bundle_args sh -c "exit $n"
        run_lichen "-$n" run "$CTR"
    done
    # pid 1 of a pid namespace is immune to its own signals: a child, whose status the shell passes on.
    bundle_args sh -c 'sh -c "kill -TERM \$\$"; exit $?'
    run_lichen -143 run "$CTR"
    # And init itself ended by a signal from outside.
    bundle_args sleep 100
    lichen run --pid-file "$T/pid" "$CTR" </dev/null >/dev/null 2>&1 &
    local run=$! rc=0
    wait_until 10 test -s "$T/pid"
    wait_state "$CTR" running
    kill -KILL "$(<"$T/pid")"
    wait "$run" || rc=$?
    [[ $rc -eq 137 ]]
    run_lichen -0 list --quiet
    [[ -z $stdout ]]
}

@test "run deletes the container, run --keep does not" {
    bundle_args true
    run_lichen -0 run "$CTR"
    run_lichen -1 state "$CTR"
    run_lichen -0 run --keep "$CTR"
    state_is "$CTR" stopped
    run_lichen -0 delete "$CTR"
}

@test "run --detach returns while the process runs" {
    bundle_script 'echo started; sleep 100'
    run_lichen -0 run -d "$CTR"
    state_is "$CTR" running
    [[ $(container_pid "$CTR") -gt 1 ]]
}

@test "run passes stdin, stdout and stderr through" {
    bundle_script 'cat; echo to-stderr >&2'
    printf 'to-stdout' >"$T/in"
    run_lichen -0 run "$CTR" <"$T/in"
    [[ $stdout == to-stdout && $stderr == to-stderr ]]
}

@test "a program that is not there fails create and run, by name" {
    bundle_args /no/such/program
    run_lichen -1 create "$CTR"
    [[ $stderr == *'exec: "/no/such/program"'*"no such file or directory"* ]]
    run_lichen ! run "$CTR"
    bundle_args no-such-program
    run_lichen -1 create "$CTR"
    [[ $stderr == *'"no-such-program": executable file not found in $PATH'* ]]
    : >rootfs/plain
    bundle_args /plain
    run_lichen -1 create "$CTR"
    [[ $stderr == *"/plain"*"ermission denied"* ]]
    bundle_args /bin
    run_lichen -1 create "$CTR"
    [[ $stderr == *'"/bin": is a directory: permission denied'* ]]
    run_lichen -0 list --quiet
    [[ -z $stdout ]]
}

@test "a program the kernel cannot run is told to start, not lost" {
    printf 'neither a script nor ELF' >rootfs/bin/odd && chmod +x rootfs/bin/odd
    bundle_args /bin/odd
    run_lichen -0 create "$CTR"
    run_lichen ! start "$CTR"
    [[ $stderr == *'exec: "/bin/odd"'*"xec format error"* ]]
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    run_lichen -126 run "$CTR"
    run_lichen -1 state "$CTR"
}

@test "a foreground run forwards signals to the container" {
    bundle_script 'trap "echo got-term; exit 9" TERM; trap "echo got-usr1" USR1; echo ready; while :; do sleep 0.02; done'
    "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR" >"$T/said" 2>&1 </dev/null 3>&- 4>&- &
    local run=$! rc=0
    wait_until 10 grep -q ready "$T/said"
    kill -USR1 "$run"
    wait_until 10 grep -q got-usr1 "$T/said"
    kill -TERM "$run"
    wait "$run" || rc=$?
    [[ $rc -eq 9 ]]
    grep -q got-term "$T/said"
    run_lichen -0 list --quiet
    [[ -z $stdout ]]
}

@test "a killed foreground run leaves a container that can be seen and deleted" {
    bundle_script 'echo ready; sleep 100'
    "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR" >"$T/said" 2>&1 </dev/null 3>&- 4>&- &
    local run=$!
    wait_until 10 grep -q ready "$T/said"
    state_is "$CTR" running
    kill -KILL "$run"
    wait "$run" || :
    state_is "$CTR" running
    run_lichen -0 delete --force "$CTR"
}

@test "kill takes names and numbers, TERM by default" {
    bundle_script 'for s in TERM USR1 HUP; do trap "echo $s >>/tmp/got" $s; done; trap "echo RT >>/tmp/got" 37
        : >/tmp/ready; while :; do sleep 0.02; done'
    run_lichen -0 run --detach "$CTR"
    wait_until 10 test -e rootfs/tmp/ready
    : >rootfs/tmp/got
    local signal want n=0
    for signal in "" TERM SIGTERM term 15 USR1 10 HUP 1 RTMIN+3 37; do
        run_lichen -0 kill "$CTR" $signal
        case $signal in USR1 | 10) want=USR1 ;; HUP | 1) want=HUP ;; RTMIN+3 | 37) want=RT ;; *) want=TERM ;; esac
        n=$((n + 1))
        wait_until 10 awk -v n=$n -v want=$want 'NR == n && $0 == want { ok = 1 } END { exit !ok }' rootfs/tmp/got
    done
    run_lichen -0 kill "$CTR" 0
    run_lichen -1 kill "$CTR" NOSUCH
    [[ $stderr == *"unknown signal NOSUCH"* ]]
    run_lichen -1 kill "$CTR" 999
    run_lichen -1 kill "$CTR" -- -1
    state_is "$CTR" running
    run_lichen -0 kill "$CTR" 9
    wait_state "$CTR" stopped
}

@test "kill --all KILL ends every process of the container" {
    bundle_script 'sleep 101 & sleep 102 & : >/tmp/ready; wait'
    run_lichen -0 run --detach "$CTR"
    wait_until 10 test -e rootfs/tmp/ready
    run_lichen -0 kill --all "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
}

@test "children that outlive their parent die with the container" {
    bundle_script '(sleep 103 &) ; (sleep 104 &); sleep 100'
    run_lichen -0 run --detach "$CTR"
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    ! pgrep -u "$(id -u)" -f 'sleep 10[34]'
}

@test "a state root longer than a socket's path works" {
    local long
    long=$T/$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..60})
    LICHEN_ROOT=$long
    container_in created
    run_lichen -0 start "$CTR"
    state_is "$CTR" running
    run_lichen -0 exec "$CTR" true
    run_lichen -0 delete --force "$CTR"
    [[ $(stat -c %a "$long") == 700 ]]
}

@test "a relative --root works" {
    cd "$T"
    LICHEN_ROOT=rel/state
    bundle_args true
    run_lichen -0 run --bundle "$BUNDLE" "$CTR"
    [[ -d $T/rel/state ]]
}

@test "a state root others may write is refused" {
    chmod 0777 "$LICHEN_ROOT"
    run_lichen -1 create "$CTR"
    [[ $stderr == *"somebody else could write it"* ]]
    run_lichen -1 list
    chmod 0700 "$LICHEN_ROOT"
}

@test "without --root the state is in XDG_RUNTIME_DIR" {
    requires user
    mkdir -m 0700 "$T/xdg"
    bundle_args true
    XDG_RUNTIME_DIR=$T/xdg capture "$LICHEN_OCI" create "$CTR"
    [[ $status -eq 0 && -d $T/xdg/lichen/$CTR && $(stat -c %a "$T/xdg/lichen") == 700 ]]
    XDG_RUNTIME_DIR=$T/xdg capture "$LICHEN_OCI" delete --force "$CTR"
    [[ $status -eq 0 ]]
}

@test "messages go to --log as well, as text or JSON" {
    LICHEN_GLOBAL=(--log "$T/log")
    run_lichen -1 state "$CTR"
    grep -q "container does not exist: $CTR" "$T/log"
    LICHEN_GLOBAL=(--log "$T/log.json" --log-format json)
    run_lichen -1 state "$CTR"
    run_lichen -1 start "$CTR"
    [[ $(jq -s length "$T/log.json") -eq 2 ]]
    [[ $(jq -sr '.[0] | .level + " " + .msg' "$T/log.json") == "error container does not exist: $CTR"* ]]
    [[ $(jq -sr '.[0].time' "$T/log.json") == 20*T* ]]
    LICHEN_GLOBAL=(--log-format yaml)
    run_lichen -1 list
    [[ $stderr == *"--log-format yaml: text or json"* ]]
    LICHEN_GLOBAL=(--log "$T/absent/log")
    run_lichen -1 list
    [[ $stderr == *"$T/absent/log"* ]]
}

# What podman's getOCIRuntimeError does: the log holds one object, whose msg one of two expressions matches (126 and 127).
podman_status() {
    local msg
    msg=$(jq -er .msg "$1") || return 1
    if grep -Eqi 'permission denied|operation not permitted' <<<"$msg"; then
        echo 126
    elif grep -Eqi 'executable file not found in|no such file or directory' <<<"$msg"; then
        echo 127
    else
        echo 125
    fi
}

@test "podman reads 126 and 127 out of the log" {
    : >rootfs/plain
    local program
    for program in /no/such/program=127 no-such-program=127 /plain=126 /bin=126 plain=127; do
        rm -f "$T/log"
        LICHEN_GLOBAL=(--log "$T/log" --log-format json)
        bundle_args "${program%=*}"
        run_lichen -1 create "$CTR"
        [[ $(podman_status "$T/log") == "${program#*=}" ]] || { echo "# $program: $(<"$T/log")" && return 1; }
    done
    bundle_args sleep 100
    LICHEN_GLOBAL=()
    run_lichen -0 run --detach "$CTR"
    for program in /no/such/program=127 no-such-program=127 /plain=126 /bin=126; do
        rm -f "$T/log"
        LICHEN_GLOBAL=(--log "$T/log" --log-format json)
        run_lichen -255 exec "$CTR" "${program%=*}"
        [[ $(podman_status "$T/log") == "${program#*=}" ]]
    done
    bundle_edit '.root.path = 3'
    rm -f "$T/log"
    run_lichen -1 create "$CTR-2"
    [[ $(podman_status "$T/log") == 125 ]]
}

@test "--log-level drops what is less, but never an error" {
    LICHEN_GLOBAL=(--log "$T/log" --log-level error)
    run_lichen -1 update --kernel-memory 1 "$CTR"
    [[ $(<"$T/log") == *'level=error msg="container does not exist'* && $(<"$T/log") != *warning* ]]
    LICHEN_GLOBAL=(--log "$T/log" --log-level warn)
    run_lichen -1 update --kernel-memory 1 "$CTR"
    [[ $(<"$T/log") == *level=warning*ignored* ]]
    LICHEN_GLOBAL=(--log-level loud)
    run_lichen -1 list
    [[ $stderr == *"--log-level loud: debug, info, warning or error"* ]]
}

@test "kill and delete --regex take every container whose id matches" {
    local id
    bundle_args sleep 100
    for id in "$CTR-a1" "$CTR-a2" "$CTR-b"; do
        run_lichen -0 run --detach "$id"
    done
    run_lichen -0 kill --regex "^$CTR-a[0-9]+\$" KILL
    wait_state "$CTR-a1" stopped
    wait_state "$CTR-a2" stopped
    state_is "$CTR-b" running
    # One that cannot be is an error, after the others had their turn.
    run_lichen -1 delete -r "^$CTR-"
    [[ $stderr == *"cannot delete container $CTR-b: it is running"* ]]
    run_lichen -0 list --quiet
    [[ $stdout == "$CTR-b" ]]
    run_lichen -0 delete --force --regex "$CTR-b"
    run_lichen -0 delete --regex nothing-matches
    run_lichen -1 kill -r '(' KILL
    [[ $stderr == *"--regex (: "* ]]
}

@test "checkpoint and restore say no, and why, however they are called" {
    run_lichen -1 checkpoint --image-path /tmp/x --leave-running "$CTR"
    [[ $stderr == *"checkpoint and restore are not supported: CRIU needs CAP_CHECKPOINT_RESTORE"* ]]
    run_lichen -1 restore --bundle . --detach "$CTR"
    [[ $stderr == *CRIU* ]]
    # An engine asks whether it can by the status of --help.
    run_lichen -1 checkpoint --help
    [[ $stdout == "Usage: lichen-oci checkpoint"* ]]
}

@test "runc's and crun's global flags are accepted" {
    bundle_args true
    LICHEN_GLOBAL=(--debug --rootless true --cgroup-manager disabled)
    run_lichen -0 run "$CTR"
    LICHEN_GLOBAL=(--log-level debug --criu criu)
    run_lichen -0 run -f config.json "$CTR"
    LICHEN_GLOBAL=(-debug -rootless=auto --cgroup-manager=disabled)
    run_lichen -0 run --no-new-keyring --no-subreaper "$CTR"
    LICHEN_GLOBAL=(--cgroup-manager chaos)
    run_lichen -1 run "$CTR"
    [[ $stderr == *chaos* ]]
}

@test "--config takes another file than the bundle's config.json" {
    bundle_args sh -c 'exit 4'
    mv config.json other.json
    LICHEN_GLOBAL=(--config "$BUNDLE/other.json")
    run_lichen -4 run "$CTR"
    LICHEN_GLOBAL=()
    run_lichen -4 run --config other.json "$CTR"
    run_lichen -1 run --config absent.json "$CTR"
    [[ $stderr == *absent.json* ]]
}

@test "unknown verbs and options are errors that name them" {
    run_lichen -1 frobnicate
    [[ $stderr == *"unknown verb frobnicate"*"--help"* ]]
    run_lichen -1 create --frobnicate "$CTR"
    [[ $stderr == *"unknown option --frobnicate"* ]]
    LICHEN_GLOBAL=(--frobnicate)
    run_lichen -1 list
    [[ $stderr == *"unknown option --frobnicate"* ]]
    LICHEN_GLOBAL=()
    run_lichen -1 create
    [[ $stderr == *"0 operands"*"usage: lichen-oci create CONTAINER"* ]]
    run_lichen -1 state a b
    run_lichen -1 create "$CTR" --bundle
    [[ $stderr == *"--bundle needs a value"* ]]
    run_lichen -1 list --quiet=maybe
}

@test "options may stand before and after the container and in every style" {
    bundle_args true
    cd /
    run_lichen -0 run --bundle "$BUNDLE" "$CTR"
    run_lichen -0 run "$CTR" --bundle "$BUNDLE"
    run_lichen -0 run -b "$BUNDLE" "$CTR"
    run_lichen -0 run -bundle="$BUNDLE" "$CTR"
    run_lichen -0 run "--bundle=$BUNDLE" --no-pivot=false -- "$CTR"
    run_lichen -1 run --bundle /absent "$CTR"
    [[ $stderr == *"--bundle /absent"* ]]
}

@test "--help explains the program and every verb" {
    local verb
    run_lichen -0 --help
    [[ $stdout == *"Usage: lichen-oci"* && -z $stderr ]]
    for verb in create start state kill delete run exec list ps pause resume spec features doctor completion; do
        [[ $stdout == *"  $verb "* ]]
    done
    for verb in create start state kill delete run exec list ps pause resume spec features doctor completion; do
        run_lichen -0 "$verb" --help
        [[ $stdout == "Usage: lichen-oci $verb"* ]]
    done
    capture "$LICHEN_OCI"
    [[ $status -ne 0 ]]
    capture "$LICHEN_OCI" --version
    [[ $status -eq 0 && $stdout == *lichen*"spec: 1."* ]]
}

@test "the completion scripts parse and complete" {
    local completion
    run_lichen -0 completion bash
    completion=$stdout
    bash -n <<<"$completion"
    complete_words() {
        bash -c 'source /dev/stdin <<<"$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lichen_oci; printf "%s\n" "${COMPREPLY[@]}"' \
            _ "$completion" "$@"
    }
    [[ $(complete_words lichen-oci cre) == create ]]
    [[ $(complete_words lichen-oci --root /x dele) == delete ]]
    [[ $(complete_words lichen-oci create --bun) == --bundle ]]
    run_lichen -0 completion zsh
    bash -n <<<"$stdout"
    run_lichen -0 completion fish
    [[ $stdout == *"complete -c lichen-oci"* ]]
    run_lichen -1 completion tcsh
    [[ $stderr == *"bash, zsh or fish"* ]]
}

@test "spec writes a bundle that runs" {
    mkdir "$T/new" && cd "$T/new"
    run_lichen -0 spec
    jq -e .ociVersion config.json
    [[ $(jq '[.linux.namespaces[].type] | index("user")' config.json) == null ]]
    run_lichen -1 spec
    [[ $stderr == *"config.json exists already"* ]]
    cp -a "$(rootfs_shared)" rootfs
    BUNDLE=$T/new
    bundle_edit '.process.args = ["sh", "-c", "exit 6"] | .process.terminal = false'
    run_lichen -6 run "$CTR"
}

@test "spec --rootless writes explicit id mappings, and the bundle runs" {
    requires user subids
    mkdir "$T/new"
    run_lichen -0 spec --rootless --bundle "$T/new"
    BUNDLE=$T/new
    cd "$BUNDLE"
    [[ $(jq '[.linux.namespaces[].type] | index("user") != null' config.json) == true ]]
    [[ $(jq '.linux.uidMappings[0] | .containerID == 0 and .size == 1' config.json) == true ]]
    [[ $(jq '.linux.uidMappings[0].hostID' config.json) == "$(id -u)" ]]
    [[ $(jq '.linux.gidMappings | length >= 2' config.json) == true ]]
    cp -a "$(rootfs_shared)" rootfs
    bundle_edit '.process.args = ["sh", "-c", "exit 6"] | .process.terminal = false'
    run_lichen -6 run "$CTR"
}

@test "features is JSON and says what the parser knows" {
    run_lichen -0 features
    jq -e . <<<"$stdout" >/dev/null
    [[ $(jq -r .ociVersionMin <<<"$stdout") == 1.* ]]
    [[ $(jq -r '.mountOptions | index("rbind") != null' <<<"$stdout") == true ]]
    [[ $(jq -r '.hooks | length' <<<"$stdout") -eq 6 ]]
    [[ $(jq -r '.linux.namespaces | index("time") != null' <<<"$stdout") == true ]]
    [[ $(jq -r '.linux.seccomp.enabled' <<<"$stdout") == true ]]
}

@test "create --dry-run prints the plan and makes nothing" {
    bundle_args true
    run_lichen -0 create --dry-run "$CTR"
    [[ $(jq -r .id <<<"$stdout") == "$CTR" ]]
    [[ $(jq -r '.mounts | length >= 6' <<<"$stdout") == true ]]
    run_lichen -1 state "$CTR"
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
}

@test "--pidfd-socket gets a pidfd of init" {
    requires command=python3
    local pid
    "$LICHEN_LIB/sockets" pidfd "$T/pidfd.sock" >"$T/said" 2>"$T/ready" </dev/null 3>&- 4>&- &
    local receiver=$!
    wait_until 10 grep -q ready "$T/ready"
    run_lichen -0 create --pidfd-socket "$T/pidfd.sock" "$CTR"
    wait "$receiver"
    [[ $(<"$T/said") == "pidfd $(container_pid "$CTR")" ]]
    run_lichen -1 create --pidfd-socket "$T/absent" "$CTR-2"
    [[ $stderr == *"--pidfd-socket $T/absent: No such file or directory"* ]]
    run_lichen -1 run --pidfd-socket "$T/said" "$CTR-2"
    [[ $stderr == *"--pidfd-socket $T/said: not a socket"* ]]
    # Nobody listens any more: found out when the container is there, which then goes again.
    run_lichen -1 run --pidfd-socket "$T/pidfd.sock" "$CTR-2"
    [[ $stderr == *"--pidfd-socket $T/pidfd.sock: Connection refused"* && -z $(state_of "$CTR-2") ]]
}
@test "a foreground run does not keep other verbs waiting" {
    bundle_args sleep 100
    "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR" </dev/null >/dev/null 2>&1 3>&- 4>&- &
    local run=$! rc=0
    wait_state "$CTR" running
    capture timeout 10 "$LICHEN_OCI" --root "$LICHEN_ROOT" mounts add "$CTR" - <<<'[]'
    [[ $status -eq 0 ]]
    run_lichen -0 kill "$CTR" KILL
    wait "$run" || rc=$?
    [[ $rc -eq 137 && -z $(state_of "$CTR") ]]
}

@test "a foreground run whose container another command deletes and makes anew leaves the new one alone" {
    bundle_args sleep 100
    "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR" </dev/null >"$T/said" 2>&1 3>&- 4>&- &
    local run=$! rc=0
    wait_state "$CTR" running
    # Stopped, so that it cannot take its container away itself before the new one is there.
    kill -STOP "$run"
    run_lichen -0 delete --force "$CTR"
    run_lichen -0 create "$CTR"
    kill -CONT "$run"
    wait "$run" || rc=$?
    [[ $rc -eq 137 && ! -s $T/said ]]
    state_is "$CTR" created
}
