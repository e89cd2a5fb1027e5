#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Attacks that won against other runtimes, tried on this one.

load lib/lichen

setup() {
    lichen_setup
    requires userns lichen
    bundle_new
}

nothing_left() { [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]; }

@test "a root file system whose /proc or /sys is a symbolic link is refused (CVE-2019-19921, CVE-2023-27561)" {
    local dir
    bundle_script 'echo started'
    for dir in proc sys; do
        rmdir "rootfs/$dir"
        ln -s /tmp "rootfs/$dir"
        run_lichen -1 run "$CTR"
        [[ $stderr == *"/$dir"* && $stdout != *started* ]]
        rm "rootfs/$dir"
        mkdir "rootfs/$dir"
    done
    nothing_left
}

@test "a /dev that is a symbolic link reaches nothing of the host (CVE-2026-41579)" {
    mkdir "$T/outside"
    rmdir rootfs/dev
    ln -s "$T/outside" rootfs/dev
    bundle_args true
    run_lichen run "$CTR"
    [[ -z $(ls -A "$T/outside") ]]
    nothing_left
}

@test "mount destinations through hostile symbolic links stay inside (CVE-2021-30465)" {
    mkdir "$T/outside" "$T/source"
    : >"$T/source/x"
    ln -s "$T/outside" rootfs/absolute
    ln -s ../../../../../../../../../../.."$T/outside" rootfs/relative
    bundle_edit --arg s "$T/source" '.mounts += [
        {destination: "/absolute/a", type: "bind", source: $s, options: ["bind"]},
        {destination: "/relative/b", type: "bind", source: $s, options: ["bind"]}]'
    bundle_script 'ls /absolute/a /relative/b'
    run_lichen run "$CTR"
    # Refused, or made inside the container's root: both are safe, a mount elsewhere is not.
    [[ $status -ne 0 || $(grep -cx x <<<"$stdout") -eq 2 ]]
    [[ -z $(ls -A "$T/outside") ]]
    nothing_left
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

@test "inheritable and ambient capabilities are empty, in exec too (CVE-2022-29162)" {
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    run_lichen -0 exec "$CTR" grep -E 'Cap(Inh|Amb)' /proc/1/status /proc/self/status
    [[ $(wc -l <<<"$stdout") -eq 4 && $(grep -c 0000000000000000 <<<"$stdout") -eq 4 ]]
    run_lichen -0 delete --force "$CTR"
}

@test "ids that are paths are refused" {
    local id
    bundle_args true
    for id in ../x a/b .. . "" "a b"; do
        run_lichen ! run -- "$id"
    done
    [[ ! -e $T/x ]]
    nothing_left
}

@test "a container's other users can neither see into nor signal the host's processes" {
    requires subids
    bundle_edit '.process.user = {uid: 33, gid: 33}'
    bundle_script "kill -0 $$ 2>/dev/null && echo signalled; ls /proc/$$/root/ 2>/dev/null && echo seen; echo done"
    run_lichen -0 run "$CTR"
    [[ $stdout == done ]]
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

@test "the runtime's processes in a container cannot be looked into from it (CVE-2016-9962)" {
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
