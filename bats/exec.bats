#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# exec: another process in a container that is there.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
    bundle_args sleep 100
}

up() { run_lichen -0 run --detach "$CTR"; }

# process_json JQ: process.json for --process, from the bundle's process object.
process_json() { jq ".process | $1" "$BUNDLE/config.json" >"$T/process.json"; }

@test "exec's exit status is the process's" {
    local n
    up
    for n in 0 1 42 255; do
        run_lichen "-$n" exec "$CTR" sh -c "exit $n"
    done
    run_lichen -137 exec "$CTR" sh -c 'kill -KILL $$'
    run_lichen -143 exec "$CTR" sh -c 'kill -TERM $$'
    state_is "$CTR" running
}

@test "exec passes stdin, stdout and stderr through" {
    up
    printf 'to-stdout' >"$T/in"
    run_lichen -0 exec "$CTR" sh -c 'cat; echo to-stderr >&2' <"$T/in"
    [[ $stdout == to-stdout && $stderr == to-stderr ]]
}

@test "the command's own options are not exec's" {
    up
    run_lichen -0 exec "$CTR" sh -c 'printf "[%s]" "$@"' sh --env -t --help -- x
    [[ $stdout == "[--env][-t][--help][--][x]" ]]
    run_lichen -0 exec "$CTR" -- echo x
    [[ $stdout == x ]]
    run_lichen -0 exec --env A=1 -- "$CTR" sh -c 'echo $A'
    [[ $stdout == 1 ]]
}

@test "exec runs in every namespace of the container" {
    up
    local ns pid
    pid=$(container_pid "$CTR")
    run_lichen -0 exec "$CTR" sh -c 'for n in user mnt pid net ipc uts; do readlink /proc/1/ns/$n; done'
    local init=$stdout
    run_lichen -0 exec "$CTR" sh -c 'for n in user mnt pid net ipc uts; do readlink /proc/self/ns/$n; done'
    [[ $stdout == "$init" && $(wc -l <<<"$stdout") -eq 6 ]]
    for ns in user mnt pid net ipc uts; do
        [[ $init != *"$(readlink "/proc/self/ns/$ns")"* ]]
    done
    run_lichen -0 exec "$CTR" hostname
    [[ $stdout == lichen-test ]]
}

@test "--env adds to and replaces the container's environment" {
    bundle_edit '.process.env += ["KEEP=1", "CHANGE=old"]'
    up
    run_lichen -0 exec --env CHANGE=new -e ADD=2 --env "SPACE=a b" --env EMPTY= "$CTR" env
    [[ $stdout == *KEEP=1* && $stdout == *CHANGE=new* && $stdout != *CHANGE=old* ]]
    [[ $stdout == *ADD=2* && $stdout == *"SPACE=a b"* ]]
    grep -qx EMPTY= <<<"$stdout"
    run_lichen -255 exec --env NOVALUE "$CTR" true
    [[ $stderr == *"--env NOVALUE"* ]]
}

@test "--cwd sets the working directory" {
    up
    run_lichen -0 exec --cwd /home/user "$CTR" pwd
    [[ $stdout == /home/user ]]
    run_lichen -255 exec --cwd relative "$CTR" pwd
    [[ $stderr == *"--cwd relative: an absolute path is wanted"* ]]
    run_lichen -255 exec --cwd /absent "$CTR" pwd
    [[ $stderr == *"process.cwd /absent"*"No such file or directory"* ]]
    run_lichen -0 exec "$CTR" pwd
    [[ $stdout == / ]]
}

@test "--user and --additional-gids take numbers" {
    requires subids
    up
    run_lichen -0 exec --user 33:1000 --additional-gids 50 -g 1 "$CTR" id
    [[ $stdout == "uid=33(www-data) gid=1000(user) groups="* && $stdout == *"50(staff)"* && $stdout == *"1(daemon)"* ]]
    run_lichen -0 exec -u 1000 "$CTR" sh -c 'id -u; id -g; echo $HOME'
    [[ $stdout == $'1000\n0\n/home/user' ]]
    local user
    for user in www-data 1x -1 4294967295 4294967296 33: :33 33:x "" " 1" 0x1; do
        run_lichen -255 exec --user "$user" "$CTR" true
        [[ $stderr == *"--user $user"* ]]
    done
    run_lichen -255 exec -g staff "$CTR" true
}

