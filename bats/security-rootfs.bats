#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A hostile root file system, bundle or neighbour against what the runtime mounts and makes: attacks that won against other
# runtimes, tried on this one. The classes: docs/security.md.

load lib/lichen
load lib/attack

setup() {
    lichen_setup
    requires userns lichen
    bundle_new
    attack_requires
}

teardown() {
    [[ -z ${SWAPPER-} ]] || kill "$SWAPPER" 2>/dev/null || :
    lichen_teardown
}

# no_dev: /dev is what the root file system brings.
no_dev() { bundle_edit '.mounts |= map(select(.destination | startswith("/dev") | not))'; }

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

@test "a /proc that is swapped for a link while containers start is never one (CVE-2023-28642)" {
    local i real=0 refused=0
    mkdir rootfs/tmp/fake
    ln -s /tmp/fake rootfs/link
    bundle_script 'test -e /proc/self/status && echo real; test -e /tmp/fake/self && echo MISDIRECTED; :'
    swap_start rootfs/proc rootfs/link
    for i in {1..120}; do
        run_lichen run "$CTR" >/dev/null
        [[ $stdout != *MISDIRECTED* ]]
        # Mounted on the real directory, which may have another name a moment later: then there is no /proc.
        [[ $status -eq 0 ]] && real=$((real + 1)) || refused=$((refused + 1))
        ((i < 12 || real == 0 || refused == 0)) || break
    done
    swap_stop
    echo "started $real, refused $refused"
    ((real > 0 && refused > 0))
    nothing_left
}

@test "a /dev that is a symbolic link reaches nothing of the host (CVE-2026-41579, CVE-2026-47766)" {
    mkdir "$T/outside"
    rmdir rootfs/dev
    ln -s "$T/outside" rootfs/dev
    bundle_args true
    run_lichen run "$CTR"
    [[ -z $(ls -A "$T/outside") ]]
    no_dev
    : >"$T/outside/ptmx"
    bundle_args echo started
    run_lichen -1 run "$CTR"
    # What it would unlink and make there is untouched.
    [[ $stderr == *"/dev"* && $stdout != *started* && $(ls -A "$T/outside") == ptmx ]]
    nothing_left
}

@test "a /dev that is swapped while containers start reaches nothing of the host (CVE-2026-47766)" {
    local i
    mkdir "$T/outside"
    : >"$T/outside/ptmx"
    ln -s "$T/outside" rootfs/link
    no_dev
    bundle_args true
    swap_start rootfs/dev rootfs/link
    for i in {1..25}; do
        run_lichen run "$CTR" >/dev/null
        [[ $(ls -A "$T/outside") == ptmx ]]
    done
    swap_stop
    nothing_left
}

@test "a device whose place is a link or directory is refused, and the link's target is as it was" {
    local name
    echo mine >"$T/target"
    echo mine >rootfs/target
    no_dev
    bundle_args echo started
    for name in null zero tty; do
        ln -s "$T/target" "rootfs/dev/$name"
        run_lichen -1 run "$CTR"
        [[ $stderr == *"/dev/$name"* && $stdout != *started* ]]
        ln -sfn /target "rootfs/dev/$name"
        run_lichen -1 run "$CTR"
        [[ $stderr == *"/dev/$name"* && $stdout != *started* ]]
        rm "rootfs/dev/$name" && mkdir "rootfs/dev/$name"
        run_lichen -1 run "$CTR"
        [[ $stderr == *"/dev/$name"* ]]
        rmdir "rootfs/dev/$name"
    done
    [[ $(<"$T/target") == mine && $(<rootfs/target) == mine && $(stat -c %A "$T/target") == -* ]]
    nothing_left
}

