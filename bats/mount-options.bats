#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Mount options: each of config.md's table "Linux mount options", as the container's own mountinfo shows it, and
# id-mapped mounts.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
}

# option NAME BEFORE WORD...: a mount of its own at /o/NAME with the options BEFORE (comma-separated) and NAME. Each
# WORD must then be among the mount's or its file system's options; -WORD must not.
option() {
    local name=$1 before=$2
    shift 2
    bundle_edit --arg n "$name" --arg b "$before" '.mounts += [{destination: "/o/\($n)", type: "tmpfs", source: "t",
        options: (($b | split(",")) + [$n])}]'
    printf '%s %s\n' "/o/$name" "$*" >>"$T/expected"
    echo "$name" >>"$T/tested"
}

# tree NAME BEFORE WORD...: the same for an option that is for all mounts below, too: /o/NAME and /o/NAME/sub are there
# when a remount applies it.
tree() {
    local name=$1 before=$2
    shift 2
    bundle_edit --arg n "$name" --arg b "$before" '.mounts += [
        {destination: "/o/\($n)", type: "tmpfs", source: "t"},
        {destination: "/o/\($n)/sub", type: "tmpfs", source: "t", options: ($b | split(","))},
        {destination: "/o/\($n)", type: "tmpfs", source: "t", options: (["remount"] + ($b | split(",")))},
        {destination: "/o/\($n)", type: "tmpfs", source: "t", options: ["remount", $n]}]'
    printf '%s %s\n' "/o/$name" "$*" "/o/$name/sub" "$*" >>"$T/expected"
    echo "$name" >>"$T/tested"
}

# What mountinfo (in $stdout) says of the mount point $1: all options, "shared" and so on among them.
options_of() {
    awk -v at="$1" '$5 == at { gsub(/:[0-9]+/, ""); o = $6; for (i = 7; $i != "-"; i++) o = o "," $i; print o "," $NF }' <<<"$stdout" | tail -n 1
}

check_expected() {
    local at words word have failed=0
    while read -r at words; do
        have=,$(options_of "$at"),
        [[ $have != ,, ]] || { echo "# $at is not mounted" && failed=1 && continue; }
        for word in $words; do
            if [[ $word == -* ]]; then
                [[ $have != *",${word#-},"* ]] || { echo "# $at: ${word#-} is among $have" && failed=1; }
            else
                [[ $have == *",$word,"* ]] || { echo "# $at: $word is not among $have" && failed=1; }
            fi
        done
    done <"$T/expected"
    return "$failed"
}

@test "each mount option of the specification does what it says" {
    local name
    requires kernel=5.12
    option ro '' ro
    option rw ro -ro rw
    option nosuid '' nosuid
    option suid nosuid -nosuid
    option nodev '' nodev
    option dev nodev -nodev
    option noexec '' noexec
    option exec noexec -noexec
    option nosymfollow '' nosymfollow
    option symfollow nosymfollow -nosymfollow
    option noatime '' noatime
    option atime noatime -noatime relatime
    option nodiratime '' nodiratime
    option diratime nodiratime -nodiratime
    option relatime noatime relatime
    option norelatime noatime relatime -noatime
    option strictatime '' -noatime -relatime
    option nostrictatime strictatime relatime
    option defaults '' rw relatime
    option silent '' rw
    option loud '' rw
    option sync '' sync
    option async sync -sync
    option dirsync '' dirsync
    option lazytime '' lazytime
    option nolazytime lazytime -lazytime
    option iversion '' rw
    option noiversion iversion rw
    option nomand mand -mand
    option private shared -shared
    option rprivate shared -shared
    option shared '' shared
    option rshared '' shared
    option slave shared master
    option rslave shared master
    option unbindable '' unbindable
    option runbindable '' unbindable
    tree rro '' ro
    tree rrw ro -ro
    tree rnosuid '' nosuid
    tree rsuid nosuid -nosuid
    tree rnodev '' nodev
    tree rdev nodev -nodev
    tree rnoexec '' noexec
    tree rexec noexec -noexec
    tree rnosymfollow '' nosymfollow
    tree rsymfollow nosymfollow -nosymfollow
    tree rnoatime '' noatime
    tree ratime noatime -noatime relatime
    tree rnodiratime '' nodiratime
    tree rdiratime nodiratime -nodiratime
    tree rrelatime noatime relatime
    tree rnorelatime noatime relatime -noatime
    tree rstrictatime noatime -noatime -relatime
    tree rnostrictatime strictatime relatime
    # Below: bind, rbind, remount, tmpcopyup, idmap and ridmap. mand is gone since Linux 5.15; acl and noacl are not the
    # specification's.
    printf '%s\n' bind rbind remount tmpcopyup idmap ridmap mand acl noacl >>"$T/tested"
    bundle_args cat /proc/self/mountinfo
    # slave needs a peer: one mount of the table may be alone, with "shared" taken back and no master.
    sed -i 's/ master$/ -shared/' "$T/expected"
    run_lichen -0 run "$CTR"
    check_expected
    # The table and this test know the same options.
    for name in $("$LICHEN_OCI" features | jq -r '.mountOptions[]'); do
        grep -qx -- "$name" "$T/tested" || { echo "# $name is listed by features, but not tested" && return 1; }
    done
    for name in $(<"$T/tested"); do
        "$LICHEN_OCI" features | jq -e --arg n "$name" '.mountOptions | index($n) != null' >/dev/null || { echo "# $name is not listed by features" && return 1; }
    done
}