@test "capabilities are the container's, --cap adds, a user other than root keeps none" {
    requires subids
    up
    run_lichen -0 exec "$CTR" grep Cap /proc/self/status
    [[ $stdout == *CapInh:*0000000000000000*CapPrm:*0000000020000420*CapEff:*0000000020000420*CapBnd:*0000000020000420*CapAmb:*0000000000000000* ]]
    run_lichen -0 exec --cap CAP_CHOWN -c CAP_NET_RAW "$CTR" grep Cap /proc/self/status
    [[ $stdout == *CapInh:*0000000000000000*CapPrm:*0000000020002421*CapEff:*0000000020002421*CapBnd:*0000000020002421*CapAmb:*0000000000000000* ]]
    run_lichen -255 exec --cap CAP_MAGIC "$CTR" true
    [[ $stderr == *"--cap CAP_MAGIC: no such capability"* ]]
}

@test "--no-new-privs sets no_new_privs" {
    bundle_edit '.process.noNewPrivileges = false'
    up
    run_lichen -0 exec "$CTR" grep NoNewPrivs /proc/self/status
    [[ $stdout == *0 ]]
    run_lichen -0 exec --no-new-privs "$CTR" grep NoNewPrivs /proc/self/status
    [[ $stdout == *1 ]]
}

@test "--process takes the whole process object from a file" {
    requires subids
    up
    process_json '.args = ["sh", "-c", "id -u; pwd; echo $X; umask; exit 8"] | .user = {uid: 33, gid: 33, umask: 63} | .cwd = "/tmp" | .env = ["X=y", "PATH=/bin"]'
    run_lichen -8 exec --process "$T/process.json" "$CTR"
    [[ $stdout == $'33\n/tmp\ny\n0077' ]]
    run_lichen -255 exec --process "$T/absent" "$CTR"
    [[ $stderr == *"--process $T/absent: No such file or directory"* ]]
    echo '{"cwd": "/", "args": 3}' >"$T/process.json"
    run_lichen -255 exec --process "$T/process.json" "$CTR"
    [[ $stderr == *"--process $T/process.json: "*args* ]]
}

@test "exec without a command is an error" {
    up
    run_lichen -255 exec "$CTR"
    [[ $stderr == *"no command given"* ]]
    run_lichen -255 exec
    [[ $stderr == *"usage: lichen-oci exec CONTAINER"* ]]
}

@test "--detach returns at once; --pid-file names the process" {
    up
    run_lichen -0 exec --detach --pid-file "$T/pid" "$CTR" sleep 101
    local pid
    pid=$(<"$T/pid")
    [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == "sleep 101 " ]]
    run_lichen -0 ps "$CTR"
    [[ $stdout == *"sleep 101"* ]]
    kill "$pid"
    wait_until 10 process_gone "$pid"
    state_is "$CTR" running
}

@test "a program that is not there is status 255 and a message that names it" {
    up
    run_lichen -255 exec "$CTR" no-such-program
    [[ $stderr == *'"no-such-program": executable file not found in $PATH'* ]]
    run_lichen -255 exec "$CTR" /no/such/program
    [[ $stderr == *'"/no/such/program"'*"no such file or directory"* ]]
    : >rootfs/plain
    run_lichen -255 exec "$CTR" /plain
    [[ $stderr == *'"/plain"'*"ermission denied"* ]]
    run_lichen -255 exec --detach --pid-file "$T/pid" "$CTR" no-such-program
    state_is "$CTR" running
}

@test "a program is found in the PATH that the process gets" {
    mkdir rootfs/opt
    printf '#!/bin/sh\nexit 0\n' >rootfs/opt/mine && chmod +x rootfs/opt/mine
    up
    run_lichen -255 exec "$CTR" mine
    run_lichen -0 exec --env PATH=/opt "$CTR" mine
}

@test "exec works in a created container before its start" {
    run_lichen -0 create "$CTR"
    run_lichen -0 exec "$CTR" sh -c 'hostname; cat /proc/1/comm'
    [[ ${lines[0]} == lichen-test ]]
    state_is "$CTR" created
    run_lichen -0 exec --detach "$CTR" sleep 101
    run_lichen -0 start "$CTR"
    state_is "$CTR" running
}

