#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# buildah with lichen-oci: "run" and the RUN steps of a Containerfile, isolation oci, rootless. Its containers have no cgroup of
# their own in lane user and no network; what it is told is in lib/engines.bash.

load lib/lichen
load lib/engines

setup_file() {
    requires user userns subids command=buildah
    engine_setup_file
}

setup() {
    lichen_setup
    engine_setup
    BUILDAH=(--isolation oci --runtime "$LICHEN_OCI" --network none)
}

teardown() { engine_teardown; }
teardown_file() { [[ -z ${ENGINE_RUN-} ]] || engine_teardown_file; }

# scratch: a working container of the busybox tree; its name in $C.
scratch() {
    run_buildah -0 from scratch
    C=$stdout
    run_buildah -0 copy --quiet "$C" "$(rootfs_shared)" /
}

# build [-N|!] [OPTION...]: $T/context/Containerfile's steps
build() {
    local want=$1
    shift
    run_buildah "$want" build-using-dockerfile "${BUILDAH[@]}" "$@" "$T/context"
}

containerfile() {
    mkdir -p "$T/context"
    tar -C "$(rootfs_shared)" --owner=0 --group=0 -cf "$T/context/root.tar" .
    { printf 'FROM scratch\nADD root.tar /\n' && cat; } >"$T/context/Containerfile"
}

@test "buildah run: output, exit status, user, variables, directory, mounts" {
    scratch
    run_buildah -0 run "${BUILDAH[@]}" "$C" -- sh -c 'id -u; echo x >/made'
    [[ $stdout == 0 ]]
    run_buildah -7 run "${BUILDAH[@]}" "$C" -- sh -c 'test -e /made && exit 7'
    mkdir "$T/data" && echo here >"$T/data/file"
    run_buildah -0 run "${BUILDAH[@]}" --user 33:50 --env A=b --workingdir /etc --hostname box1 -v "$T/data:/data:ro" "$C" -- \
        sh -c 'echo "$(id -u):$(id -g) $A $(pwd) $(hostname) $(cat /data/file)"; touch /data/x 2>/dev/null || echo ro'
    [[ $stdout == $'33:50 b /etc box1 here\nro' ]]
    run_buildah ! run "${BUILDAH[@]}" "$C" -- nosuch
    [[ $stderr == *'exec: "nosuch": executable file not found in $PATH'* ]]
    run_buildah -0 run "${BUILDAH[@]}" --cap-drop all "$C" -- grep CapEff /proc/self/status
    [[ $stdout == *0000000000000000 ]]
}

@test "buildah run --terminal gives a terminal" {
    requires command=python3
    scratch
    capture "$LICHEN_LIB/pty" run 33 97 '[{"expect": "ready"}, {"send": "exit 4\r"}]' \
        buildah run "${BUILDAH[@]}" --terminal "$C" -- sh -c 'test -t 0 && test -t 1 && echo ready; exec sh'
    [[ $status -eq 4 ]]
}

@test "RUN steps: USER, WORKDIR, ENV, cache, bind and tmpfs mounts, and what they leave in the image" {
    containerfile <<'FILE'
WORKDIR /work
ENV A=b
RUN echo "$(id -u) $(pwd) $A" >/first
RUN --mount=type=cache,target=/cache echo kept >/cache/file
RUN --mount=type=cache,target=/cache cat /cache/file >/second
RUN --mount=type=tmpfs,target=/scratch touch /scratch/file && grep -q ' /scratch tmpfs ' /proc/mounts
RUN --mount=type=bind,source=Containerfile,target=/file grep -c RUN /file
USER 33
RUN id -u >/tmp/third && ! touch /etc/x 2>/dev/null
FILE
    build -0 --quiet --tag result
    run_buildah -0 from result
    local built=$stdout
    run_buildah -0 run "${BUILDAH[@]}" "$built" -- sh -c 'cat /first /second /tmp/third; ls -d /cache/* /scratch/* 2>/dev/null; id -u'
    [[ $stdout == $'0 /work b\nkept\n33\n33' ]]
}

@test "a RUN step that fails ends the build with its status" {
    containerfile <<<'RUN exit 5'
    build -5
    [[ $stderr == *"RUN exit 5"* ]]
    containerfile <<<'RUN ["/bin/nosuch"]'
    build !
    [[ $stderr == *"no such file or directory"* ]]
    runtime_is_empty
}
