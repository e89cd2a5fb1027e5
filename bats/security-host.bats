#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The host's files, processes, cgroups and state directories against a hostile container, bundle or other user.

load lib/lichen
load lib/attack

setup() {
    lichen_setup
    requires userns lichen
    bundle_new
}

teardown() {
    [[ -z ${ATTACKER-} ]] || lichen delete --force "$CTR" || :
    lichen_teardown
}

@test "an entrypoint that is /proc/self/exe cannot write the runtime's binary (CVE-2019-5736)" {
    # A copy that the container's root owns on the host.
    mkdir "$T/bin"
    cp "$LICHEN_OCI" "$T/bin/lichen-oci"
    local before
    before=$(sha256sum <"$T/bin/lichen-oci")
    printf '#!/proc/self/exe\n' >rootfs/bin/evil
    chmod 0755 rootfs/bin/evil
    ln -s /proc/self/exe rootfs/bin/evil-link
    local program
    for program in /bin/evil /bin/evil-link; do
        bundle_args "$program"
        capture timeout 20 "$T/bin/lichen-oci" --root "$LICHEN_ROOT" run "$CTR"
        [[ $status -ne 0 && $status -ne 124 ]]
    done
    bundle_args sleep 100
    capture "$T/bin/lichen-oci" --root "$LICHEN_ROOT" run --detach "$CTR"
    [[ $status -eq 0 ]]
    capture timeout 20 "$T/bin/lichen-oci" --root "$LICHEN_ROOT" exec "$CTR" /bin/evil
    run_lichen -0 delete --force "$CTR"
    [[ $(sha256sum <"$T/bin/lichen-oci") == "$before" ]]
}

@test "a process that holds /proc/PID/exe of the runtime and waits cannot write it (CVE-2019-5736)" {
    attack_requires
    mkdir "$T/bin"
    cp "$LICHEN_OCI" "$T/bin/lichen-oci"
    local before i program
    before=$(sha256sum <"$T/bin/lichen-oci")
    printf '#!/proc/self/exe\n' >rootfs/bin/evil
    chmod 0755 rootfs/bin/evil
    LICHEN_OCI=$T/bin/lichen-oci
    bundle_all_caps
    attacker_start overwrite 60
    for i in {1..30}; do
        for program in /bin/evil /proc/self/exe; do
            capture timeout 20 "$LICHEN_OCI" --root "$LICHEN_ROOT" exec "$CTR" "$program" --help >/dev/null
            [[ $status -ne 124 ]]
        done
    done
    # It had hold of something, and wrote nothing.
    attacker_stop
    [[ $(sha256sum <"$T/bin/lichen-oci") == "$before" && $(stat -c %a "$T/bin/lichen-oci") == 755 ]]
}

@test "ids that are paths are refused" {
    local id
    bundle_args true
    for id in ../x a/b .. . "" "a b" "/x" $'a\nb' "a;b" $'\xc3\xa4' "x/../../y" "-x/.." ".hidden" "$(printf 'x%.0s' {1..300})"; do
        run_lichen ! run -- "$id"
        run_lichen ! delete -- "$id"
    done
    [[ ! -e $T/x ]]
    nothing_left
}

@test "cgroup paths do not lead out of where the runtime may make them" {
    local path
    bundle_args echo started
    for path in ../x /../x a/../../b /a/../../../b ./x //x /a//b "/a/./b" $'/a\nb' "/.." ".." "$(printf '/x%.0s' {1..3000})"; do
        bundle_edit --arg p "$path" '.linux.cgroupsPath = $p'
        run_lichen ! run "$CTR"
        [[ $stdout != *started* && $stderr == *cgroupsPath* ]] || { echo "# $path" && return 1; }
    done
    nothing_left
}

