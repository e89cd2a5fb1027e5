#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# containerd's shim (io.containerd.runc.v2) with lichen-oci as its runc, rootless: the daemon as root of a user
# namespace, as rootlesskit has it, with its own /run/containerd and the native snapshotter; driven by ctr. An image is imported that
# buildah made.

load lib/lichen
load lib/engines

setup_file() {
    requires user userns subids command=containerd command=ctr command=buildah
    engine_setup_file
}

setup() {
    lichen_setup
    engine_setup
    containerd_conf
}

teardown() { engine_teardown; }
teardown_file() { [[ -z ${ENGINE_RUN-} ]] || engine_teardown_file; }

containerd_conf() {
    mkdir -p "$T/containerd"
    cat >"$T/containerd/config.toml" <<CONF
version = 2
root = "$T/containerd/root"
state = "$T/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "$ENGINE_RUN/containerd.sock"
CONF
    # Without a cgroup ctr has to be told not to ask for one, nor for its default share of the processor.
    CTR_RUN=(--snapshotter native --runc-binary "$LICHEN_OCI" --runc-root "$ENGINE_RUN/lichen" --cgroup '' --cpu-shares 0)
}

# with_containerd SCRIPT: runs it (sh -eu) beside a containerd, in their user namespace, with "run NAME COMMAND..." for
# ctr run. The daemon ends with the script; its log is shown if anything failed.
with_containerd() {
    cat >"$T/containerd/script" <<SCRIPT
set -eu
# containerd and ctr have sockets in /run/containerd. A /run of their own in which the rest is what it was, systemd too.
mkdir $T/containerd/run
mount --rbind /run $T/containerd/run
mount -t tmpfs -o mode=0700 none /run
for entry in $T/containerd/run/*; do
    [ "\${entry##*/}" = containerd ] || ln -s "\$entry" /run/
done
export XDG_RUNTIME_DIR=$ENGINE_RUN CONTAINERD_ADDRESS=$ENGINE_RUN/containerd.sock CONTAINERD_SNAPSHOTTER=native
containerd --config $T/containerd/config.toml >$T/containerd/log 2>&1 &
daemon=\$!
finish() { kill \$daemon && wait \$daemon || :; }
trap finish EXIT
limit=0
until ctr version >/dev/null 2>&1; do
    limit=\$((limit + 1)) && [ \$limit -lt $((200 * ${LICHEN_SLOW:-1})) ]
    sleep 0.05
done
ctr images import --snapshotter native $T/box.tar >/dev/null
run() { status=0 && ctr run ${CTR_RUN[*]@Q} "\$@" || status=\$?; }
until_status() {
    limit=0
    until ctr tasks list | grep -q "^\$1 .*\$2"; do
        limit=\$((limit + 1)) && [ \$limit -lt 100 ]
        sleep 0.05
    done
}
SCRIPT
    cat >>"$T/containerd/script"
    run_buildah -0 from scratch
    local made=$stdout
    run_buildah -0 copy --quiet "$made" "$(rootfs_shared)" /
    run_buildah -0 config --cmd 'sleep 1000' "$made"
    run_buildah -0 commit --quiet "$made" "oci-archive:$T/box.tar:localhost/box:latest"
    capture timeout $((90 * ${LICHEN_SLOW:-1})) "$LICHEN_LIB/userns" unshare --mount sh "$T/containerd/script"
    [[ $status -eq 0 ]] || { tail -n 20 "$T/containerd/log" && return 1; }
}

@test "ctr run: output, exit status, identity, mounts, and nothing is left" {
    mkdir "$T/data" && echo here >"$T/data/file"
    with_containerd <<SCRIPT
run --rm localhost/box:latest c1 sh -c 'echo out; exit 7'
echo "status \$status"
run --rm --env A=b --cwd /etc --mount type=bind,src=$T/data,dst=/data,options=rbind:ro localhost/box:latest c2 \
    sh -c 'echo "\$A \$(pwd) \$(cat /data/file)"; touch /data/x 2>/dev/null || echo ro'
run --rm localhost/box:latest c3 nosuch
echo "status \$status"
ctr containers list --quiet
SCRIPT
    [[ $stdout == $'out\nstatus 7\nb /etc here\nro\nstatus 1' ]]
    [[ $stderr == *"executable file not found in"* ]]
}

@test "a detached task is listed, entered, signalled and deleted" {
    with_containerd <<'SCRIPT'
run --detach localhost/box:latest c1 sh -c 'trap "exit 9" TERM; while :; do sleep 0.05; done'
until_status c1 RUNNING
ctr tasks exec --exec-id e1 c1 sh -c 'echo entered $(cat /proc/1/comm)'
ctr tasks exec --exec-id e2 c1 sh -c 'exit 3' || echo "exec $?"
ctr tasks ps c1 | awk 'NR == 2 && $1 > 1 { print "listed" }'
ctr tasks kill --signal TERM c1
until_status c1 STOPPED
ctr tasks delete c1
ctr containers delete c1
ctr containers list --quiet
SCRIPT
    [[ $stdout == $'entered sh\nexec 3\nlisted' && $stderr == *"exit code 9"* ]]
}
