#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Under a service manager: readiness out of the container (NOTIFY_SOCKET), sockets into it (LISTEN_FDS).

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
    MANAGER=
}

teardown() {
    [[ -z $MANAGER ]] || { kill "$MANAGER" 2>/dev/null || :; wait "$MANAGER" 2>/dev/null || :; }
    lichen_teardown
}

# The service manager's socket; what it hears is in $T/heard, a JSON string a line.
manager() {
    requires command=python3
    "$LICHEN_LIB/sockets" notify "$T/manager.sock" >"$T/heard" 2>"$T/ready" </dev/null 3>&- 4>&- &
    MANAGER=$!
    wait_until 10 grep -q ready "$T/ready"
}
manager_ends() {
    wait "$MANAGER"
    MANAGER=
}
heard() { jq -se "$@" "$T/heard" >/dev/null; }

# The host's programs in the container: busybox has nothing for datagrams. service PYTHON: the container's process; it has send(TEXT).
service() {
    [[ -x /usr/bin/python3 ]] || skip "needs /usr/bin/python3"
    ln -sfn usr/lib rootfs/lib
    ln -sfn usr/lib64 rootfs/lib64
    bundle_edit '.mounts += [{destination: "/usr", source: "/usr", type: "bind", options: ["rbind", "ro"]}]'
    bundle_args /usr/bin/python3 -I -c "
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def send(text):
    s.sendto(text, os.environ['NOTIFY_SOCKET'])
$1"
}

@test "start ends when the service is ready, and tells which process it is" {
    manager
    service 'send(b"STATUS=coming\nMAINPID=1"); open("/tmp/up", "w"); 
while not os.path.exists("/tmp/go"): time.sleep(0.02)
send(b"READY=1\nSTATUS=there"); time.sleep(100)'
    NOTIFY_SOCKET=$T/manager.sock run_lichen -0 create "$CTR"
    "$LICHEN_OCI" --root "$LICHEN_ROOT" start "$CTR" </dev/null >/dev/null 2>&1 3>&- 4>&- &
    local start=$!
    wait_until 20 test -e rootfs/tmp/up
    state_is "$CTR" running
    ! process_gone "$start"
    # Other verbs are not kept waiting.
    run_lichen -0 mounts add "$CTR" - <<<'[]'
    : >rootfs/tmp/go
    wait "$start"
    manager_ends
    heard --arg pid "$(container_pid "$CTR")" '. == ["STATUS=coming\n", "READY=1\nSTATUS=there\nMAINPID=\($pid)\n", "BARRIER=1"]'
    run_lichen -0 delete --force "$CTR"
}

@test "a foreground run hands on messages until the end, and stays the main process itself" {
    manager
    service 'send(b"READY=1"); send(b"FDSTORE=1"); send(b"WATCHDOG=1"); send(b"MAINPID=1\nSTATUS=working"); send(b"STOPPING=1")'
    NOTIFY_SOCKET=$T/manager.sock run_lichen -0 run "$CTR"
    manager_ends
    heard '. == ["READY=1\n", "WATCHDOG=1\n", "STATUS=working\n", "STOPPING=1\n"]'
}

@test "run --detach ends when the service is ready or gone" {
    manager
    service 'send(b"READY=1"); time.sleep(100)'
    NOTIFY_SOCKET=$T/manager.sock run_lichen -0 run --detach "$CTR"
    manager_ends
    heard --arg pid "$(container_pid "$CTR")" '.[0] == "READY=1\nMAINPID=\($pid)\n"'
    run_lichen -0 delete --force "$CTR"
    rm "$T/manager.sock"
    manager
    bundle_args true
    NOTIFY_SOCKET=$T/manager.sock run_lichen -0 run --detach "$CTR"
    wait_state "$CTR" stopped
}

@test "the container's variable is ours, its socket's directory read-only" {
    manager
    bundle_edit '.process.env += ["NOTIFY_SOCKET=/elsewhere"]'
    bundle_script 'echo $NOTIFY_SOCKET; ls -l /run/notify/notify.sock; touch /run/notify/x; env | grep -c NOTIFY'
    NOTIFY_SOCKET=$T/manager.sock run_lichen -0 run "$CTR"
    [[ $stdout == /run/notify/notify.sock$'\n'srwxrwxrwx*$'\n1' && $stderr == *"ead-only file system"* ]]
    run_lichen -0 run "$CTR"
    [[ $stdout == /elsewhere* ]]
}