@test "the host's cgroups cannot be written, with or without a cgroup namespace (CVE-2023-25809)" {
    # What the configuration asks for does not count: writable, and the host's whole /sys with its cgroup mounts.
    bundle_edit '.mounts |= map(if .type == "cgroup" or .type == "cgroup2" then .options = ["rw"] else . end)'
    bundle_edit 'del(.linux.namespaces[] | select(.type == "cgroup"))'
    bundle_script 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir "$d/lichen-attack" 2>/dev/null && echo "made in $d"; done; echo done'
    run_lichen -0 run "$CTR"
    [[ $stdout == done ]]
    bundle_edit '.mounts |= map(select(.destination | startswith("/sys") | not))
        + [{destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"]}]'
    run_lichen -0 run "$CTR"
    [[ $stdout == done ]]
}

@test "a container's other users can neither see into nor signal the host's processes" {
    requires subids
    bundle_edit '.process.user = {uid: 33, gid: 33}'
    bundle_script "kill -0 $$ 2>/dev/null && echo signalled; ls /proc/$$/root/ 2>/dev/null && echo seen; echo done"
    run_lichen -0 run "$CTR"
    [[ $stdout == done ]]
}

# refused_root DIR: no verb takes its state from there, and none of them changes anything in it.
refused_root() {
    local before verb
    before=$(ls -lAR "$1")
    LICHEN_ROOT=$1 run_lichen -1 run "$CTR"
    [[ $stdout != *started* && $stderr == *"somebody else could write it"* ]]
    for verb in state kill delete "delete --force" start; do
        # shellcheck disable=SC2086
        LICHEN_ROOT=$1 run_lichen ! $verb "$CTR"
        [[ $stderr == *"somebody else could write it"* ]]
    done
    [[ $(ls -lAR "$1") == "$before" ]]
}

@test "a state root that others own or may write is not used by any verb" {
    local mode
    bundle_args echo started
    mkdir "$T/other"
    for mode in 0777 1777 0770 0720 0702; do
        chmod "$mode" "$T/other"
        refused_root "$T/other"
    done
    chmod 0755 "$T/other"
    requires subids
    # Another user's, who has put a container of that name there.
    mkdir "$T/other/$CTR"
    echo '{}' >"$T/other/$CTR/state.json"
    "$LICHEN_LIB/userns" chown -R 33:33 "$T/other"
    refused_root "$T/other"
    "$LICHEN_LIB/userns" chown -R 0:0 "$T/other"
}

@test "a link in /tmp is not taken for the private state directory" {
    requires user
    local link=/tmp/lichen-$EUID
    [[ ! -e $link && ! -L $link ]] || skip "needs $link to be free: this user has state there"
    bundle_args echo started
    mkdir -m 0700 "$T/theirs"
    ln -s "$T/theirs" "$link"
    capture env -u XDG_RUNTIME_DIR "$LICHEN_OCI" run "$CTR"
    rm "$link"
    [[ $status -ne 0 && $stdout != *started* && $stderr == *"$link"* && -z $(ls -A "$T/theirs") ]]
}

@test "a record that others could have written is not believed" {
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    sleep 100 3>&- 4>&- &
    local victim=$!
    chmod 0666 "$LICHEN_ROOT/$CTR/state.json"
    run_lichen ! kill "$CTR" KILL
    [[ $stderr == *"not trusted"* ]]
    chmod 0600 "$LICHEN_ROOT/$CTR/state.json"
    # A link to a record elsewhere is none.
    mv "$LICHEN_ROOT/$CTR/state.json" "$T/state.json"
    ln -s "$T/state.json" "$LICHEN_ROOT/$CTR/state.json"
    run_lichen ! kill "$CTR" KILL
    rm "$LICHEN_ROOT/$CTR/state.json"
    mv "$T/state.json" "$LICHEN_ROOT/$CTR/state.json"
    kill -0 "$victim" && kill "$victim"
    run_lichen -0 delete --force "$CTR"
}

@test "a pid that is somebody else's by now is neither signalled nor entered (podman#25104)" {
    local victim verb
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    sleep 100 3>&- 4>&- &
    victim=$!
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    # As if the number had come round: the record names a process that is there, but began at another time.
    jq --argjson pid "$victim" '(.. | objects | select(.pid? and .startTime?) | .pid) = $pid' "$LICHEN_ROOT/$CTR/state.json" >"$T/state.json"
    cat "$T/state.json" >"$LICHEN_ROOT/$CTR/state.json"
    [[ $(state_of "$CTR") == stopped ]]
    for verb in "kill $CTR KILL" "kill --all $CTR KILL" "exec $CTR true" "start $CTR" "ps $CTR" "mounts add $CTR /dev/null"; do
        # shellcheck disable=SC2086
        run_lichen ! $verb
    done
    run_lichen -0 delete --force "$CTR"
    # Still there, then ended by us.
    kill -0 "$victim"
    kill "$victim"
    nothing_left
}

@test "the host's abstract sockets are not the container's (CVE-2020-15257)" {
    requires command=python3
    attack_requires
    local name=lichen-attack-$CTR
    python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind("\0" + sys.argv[1]); s.listen(8); print("listening", flush=True); time.sleep(100)' "$name" >"$T/listener" 3>&- 4>&- &
    local listener=$!
    wait_until 10 grep -q listening "$T/listener"
    bundle_args attack abstract "$name"
    run_lichen run "$CTR"
    # The host's network brings them along: the attack works.
    bundle_edit 'del(.linux.namespaces[] | select(.type == "network"))'
    [[ $status -eq 0 && $stdout == *"$name: Connection refused"* ]] || { kill "$listener"; false; }
    run_lichen run "$CTR"
    kill "$listener"
    [[ $status -eq 9 ]]
}
