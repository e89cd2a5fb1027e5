# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The library every suite loads ("load lib/lichen"). Owns the life of one test: a private directory, the runtime's
# --root, a container id, and the check that nothing survives the test. Runs in bats' test process, with the rights
# of whoever runs the suite; nothing here needs root.
#
# A suite that needs more than the default setup defines its own and calls the library's:
#
#     load lib/lichen
#     setup() { lichen_setup; bundle_new; }
#     teardown() { lichen_teardown; }
#
#     @test "a container's exit status is run's" {
#         requires userns subids
#         bundle_args sh -c 'exit 7'
#         run_lichen -7 run "$CTR"
#     }
#
# Variables: LICHEN_OCI the runtime under test (default: lichen-oci of LICHEN_BUILD; crun works too), LICHEN_ROOT its
# --root, T the test's directory (removed afterwards), CTR a container id nobody else uses, BUNDLE the current bundle.

LICHEN_LIB=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
LICHEN_SRC=$(cd "$LICHEN_LIB/../.." && pwd)
: "${LICHEN_BUILD:=$LICHEN_SRC/build}"
: "${LICHEN_OCI:=$LICHEN_BUILD/lichen-oci}"
: "${LICHEN_LANE:=user}"
export LICHEN_LIB LICHEN_SRC LICHEN_BUILD LICHEN_OCI LICHEN_LANE
# A developer's own settings must not reach the suites.
unset CDPATH LICHEN_LOG LICHEN_DEBUG
umask 022

# shellcheck source=bats/lib/leaks.bash
source "$LICHEN_LIB/leaks.bash"
# shellcheck source=bats/lib/requires.bash
source "$LICHEN_LIB/requires.bash"
# shellcheck source=bats/lib/bundle.bash
source "$LICHEN_LIB/bundle.bash"

setup() { lichen_setup; }
teardown() { lichen_teardown; }

# Makes the test's directory and takes the picture the leak check compares with.
lichen_setup() {
    T=${BATS_TEST_TMPDIR:-$(mktemp -d "${TMPDIR:-/tmp}/lichen-test-XXXXXX")}
    # A path through a symbolic link would not be found again in mountinfo.
    T=$(cd "$T" && pwd -P)
    LICHEN_ROOT=$T/state
    LICHEN_GLOBAL=()
    # shellcheck disable=SC2034 # for the suites
    CTR=$(new_id)
    BUNDLE=
    status='' output='' stdout='' stderr=''
    mkdir -p "$T/leaks"
    mkdir -m 0700 "$LICHEN_ROOT"
    cd "$T" || return 1
    leaks_before "$T/leaks"
}

# Force-deletes what the test left, saying so, then fails the test if anything outlived that.
lichen_teardown() {
    local failed=0

    # A skip in setup comes here before lichen_setup had its turn.
    [[ -n ${LICHEN_ROOT-} && -d $T/leaks ]] || return 0
    cd / || return 1
    containers_delete_all || failed=1
    leaks_check "$T/leaks" || failed=1
    if [[ -d $T ]] && ! remove_tree "$T"; then
        echo "# leak: cannot remove $T"
        failed=1
    fi
    return "$failed"
}

# Names that differ between tests, suites and runs at the same time.
new_id() { printf 't%s-%s-%s\n' "${BATS_SUITE_TEST_NUMBER:-${BATS_TEST_NUMBER:-0}}" "$$" "$RANDOM"; }

# lichen VERB...: the runtime with this test's --root. Its streams are the caller's, its status is the runtime's;
# a failure is reported on stderr. bats' own descriptors are closed: a process that outlives the test and holds them
# stalls bats for ever.
lichen() {
    local rc=0
    "$LICHEN_OCI" --root "$LICHEN_ROOT" "${LICHEN_GLOBAL[@]}" "$@" 3>&- 4>&- || rc=$?
    [[ $rc -eq 0 ]] || echo "# lichen $* -> status $rc" >&2
    return "$rc"
}