@test "a service manager that is not there is an error before anything runs" {
    bundle_script ': >/ran'
    NOTIFY_SOCKET=$T/absent run_lichen -1 run "$CTR"
    [[ $stderr == *"NOTIFY_SOCKET=$T/absent: No such file or directory"* ]]
    NOTIFY_SOCKET=relative run_lichen -1 run "$CTR"
    [[ $stderr == *"NOTIFY_SOCKET=relative: neither an absolute path nor an abstract name"* ]]
    [[ ! -e rootfs/ran && -z $(state_of "$CTR") ]]
}

# with_fds [NAME=VALUE...] -- COMMAND...: with descriptor 3 (and 4) open on files, LISTEN_PID being the command's
with_fds() {
    # shellcheck disable=SC2016 # for the inner shell
    capture sh -c 'exec 3<"$0/three" 4<"$0/four"; while [ "$1" != -- ]; do export "$1"; shift; done; shift; [ "$LISTEN_PID" != self ] || export LISTEN_PID=$$; exec "$@"' "$T" "$@"
}

@test "LISTEN_FDS are handed on, for the process that gets them, before --preserve-fds" {
    echo three >"$T/three"
    echo four >"$T/four"
    bundle_script 'cat <&3; cat <&4; echo "$LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES"; ls /proc/self/fd | tr "\n" " "'
    with_fds LISTEN_FDS=1 LISTEN_PID=self LISTEN_FDNAMES=web -- "$LICHEN_OCI" --root "$LICHEN_ROOT" run --preserve-fds 1 "$CTR"
    [[ $status -eq 0 && $stdout == $'three\nfour\n1 1 web\n0 1 2 3 4 5 ' ]]
    # As crun: without LISTEN_PID too. The configuration's own values are replaced.
    bundle_edit '.process.env += ["LISTEN_FDS=7", "LISTEN_FDNAMES=x"]'
    with_fds LISTEN_FDS=2 -- "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $stdout == $'three\nfour\n2 1 x\n'* ]]
}

@test "LISTEN_FDS for somebody else are not handed on" {
    : >"$T/three" && : >"$T/four"
    bundle_script 'echo "[$LISTEN_FDS$LISTEN_PID]"; ls /proc/self/fd | tr "\n" " "'
    with_fds LISTEN_FDS=2 LISTEN_PID=1 -- "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 && $stdout == $'[]\n0 1 2 3 ' ]]
    with_fds LISTEN_FDS=9 -- "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 1 && $stderr == *"LISTEN_FDS=9: descriptor "*" is not open"* ]]
    with_fds LISTEN_FDS=x -- "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 1 && $stderr == *"LISTEN_FDS=x: a number from 0 to"* ]]
    with_fds LISTEN_FDS=1 LISTEN_PID=me -- "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 1 && $stderr == *"LISTEN_PID=me: not a process id"* ]]
}

@test "LISTEN_FDS reach a created container and an exec'ed process" {
    echo three >"$T/three"
    : >"$T/four"
    bundle_script 'cat <&3 >/tmp/out; echo $LISTEN_PID >>/tmp/out; sleep 100'
    with_fds LISTEN_FDS=1 LISTEN_PID=self -- "$LICHEN_OCI" --root "$LICHEN_ROOT" create "$CTR"
    [[ $status -eq 0 ]]
    run_lichen -0 start "$CTR"
    both() { [[ $(cat rootfs/tmp/out) == $'three\n1' ]]; }
    wait_until 10 both
    # shellcheck disable=SC2016
    with_fds LISTEN_FDS=1 -- "$LICHEN_OCI" --root "$LICHEN_ROOT" exec "$CTR" sh -c 'cat <&3; [ "$LISTEN_PID" = $$ ] && echo mine'
    [[ $stdout == $'three\nmine' ]]
}
