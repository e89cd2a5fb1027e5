#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# anchor: containers below a user namespace that is there already start without newuidmap.

load lib/lichen

setup() {
    lichen_setup
    bundle_new
}

teardown() {
    lichen anchor stop || :
    lichen_teardown
}

# anchor_start -> ANCHOR, the pid of the anchor.
anchor_start() {
    run_lichen -0 anchor start
    run_lichen -0 anchor status
    [[ $stdout =~ ^pid\ ([0-9]+),\ [0-9]+\ uids,\ [0-9]+\ gids$ ]]
    ANCHOR=${BASH_REMATCH[1]}
}

# Programs of the same names that fail: who needs the real ones fails, too.
without_newuidmap() {
    mkdir "$T/bin"
    printf '#!/bin/sh\necho broken >&2\nexit 1\n' >"$T/bin/newuidmap"
    chmod +x "$T/bin/newuidmap"
    cp "$T/bin/newuidmap" "$T/bin/newgidmap"
    PATH=$T/bin:$PATH
}

# map PID FILE -> its lines with single spaces.
map() { awk '{ print $1, $2, $3 }' "/proc/$1/$2"; }

@test "anchor: start, status and stop may be repeated" {
    requires user userns subids
    run_lichen -3 anchor status
    [[ $stdout == none ]]
    anchor_start
    [[ $(cat "/proc/$ANCHOR/comm") == "lichen:[anchor]" ]]
    local first=$ANCHOR
    anchor_start
    [[ $ANCHOR == "$first" ]]
    run_lichen -0 anchor stop
    [[ ! -e /proc/$first || $(awk '{ print $3 }' "/proc/$first/stat") == Z ]]
    run_lichen -3 anchor status
    run_lichen -0 anchor stop
    run_lichen -1 anchor sideways
    [[ $stderr == *"anchor sideways: start, stop or status"* ]]
}

@test "anchor: it keeps nothing of its starter's open and is not in its session" {
    requires user userns subids
    anchor_start
    [[ $(find "/proc/$ANCHOR/fd" -printf '%l\n' | sort -u) == $'\n/dev/null' ]]
    [[ $(awk '{ print $6 }' "/proc/$ANCHOR/stat") == "$ANCHOR" ]]
    [[ $(readlink "/proc/$ANCHOR/cwd") == / ]]
}

@test "anchor: a container has the same ids, in a user namespace of its own, and newuidmap is not run" {
    requires user userns subids
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    local uids gids
    uids=$(map "$(container_pid "$CTR")" uid_map) gids=$(map "$(container_pid "$CTR")" gid_map)
    run_lichen -0 delete --force "$CTR"
    anchor_start
    without_newuidmap
    run_lichen -0 run --detach "$CTR"
    local pid
    pid=$(container_pid "$CTR")
    # As the host sees them: the kernel merges no lines, so compare what they cover.
    [[ $(map "$pid" uid_map) == "$uids" && $(map "$pid" gid_map) == "$gids" ]]
    [[ $(readlink "/proc/$pid/ns/user") != "$(readlink "/proc/$ANCHOR/ns/user")" ]]
    run_lichen -0 exec --user 1000:1000 "$CTR" sh -c 'id -u; id -g'
    [[ $stdout == $'1000\n1000' ]]
}

@test "anchor: setgroups, chown and the other ids work below it" {
    requires user userns subids
    anchor_start
    without_newuidmap
    bundle_edit '.process.user = {uid: 7, gid: 8, additionalGids: [9, 10]}'
    bundle_args sh -c 'id -u; id -g; id -G'
    run_lichen -0 run "$CTR"
    [[ $stdout == $'7\n8\n8 9 10' ]]
}

