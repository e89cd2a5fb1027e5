#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Writes to /proc that somebody wants to land elsewhere: on another file of /proc (CVE-2025-52881) or on one of his own
# (CVE-2019-16884). What is written there by the runtime: kernel parameters, oom_score_adj, labels, ping's range.

load lib/lichen
load lib/attack

setup() {
    lichen_setup
    requires userns lichen
    bundle_new
    echo untouched >"$T/victim"
    bundle_script 'echo started; cat /proc/sys/kernel/msgmax'
    bundle_edit '.linux.sysctl = {"kernel.msgmax": "7777"}'
}

# covered FILE PATH: the runtime in a mount namespace of a host where PATH of /proc is another file.
covered() {
    capture unshare --user --map-root-user --mount sh -c 'mount --bind "$0" "$1" && shift && exec "$@"' "$1" "$2" \
        "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
}

@test "a kernel parameter is written where it belongs" {
    run_lichen -0 run "$CTR"
    [[ $stdout == $'started\n7777' ]]
}

@test "a parameter whose file is covered is written where it belongs or not at all (CVE-2019-16884, CVE-2025-52881)" {
    local cover
    # An ordinary file, and another one of /proc, which a look at the type of the file system alone does not tell apart.
    for cover in "$T/victim" /proc/sys/kernel/msgmnb /proc/self/comm; do
        covered "$cover" /proc/sys/kernel/msgmax
        # Linux 5.19 gave each IPC namespace files of its own for these: the cover is on the caller's.
        [[ $status -eq 0 && $stdout == $'started\n7777' ]] ||
            [[ $stdout != *started* && $stderr == *'linux.sysctl["kernel.msgmax"]'* ]]
        [[ $(<"$T/victim") == untouched ]]
    done
    nothing_left
}

@test "a directory of /proc that is covered by a tree of links leads nowhere (CVE-2025-52881)" {
    mkdir "$T/kernel"
    ln -s "$T/victim" "$T/kernel/msgmax"
    covered "$T/kernel" /proc/sys/kernel
    [[ $status -ne 0 && $stdout != *started* && $(<"$T/victim") == untouched ]]
    ln -sfn /proc/sys/kernel/msgmnb "$T/kernel/msgmax"
    covered "$T/kernel" /proc/sys/kernel
    [[ $status -ne 0 && $stdout != *started* ]]
    nothing_left
}

@test "what the bundle mounts over its own /proc is not where parameters are written" {
    mkdir "$T/kernel"
    cp "$T/victim" "$T/kernel/msgmax"
    bundle_edit --arg s "$T/kernel" '.mounts += [{destination: "/proc/sys/kernel", type: "bind", source: $s, options: ["bind"]}]'
    run_lichen -0 run "$CTR"
    [[ $stdout == $'started\nuntouched' && $(<"$T/kernel/msgmax") == untouched ]]
    nothing_left
}

@test "a /proc that the image brings gets no oom score, parameter or label written" {
    local path
    bundle_edit '.mounts |= map(select(.destination != "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []
        | .process.oomScoreAdj = 900'
    mkdir -p rootfs/proc/self rootfs/proc/thread-self/attr rootfs/proc/sys/kernel rootfs/proc/1
    for path in self/oom_score_adj 1/oom_score_adj sys/kernel/msgmax thread-self/attr/exec self/setgroups self/gid_map; do
        echo untouched >"rootfs/proc/$path"
    done
    bundle_args sleep 100
    run_lichen -0 run --detach "$CTR"
    [[ $(<"/proc/$(container_pid "$CTR")/oom_score_adj") == 900 ]]
    jq '.process | .oomScoreAdj = 950 | .args = ["sleep", "100"]' config.json >"$T/process.json"
    run_lichen -0 exec --process "$T/process.json" --detach --pid-file "$T/pid" "$CTR"
    [[ $(<"/proc/$(<"$T/pid")/oom_score_adj") == 950 ]]
    [[ $(cat rootfs/proc/*/oom_score_adj rootfs/proc/sys/kernel/* rootfs/proc/thread-self/attr/exec rootfs/proc/self/[sg]* | sort -u) == untouched ]]
    run_lichen -0 delete --force "$CTR"
}

@test "an exec's oom score goes to its own process, whatever the container has put over /proc" {
    bundle_all_caps
    bundle_edit 'del(.linux.readonlyPaths, .linux.maskedPaths, .linux.sysctl)'
    bundle_script 'echo untouched >/tmp/victim; mount -t tmpfs t /proc && mkdir -p /proc/self /proc/thread-self/attr &&
        cp /tmp/victim /proc/self/oom_score_adj && ln -s /tmp/victim /proc/thread-self/attr/exec && touch /tmp/ready; exec sleep 100'
    run_lichen -0 run --detach "$CTR"
    wait_until 10 test -e rootfs/tmp/ready
    jq '.process | .oomScoreAdj = 950 | .args = ["sleep", "100"]' config.json >"$T/process.json"
    run_lichen -0 exec --process "$T/process.json" --detach --pid-file "$T/pid" "$CTR"
    [[ $(<"/proc/$(<"$T/pid")/oom_score_adj") == 950 ]]
    run_lichen -0 exec "$CTR" cat /proc/self/oom_score_adj /tmp/victim
    [[ $stdout == $'untouched\nuntouched' ]]
    run_lichen -0 delete --force "$CTR"
}
