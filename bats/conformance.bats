#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The conformance harness' own suite: what is no pass, whose names have to be there, and that the compliance map bites.

load lib/lichen

setup() {
    requires --lane user
    lichen_setup
    HARNESS=$LICHEN_SRC/conformance/runtime
    mkdir "$T/cases"
}

# cases TEXT: a directory of cases with one file; verdicts are in $stdout.
cases() {
    printf '%s\n' "$1" >"$T/cases/one.bash"
    capture env -u BATS_RUN_TMPDIR -u BATS_TEST_TMPDIR CONFORMANCE_CASES="$T/cases" TMPDIR="$T" "$HARNESS/run" --lane user "${@:2}"
}

declaration() { printf 'conformance_case %s --spec config.md --proves x --asserts %s\n' "$1" "$2"; }

@test "a case passes by its assertions: all of them, as many as announced, at least one" {
    cases "$(declaration good 2) && case_good() { is a 1 1; holds b true; }
        $(declaration none plan) && case_none() { :; }
        $(declaration planned plan) && case_planned() { plan 0; }
        $(declaration fewer 2) && case_fewer() { is a 1 1; }
        $(declaration more 1) && case_more() { is a 1 1; is b 1 1; }
        $(declaration wrong 2) && case_wrong() { is a 1 2; is b 1 1; }
        $(declaration ends 1) && case_ends() { is a 1 1; false; }
        $(declaration dies 1) && case_dies() { is a 1 1; kill -SEGV \$BASHPID; }"
    [[ $status -ne 0 ]]
    [[ $(grep -c '^ok' <<<"$stdout") -eq 2 && $stdout == *" - good"* && $stdout == *"ok 9 - nothing is left behind"* ]]
    [[ $stdout == *"not ok 2 - none"*"nothing asserted"*"not ok 3 - planned"*"not ok 4 - fewer"*"1 assertions made, 2 announced"* ]]
    [[ $stdout == *"not ok 5 - more"*"not ok 6 - wrong"*"1 of 2 assertions failed"*"not ok 7 - ends"*"not ok 8 - dies"* ]]
}

@test "a declaration that says too little is refused" {
    cases 'conformance_case short --spec config.md --proves x'
    [[ $status -eq 2 && $stderr == *"short: --spec, --proves and --asserts are needed"* ]]
    cases "$(declaration two 1)$(printf '\n')$(declaration two 1)"
    [[ $status -eq 2 ]]
}

@test "a case that hangs is ended, and what it leaves is found" {
    export CASE_TIMEOUT=3
    cases "$(declaration hangs 1) && case_hangs() { is a 1 1; sleep 100; }"
    [[ $stdout == *"not ok 1 - hangs"*"no end within 3 s"* ]]
    unset CASE_TIMEOUT
    cases "$(declaration leaves 1) && case_leaves() { is a 1 1; : >\"\$WORK/../lichen-left\"; }"
    [[ $stdout == *"ok 1 - leaves"*"not ok 2 - nothing is left behind"*lichen-left* ]]
    rm "$T/lichen-left"
}

@test "cases of other lanes and a known difference are neither passed nor failed" {
    cases "$(declaration elsewhere 1) --lane vm && case_elsewhere() { is a 1 1; }
        $(declaration here 1) && case_here() { is a 1 1; }"
    [[ $stdout == *"ok 1 - elsewhere # SKIP not for this lane: vm"* && $stdout == *"1..3"* ]]
    cases "$(declaration differs 1) --differs 'other: it is old' && case_differs() { is a 1 2; }"
    [[ $stdout == *"not ok 1 - differs"* && $stdout != *TODO* ]]
    ln -s "$LICHEN_OCI" "$T/other"
    cases "$(declaration differs 1) --differs 'other: it is old' && case_differs() { is a 1 2; }" --runtime "$T/other"
    [[ $status -eq 0 && $stdout == *"not ok 1 - differs # TODO other: it is old"* ]]
}