@test "exec in a stopped container is refused" {
    up
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -255 exec "$CTR" true
    [[ $stderr == *"it is stopped, not running"* ]]
}

@test "exec in a paused container is refused unless told otherwise" {
    requires --lane vm cgroup-v2
    up
    run_lichen -0 pause "$CTR"
    state_is "$CTR" paused
    run_lichen -255 exec "$CTR" true
    [[ $stderr == *"it is paused"*"resume $CTR first"* ]]
    lichen exec --ignore-paused "$CTR" sh -c ': >/tmp/ran' </dev/null >/dev/null 2>&1 &
    local exec=$!
    run_lichen -0 resume "$CTR"
    wait "$exec"
    [[ -e rootfs/tmp/ran ]]
}

@test "an exec'ed process is in ps and dies with the container" {
    up
    run_lichen -0 exec --detach --pid-file "$T/pid" "$CTR" sh -c 'sleep 105 & sleep 106'
    wait_until 10 pgrep -u "$(id -u)" -f '^sleep 105'
    run_lichen -0 ps --format json "$CTR"
    [[ $(jq "index($(<"$T/pid")) != null" <<<"$stdout") == true ]]
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    wait_until 10 process_gone "$(<"$T/pid")"
    run_lichen -0 delete "$CTR"
}

@test "a foreground exec ends when the container is killed" {
    up
    "$LICHEN_OCI" --root "$LICHEN_ROOT" exec "$CTR" sh -c 'echo ready; sleep 101' >"$T/said" 2>&1 </dev/null 3>&- 4>&- &
    local exec=$! rc=0
    wait_until 10 grep -q ready "$T/said"
    run_lichen -0 kill "$CTR" KILL
    wait "$exec" || rc=$?
    [[ $rc -eq 137 ]]
}

@test "a foreground exec forwards signals" {
    up
    "$LICHEN_OCI" --root "$LICHEN_ROOT" exec "$CTR" sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done' \
        >"$T/said" 2>&1 </dev/null 3>&- 4>&- &
    local exec=$! rc=0
    wait_until 10 grep -q ready "$T/said"
    kill -TERM "$exec"
    wait "$exec" || rc=$?
    [[ $rc -eq 9 ]]
    state_is "$CTR" running
}

@test "--tty gives a terminal whose output comes out" {
    up
    run_lichen -5 exec --tty "$CTR" sh -c 'tty; test -t 0 -a -t 1 -a -t 2 && exit 5'
    [[ $stdout == *"/dev/pts/"* ]]
    run_lichen -255 exec --tty --detach "$CTR" true
    [[ $stderr == *"give --console-socket"* ]]
}

@test "descriptors are handed over with --preserve-fds and only then" {
    up
    printf 'through fd 3' >"$T/three"
    capture sh -c 'exec 3<"$1" 5<"$1"; shift; exec "$@"' sh "$T/three" "$LICHEN_OCI" --root "$LICHEN_ROOT" \
        exec --preserve-fds 1 "$CTR" sh -c 'cat <&3; echo; ls /proc/self/fd'
    [[ $status -eq 0 && ${lines[0]} == "through fd 3" ]]
    # 4 is ls' own: 5 did not come.
    [[ $(tail -n +2 <<<"$stdout" | tr '\n' ' ') == "0 1 2 3 4 " ]]
    run_lichen -255 exec --preserve-fds 7 "$CTR" true
    [[ $stderr == *"--preserve-fds 7: descriptor "*" is not open"* ]]
    run_lichen -255 exec --preserve-fds x "$CTR" true
}

@test "an exec'ed process has no descriptor of the host" {
    up
    exec 7<"$BATS_TEST_FILENAME"
    run_lichen -0 exec "$CTR" ls /proc/self/fd
    exec 7<&-
    [[ $(tr '\n' ' ' <<<"$stdout") == "0 1 2 3 " ]]
}

@test "exec obeys the container's seccomp filter and rlimits" {
    bundle_edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}
        | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}]'
    up
    run_lichen ! exec "$CTR" mkdir /tmp/x
    [[ $stderr == *"not supported"* ]]
    run_lichen -0 exec "$CTR" sh -c 'ulimit -Sn; ulimit -Hn'
    [[ $stdout == $'77\n88' ]]
}