@test "a device path leads through links below the root only" {
    mkdir "$T/outside"
    ln -s "$T/outside" rootfs/srv/out
    ln -s ../../../../../../../../../../.."$T/outside" rootfs/srv/up
    bundle_script 'ls -l /srv/out/zero /srv/up/zero /etc/zero'
    local path
    for path in /srv/out/fifo /srv/up/fifo /dev/../srv/out/fifo /../../../../..$T/outside/fifo; do
        bundle_edit --arg p "$path" '.linux.devices = [{path: $p, type: "p", fileMode: 438, uid: 0, gid: 0}]'
        run_lichen run "$CTR"
        [[ -z $(ls -A "$T/outside") ]]
    done
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

# race N: up to N containers with mounts below a volume in which somebody swaps a directory for a link to the host. Each
# container either does not start or has both mounts inside: one outside of the root would be missing there.
race() {
    local i there=0 elsewhere=0 refused=0
    # What the link names is there on the host, with the mount points, so that nothing has to be made first; inside too.
    mkdir -p "$T/volume/real/x" "$T/outside/x" "rootfs$T/outside"
    : >"$T/volume/real/file"
    echo untouched >"$T/outside/file"
    echo attack >"$T/source"
    ln -s "$T/outside" "$T/volume/link"
    bundle_edit --arg v "$T/volume" --arg s "$T/source" '.mounts += [
        {destination: "/volume", type: "bind", source: $v, options: ["bind"]},
        {destination: "/volume/real/x", type: "tmpfs", source: "race", options: ["mode=0700"]},
        {destination: "/volume/real/made/deep", type: "tmpfs", source: "race"},
        {destination: "/volume/real/file", type: "bind", source: $s, options: ["bind"]}]'
    bundle_script 'awk "/ - tmpfs race / { print \"mounted\", \$5 } \$5 ~ /\\/file\$/ { print \"mounted\", \$5 }" /proc/self/mountinfo'
    swap_start "$T/volume/real" "$T/volume/link"
    for ((i = 0; i < $1; i++)); do
        run_lichen run "$CTR" >/dev/null
        if [[ $status -ne 0 ]]; then
            refused=$((refused + 1))
        else
            [[ $(grep -c '^mounted' <<<"$stdout") -eq 3 ]] || { echo "$stdout" && return 1; }
            # A swap while it starts takes a mount point to the other name.
            [[ $stdout == *"mounted /volume/"* ]] && there=$((there + 1))
            [[ $stdout == *"mounted $T/outside"* ]] && elsewhere=$((elsewhere + 1))
        fi
        # Nothing was made on the host, and nothing of ours is there.
        [[ $(ls -A "$T/outside") == $'file\nx' && $(<"$T/outside/file") == untouched ]]
        ((i < 25 || there == 0 || elsewhere == 0)) || break
    done
    swap_stop
    echo "on the volume $there, where the link leads inside $elsewhere, refused $refused"
    # Both sides of the race were met.
    ((there > 0 && elsewhere > 0))
    nothing_left
}

@test "a directory of a volume that is swapped for a link takes no mount out of the root (CVE-2021-30465, CVE-2024-45310)" {
    race 400
}

@test "the same race without openat2" {
    [[ -x $LICHEN_BUILD/deny ]] || skip "needs deny: make check-programs builds it"
    bundle_rootless
    printf '#!/bin/sh\nexec %q ENOSYS openat2 %q "$@"\n' "$LICHEN_BUILD/deny" "$LICHEN_OCI" >"$T/lichen-oci"
    chmod 0755 "$T/lichen-oci"
    LICHEN_OCI=$T/lichen-oci race 400
}

@test "a masked path whose last directory is swapped for a link is masked or not there" {
    local i
    mkdir -p rootfs/srv/real rootfs/srv/other
    echo secret >rootfs/srv/real/file
    ln -s /etc rootfs/srv/link
    # "file" in /etc would be hidden instead if the link were followed: allowed, it is in the root. The host's is not.
    echo host >"$T/file"
    bundle_edit '.linux.maskedPaths += ["/srv/real/file"]'
    bundle_script 'cat /srv/real/file 2>/dev/null; cat /srv/link/file 2>/dev/null; grep -c " /srv/" /proc/self/mountinfo; :'
    swap_start rootfs/srv/real rootfs/srv/link
    for i in {1..15}; do
        run_lichen -0 run "$CTR" >/dev/null
        [[ $(<"$T/file") == host ]]
    done
    swap_stop
    nothing_left
}

@test "a root file system's own /dev/null does not become the mask (CVE-2025-31133)" {
    local target
    echo secret >rootfs/secret
    echo mine >"$T/target"
    bundle_edit '.linux.maskedPaths += ["/secret"] | .linux.readonlyPaths = []'
    # Mounted over later than the mask is taken, and as the root file system has it.
    for target in /proc/sys/kernel/core_pattern "$T/target" /etc/passwd; do
        rm -rf rootfs/dev
        mkdir rootfs/dev
        ln -s "$target" rootfs/dev/null
        bundle_script 'cat /secret; stat -c %t:%T /secret'
        run_lichen -0 run "$CTR"
        [[ $stdout == 1:3 ]]
        no_dev
        run_lichen -1 run "$CTR"
        [[ $stdout != *secret* && $stderr == *"/dev/null"* ]]
        cp "$LICHEN_LIB/config.json" config.json
        bundle_edit '.linux.maskedPaths += ["/secret"] | .linux.readonlyPaths = []'
    done
    [[ $(<"$T/target") == mine ]]
    nothing_left
}

