#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A hostile process in a container against what it gets and against the runtime's processes that come in.

load lib/lichen
load lib/attack

setup() {
    lichen_setup
    requires userns lichen
    bundle_new
    attack_requires
}

teardown() {
    # An attacker that a failed test left: its container's end is the end of it.
    [[ -z ${ATTACKER-} ]] || lichen delete --force "$CTR" || :
    lichen_teardown
}

@test "no descriptor of the caller is open inside, and none can be the working directory (CVE-2024-21626)" {
    bundle_script 'ls /proc/self/fd; ls -l /proc/1/fd'
    exec 7</etc/hostname 8</
    run_lichen -0 run "$CTR"
    [[ $stdout != *hostname* && $stdout != *" 7 -> "* && $stdout != *" 8 -> "* ]]
    local n
    for n in 3 5 7 8 9; do
        bundle_edit --arg cwd "/proc/self/fd/$n" '.process.cwd = $cwd | .process.args = ["true"]'
        run_lichen -1 run "$CTR"
        [[ $stderr == *cwd* ]]
    done
    exec 7<&- 8<&-
}

@test "neither can one be exec's working directory, by number or by a link of the image (CVE-2024-21626)" {
    local n dir
    ln -s /proc/self/fd/7 rootfs/seven
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    exec 7</
    for n in {3..12}; do
        run_lichen exec --cwd "/proc/self/fd/$n" "$CTR" sh -c 'ls /proc/self/cwd/'
        [[ $status -ne 0 && $stdout != *bin* ]]
    done
    run_lichen -255 exec --cwd /seven "$CTR" pwd
    for dir in /proc/self/fd/7/../../etc /proc/1/root/../..; do
        run_lichen exec --cwd "$dir" "$CTR" cat etc/os-release os-release
        [[ $stdout != *PRETTY_NAME* ]]
    done
    exec 7<&-
    run_lichen -0 delete --force "$CTR"
}

@test "of all processes that are seen from inside none holds anything of the host" {
    # A created container's init waits inside with what it needs for the start; exec may look at it.
    mkdir "$T/directory"
    exec 7<"$T/directory" 8</etc/hostname 9</proc/self/mem
    bundle_all_caps
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    local list='for p in /proc/[0-9]*; do for f in $p/fd/*; do echo "$(cat $p/comm) $(readlink $f)"; done; done'
    run_lichen -0 exec "$CTR" sh -c "$list"
    [[ $stdout == *"lichen:[wait] socket:"* ]]
    # Files that are not in the container are shown with the host's path or as unreachable. 1 and 2 are ours.
    stdout=$(grep -v "$T/[oe][ur][tr]\." <<<"$stdout")
    [[ $stdout != *"$T"* && $stdout != *hostname* && $stdout != */mem* && $stdout != *unreachable* && $stdout != *memfd* && $stdout != *state.json* ]]
    run_lichen -0 start "$CTR"
    run_lichen -0 exec "$CTR" sh -c "$list"
    [[ $(grep -v '^sh ' <<<"$stdout" | grep -vc -e ' /dev/null$' -e ' pipe:' -e ' /proc/.*/fd$' -e "$T/[oe][ur][tr]\.") -eq 0 ]]
    exec 7<&- 8<&- 9<&-
    run_lichen -0 delete --force "$CTR"
}

@test "inheritable and ambient capabilities are empty, in exec too (CVE-2022-27649, CVE-2022-29162)" {
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    run_lichen -0 exec "$CTR" grep -E 'Cap(Inh|Amb)' /proc/1/status /proc/self/status
    [[ $(wc -l <<<"$stdout") -eq 4 && $(grep -c 0000000000000000 <<<"$stdout") -eq 4 ]]
    # Nor does a capability for this one process become more than that.
    run_lichen -0 exec --cap CAP_SYS_PTRACE "$CTR" grep -E 'Cap(Inh|Amb)' /proc/self/status
    [[ $(grep -c 0000000000000000 <<<"$stdout") -eq 2 ]]
    run_lichen -0 delete --force "$CTR"
}

@test "the caller's own inheritable and ambient capabilities do not get in" {
    bundle_script "grep -E 'Cap(Inh|Amb)' /proc/self/status"
    capture unshare --user --map-root-user setpriv --inh-caps +net_raw,+sys_admin --ambient-caps +net_raw,+sys_admin \
        "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 && $(grep -c 0000000000000000 <<<"$stdout") -eq 2 ]]
}

