#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# mounts add and remove: into a container that runs, with no more rights than at create.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
    bundle_args sleep 100
    mkdir "$T/data"
    echo host >"$T/data/file"
}

up() { run_lichen -0 run --detach "$CTR"; }
# list JQ: the file of mounts
list() { jq -n --arg t "$T" "$1" >"$T/mounts.json"; }
inside() { run_lichen -0 exec "$CTR" sh -c "$1"; }

@test "a directory, a file and a tmpfs are added and removed" {
    up
    list '[{destination: "/mnt/data", type: "bind", source: "\($t)/data", options: ["rbind", "rw"]},
        {destination: "/etc/added", source: "\($t)/data/file", options: ["bind", "ro"]},
        {destination: "/mnt/tmp", type: "tmpfs", source: "tmpfs", options: ["size=64k", "nosuid", "noexec"]}]'
    run_lichen -0 mounts add "$CTR" "$T/mounts.json"
    inside 'cat /mnt/data/file /etc/added; echo inside >/mnt/data/new; grep -c " /mnt/tmp tmpfs rw,nosuid,noexec,.*size=64k" /proc/mounts'
    [[ $stdout == $'host\nhost\n1' ]]
    [[ $(<"$T/data/new") == inside ]]
    run_lichen ! exec "$CTR" sh -c 'echo x >/etc/added'
    [[ $stderr == *"ead-only file system"* ]]
    # The container's own processes see them too, the host does not.
    grep -q " /mnt/data " "/proc/$(container_pid "$CTR")/mountinfo"
    ! grep -q /mnt/tmp /proc/self/mountinfo
    run_lichen -0 mounts remove "$CTR" "$T/mounts.json"
    inside 'ls -A /mnt/data /mnt/tmp | grep -v "^/\|^$" | wc -l; cat /etc/added | wc -c; grep -c " /mnt/" /proc/mounts || true'
    [[ $stdout == $'0\n0\n0' ]]
}

@test "the list may be an object's mounts and come from stdin" {
    up
    list '{mounts: [{destination: "/mnt/a", source: "\($t)/data", options: ["bind"]}], ociVersion: "1.0.0"}'
    run_lichen -0 mounts add "$CTR" - <"$T/mounts.json"
    inside 'cat /mnt/a/file'
    [[ $stdout == host ]]
    run_lichen -0 mounts remove "$CTR" - <<<'[{"destination": "/mnt/a"}]'
    list '[]'
    run_lichen -0 mounts add "$CTR" "$T/mounts.json"
}

@test "a created and a proc-less container can be given mounts" {
    bundle_edit '.mounts |= map(select(.destination != "/proc"))'
    run_lichen -0 create "$CTR"
    list '[{destination: "/mnt/data", source: "\($t)/data", options: ["bind"]}]'
    run_lichen -0 mounts add "$CTR" "$T/mounts.json"
    run_lichen -0 start "$CTR"
    inside 'cat /mnt/data/file'
    [[ $stdout == host ]]
    run_lichen -0 mounts remove "$CTR" "$T/mounts.json"
}

@test "all mounts of a list are added or none" {
    up
    list '[{destination: "/mnt/one", source: "\($t)/data", options: ["bind"]}, {destination: "/mnt/two", type: "tmpfs", options: ["size=plenty"]}]'
    run_lichen -1 mounts add "$CTR" "$T/mounts.json"
    [[ $stderr == *"mounts[1]: mounting tmpfs on /mnt/two: size=plenty"* ]]
    inside 'grep -c " /mnt/" /proc/mounts || true'
    [[ $stdout == 0 ]]
    list '[{destination: "/mnt/one", source: "\($t)/data", options: ["bind"]}, {destination: "/mnt/two", source: "\($t)/absent", options: ["bind"]}]'
    run_lichen -1 mounts add "$CTR" "$T/mounts.json"
    [[ $stderr == *"mounts[1]: bind source $T/absent: No such file or directory"* ]]
    inside 'grep -c " /mnt/" /proc/mounts || true'
    [[ $stdout == 0 ]]
}

@test "links in the container lead nowhere outside of its root" {
    ln -s / rootfs/mnt/up
    ln -s ../../../../../../../.. rootfs/mnt/dots
    ln -s "$T" rootfs/mnt/abs
    mkdir -p "rootfs$T"
    up
    list '[{destination: "/mnt/up/mnt/a", source: "\($t)/data", options: ["bind"]}, {destination: "/mnt/dots/mnt/b", source: "\($t)/data", options: ["bind"]},
        {destination: "/mnt/abs/c", source: "\($t)/data", options: ["bind"]}]'
    run_lichen -0 mounts add "$CTR" "$T/mounts.json"
    inside "cat /mnt/a/file /mnt/b/file $T/c/file"
    [[ $stdout == $'host\nhost\nhost' && ! -e $T/c ]]
    ! grep -q "$T/c\| /mnt/a " /proc/self/mountinfo
    # The container may swap a destination for a link before it is removed: only what is mounted in it can go.
    run_lichen -0 mounts remove "$CTR" - <<<'[{"destination": "/mnt/a"}]'
    inside 'rmdir /mnt/a && ln -s /proc /mnt/a'
    run_lichen -1 mounts remove "$CTR" - <<<'[{"destination": "/mnt/a"}]'
    [[ $stderr == *"mounts[0]: nothing is mounted on /mnt/a"* ]]
    inside 'test -d /proc/self'
}

@test "proc added is the container's own" {
    up
    run_lichen -0 mounts add "$CTR" - <<<'[{"destination": "/mnt/proc", "type": "proc", "source": "proc"}]'
    inside 'cat /mnt/proc/1/comm; grep -c . /mnt/proc/mounts >/dev/null'
    [[ $stdout == sleep ]]
    ln -s /proc rootfs/mnt/link
    run_lichen -1 mounts add "$CTR" - <<<'[{"destination": "/mnt/link", "type": "proc", "source": "proc"}]'
    [[ $stderr == *"/mnt/link is not a real directory"* ]]
}

@test "what cannot be mounted or unmounted is named" {
    up
    run_lichen -1 mounts remove "$CTR" - <<<'[{"destination": "/mnt"}]'
    [[ $stderr == *"mounts[0]: nothing is mounted on /mnt"* ]]
    run_lichen -1 mounts remove "$CTR" - <<<'[{"destination": "/"}]'
    [[ $stderr == *"mounts[0]: destination / cannot be unmounted"* ]]
    run_lichen -1 mounts add "$CTR" - <<<'[{"source": "/x"}]'
    [[ $stderr == *"mounts[0].destination: is required"* ]]
    run_lichen -1 mounts add "$CTR" - <<<'[{"destination": "/mnt/x", "type": "nosuchfs"}]'
    [[ $stderr == *"mounts[0]: file system type nosuchfs on /mnt/x"* ]]
    run_lichen -1 mounts add "$CTR" - <<<'{}'
    [[ $stderr == *"mounts: is required"* ]]
    run_lichen -1 mounts add "$CTR" "$T/absent"
    [[ $stderr == *"mounts $T/absent: No such file or directory"* ]]
    run_lichen -1 mounts show "$CTR" "$T/data/file"
    [[ $stderr == *"mounts show: add or remove"* ]]
    run_lichen -1 mounts add "$CTR"
    [[ $stderr == *"usage: lichen-oci mounts add|remove CONTAINER FILE"* ]]
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -1 mounts add "$CTR" - <<<'[]'
    [[ $stderr == *"cannot change the mounts of container $CTR: it is stopped"* ]]
}