@test "a slave mount receives, a mount that is shared again passes on" {
    # The container's root is a slave of nothing here; its own shared mount is the master.
    bundle_edit '.mounts += [{destination: "/a", type: "tmpfs", source: "t", options: ["slave", "shared"]}]'
    bundle_args cat /proc/self/mountinfo
    run_lichen -0 run "$CTR"
    [[ $(options_of /a) == *shared* ]]
    bundle_edit '.mounts[-1].options = ["shared", "slave", "private"]'
    run_lichen -0 run "$CTR"
    [[ $(options_of /a) != *shared* ]]
}

@test "bind shows the file system alone, rbind the mounts below it as well" {
    # The host's /proc has no mount of ours below; /dev has (pts, shm).
    local below
    below=$(awk '$5 ~ /^\/dev\/(pts|shm)$/ { print $5; exit }' /proc/self/mountinfo)
    [[ $below ]] || skip "nothing is mounted below /dev"
    bundle_edit '.mounts += [{destination: "/one", type: "none", source: "/dev", options: ["bind"]},
        {destination: "/all", type: "none", source: "/dev", options: ["rbind", "rro"]}]'
    bundle_args cat /proc/self/mountinfo
    if [[ $EUID -ne 0 ]]; then
        # A tree of the host's cannot be taken apart in a user namespace: what a mount hides stays hidden.
        run_lichen ! run "$CTR"
        [[ $stderr == *"mounts["*"bind source /dev"* ]]
        bundle_edit 'del(.mounts[] | select(.destination == "/one"))'
    fi
    run_lichen -0 run "$CTR"
    [[ $(options_of /one) != *ro,* || $EUID -ne 0 ]]
    [[ $(options_of "/all${below#/dev}") == *ro,* && $(options_of /all) == *ro,* ]]
    [[ -z $(options_of "/one${below#/dev}") ]]
}

@test "remount changes what is mounted, its file system's options too" {
    bundle_edit '.mounts += [{destination: "/m", type: "tmpfs", source: "t", options: ["size=64k", "nosuid"]},
        {destination: "/m", type: "tmpfs", source: "t", options: ["remount", "size=128k", "noexec", "rnodev"]},
        {destination: "/m", options: ["remount", "bind", "ro"]}]'
    bundle_args cat /proc/self/mountinfo
    run_lichen -0 run "$CTR"
    [[ $(options_of /m) == *size=128k* && $(options_of /m) == ro,nosuid,nodev,noexec,* ]]
    bundle_edit '.mounts[-1].destination = "/no/such"'
    run_lichen ! run "$CTR"
    [[ $stderr == *"remount of /no/such"* ]]
}

@test "tmpcopyup fills the new tmpfs with what it covers" {
    mkdir -p rootfs/full/deep && echo text >rootfs/full/deep/file && ln -s deep/file rootfs/full/link
    bundle_edit '.mounts += [{destination: "/full", type: "tmpfs", source: "t", options: ["tmpcopyup", "nosuid"]}]'
    bundle_script 'cat /full/link; echo new >/full/deep/file; grep " /full " /proc/self/mounts'
    run_lichen -0 run "$CTR"
    [[ $stdout == text*tmpfs* && $(<rootfs/full/deep/file) == text ]]
}

# ---- id mappings --------------------------------------------------------------------------------------------------