@test "a user that is no number is nobody, and a number is never a name of the image's passwd (CVE-2026-30892)" {
    local user
    # What a lookup would find: users whose names are numbers, all of them root.
    printf '%s:x:0:0::/:/bin/sh\n' 1 33 1000 -1 0x1 4294967296 +1 01 "1 " >>rootfs/etc/passwd
    printf '%s:x:0:\n' 1 33 1000 >>rootfs/etc/group
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    for user in "" " " -1 +1 01x 0x1 1e0 1.0 " 1" "1 " $'1\n' 4294967295 4294967296 18446744073709551617 99999999999999999999 root 1: :1 1:: 1:1:1 \
        1:root 0,1 1/1 '*'; do
        run_lichen exec --user "$user" "$CTR" id -u
        [[ $status -eq 255 && -z $stdout ]] || { echo "# '$user'" && return 1; }
    done
    if have subids; then
        for user in 1 33 1000; do
            run_lichen -0 exec -u "$user" "$CTR" sh -c 'id -u; grep -E "Cap(Eff|Prm)" /proc/self/status'
            [[ ${lines[0]} == "$user" && $(grep -c 0000000000000000 <<<"$stdout") -eq 2 ]]
        done
    fi
    run_lichen -0 delete --force "$CTR"
    for user in '"1"' -1 4294967295 4294967296 1.5 true '"root"' '[]'; do
        bundle_edit --argjson u "$user" '.process.user.uid = $u | .process.args = ["id", "-u"]'
        run_lichen run "$CTR"
        [[ $status -ne 0 && $stderr == *process.user* && -z $stdout ]] || { echo "# $user" && return 1; }
    done
}

# typist: a caller's shell on a terminal that runs the container without one of its own, on the terminal itself.
typist() {
    capture "$LICHEN_LIB/pty" run 24 80 '[]' sh -c '"$@"; rc=$?; stty -icanon -echo min 0 time 2; echo "typed <$(cat)> status $rc"' sh "$@"
}

@test "nothing can be typed into the caller's terminal (CVE-2017-5226, CVE-2019-10063)" {
    requires command=python3
    local sysctl=/proc/sys/dev/tty/legacy_tiocsti
    bundle_all_caps
    bundle_args attack tty 0
    typist "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $stdout == *"TIOCSTI:"*"TIOCSTI with high bits:"*"TIOCLINUX:"* && $stdout == *"typed <> status 0"* ]]
    # In exec: the same.
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    typist "$LICHEN_OCI" --root "$LICHEN_ROOT" exec "$CTR" attack tty 0
    [[ $stdout == *"TIOCSTI with high bits:"* && $stdout == *"typed <> status 0"* ]]
    run_lichen -0 delete --force "$CTR"
    # Does the attack work at all where nobody defends?
    [[ ! -e $sysctl || $(<"$sysctl") -ne 1 ]] || { typist "$ATTACK" tty 0 && [[ $stdout == *"WON TIOCSTI"* ]]; }
}

@test "a filter for TIOCSTI and TIOCLINUX holds when the upper half of the command is set (CVE-2019-10063)" {
    requires seccomp command=python3
    # Its own terminal, into which the kernel lets it type where dev.tty.legacy_tiocsti is 1: only the filter is in the way.
    bundle_edit '.process.terminal = true | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
        {names: ["ioctl"], action: "SCMP_ACT_ERRNO", errnoRet: 71, args: [{index: 1, value: 4294967295, valueTwo: 21522, op: "SCMP_CMP_MASKED_EQ"}]},
        {names: ["ioctl"], action: "SCMP_ACT_ERRNO", errnoRet: 71, args: [{index: 1, value: 4294967295, valueTwo: 21532, op: "SCMP_CMP_MASKED_EQ"}]}]}'
    bundle_args attack tty 0
    capture "$LICHEN_LIB/pty" run 24 80 '[]' "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    # EPROTO is the filter's; the kernel's own would be EIO, EPERM or ENOTTY.
    [[ $(grep -c "^TIOC.*: Protocol error" <<<"$stdout") -eq 4 ]]
}

