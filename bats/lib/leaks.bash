# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The leak check: what is there after a test and was not before. Processes of this user and its subordinate ids,
# mounts, cgroups below the user's own, files in the runtime and temporary directories; "picture" lists them.

# Seconds that the asynchronous ends may take (a helper that polls a pidfd, a scope that systemd collects).
: "${LEAK_GRACE:=$((5 * ${LICHEN_SLOW:-1}))}"

leaks_before() { T=$T "$LICHEN_LIB/picture" "$1" before 3>&- 4>&-; }

# Fails, naming each, when something is still there after LEAK_GRACE seconds.
leaks_check() {
    local dir=$1 start
    start=$(clock_ms)
    while :; do
        T=$T "$LICHEN_LIB/picture" "$dir" after 3>&- 4>&-
        leaks_new "$dir" >"$dir/new"
        [[ -s $dir/new ]] || return 0
        (($(clock_ms) - start < LEAK_GRACE * 1000)) || break
        sleep 0.05
    done
    sed 's/^/# leak: /' "$dir/new"
    leaks_end_processes "$dir"
    return 1
}

leaks_new() {
    local kind pid start rest
    for kind in mount cgroup file; do
        LC_ALL=C comm -13 "$1/$kind.before" "$1/$kind.after" | sed "s/^/$kind /"
    done
    # A process is its number and start time; its name may change.
    awk 'NR == FNR { old[$1, $2] = 1; next } !(($1, $2) in old)' "$1/process.before" "$1/process.after" |
        while read -r pid start rest; do
            leak_process_is_ours "$pid" && echo "process $pid $start $rest $(leak_command "$pid")"
        done
}

# A leaked process would be in the way of every later test: ended, by its number, after it has been named.
leaks_end_processes() {
    local kind pid rest
    while read -r kind pid rest; do
        [[ $kind == process ]] || continue
        kill -KILL "$pid" 2>/dev/null || "$LICHEN_LIB/userns" kill -KILL "$pid" 2>/dev/null || :
    done <"$1/new"
}

# In a throw-away account or the test machine every new process is the test's. On a desk the user's other programs
# come and go, so only what has to do with us counts: marked by our environment, or in another user namespace.
leak_process_is_ours() {
    local env
    [[ -d /proc/$1 ]] || return 1
    # bats' watchdog of this test, which may have started a moment after the first picture.
    [[ $(leak_command "$1") != "sleep ${BATS_TEST_TIMEOUT:-none}" ]] || return 1
    [[ -z ${LICHEN_ALONE-} ]] || return 0
    { mapfile -d '' -t env <"/proc/$1/environ"; } 2>/dev/null || return 0
    [[ " ${env[*]-} " != *" BATS_TEST_TMPDIR=$T "* ]] || return 0
    [[ $(readlink "/proc/$1/ns/user" 2>/dev/null) != "$(readlink /proc/self/ns/user)" ]]
}

leak_command() {
    local words
    { mapfile -d '' -t words <"/proc/$1/cmdline"; } 2>/dev/null
    echo "${words[*]:0:12}"
}
