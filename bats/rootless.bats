#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Who is who: id maps, whose files they are on the host, what happens where ids, helpers or privileges are missing.

load lib/lichen

setup() {
    lichen_setup
    requires userns lichen
    bundle_new
    bundle_edit '.process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"])'
}

# The host's id of container id N under the default map, by the files alone.
first_subid() { awk -F: -v name="$(id -un)" -v uid="$(id -u)" '$1 == name || $1 == uid { print $2; exit }' "/etc/$1"; }

# maps TEXT: the map's lines with single spaces.
squeeze() { awk '{ $1 = $1; print }'; }

explicit_map() {
    bundle_edit --argjson uid "$1" --argjson gid "$2" --argjson size "$3" '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: $uid, size: $size}]
        | .linux.gidMappings = [{containerID: 0, hostID: $gid, size: $size}]'
}

@test "a stock bundle without a user namespace runs: 0 is the caller, 1 and up the subordinate ids" {
    requires user subids
    bundle_script 'cat /proc/self/uid_map; : >/own; : >/www; chown 33:33 /www; stat -c %u:%g /own /www'
    run_lichen -0 run "$CTR"
    [[ $(squeeze <<<"$stdout" | sed -n 1p) == "0 $(id -u) 1" ]]
    [[ $(squeeze <<<"$stdout" | sed -n 2p) == "1 $(first_subid subuid) "* ]]
    [[ $stdout == *$'0:0\n33:33' ]]
    [[ $(stat -c %u:%g rootfs/own) == "$(id -u):$(id -g)" ]]
    [[ $(stat -c %u:%g rootfs/www) == "$(($(first_subid subuid) + 32)):$(($(first_subid subgid) + 32))" ]]
}

@test "setuid and setgid work inside" {
    requires subids
    bundle_script 'start-stop-daemon -S -c 33:33 -x /bin/sh -- -c "id -u; id -g; : >/tmp/www; stat -c %u:%g /tmp/www"'
    run_lichen -0 run "$CTR"
    [[ $stdout == $'33\n33\n33:33' ]]
}

@test "process.user may be any mapped id, not another" {
    requires user subids
    bundle_edit '.process.user = {uid: 33, gid: 33}'
    bundle_script 'id -u; id -g'
    run_lichen -0 run "$CTR"
    [[ $stdout == $'33\n33' ]]
    bundle_edit '.process.user = {uid: 4000000000, gid: 0}'
    run_lichen -1 run "$CTR"
    [[ $stderr == *4000000000* ]]
}

@test "--ids keep-id gives the caller its own number inside" {
    requires user subids
    bundle_edit --argjson id "$(id -u)" --argjson gid "$(id -g)" '.process.user = {uid: $id, gid: $gid}'
    bundle_script 'id -u; id -g; : >/mine'
    run_lichen -0 run --ids keep-id "$CTR"
    [[ $stdout == "$(id -u)"$'\n'"$(id -g)" ]]
    [[ $(stat -c %u rootfs/mine) == "$(id -u)" ]]
}

@test "--ids single maps the caller alone and needs no newuidmap" {
    requires user
    bundle_script 'cat /proc/self/uid_map /proc/self/gid_map'
    run_lichen -0 run --ids single "$CTR"
    [[ $(squeeze <<<"$stdout") == "0 $(id -u) 1"$'\n'"0 $(id -g) 1" ]]
    capture env PATH=/nonexistent "$LICHEN_OCI" --root "$LICHEN_ROOT" run --ids single "$CTR"
    [[ $status -eq 0 ]]
    run_lichen -1 run --ids triple "$CTR"
    [[ $stderr == *triple* ]]
}

@test "the configuration's own mappings are taken as they are" {
    requires user subids
    bundle_script 'cat /proc/self/uid_map; : >/tmp/x'
    explicit_map "$(id -u)" "$(id -g)" 1
    run_lichen -0 run "$CTR"
    [[ $(squeeze <<<"$stdout") == "0 $(id -u) 1" ]]
    run_lichen -1 run --ids keep-id "$CTR"
    [[ $stderr == *"--ids"*uidMappings* ]]
}