# run_lichen [-N|!] VERB...: runs it to its end, sets status, stdout, stderr and output (both), prints them (bats shows
# that when the test fails). With -N the status must be N, with ! it must not be 0; else any status will do.
# Output goes through files: a container holds its runtime's stdout open, and a pipe would wait for the container.
run_lichen() {
    local want=''
    case $1 in
        -[0-9]*) want=${1#-} && shift ;;
        !) want=fail && shift ;;
    esac
    capture "$LICHEN_OCI" --root "$LICHEN_ROOT" "${LICHEN_GLOBAL[@]}" "$@"
    case $want in
        '') ;;
        fail) [[ $status -ne 0 ]] || { echo "# expected a failure" && return 1; } ;;
        *) [[ $status -eq $want ]] || { echo "# expected status $want" && return 1; } ;;
    esac
}

# capture COMMAND...: the same for any command; stdin is the caller's if redirected to a file or pipe, else empty.
capture() {
    local out err
    out=$(mktemp "$T/out.XXXXXX") err=$(mktemp "$T/err.XXXXXX")
    status=0
    if [[ -t 0 ]]; then
        "$@" >"$out" 2>"$err" </dev/null 3>&- 4>&- || status=$?
    else
        "$@" >"$out" 2>"$err" 3>&- 4>&- || status=$?
    fi
    # A NUL cannot be kept in a shell variable; bash would warn about each.
    stdout=$(tr -d '\0' <"$out") stderr=$(tr -d '\0' <"$err")
    output=$stdout${stdout:+${stderr:+$'\n'}}$stderr
    # shellcheck disable=SC2034 # bats' name for it; suites read it
    mapfile -t lines <<<"$output"
    printf '$ %s\n' "$*"
    [[ -z $stdout ]] || printf 'stdout: %s\n' "$stdout"
    [[ -z $stderr ]] || printf 'stderr: %s\n' "$stderr"
    printf 'status: %s\n' "$status"
    rm -f "$out" "$err"
}

# wait_until SECONDS COMMAND...: polls until the command succeeds; after SECONDS fails and names the command. On an
# emulated machine a second is LICHEN_SLOW seconds.
wait_until() {
    local limit=$(($1 * ${LICHEN_SLOW:-1})) start
    shift
    start=$(clock_ms)
    until "$@" 3>&- 4>&-; do
        if (($(clock_ms) - start >= limit * 1000)); then
            echo "# waited $limit s in vain for: $*" >&2
            return 1
        fi
        sleep 0.02
    done
}

# Milliseconds, by the clock of EPOCHREALTIME (a locale may put a comma in it).
clock_ms() { local now=${EPOCHREALTIME/[^0-9]/} && echo "${now%???}"; }

# state_of ID -> the status field, "" when there is no such container.
state_of() { "$LICHEN_OCI" --root "$LICHEN_ROOT" "${LICHEN_GLOBAL[@]}" state "$1" 2>/dev/null 3>&- 4>&- | jq -r .status 2>/dev/null; }
state_is() { [[ $(state_of "$1") == "$2" ]]; }
# wait_state ID STATUS [SECONDS]
wait_state() { wait_until "${3:-10}" state_is "$1" "$2" || { echo "# $1 is '$(state_of "$1")'" >&2 && return 1; }; }
container_pid() { lichen state "$1" | jq -r .pid; }
process_gone() { [[ ! -d /proc/$1 ]] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null; }

# What the test left in its --root. Reported and removed; what --force cannot remove is a failure.
containers_delete_all() {
    local dir id failed=0
    for dir in "$LICHEN_ROOT"/*/ "$LICHEN_ROOT"/.[!.]*/; do
        [[ -d $dir ]] || continue
        id=${dir%/} && id=${id##*/}
        [[ -e $dir/state.json || -e $dir/status || -e $dir/config.json ]] || [[ $id =~ ^t[0-9]+-[0-9]+-[0-9]+ ]] || continue
        echo "# left to teardown: container $id ($(state_of "$id"))"
        if ! timeout -k 5 30 "$LICHEN_OCI" --root "$LICHEN_ROOT" delete --force "$id" 3>&- 4>&- </dev/null; then
            echo "# leak: delete --force $id fails"
            failed=1
        fi
    done
    return "$failed"
}

# Files owned by subordinate ids can only be removed from inside a user namespace that maps them.
remove_tree() {
    rm -rf --one-file-system "$1" 2>/dev/null && return 0
    "$LICHEN_LIB/userns" rm -rf --one-file-system "$1"
}
