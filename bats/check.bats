#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The check runner's own suite: the source checks find what they are for, and the runner counts rightly.

load lib/lichen

# Nothing here depends on the machine, and the compiler is not in the test machine.
setup() {
    requires --lane user
    lichen_setup
}

# tree FILE TEXT...: a source tree of our own.
tree() {
    while [[ $# -gt 0 ]]; do
        mkdir -p "$T/tree/$(dirname "$1")"
        printf '%s\n' "$2" >"$T/tree/$1"
        shift 2
    done
}

# runner SUITES...: the runner on suites in a copy of its own scripts, as this user.
runner() {
    mkdir -p "$T/copy/bats" "$T/copy/build"
    cp -r "$LICHEN_SRC/bats/lib" "$LICHEN_SRC/bats/check" "$T/copy/bats/"
    cp "$@" "$T/copy/bats/"
    : >"$T/copy/build/config.h"
    capture env -u BATS_TEST_TMPDIR -u BATS_RUN_TMPDIR -u LICHEN_TEST_CACHE LICHEN_BUILD="$T/copy/build" UNIT_TESTS="${UNITS-}" \
        FUZZ_TESTS= LICHEN_INSTALLED=1 STRICT="${STRICT_INNER-}" SUITE_TIMEOUT=20 TEST_TIMEOUT="${INNER_TIMEOUT:-60}" TMPDIR="$T" LICHEN_LANE="${INNER_LANE:-user}" \
        "$T/copy/bats/check/run"
    last=${stdout##*$'\n'}
}

@test "includes against the layering are named" {
    tree src/base/a.h '#include "cgroup/c.h"' src/cgroup/c.h '' src/rootfs/r.c '#include "cgroup/c.h"' \
        src/create/p.c '#include "cgroup/c.h"'
    capture "$LICHEN_SRC/bats/check/layering" "$T/tree"
    [[ $status -ne 0 ]]
    [[ $output == *"not ok "*" src/base includes"*"src/base/a.h:1"* ]]
    [[ $output == *"not ok "*" src/rootfs includes"*"src/rootfs/r.c:1"* ]]
    [[ $output == *$'\nok '*" src/create includes"* || $output == *" src/create includes"* && $output != *"not ok"*"src/create includes"* ]]
}

@test "a folder the layering does not know is a failure" {
    tree src/novel/a.c ''
    capture "$LICHEN_SRC/bats/check/layering" "$T/tree"
    [[ $status -ne 0 && $output == *"not ok 1 src/novel has a row"* ]]
}

@test "a header that leans on another is named" {
    requires command=gcc
    tree src/base/good.h '#include <stddef.h>
size_t f(void);' src/base/bad.h 'size_t g(void);'
    capture "$LICHEN_SRC/bats/check/headers" "$T/tree" "$T"
    [[ $status -ne 0 && $output == *"not ok 1 src/base/bad.h"* && $output == *$'\nok 2 src/base/good.h'* ]]
}

@test "passes, failures, skips and other lanes are counted apart" {
    printf '%s\n' 'load lib/lichen' '@test "good" { :; }' '@test "bad" { echo why-it-failed; false; }' \
        '@test "not here" { requires command=no-such; }' '@test "elsewhere" { requires --lane vm; }' >"$T/s.bats"
    runner "$T/s.bats"
    [[ $status -ne 0 && $last == "1 passed, 1 failed, 1 skipped" && $output == *why-it-failed* ]]
    [[ $(cat "$T/copy/build/check-results.lanes") == $'vm\ts.bats: elsewhere' ]]
    grep -q '^1\.\.3$' "$T/copy/build/check-results.tap"
}

@test "strict makes a skip a failure, not a test of another lane" {
    printf '%s\n' 'load lib/lichen' '@test "good" { :; }' '@test "not here" { requires command=no-such; }' \
        '@test "elsewhere" { requires --lane vm; }' >"$T/s.bats"
    STRICT_INNER=1 runner "$T/s.bats"
    [[ $status -ne 0 && $last == "1 passed, 1 failed, 0 skipped" ]]
}

@test "a program that dies in the middle fails, and so does one that reports nothing" {
    mkdir -p "$T/copy/build"
    printf '#!/bin/sh\necho 1..3; echo ok 1 - first; kill -SEGV $$\n' >"$T/copy/build/unit_dies"
    printf '#!/bin/sh\nexit 0\n' >"$T/copy/build/unit_silent"
    printf '#!/bin/sh\necho 1..1; echo ok 1 - fine; exit 1\n' >"$T/copy/build/unit_status"
    chmod +x "$T/copy/build/"unit_*
    printf '@test "good" { :; }\n' >"$T/s.bats"
    UNITS="unit_dies unit_silent unit_status" runner "$T/s.bats"
    [[ $status -ne 0 && $last == "3 passed, 4 failed, 0 skipped" ]]
}

@test "a test that hangs is ended and fails" {
    printf '%s\n' 'load lib/lichen' '@test "hangs" { sleep 300; }' '@test "good" { :; }' >"$T/s.bats"
    INNER_TIMEOUT=2 runner "$T/s.bats"
    [[ $status -ne 0 && $last == "1 passed, 1 failed, 0 skipped" ]]
}

@test "the root lane runs the tests that ask for it and no others" {
    printf '%s\n' '@test "for (root) only" { # requires --lane root is a comment here' '    requires --lane root root' '}' \
        '@test "both" {' '    requires --lane user,root' '}' '@test "user" {' '    requires userns' '}' >"$T/s.bats"
    capture "$LICHEN_SRC/bats/check/lane-filter" root "$T/s.bats"
    [[ ${lines[0]} == --filter && ${lines[1]} == '^(for \(root\) only|both)$' ]]
    printf '@test "user" {\n    requires userns\n}\n' >"$T/s.bats"
    capture "$LICHEN_SRC/bats/check/lane-filter" root "$T/s.bats"
    [[ $status -eq 0 && -z $stdout ]]
}

@test "a suite that belongs to another lane as a whole is not started" {
    printf '%s\n' 'load lib/lichen' 'setup() {' '    requires --lane vm' '}' '@test "first" { touch /never; }' \
        '@test "second" { :; }' >"$T/s.bats"
    printf '@test "good" { :; }\n' >"$T/t.bats"
    runner "$T/s.bats" "$T/t.bats"
    [[ $status -eq 0 && $last == "1 passed, 0 failed, 0 skipped" && $output == *"s.bats"*"belongs to another lane"* ]]
    [[ $(cat "$T/copy/build/check-results.lanes") == $'vm\ts.bats: first\nvm\ts.bats: second' ]]
}