@test "a mapping of ids that are not the caller's fails with newuidmap's words and leaves nothing" {
    requires user subids
    explicit_map 5 5 10
    run_lichen -1 run "$CTR"
    [[ $stderr == *newuidmap*failed* && $stderr == *hint* ]]
    run_lichen -1 state "$CTR"
    [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]
}

@test "a missing newuidmap is named with the package that has it" {
    requires user subids
    capture env PATH=/nonexistent "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 1 && $stderr == *"cannot run newuidmap"* && $stderr == *"install the package uidmap"* ]]
    run_lichen -1 state "$CTR"
}

@test "without subordinate ids one id is mapped, and the state says so" {
    requires user subids
    # The files are covered by empty ones in a mount namespace; in a second user namespace below it the runtime is an
    # ordinary user of the same number again.
    cat >"$T/poor" <<'EOF'
mount --bind /dev/null /etc/subuid && mount --bind /dev/null /etc/subgid || exit 99
exec unshare --user --map-user "$ID" --map-group "$GID" "$LICHEN_OCI" --root "$LICHEN_ROOT" "$@"
EOF
    bundle_args sleep 100
    export LICHEN_ROOT ID GID
    ID=$(id -u) GID=$(id -g) capture unshare --user --map-root-user --mount sh "$T/poor" create "$CTR"
    [[ $status -eq 0 ]]
    [[ $(squeeze <"/proc/$(container_pid "$CTR")/uid_map") == "0 $(id -u) 1" ]]
    run_lichen -0 state "$CTR"
    [[ $(jq -r '.annotations | to_entries[] | select(.key | startswith("io.lichen.downgrade")) | .value' <<<"$stdout") == *"no subordinate ids"*usermod* ]]
    run_lichen -0 delete --force "$CTR"
}

@test "root inside a user namespace runs bundles, with one id or all of them" {
    requires user subids
    bundle_script 'id -u'
    capture unshare --user --map-root-user "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 && $stdout == 0 ]]
    bundle_script 'chown 33:33 /srv; stat -c %u:%g /srv'
    capture "$LICHEN_LIB/userns" "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 && $stdout == 33:33 ]]
}

@test "root runs a stock bundle without a user namespace" {
    requires --lane root root
    bundle_script 'readlink /proc/self/ns/user; chown 33:33 /srv'
    run_lichen -0 run "$CTR"
    [[ $stdout == "$(readlink /proc/self/ns/user)" && $(stat -c %u:%g rootfs/srv) == 33:33 ]]
}

@test "doctor agrees with what the suites find out by themselves, in text and JSON" {
    mkdir -m 0700 "$T/xdg"
    export XDG_RUNTIME_DIR=$T/xdg
    run_lichen -0 doctor --json
    local doctor=$stdout cap
    for cap in userns subids fuse kernel-overlay slirp seccomp; do
        if have "$cap"; then
            jq -e --arg n "$cap" '.[] | select(.name == $n) | .ok' <<<"$doctor" >/dev/null || { echo "# $cap" && return 1; }
        fi
    done
    jq -e 'all(.[]; (.name | length > 0) and (.ok or .fix != null))' <<<"$doctor" >/dev/null
    run_lichen -0 doctor
    [[ $stdout == *"Containers run here."* ]]
    # What is not there is said, with the command that helps; what containers need is the exit status.
    capture unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh "$LICHEN_OCI" doctor
    [[ $status -eq 1 && $stdout == *MISSING*"user namespaces"*fix:* ]]
}

@test "the state tells the id map and the root's driver" {
    requires subids
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    run_lichen -0 state "$CTR"
    [[ $(jq -r '.annotations["io.lichen.rootfs.driver"]' <<<"$stdout") == dir ]]
    [[ $EUID -eq 0 || $(jq -r '.annotations["io.lichen.ids"]' <<<"$stdout") == default ]]
}
