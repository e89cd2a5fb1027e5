#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Terminals: in the foreground, and handed over by --console-socket. bats/lib/pty is the other end.

load lib/lichen

setup() {
    lichen_setup
    requires userns command=python3
    bundle_new
    bundle_edit '.process.terminal = true'
}

# on_pty STEPS VERB...: the runtime on a terminal of 33 rows and 97 columns.
on_pty() {
    local steps=$1
    shift
    capture "$LICHEN_LIB/pty" run 33 97 "$steps" "$LICHEN_OCI" --root "$LICHEN_ROOT" "$@"
}

# receive [STEPS]: a receiver of 24 rows and 80 columns on $T/console, in the background; its output in $T/received.
receive() {
    "$LICHEN_LIB/pty" receive "$T/console" 24 80 "${1:-[]}" >"$T/received" 2>"$T/receiver" </dev/null 3>&- 4>&- &
    RECEIVER=$!
    wait_until 10 grep -q ready "$T/receiver"
}

# Not "wait": this runs in a command substitution, whose shell is not the receiver's parent.
received() {
    wait_until 30 grep -q '^end$' "$T/receiver" || { cat "$T/receiver" "$T/received"; return 1; }
    cat "$T/received"
}

@test "run gives the process a terminal of its own and the caller's size" {
    bundle_script 'tty; stty size; test -t 0 -a -t 1 -a -t 2; echo tested $?; exit 6'
    on_pty '[]' run "$CTR"
    [[ $status -eq 6 ]]
    [[ $stdout == *"/dev/pts/0"* || $stdout == *"/dev/console"* ]]
    [[ $stdout == *"33 97"* && $stdout == *"tested 0"* ]]
}

@test "the terminal is the session's controlling one, and ^C reaches the process" {
    bundle_script 'trap "echo interrupted; exit 3" INT; echo ready; while :; do sleep 0.02; done'
    on_pty '[{"expect": "ready"}, {"send": "\u0003"}, {"expect": "interrupted"}]' run "$CTR"
    [[ $status -eq 3 ]]
}

@test "what is typed reaches the process, and the caller's terminal is raw meanwhile" {
    bundle_script 'echo ready; read line; echo "got <$line>"'
    on_pty '[{"expect": "ready"}, {"raw": true}, {"send": "hello there\r"}, {"expect": "got <hello there>"}]' run "$CTR"
    [[ $status -eq 0 ]]
}

@test "the caller's terminal is as it was after run, however it ended" {
    local end
    for end in 'exit 0' 'kill -9 $$' ; do
        bundle_script "sh -c '$end'"
        capture "$LICHEN_LIB/pty" run 33 97 '[]' sh -c 'before=$(stty -g); "$@"; [ "$(stty -g)" = "$before" ] && echo restored' \
            sh "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
        [[ $stdout == *restored* ]]
    done
}

@test "a resized window is the container's at once" {
    # A first WINCH may come from the size that run sets.
    bundle_script 'trap "stty size" WINCH; echo ready; until [ "$(stty size)" = "40 120" ]; do sleep 0.02; done; echo done'
    on_pty '[{"expect": "ready"}, {"raw": true}, {"resize": [40, 120]}, {"expect": "40 120"}, {"expect": "done"}]' run "$CTR"
    [[ $status -eq 0 ]]
    [[ $stdout == *"40 120"* ]]
}

@test "all output arrives, also what is written last" {
    bundle_script 'i=0; while [ $i -lt 2000 ]; do echo "line $i 0123456789012345678901234567890123456789"; i=$((i + 1)); done; echo last'
    on_pty '[]' run "$CTR"
    [[ $(grep -c '^line ' <<<"$stdout") -eq 2000 && $(tail -n 1 <<<"$stdout") == last ]]
}

@test "consoleSize is set before the program runs" {
    bundle_edit '.process.consoleSize = {height: 10, width: 20}'
    # conmon sets its own size when the terminal comes; what the configuration asks for is set after that.
    bundle_script 'stty size'
    receive
    run_lichen -0 create --console-socket "$T/console" "$CTR"
    wait_until 10 grep -q received "$T/receiver"
    run_lichen -0 start "$CTR"
    [[ $(received) == "10 20" ]]
}

@test "create sends the terminal to --console-socket, whose size the program finds" {
    bundle_script 'tty; stty size; ls -l /dev/console; read x; echo "got $x"'
    receive '[{"expect": "24 80"}, {"send": "word\r"}, {"expect": "got word"}]'
    run_lichen -0 create --console-socket "$T/console" "$CTR"
    wait_until 10 grep -q received "$T/receiver"
    run_lichen -0 start "$CTR"
    received
    wait_state "$CTR" stopped
}

