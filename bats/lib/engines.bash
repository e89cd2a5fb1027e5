# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # status and its kin are set by capture
#
# The engines that people drive a runtime with, set up for one suite: podman and buildah with their configuration, storage and
# runtime directory, the runtime under test as theirs, and an image made here of busybox-static. No registry is reachable.
# Sourced by bats/engine-*.bats after lib/lichen.
#
# Where the user has no cgroup to give (lane user: any machine) podman is told so, cgroups="disabled", as its manual
# has it for such hosts; in the test machine it has systemd make the scopes. Whether /sys/fs/cgroup is cgroup v1, v2 or
# both does not matter to podman then, so that no other view of it is needed.

# engine_setup_file: what a suite's tests share, in ENGINE_DIR and, for what the engines hold open, ENGINE_RUN.
engine_setup_file() {
    export ENGINE_DIR=$BATS_FILE_TMPDIR
    ENGINE_CGROUPS=disabled ENGINE_MANAGER=cgroupfs
    [[ $LICHEN_LANE != vm ]] || ENGINE_CGROUPS=enabled ENGINE_MANAGER=systemd
    mkdir -p "$ENGINE_DIR/home/.config/containers" "$ENGINE_DIR/hooks"
    # A short name: podman's cleanup refuses a run root of more than 50 characters, and then nobody hears of an exit.
    ENGINE_RUN=$(mktemp -d /tmp/lichen-eng.XXXXXX)
    export ENGINE_RUN
    if [[ $LICHEN_LANE == vm ]]; then
        # The session's bus stays within reach of what gets nothing but this variable in its environment.
        ln -s "$XDG_RUNTIME_DIR/bus" "$XDG_RUNTIME_DIR/systemd" "$ENGINE_RUN/"
    fi
    engine_conf
}

engine_teardown_file() {
    local pid pause=$ENGINE_RUN/libpod/tmp/pause.pid
    if [[ -s $pause ]]; then
        # The process that keeps podman's user namespace; no test of ours ends it.
        read -r pid <"$pause"
        kill -KILL "$pid"
    fi
    remove_tree "$ENGINE_RUN" && remove_tree "$ENGINE_DIR"
}

# engine_environment: the variables that make the engines use all that.
engine_environment() {
    export HOME=$ENGINE_DIR/home XDG_RUNTIME_DIR=$ENGINE_RUN CONTAINERS_CONF=$ENGINE_DIR/containers.conf
    unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
}

# engine_setup: after lichen_setup.
engine_setup() {
    ENGINE_OUTER=("${XDG_RUNTIME_DIR-}" "${TMPDIR-}")
    mkdir "$T/tmp"
    engine_environment
    export TMPDIR=$T/tmp
    # Containers that an engine leaves in the runtime's own directory are found there by the teardown.
    LICHEN_ROOT=$ENGINE_RUN/lichen
}

# engine_teardown: before a test ends its containers have to be gone; after a failed one that is done here.
engine_teardown() {
    local failed=0
    [[ ${#ENGINE_OUTER[@]} -gt 0 ]] || { lichen_teardown && return; }
    if [[ -z ${BATS_TEST_COMPLETED-} && -e $ENGINE_RUN/libpod ]]; then
        # Those that have ended too: the next test uses the same names.
        timeout $((60 * ${LICHEN_SLOW:-1})) podman rm --force --all --time 0 >/dev/null 2>&1 3>&- 4>&- </dev/null || failed=1
    fi
    runtime_is_empty || { echo "# leak: $(find "$LICHEN_ROOT")" && failed=1; }
    containers_delete_all || failed=1
    XDG_RUNTIME_DIR=${ENGINE_OUTER[0]} TMPDIR=${ENGINE_OUTER[1]:-/tmp}
    lichen_teardown || failed=1
    return "$failed"
}

# The lines of docs/engines.md, and those that keep the test to itself.
engine_conf() {
    local runtime=${LICHEN_OCI##*/}
    cat >"$ENGINE_DIR/containers.conf" <<CONF
[containers]
cgroups = "$ENGINE_CGROUPS"
netns = "none"
log_driver = "k8s-file"
[engine]
runtime = "$runtime"
runtime_supports_json = ["$runtime"]
runtime_supports_nocgroup = ["$runtime"]
cgroup_manager = "$ENGINE_MANAGER"
events_logger = "file"
lock_type = "file"
hooks_dir = ["$ENGINE_DIR/hooks"]
[engine.runtimes]
$runtime = ["$LICHEN_OCI"]
CONF
    printf '[storage]\ndriver = "vfs"\n' >"$ENGINE_DIR/home/.config/containers/storage.conf"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$ENGINE_DIR/home/.config/containers/policy.json"
}

# engine_image: the image "box", with a command of its own (podman's pods want one). For setup_file.
engine_image() {
    local tar=$ENGINE_DIR/box.tar
    tar -C "$(rootfs_shared)" --owner=0 --group=0 -cf "$tar" .
    (engine_environment && exec timeout $((120 * ${LICHEN_SLOW:-1})) podman import --quiet --change 'CMD ["sleep", "1000"]' "$tar" box) \
        >"$ENGINE_DIR/import" 2>&1 </dev/null 3>&- 4>&- || { cat "$ENGINE_DIR/import" && return 1; }
    rm "$tar"
}

# run_podman [-N|!] ARGUMENTS...: as run_lichen. What podman starts in the background has our stdout's file, not a pipe.
run_podman() { engine_run podman "$@"; }
run_buildah() { engine_run buildah "$@"; }

engine_run() {
    local engine=$1 want=''
    shift
    case $1 in
        -[0-9]*) want=${1#-} && shift ;;
        !) want=fail && shift ;;
    esac
    capture timeout $((60 * ${LICHEN_SLOW:-1})) "$engine" "$@"
    case $want in
        '') ;;
        fail) [[ $status -ne 0 ]] || { echo "# expected a failure" && return 1; } ;;
        *) [[ $status -eq $want ]] || { echo "# expected status $want" && return 1; } ;;
    esac
}

# inspected CONTAINER FORMAT -> the field
inspected() { podman inspect --type container --format "$2" "$1" 3>&- 4>&-; }
inspected_is() { [[ $(inspected "$1" "$2") == "$3" ]]; }

# Nothing of any container is left in the runtime's own directory (containerd gives it one for each of its namespaces).
runtime_is_empty() { [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*/.*' ! -type d 2>/dev/null) ]]; }