@test "anchor: keep-id and maps of the configuration are written below it" {
    requires user userns subids
    anchor_start
    without_newuidmap
    bundle_edit 'del(.linux.uidMappings, .linux.gidMappings) | .process.user = {uid: '"$EUID"', gid: '"$(id -g)"'}'
    bundle_args sh -c 'id -u; cat /proc/self/setgroups'
    run_lichen -0 run --ids keep-id "$CTR"
    [[ $stdout == "$EUID"$'\nallow' ]]
    local first
    first=$(awk -F: -v user="$(id -un)" '$1 == user { print $2; exit }' /etc/subuid)
    bundle_edit ".process.user = {uid: 5, gid: 5}
        | .linux.namespaces += [{type: \"user\"}]
        | .linux.uidMappings = [{containerID: 0, hostID: $EUID, size: 1}, {containerID: 1, hostID: ($first + 10), size: 10}]
        | .linux.gidMappings = [{containerID: 0, hostID: $(id -g), size: 1}, {containerID: 1, hostID: ($first + 10), size: 10}]"
    bundle_args id -u
    run_lichen -0 run "$CTR"
    [[ $stdout == 5 ]]
}

@test "anchor: its end is not the end of the containers below it; the next one does without" {
    requires user userns subids
    anchor_start
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    kill -KILL "$ANCHOR"
    wait_until 10 process_gone "$ANCHOR"
    run_lichen -3 anchor status
    state_is "$CTR" running
    run_lichen -0 exec "$CTR" true
    run_lichen -0 create --dry-run "$(new_id)"
    [[ $(jq -r .mapping <<<"$stdout") == "newuidmap and newgidmap" ]]
    bundle_args true
    run_lichen -0 run "$(new_id)"
}

@test "anchor: a file that names something else is not believed" {
    requires user userns subids
    local text
    anchor_start
    run_lichen -0 anchor stop
    for text in "" "garbage" "1 1" "$$ 1" "$$ $(awk '{ print $22 }' /proc/$$/stat)" "99999999 5" "-1 0"; do
        printf '%s\n' "$text" >"$LICHEN_ROOT/.anchor"
        run_lichen -3 anchor status
        run_lichen -0 create --dry-run "$CTR"
        [[ $(jq -r .mapping <<<"$stdout") == "newuidmap and newgidmap" ]]
    done
    rm "$LICHEN_ROOT/.anchor"
    ln -s /dev/zero "$LICHEN_ROOT/.anchor"
    run_lichen -3 anchor status
    rm "$LICHEN_ROOT/.anchor"
    mkfifo "$LICHEN_ROOT/.anchor"
    run_lichen -3 anchor status
    rm "$LICHEN_ROOT/.anchor"
    # Stopping what is not an anchor kills nobody.
    sleep 100 3>&- &
    printf '%s 1\n' "$!" >"$LICHEN_ROOT/.anchor"
    run_lichen -0 anchor stop
    kill -0 "$!"
    kill "$!"
}

@test "anchor: a container cannot enter the anchor's user namespace, even where it sees the host's processes" {
    requires user userns subids
    anchor_start
    mkdir "$BUNDLE/rootfs/hostproc"
    bundle_edit '.mounts += [{destination: "/hostproc", type: "none", source: "/proc", options: ["rbind"]}]'
    bundle_args sh -c "
        ls /hostproc/$ANCHOR/ns >/dev/null || echo unseen
        nsenter --user=/hostproc/$ANCHOR/ns/user true && echo entered
        echo 0 0 1 >/hostproc/$ANCHOR/uid_map && echo written
        ls -l /hostproc/$ANCHOR/root/ >/dev/null 2>&1 && echo root
        cat /hostproc/$ANCHOR/mem >/dev/null 2>&1 && echo memory
        echo tried"
    run_lichen -0 run "$CTR"
    [[ $stdout == tried ]]
}

@test "anchor: two that start at once make one" {
    requires user userns subids
    local i jobs=()
    for i in 1 2 3 4; do
        lichen anchor start &
        jobs+=("$!")
    done
    wait "${jobs[@]}"
    anchor_start
    # The command line of the anchor is still its starter's: none but this one is left of the five.
    [[ $(pgrep -u "$EUID" -f -- "--root $LICHEN_ROOT anchor start") == "$ANCHOR" ]]
}

@test "anchor: root has no use for one" {
    requires --lane root root
    run_lichen -1 anchor start
    [[ $stderr == *"root writes id maps without newuidmap"* ]]
}