@test "a /dev/null that is swapped while containers start never shows what is masked (CVE-2025-31133)" {
    local i shown=0
    echo secret >rootfs/secret
    : >rootfs/dev/null
    ln -s /etc/passwd rootfs/link
    no_dev
    bundle_edit '.linux.maskedPaths += ["/secret"]'
    bundle_script 'cat /secret; stat -c %t:%T /secret'
    swap_start rootfs/dev/null rootfs/link
    for i in {1..30}; do
        run_lichen run "$CTR" >/dev/null
        [[ $stdout != *secret* && $stdout != *root:* ]]
        [[ $status -ne 0 ]] || { [[ $stdout == 1:3 ]] && shown=$((shown + 1)); }
    done
    swap_stop
    echo "started $shown"
    ((shown > 0))
    nothing_left
}

@test "a host whose /dev/null is something else starts no container with masked paths (CVE-2025-31133)" {
    echo secret >"$T/secret"
    bundle_args echo started
    # As it would be for a runtime inside another container, whose /dev/null that container's owner made.
    capture unshare --user --map-root-user --mount sh -c 'mount --bind "$0" /dev/null && exec "$@"' "$T/secret" \
        "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -ne 0 && $stdout != *started* && $stderr == *"/dev/null"* ]]
    # With devices of its own, so that nothing but the mask asks for it.
    no_dev
    bundle_edit '.mounts += [{destination: "/dev", type: "bind", source: "/dev", options: ["rbind"]}]'
    capture unshare --user --map-root-user --mount sh -c 'mount --bind "$0" /dev/null && exec "$@"' "$T/secret" \
        "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -ne 0 && $stdout != *started* && $stderr == *"masked paths cannot be hidden"* ]]
    [[ $(<"$T/secret") == secret ]]
}

@test "a /dev/console that is a link is refused, and nothing is mounted where it leads (CVE-2025-52565)" {
    requires command=python3
    local target
    echo mine >"$T/target"
    echo mine >rootfs/target
    bundle_edit '.process.terminal = true | .mounts |= map(select(.destination != "/dev"))'
    bundle_args echo started
    mkdir -p rootfs/dev/pts rootfs/dev/shm rootfs/dev/mqueue
    for target in "$T/target" /target /proc/sysrq-trigger; do
        ln -sfn "$target" rootfs/dev/console
        capture "$LICHEN_LIB/pty" run 33 97 '[]' "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
        [[ $status -ne 0 && $stdout == *"/dev/console"* && $stdout != *started* ]]
    done
    [[ $(<"$T/target") == mine && $(<rootfs/target) == mine ]]
    nothing_left
}

@test "a /dev/console that is swapped for a link takes no mount away (CVE-2025-52565)" {
    requires command=python3
    local i started=0
    echo mine >rootfs/target
    bundle_edit '.process.terminal = true | .mounts |= map(select(.destination != "/dev"))'
    mkdir -p rootfs/dev/pts rootfs/dev/shm rootfs/dev/mqueue
    : >rootfs/dev/console
    ln -s /target rootfs/link
    bundle_script 'cat /target; grep " /target " /proc/self/mountinfo && echo MISDIRECTED; echo started'
    swap_start rootfs/dev/console rootfs/link
    for i in {1..20}; do
        capture "$LICHEN_LIB/pty" run 33 97 '[]' "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR" >/dev/null
        [[ $stdout != *MISDIRECTED* ]]
        [[ $status -ne 0 ]] || { [[ $stdout == *mine*started* ]] && started=$((started + 1)); }
    done
    swap_stop
    echo "started $started"
    ((started > 0))
    [[ $(<rootfs/target) == mine ]]
    nothing_left
}

@test "a pty multiplexer that is none, or is a link, gives no terminal (CVE-2025-52565)" {
    requires command=python3
    local kind
    bundle_edit '.process.terminal = true | .mounts |= map(select(.destination != "/dev/pts" and .destination != "/dev"))'
    bundle_args echo started
    mkdir -p rootfs/dev/pts rootfs/dev/shm rootfs/dev/mqueue
    echo mine >"$T/target"
    for kind in file link fifo absent; do
        rm -f rootfs/dev/pts/ptmx
        case $kind in
            file) : >rootfs/dev/pts/ptmx ;;
            link) ln -s "$T/target" rootfs/dev/pts/ptmx ;;
            fifo) mkfifo rootfs/dev/pts/ptmx ;;
        esac
        capture timeout 20 "$LICHEN_LIB/pty" run 33 97 '[]' "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
        [[ $status -ne 0 && $status -ne 124 && $stdout == *"/dev/pts/ptmx"* && $stdout != *started* ]]
    done
    # A device that is no multiplexer, bound there: the host's /dev/null.
    rm -f rootfs/dev/pts/ptmx
    bundle_edit '.mounts += [{destination: "/dev/pts/ptmx", type: "bind", source: "/dev/null", options: ["bind"]}]'
    capture "$LICHEN_LIB/pty" run 33 97 '[]' "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -ne 0 && $stdout == *"not a pty multiplexer"* && $stdout != *started* ]]
    [[ $(<"$T/target") == mine ]]
    nothing_left
}