@test "a new file system can have an id mapping of its own" {
    requires subids kernel=6.3
    # The file system's 7 is shown as the container's 33: the host's id of that is the 33rd of the map.
    # Root's own is in the mapping too, since a directory of an owner that is not cannot be written.
    local map uid gid
    bundle_script 'cat /proc/self/uid_map; echo; cat /proc/self/gid_map'
    run_lichen -0 run "$CTR"
    map=$stdout
    uid=$(awk 'NF == 0 { exit } 33 >= $1 && 33 < $1 + $3 { print $2 + 33 - $1 }' <<<"$map")
    gid=$(awk 'NF == 0 { n = 1 } n && NF && 33 >= $1 && 33 < $1 + $3 { print $2 + 33 - $1 }' <<<"$map")
    bundle_edit --argjson u "$uid" --argjson g "$gid" --argjson u0 "$(awk '{ print $2; exit }' <<<"$map")" \
        --argjson g0 "$(awk 'NF == 0 { getline; print $2; exit }' <<<"$map")" '.mounts += [{destination: "/m", type: "tmpfs", source: "t", options: ["idmap", "mode=0777"],
        uidMappings: [{containerID: 0, hostID: $u0, size: 1}, {containerID: 7, hostID: $u, size: 1}],
        gidMappings: [{containerID: 0, hostID: $g0, size: 1}, {containerID: 8, hostID: $g, size: 1}]}]
        | .process.user = {uid: 33, gid: 33}'
    # Made by 33, and 33 is what the mount shows; 1 is not in the mapping: it can make nothing there.
    bundle_script ': >/m/file && stat -c "%u %g" /m/file; stat -c %u /m; grep " /m " /proc/self/mountinfo'
    run_lichen -0 run "$CTR"
    [[ ${lines[0]} == "33 33" && ${lines[1]} == 0 && ${lines[2]} == *idmapped* ]]
    bundle_edit '.process.user = {uid: 1, gid: 1}'
    bundle_script ': >/m/new'
    run_lichen ! run "$CTR"
    [[ $stderr == *"Value too large"* ]]
}

@test "an id mapping that cannot be is refused with the reason" {
    requires user
    local n
    n=$(jq '.mounts | length' config.json)
    bundle_refused '.mounts += [{destination: "/x", type: "bind", source: "/tmp", options: ["bind", "idmap"]}]' "mounts[$n]: id-mapped bind of /tmp: its file system belongs to the host"
    [[ $stderr == *fuse-overlayfs* ]]
    bundle_refused '.mounts += [{destination: "/x", type: "bind", source: "/tmp", options: ["rbind", "ridmap"]}]' "mounts[$n]: id-mapped bind of /tmp"
    bundle_refused '.mounts += [{destination: "/x", type: "tmpfs", options: ["idmap"]}]' "mounts[$n]: option idmap: a new tmpfs has the container's ids already"
    bundle_refused '.mounts += [{destination: "/x", type: "tmpfs", uidMappings: [{containerID: 0, hostID: 0, size: 1}], gidMappings: [{containerID: 0, hostID: 0, size: 1}]}]' \
        "mounts[$n].uidMappings: id 0 of the host is not mapped in the container"
    bundle_refused '.mounts += [{destination: "/x", type: "tmpfs", uidMappings: [{containerID: 0, hostID: 0, size: 1}]}]' "mounts[$n].gidMappings: is missing"
    bundle_refused '.mounts += [{destination: "/x", type: "tmpfs", options: ["remount", "idmap"]}]' "mounts[$n]: remount cannot change an id mapping"
}

@test "root: a bind with an id mapping shows the host's files as other owners, with and without a user namespace" {
    requires --lane root root kernel=5.12
    local dir
    mkdir -p "$T/host/sub" && : >"$T/host/a" && : >"$T/host/b" && : >"$T/host/sub/c" && chown 1000:1001 "$T/host/a" "$T/host/sub/c" && chown 5:5 "$T/host/b"
    bundle_edit --arg s "$T/host" '.mounts += [{destination: "/m", type: "bind", source: $s, options: ["bind", "idmap"],
        uidMappings: [{containerID: 1000, hostID: 42, size: 10}], gidMappings: [{containerID: 1000, hostID: 50, size: 10}]}]'
    bundle_script 'stat -c "%n %u %g" /m/a /m/b'
    run_lichen -0 run "$CTR"
    [[ $stdout == $'/m/a 42 51\n/m/b 65534 65534' ]]
    # In a user namespace the host's 42 is another number again; without mappings it is the container's own map.
    bundle_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 40, size: 100}] | .linux.gidMappings = .linux.uidMappings
        | .mounts[-1].options += ["ro"]'
    # The container's root is nobody here: it has to reach its root file system.
    for dir in "$BUNDLE" "$T" "${T%/*}" "${T%/*/*}" "$BATS_RUN_TMPDIR"; do chmod a+x "$dir"; done
    chown -R 40:40 rootfs
    run_lichen -0 run "$CTR"
    [[ $stdout == $'/m/a 2 11\n/m/b 65534 65534' ]]
    bundle_edit 'del(.mounts[-1].uidMappings, .mounts[-1].gidMappings)'
    bundle_script 'stat -c "%n %u %g" /m/b; : >/m/new'
    run_lichen ! run "$CTR"
    [[ $stdout == "/m/b 5 5" && $stderr == *Read-only* ]]
}

@test "root: an id mapping without mappings needs a user namespace" {
    requires --lane root root
    bundle_refused '.mounts += [{destination: "/m", type: "bind", source: "/tmp", options: ["bind", "idmap"]}]' "the container has no user namespace whose mapping could be taken"
    bundle_refused '.mounts += [{destination: "/m", type: "tmpfs", options: ["idmap"]}]' "option idmap"
}
