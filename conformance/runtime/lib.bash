# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # the tables are read by run; status, output: lichen.bash
#
# What a conformance case is written with. A case is a declaration and a function of its name:
#
#     conformance_case hostname --spec config.md#hostname --asserts 1 --covers hostname --quick --upstream \
#         --proves "the container's host name is the configured one"
#     case_hostname() {
#         bundle_edit '.hostname = "lichen-conf"'
#         inside hostname
#         is "hostname(1) says it" "$stdout" lichen-conf
#     }
#
# The function runs under "set -e" in a shell of its own, with a fresh bundle as working directory (bundle.bash),
# $CTR, $T and $LICHEN_ROOT as in the bats suites. A step that fails ends the case; an assertion that fails is counted and the
# case goes on. A case has passed when its function ended with 0, it made exactly as many assertions as announced, at
# least one, and none failed.
#
#     --spec FILE#SECTION   where runtime-spec 1.3.0 says it
#     --proves TEXT         what it says, in our words
#     --asserts N           how many assertions; "plan" when the function calls plan N itself
#     --covers "FIELD..."   fields of config.json that it proves (the compliance map); a trailing .* means all below
#     --needs "CAP..."      as for "requires" of the bats suites
#     --lane LANE,...       where it can run at all; without it everywhere (docs/testing.md)
#     --quick               belongs to the quick subset
#     --upstream            runtime-tools has a validation program of this name
#     --upstream-fails WHY  which no correct runtime (or none in this setting) can pass; the case is the counter-test
#     --limits TEXT         what an unprivileged caller does not get of these fields
#     --deviates TEXT       where lichen-oci does not do what the sentence says, and why
#     --differs "RUNTIME: WHY"  another runtime is known to fail the case

declare -a CASES=()
declare -A CASE_FILE CASE_SPEC CASE_PROVES CASE_ASSERTS CASE_COVERS CASE_NEEDS CASE_LANE CASE_QUICK CASE_UPSTREAM \
    CASE_UPSTREAM_FAILS CASE_LIMITS CASE_DEVIATES CASE_DIFFERS

conformance_case() {
    local name=$1
    shift
    [[ -z ${CASE_SPEC[$name]-} ]] || { echo "conformance: two cases are called $name" >&2 && exit 2; }
    CASES+=("$name")
    CASE_FILE[$name]=${BASH_SOURCE[1]##*/}
    CASE_QUICK[$name]='' CASE_UPSTREAM[$name]='' CASE_DIFFERS[$name]=''
    while [[ $# -gt 0 ]]; do
        case $1 in
            --spec) CASE_SPEC[$name]=$2 ;;
            --proves) CASE_PROVES[$name]=$2 ;;
            --asserts) CASE_ASSERTS[$name]=$2 ;;
            --covers) CASE_COVERS[$name]=$2 ;;
            --needs) CASE_NEEDS[$name]=$2 ;;
            --lane) CASE_LANE[$name]=$2 ;;
            --upstream-fails) CASE_UPSTREAM_FAILS[$name]=$2 CASE_UPSTREAM[$name]=1 ;;
            --limits) CASE_LIMITS[$name]=$2 ;;
            --deviates) CASE_DEVIATES[$name]=$2 ;;
            --differs) CASE_DIFFERS[$name]+=$2$'\n' ;;
            --quick) CASE_QUICK[$name]=1 && shift && continue ;;
            --upstream) CASE_UPSTREAM[$name]=1 && shift && continue ;;
            *) echo "conformance: $name: unknown option $1" >&2 && exit 2 ;;
        esac
        shift 2
    done
    if [[ -z ${CASE_SPEC[$name]-} || -z ${CASE_PROVES[$name]-} || ! ${CASE_ASSERTS[$name]-} =~ ^([1-9][0-9]*|plan)$ ]]; then
        echo "conformance: $name: --spec, --proves and --asserts are needed" >&2 && exit 2
    fi
}

# ---- assertions: each counts once, whether it holds or not --------------------------------------------------------

plan() { echo "$1" >"$CASE_DIR/plan"; }

# assertion RESULT DESCRIPTION [DETAIL]
assertion() {
    if [[ $1 -eq 0 ]]; then
        echo "ok $2" >>"$CASE_DIR/assertions"
        echo "ok: $2"
    else
        echo "not ok $2" >>"$CASE_DIR/assertions"
        printf 'NOT OK: %s\n%s' "$2" "${3:+  $3$'\n'}"
    fi
}