@test "run --detach sends the terminal to --console-socket" {
    bundle_script 'echo from inside; until [ "$(stty size)" = "24 80" ]; do sleep 0.02; done; stty size'
    receive
    run_lichen -0 run --detach --console-socket "$T/console" "$CTR"
    [[ $(received) == $'from inside\n24 80' ]]
}

@test "exec sends its terminal to --console-socket" {
    bundle_edit '.process.terminal = false'
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    receive
    run_lichen -0 exec --tty --detach --console-socket "$T/console" --pid-file "$T/pid" "$CTR" sh -c 'tty; until [ "$(stty size)" = "24 80" ]; do sleep 0.02; done; stty size'
    [[ $(received) == "/dev/pts/"*$'\n24 80' ]]
}

@test "exec --tty in the foreground is interactive" {
    bundle_edit '.process.terminal = false'
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    on_pty '[{"expect": "# "}, {"send": "stty size; exit 4\r"}, {"expect": "33 97"}]' exec -t "$CTR" sh
    [[ $status -eq 4 ]]
}

@test "/dev/console is the process's terminal" {
    bundle_script '[ /dev/console -ef "$(readlink /proc/self/fd/0)" ] || stat -c "%n %t:%T" -L /dev/console /proc/self/fd/0; echo to-console >/dev/console'
    on_pty '[]' run "$CTR"
    [[ $stdout == *to-console* ]]
    bundle_script 'stat -c %t:%T /dev/console; stat -L -c %t:%T /proc/self/fd/0'
    on_pty '[]' run "$CTR"
    [[ ${lines[0]} == 88:* && ${lines[0]//$'\r'/} == "${lines[1]//$'\r'/}" ]]
}

@test "the terminal belongs to the process's user" {
    requires subids
    bundle_edit '.process.user = {uid: 33, gid: 33}'
    bundle_script 'stat -L -c %u /proc/self/fd/0; echo >/dev/tty && echo opened'
    on_pty '[]' run "$CTR"
    [[ ${lines[0]} == 33 && $stdout == *opened* ]]
}

@test "a terminal with nowhere to go is refused before anything is made" {
    bundle_args true
    run_lichen -1 create "$CTR"
    [[ $stderr == *"process.terminal is true"*"--console-socket SOCKET"* ]]
    run_lichen -1 run --detach "$CTR"
    [[ $stderr == *"process.terminal is true"* ]]
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
}

@test "--console-socket without a terminal, or that is no socket, is refused" {
    bundle_args true
    run_lichen -1 create --console-socket "$T/absent" "$CTR"
    [[ $stderr == *"--console-socket $T/absent: No such file or directory"* ]]
    run_lichen -1 create --console-socket "$BUNDLE/config.json" "$CTR"
    [[ $stderr == *"not a socket"* ]]
    bundle_edit '.process.terminal = false'
    receive
    run_lichen -1 create --console-socket "$T/console" "$CTR"
    [[ $stderr == *"--console-socket $T/console: process.terminal is false"* ]]
    kill "$RECEIVER"
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
}

@test "a console socket longer than a socket's path works" {
    bundle_script 'echo from inside'
    local long
    long=$T/$(printf 'd%.0s' {1..120})
    mkdir "$long"
    ln -s "$long" "$T/l"
    "$LICHEN_LIB/pty" receive "$T/l/c" 24 80 >"$T/received" 2>"$T/receiver" </dev/null 3>&- 4>&- &
    wait_until 10 grep -q ready "$T/receiver"
    run_lichen -0 run --detach --console-socket "$long/c" "$CTR"
    [[ $(received) == "from inside" ]]
}

@test "run with a terminal works when stdin is no terminal" {
    bundle_script 'tty; cat'
    printf 'piped\n' >"$T/in"
    run_lichen -0 run "$CTR" <"$T/in"
    [[ $stdout == *"/dev/pts/"* && $stdout == *piped* ]]
}

@test "without a devpts mount a terminal is an error that says what to add" {
    bundle_edit '.mounts |= map(select(.type != "devpts"))'
    bundle_args true
    run_lichen -1 run "$CTR"
    [[ $stderr == *"process.terminal: /dev/pts/ptmx"*"add a devpts mount"* ]]
    run_lichen -1 state "$CTR"
}
