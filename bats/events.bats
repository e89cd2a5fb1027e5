#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# events: statistics and OOM kills as JSON lines, in runc's form.

load lib/lichen

setup() {
    lichen_setup
    bundle_new
    bundle_args sleep 100
}

up() { run_lichen -0 run --detach "$CTR"; }
# In the background, into a file: it runs as long as the container. Not by the function lichen: $! must be the program.
events_begin() {
    "$LICHEN_OCI" --root "$LICHEN_ROOT" events "$@" "$CTR" >"$T/events" 2>"$T/events.err" </dev/null 3>&- 4>&- &
    EVENTS=$!
}
events_of_type() { [[ $(jq -s --arg type "$1" 'map(select(.type == $type)) | length' "$T/events") -ge $2 ]]; }

@test "events --stats prints one object in runc's form" {
    requires --lane vm,root cgroup-v2
    up
    run_lichen -0 events --stats "$CTR"
    [[ $(wc -l <<<"$stdout") -eq 1 ]]
    jq -e --arg id "$CTR" '.type == "stats" and .id == $id' <<<"$stdout"
    jq -e '.data.cpu.usage | .total > 0 and .kernel >= 0 and .user >= 0' <<<"$stdout"
    jq -e '.data.pids.current == 1 and (.data.hugetlb | type) == "object"' <<<"$stdout"
}

@test "events --stats has memory, with its limit, pressure and events" {
    requires --lane vm,root cgroup-memory
    bundle_edit '.linux.resources = {memory: {limit: 67108864}}'
    up
    run_lichen -0 events --stats "$CTR"
    jq -e '.data.memory | .usage.limit == 67108864 and .usage.usage > 0 and .raw.anon > 0 and .event_count.oom_kill == 0' <<<"$stdout"
}

@test "events prints statistics every interval and ends with the container" {
    requires --lane vm,root cgroup-v2
    up
    events_begin --interval 20ms
    wait_until 10 events_of_type stats 3
    jq -es --arg id "$CTR" 'all(.id == $id and .type == "stats")' "$T/events"
    run_lichen -0 kill "$CTR" KILL
    wait "$EVENTS"
    [[ ! -s $T/events.err ]]
}

@test "events sees a container that was killed before the first interval end" {
    requires --lane vm,root cgroup-v2
    up
    events_begin --interval 1h
    run_lichen -0 kill "$CTR" KILL
    wait "$EVENTS"
    [[ ! -s $T/events ]]
}

@test "an OOM kill is an event" {
    requires --lane vm,root cgroup-memory
    bundle_edit '.linux.resources = {memory: {limit: 33554432, swap: 33554432}}'
    bundle_script 'until [ -e /go ]; do sleep 0.05; done; tail /dev/zero; sleep 100'
    up
    events_begin --interval 1h
    : >"$BUNDLE/rootfs/go"
    wait_until 20 events_of_type oom 1
    jq -e --arg id "$CTR" '.type == "oom" and .id == $id' "$T/events"
    run_lichen -0 kill "$CTR" KILL
    wait "$EVENTS"
}

@test "events ends when its reader does" {
    requires --lane vm,root cgroup-v2
    up
    mkfifo "$T/pipe"
    "$LICHEN_OCI" --root "$LICHEN_ROOT" events --interval 20ms "$CTR" >"$T/pipe" 2>/dev/null </dev/null 3>&- 4>&- &
    local events=$!
    head -n 1 <"$T/pipe" >/dev/null
    wait_until 10 process_gone "$events"
    state_is "$CTR" running
}

@test "without a cgroup events says why there is none" {
    requires userns
    LICHEN_GLOBAL=(--cgroup-manager disabled)
    up
    run_lichen -1 events --stats "$CTR"
    [[ $stderr == *"events $CTR: the container has no cgroup: cgroups were disabled by the caller"* ]]
    run_lichen -1 events "$CTR"
}

@test "an interval that is none is refused, as is a container that is not there" {
    local interval
    for interval in 0s 5 -1s x 5d ''; do
        run_lichen -1 events --interval "$interval" "$CTR"
        [[ $stderr == *"--interval $interval: a duration above 0"* ]]
    done
    run_lichen -1 events "$CTR"
    [[ $stderr == *"container does not exist"* ]]
}