# is DESCRIPTION GOT WANT
is() { [[ $2 == "$3" ]] && assertion 0 "$1" || assertion 1 "$1" "got \"$2\", not \"$3\""; }
# like DESCRIPTION GOT PATTERN; unlike the same, the other way round
# shellcheck disable=SC2053
like() { [[ $2 == $3 ]] && assertion 0 "$1" || assertion 1 "$1" "got \"$2\", which is not like \"$3\""; }
# shellcheck disable=SC2053
unlike() { [[ $2 != $3 ]] && assertion 0 "$1" || assertion 1 "$1" "got \"$2\", which is like \"$3\""; }
# holds DESCRIPTION COMMAND...; refutes the same, the other way round
holds() { "${@:2}" && assertion 0 "$1" || assertion 1 "$1" "fails: ${*:2}"; }
refutes() { ! "${@:2}" && assertion 0 "$1" || assertion 1 "$1" "succeeds: ${*:2}"; }

# errs DESCRIPTION WORDS VERB...: the verb generates an error: it fails, and not by a crash. lichen-oci's message has the words.
errs() {
    local description=$1 words=$2
    shift 2
    run_lichen "$@"
    if [[ $status -eq 0 || $status -ge 126 ]]; then
        assertion 1 "$description" "status $status of: $*"
    elif is_lichen && [[ $output != *"$words"* ]]; then
        assertion 1 "$description" "the message lacks \"$words\": $output"
    else
        assertion 0 "$description"
    fi
}

# refused DESCRIPTION JQ WORDS: create errs with a config.json edited so, and there is no container; config.json as before.
refused() {
    cp config.json "$T/config.saved"
    bundle_edit "$2"
    run_lichen create "$CTR"
    local created=$status words=$output
    run_lichen state "$CTR"
    if [[ $created -eq 0 || $created -ge 126 ]]; then
        assertion 1 "$1" "status $created of create"
    elif [[ $status -eq 0 ]]; then
        assertion 1 "$1" "create failed and left a container"
    elif is_lichen && [[ $words != *"$3"* ]]; then
        assertion 1 "$1" "the message lacks \"$3\": $words"
    else
        assertion 0 "$1"
    fi
    [[ $created -ne 0 ]] || lichen delete --force "$CTR" || :
    cp "$T/config.saved" config.json
}

# start_refused DESCRIPTION JQ WORDS: the same for what only start finds out: create or start errs.
start_refused() {
    cp config.json "$T/config.saved"
    bundle_edit "$2"
    run_lichen create "$CTR"
    [[ $status -ne 0 ]] || run_lichen start "$CTR"
    if [[ $status -eq 0 || $status -ge 126 ]]; then
        assertion 1 "$1" "status $status of start"
    elif is_lichen && [[ $output != *"$3"* ]]; then
        assertion 1 "$1" "the message lacks \"$3\": $output"
    else
        assertion 0 "$1"
    fi
    ! exists "$CTR" || lichen delete --force "$CTR" || :
    cp "$T/config.saved" config.json
}

# ---- steps --------------------------------------------------------------------------------------------------------

is_lichen() { [[ $RUNTIME_NAME == lichen-oci ]]; }

# For requires.bash, which was made for bats.
skip() {
    echo "$1" >"$CASE_DIR/skipped"
    exit 77
}

# inside SCRIPT: runs it in a container to its end, which must be status 0; its output is $stdout, $lines.
inside() {
    bundle_script "$1"
    run_lichen -0 run "$CTR"
}

# up [SCRIPT]: a running container that waits to be killed.
up() {
    bundle_script "${1:-exec sleep 100}"
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
}

# halt [ID]: kills, waits and deletes.
halt() {
    run_lichen -0 kill "${1:-$CTR}" KILL
    wait_state "${1:-$CTR}" stopped
    run_lichen -0 delete "${1:-$CTR}"
}

# in_state KEY [ID]: one property of the state, as JSON text without quotes.
in_state() { lichen state "${2:-$CTR}" | jq -r "$1"; }

# exists ID; nothing_left: no container and no file of one (compiled filters may stay).
exists() { "$LICHEN_OCI" --root "$LICHEN_ROOT" state "$1" >/dev/null 2>&1; }
nothing_left() { [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]; }

# hook KIND SCRIPT [JQ]: appends a hook that is a script of the host's shell (startContainer: the container's).
hook() {
    bundle_edit --arg kind "$1" --arg script "$2" \
        '.hooks[$kind] += [{path: "/bin/sh", args: ["sh", "-c", $script]'"${3:-}"'}]'
}

# log_directory: sets LOG, a directory that hooks and the process can write by the same path, on either side.
log_directory() {
    LOG=$T/log
    mkdir -p "$LOG"
    chmod 0777 "$LOG"
    bundle_edit --arg log "$LOG" '.mounts += [{destination: $log, type: "bind", source: $log, options: ["bind", "rw"]}]'
}

log_words() { tr '\n' ' ' <"$LOG/$1" 2>/dev/null; }