@test "exec's processes cannot be looked into by a container with every capability (CVE-2016-9962)" {
    local i
    bundle_all_caps
    attacker_start look 100
    # One memory with the caller, and a copy that talks to it.
    for i in {1..150}; do
        run_lichen -0 exec "$CTR" true >/dev/null
    done
    for i in {1..50}; do
        run_lichen -0 exec -t "$CTR" true >/dev/null
    done
    attacker_stop
}

@test "nor can those of mounts add and remove (CVE-2016-9962)" {
    local i
    jq -n --arg s "$T" '[{destination: "/mnt/added", type: "bind", source: $s, options: ["bind"]}]' >"$T/mounts.json"
    bundle_all_caps
    attacker_start look 100
    for i in {1..60}; do
        run_lichen -0 mounts add "$CTR" "$T/mounts.json" >/dev/null
        run_lichen -0 mounts remove "$CTR" "$T/mounts.json" >/dev/null
    done
    attacker_stop
}

@test "nor can a container's processes that are born into another's pid namespace (CVE-2016-9962)" {
    # init waits for start in a pid namespace that another container shares: that one must not reach it.
    local init
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    init=$(lichen state "$CTR" | jq .pid)
    bundle_edit --arg pid "/proc/$init/ns/pid" --arg user "/proc/$init/ns/user" 'del(.linux.uidMappings, .linux.gidMappings)
        | .linux.namespaces |= (map(select(.type != "pid" and .type != "user")) + [{type: "pid", path: $pid}, {type: "user", path: $user}])'
    run_lichen create "$CTR-b"
    if [[ $status -ne 0 ]]; then
        # Without a cgroup a shared pid namespace is refused altogether: nothing there to look into.
        [[ $stderr == *"killing the container would leave processes behind"* ]]
    else
        run_lichen -0 exec "$CTR" sh -c 'for p in /proc/[0-9]*; do case $(cat $p/comm 2>/dev/null) in lichen*) ls $p/fd/ $p/root/ 2>/dev/null && echo seen $p;; esac; done; echo done'
        [[ $stdout == done ]]
        run_lichen -0 delete --force "$CTR-b"
    fi
    run_lichen -0 delete --force "$CTR"
}

@test "the keys of the caller's session are not the container's, nor exec's" {
    bundle_args attack keyring lichen-attack
    # The attack itself works: with the caller's session keyring the key is found.
    capture "$ATTACK" addkey lichen-attack "$ATTACK" keyring lichen-attack
    [[ $status -eq 9 ]] || skip "needs keyrings: the kernel or a filter has none"
    capture "$ATTACK" addkey lichen-attack "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 && $stdout == *"key lichen-attack:"* && $stdout != *WON* ]]
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    capture "$ATTACK" addkey lichen-attack "$LICHEN_OCI" --root "$LICHEN_ROOT" exec "$CTR" attack keyring lichen-attack
    [[ $status -eq 0 && $stdout != *WON* ]]
    run_lichen -0 delete --force "$CTR"
}

@test "a passwd of the image that is a fifo, a link out or without end stops nothing (CVE-2024-9676)" {
    local kind
    echo 'root:x:0:0::/from-the-host:/bin/sh' >"$T/passwd"
    bundle_script 'echo "$HOME"'
    for kind in fifo link huge directory; do
        rm -rf rootfs/etc/passwd
        case $kind in
            fifo) mkfifo rootfs/etc/passwd ;;
            link) ln -s "$T/passwd" rootfs/etc/passwd ;;
            huge) truncate -s 1T rootfs/etc/passwd ;;
            directory) mkdir rootfs/etc/passwd ;;
        esac
        capture timeout 20 "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
        [[ $status -eq 0 && $stdout == / ]]
    done
}

@test "a container that kills whatever comes in cannot confuse exec" {
    requires user userns
    local i status killed=0
    bundle_args sh -c 'while :; do for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" = 1 ] || kill -9 "$p" 2>/dev/null; done; done'
    run_lichen -0 run --detach "$CTR"
    for ((i = 0; i < 60; i++)); do
        status=0
        lichen exec "$CTR" true >"$T/out" 2>&1 || status=$?
        # Done, or killed: before it began, in its beginning, or later. Never a crash of ours.
        [[ $status -eq 0 || $status -eq 137 ]] || { echo "# status $status: $(cat "$T/out")" && return 1; }
        [[ $status -eq 0 ]] || killed=$((killed + 1))
    done
    [[ $killed -gt 0 ]]
    state_is "$CTR" running
}