@test "twenty execs at once all succeed" {
    local i pids=() failed=0
    up
    for i in {1..20}; do
        lichen exec "$CTR" sh -c "echo $i" </dev/null >"$T/out-$i" 2>&1 &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || failed=$((failed + 1)); done
    [[ $failed -eq 0 ]]
    for i in {1..20}; do [[ $(<"$T/out-$i") == "$i" ]]; done
    run_lichen -0 ps --format json "$CTR"
    [[ $(jq length <<<"$stdout") -eq 1 ]]
}

@test "--cgroup without a cgroup is an error" {
    LICHEN_GLOBAL=(--cgroup-manager disabled)
    up
    run_lichen -255 exec --cgroup sub "$CTR" true
    [[ $stderr == *"--cgroup sub: the container has no cgroup"* ]]
}

@test "--pidfd-socket gets a pidfd of the process" {
    requires command=python3
    up
    "$LICHEN_LIB/sockets" pidfd "$T/pidfd.sock" >"$T/said" 2>"$T/ready" </dev/null 3>&- 4>&- &
    local receiver=$!
    wait_until 10 grep -q ready "$T/ready"
    run_lichen -0 exec --detach --pid-file "$T/pid" --pidfd-socket "$T/pidfd.sock" "$CTR" sleep 101
    wait "$receiver"
    [[ $(<"$T/said") == "pidfd $(<"$T/pid")" ]]
    run_lichen -255 exec --pidfd-socket "$T/absent" "$CTR" true
    [[ $stderr == *"--pidfd-socket $T/absent: No such file or directory"* ]]
}

@test "--process brings rlimits, io priority, scheduler, capabilities and groups" {
    requires subids
    up
    process_json '.args = ["sh", "-c", "ulimit -Sn; ulimit -Hn; id -G; ionice; cut -d \" \" -f 19,41 /proc/self/stat; grep Cap[PB] /proc/self/status; grep NoNew /proc/self/status"]
        | .user = {uid: 0, gid: 0, additionalGids: [33, 50]} | .rlimits = [{type: "RLIMIT_NOFILE", soft: 55, hard: 66}] | .ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}
        | .scheduler = {policy: "SCHED_BATCH", nice: 3} | .noNewPrivileges = false | .env = ["PATH=/bin:/sbin"]
        | .capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"]}'
    run_lichen -0 exec --process "$T/process.json" "$CTR"
    [[ $stdout == $'55\n66\n0 33 50\n'*"best-effort: prio 6"*$'NoNewPrivs:\t0' ]]
    # The fields are nice and policy (SCHED_BATCH is 3); root's permitted set is the bounding one after an exec.
    [[ $stdout == *$'\n3 3\nCapPrm:\t0000000000000021'*$'CapBnd:\t0000000000000021'* ]]
    process_json '.args = ["true"] | .apparmorProfile = "no-such-profile"'
    if [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) != Y ]]; then
        run_lichen -255 exec --process "$T/process.json" "$CTR"
        [[ $stderr == *"process.apparmorProfile no-such-profile"* ]]
    fi
    process_json '.args = ["true"] | .user.additionalGids = [4000000000]'
    run_lichen -255 exec --process "$T/process.json" "$CTR"
    [[ $stderr == *"process.user.additionalGids"* ]]
}

@test "--cgroup runs in an existing cgroup below the container's, and nowhere else" {
    requires --lane vm,root cgroup-v2
    up
    local dir pid
    dir=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(container_pid "$CTR")/cgroup")
    mkdir -p "$dir/a/b"
    run_lichen -0 exec --detach --pid-file "$T/pid" --cgroup /a/b "$CTR" sleep 101
    [[ /sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(<"$T/pid")/cgroup") == "$dir/a/b" ]]
    local path
    for path in absent ../.. a/../../x; do
        run_lichen -255 exec --cgroup "$path" "$CTR" true
        [[ $stderr == *"--cgroup $path: "* ]]
    done
    run_lichen -0 delete --force "$CTR"
    [[ ! -e $dir ]]
}