@test "every validation program of runtime-tools has a case of its name" {
    local name missing=''
    "$HARNESS/run" --list | cut -f 1 | sort >"$T/names"
    for name in config_updates_without_affect create default delete delete_only_create_resources delete_resources hooks hooks_stdin hostname \
        kill kill_no_effect killsig linux_cgroups_{,relative_}{blkio,cpus,devices,hugetlb,memory,network,pids} linux_devices \
        linux_masked_paths linux_mount_label linux_ns_itype linux_ns_nopath linux_ns_path linux_ns_path_type linux_process \
        linux_process_apparmor_profile linux_readonly_paths linux_rootfs_propagation linux_seccomp linux_sysctl linux_uid_mappings misc_props \
        mounts pidfile poststart poststart_fail poststop poststop_fail prestart prestart_fail process process_capabilities \
        process_capabilities_fail process_oom_score_adj process_rlimits process_rlimits_fail process_user root_readonly_true start state; do
        grep -qx "$name" "$T/names" || missing+=" $name"
    done
    [[ -z $missing ]] || { echo "no case:$missing" && return 1; }
}

@test "RUNTIME_TOOLS: programs of a built runtime-tools are run, by exit status and plan" {
    local dir=$T/tools/validation
    mkdir -p "$dir"
    program() { printf '#!/bin/sh\n%s\n' "$2" >"$dir/$1.t" && chmod +x "$dir/$1.t"; }
    # shellcheck disable=SC2016
    program good 'test -x "$RUNTIME" || exit 1; echo "ok 1 - a"; echo "1..1"'
    program crash 'echo "ok 1 - a"; echo "1..1"; exit 3'
    program short 'echo "1..2"; echo "ok 1 - a"'
    program silent 'exit 0'
    program failing 'echo "1..1"; echo "not ok 1 - a"'
    program known 'exit 1'
    export RUNTIME_TOOLS=$T/tools
    cases "$(declaration known 1) --upstream-fails 'it is broken' && case_known() { is a 1 1; }"
    [[ $status -ne 0 ]]
    [[ $(grep -c '^not ok' <<<"$stdout") -eq 4 ]]
    [[ $stdout == *"ok"*" - runtime-tools good"* && $stdout == *"not ok"*"runtime-tools crash"*"status 3"* ]]
    [[ $stdout == *"runtime-tools short"*"1 tests of 2 reported"* && $stdout == *"runtime-tools silent"*"no plan"* ]]
    [[ $stdout == *"runtime-tools known # SKIP cannot pass: it is broken (our case known is the counter-test)"* ]]
}

@test "--junit says the same as the TAP" {
    cases "$(declaration good 1) && case_good() { is a 1 1; }
        $(declaration bad 1) && case_bad() { is a 1 2; }" --junit "$T/junit.xml"
    grep -q 'tests="3" failures="1" skipped="0"' "$T/junit.xml"
    grep -q 'name="bad"><failure' "$T/junit.xml"
}

# The map on a copy of the tree's parts that it reads.
map_copy() {
    mkdir -p "$T/tree"
    cp -r "$LICHEN_SRC/conformance" "$LICHEN_SRC/docs" "$LICHEN_SRC/src" "$LICHEN_SRC/bats" "$T/tree/"
}
check_map() { capture "$T/tree/conformance/runtime/map" --check --results "${1:-/dev/null}" "$LICHEN_BUILD"; }

@test "the compliance map is found out when it is stale, unproven, or proven by what failed" {
    [[ -x $LICHEN_BUILD/spec-fields ]] || skip "make check-programs builds what this needs"
    map_copy
    check_map
    [[ $status -eq 0 ]]
    sed -i 's/works/perfect/' "$T/tree/docs/compliance.md"
    check_map
    [[ $status -ne 0 && $stdout == *"not ok 2"* ]]
    cp "$LICHEN_SRC/docs/compliance.md" "$T/tree/docs/"
    echo 'not ok 1 - conformance/runtime: hostname' >"$T/results"
    check_map "$T/results"
    [[ $status -ne 0 && $stdout == *"not ok 3"*"conformance/runtime: hostname proves hostname and failed"* ]]
    sed -i 's/--covers "hostname"/--covers "no.such.field"/' "$T/tree/conformance/runtime/cases/config.bash"
    check_map
    [[ $stdout == *"not ok 1"*"covers no.such.field, which is no field"*"hostname has no test"* ]]
    sed -i 's/root_make_readonly/no_such_function/' "$T/tree/conformance/runtime/implemented"
    check_map
    [[ $stdout == *"src/rootfs/root.c has no no_such_function"* ]]
}
