# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# runtime.md: state, lifecycle, errors, operations. bundle.md.

conformance_case default --spec runtime.md#lifecycle --asserts 3 --quick --upstream \
    --covers "root root.path process process.args" \
    --proves "a valid bundle becomes a container in which the configured program runs, as the init of its own pid namespace"
case_default() {
    # shellcheck disable=SC2016 # for the container
    inside 'echo "pid $$"; ls /bin/busybox'
    is "the program runs as pid 1 on the bundle's root" "$stdout" $'pid 1\n/bin/busybox'
    is "and says nothing else" "$stderr" ""
    bundle_args sh -c 'exit 7'
    run_lichen run "$CTR"
    is "its exit status is told" "$status" 7
}

conformance_case bundle_config --spec bundle.md --asserts 3 \
    --proves "config.json is read from the root of the bundle directory, under that name; without it there is no container"
case_bundle_config() {
    bundle_args true
    cd /
    run_lichen -0 run --bundle "$BUNDLE" "$CTR"
    assertion 0 "found by the bundle's path from elsewhere"
    mv "$BUNDLE/config.json" "$BUNDLE/other.json"
    errs "a bundle without config.json" config.json create --bundle "$BUNDLE" "$CTR"
    refutes "nothing came of it" exists "$CTR"
}

conformance_case state --spec runtime.md#query-state --asserts 9 --quick --upstream \
    --proves "state needs the id of a container that exists, and tells ociVersion, id, status, pid, bundle and annotations"
case_state() {
    errs "without an id" "operands" state
    errs "of a container that does not exist" "does not exist" state "$CTR-absent"
    bundle_edit '.annotations = {"org.example.key": "value"}'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    run_lichen -0 state "$CTR"
    is "id" "$(jq -r .id <<<"$stdout")" "$CTR"
    like "ociVersion is a version" "$(jq -r .ociVersion <<<"$stdout")" '1.*.*'
    is "status" "$(jq -r .status <<<"$stdout")" created
    holds "pid is a process of this host" test -d "/proc/$(jq -r .pid <<<"$stdout")"
    is "bundle is absolute" "$(jq -r .bundle <<<"$stdout")" "$BUNDLE"
    is "annotations" "$(jq -r '.annotations["org.example.key"]' <<<"$stdout")" value
    run_lichen -0 start "$CTR"
    is "status follows the lifecycle" "$(in_state .status)" running
    halt
}

conformance_case state_annotations_absent --spec runtime.md#state --asserts 1 \
    --proves "without annotations the property is absent or an empty map, never null"
case_state_annotations_absent() {
    bundle_edit 'del(.annotations)'
    bundle_args true
    run_lichen -0 create "$CTR"
    run_lichen -0 state "$CTR"
    # What a runtime adds of its own is under its own name.
    is "absent or a map" "$(jq -r 'if has("annotations") then .annotations | type else "object" end' <<<"$stdout")" object
    run_lichen -0 delete --force "$CTR"
}

conformance_case create --spec runtime.md#create --asserts 8 --quick --upstream \
    --proves "create needs an id and a bundle; an id in use is an error; afterwards the status is created and the program has not run"
case_create() {
    errs "without an id" "operands" create
    errs "without a bundle that exists" "/no/such/bundle" create --bundle /no/such/bundle "$CTR"
    refutes "nothing came of it" exists "$CTR"
    bundle_script ': >/ran; exec sleep 100'
    run_lichen -0 create "$CTR"
    is "the status" "$(in_state .status)" created
    refutes "the program has not run" test -e rootfs/ran
    local pid
    pid=$(in_state .pid)
    errs "an id that is in use" "$CTR" create "$CTR"
    is "the first container is untouched" "$(in_state '"\(.status) \(.pid)"')" "created $pid"
    run_lichen -0 start "$CTR"
    wait_until 10 test -e rootfs/ran
    assertion 0 "start runs it"
    halt
}

conformance_case create_id_invalid --spec runtime.md#create --asserts 6 \
    --proves "an id that is not valid in any way is an error, and no container is made"
case_create_id_invalid() {
    bundle_args true
    local id
    for id in '' . .. a/b '../../etc' "$(printf 'x%.0s' {1..2000})"; do
        errs "the id \"${id:0:16}\"" "" create --bundle "$BUNDLE" -- "$id"
    done
}

conformance_case create_resources --spec runtime.md#create --asserts 4 \
    --proves "all that belongs to the container is there after create: namespaces, mounts, the process that waits"
case_create_resources() {
    bundle_edit '.mounts += [{destination: "/scratch", type: "tmpfs", source: "tmpfs"}]'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    local pid
    pid=$(in_state .pid)
    run_lichen -0 exec "$CTR" sh -c 'readlink /proc/self/ns/net; hostname; grep -c " /scratch tmpfs" /proc/self/mounts'
    unlike "a network namespace of its own" "${lines[0]}" "$(readlink /proc/self/ns/net)"
    is "its host name" "${lines[1]}" lichen-test
    is "its mounts" "${lines[2]}" 1
    holds "its process" test -d "/proc/$pid"
    run_lichen -0 delete --force "$CTR"
}

conformance_case config_updates_without_affect --spec runtime.md#lifecycle --asserts 3 --quick --upstream \
    --proves "what is changed in config.json after create does not change the container"
case_config_updates_without_affect() {
    bundle_edit '.process.env += ["WHICH=first"]'
    # shellcheck disable=SC2016
    bundle_script 'echo "$WHICH $(hostname)" >/said; exec sleep 100'
    run_lichen -0 create "$CTR"
    bundle_edit '.process.env += ["WHICH=second"] | .hostname = "other" | .process.args = ["false"] | .annotations = {"org.example.late": "x"}'
    run_lichen -0 start "$CTR"
    wait_until 10 test -s rootfs/said
    is "the process of the first config.json" "$(<rootfs/said)" "first lichen-test"
    is "annotations of the first" "$(in_state '.annotations["org.example.late"]')" null
    rm config.json
    is "the state does without the file" "$(in_state .status)" running
    halt
}

conformance_case many_from_one_bundle --spec runtime.md#lifecycle --asserts 3 \
    --proves "a configuration belongs to the container from create on: several containers, each by its own configuration, may share a bundle"
case_many_from_one_bundle() {
    local n
    for n in 1 2 3; do
        bundle_edit --arg n "$n" '.hostname = "host-\($n)"'
        bundle_script 'exec sleep 100'
        run_lichen -0 run --detach "$CTR-$n"
    done
    for n in 1 2 3; do
        run_lichen -0 exec "$CTR-$n" hostname
        is "container $n" "$stdout" "host-$n"
    done
    for n in 1 2 3; do
        run_lichen -0 delete --force "$CTR-$n"
    done
}

conformance_case errors_leave_nothing --spec runtime.md#errors --asserts 8 \
    --proves "an operation that generates an error leaves all as if it had never been tried"
case_errors_leave_nothing() {
    bundle_args true
    refused "a root that is not there" '.root.path = "no-such-directory"' "root.path"
    refused "a program that is not there" '.process.args = ["/no/such/program"]' "/no/such/program"
    refused "a file system that is not there" '.mounts += [{destination: "/x", type: "magicfs", source: "x"}]' "magicfs"
    refused "a sysctl that is not there" '.linux.sysctl = {"net.no.such": "1"}' "net.no.such"
    refused "a hook that fails" '.hooks.createRuntime = [{path: "/bin/false"}]' "hooks.createRuntime[0]"
    refutes "no mount of it is left" grep -q "$BUNDLE" /proc/self/mountinfo
    run_lichen -0 run "$CTR"
    assertion 0 "the id and the bundle are as good as before"
    holds "no file is left" nothing_left
}

conformance_case start --spec runtime.md#start --asserts 8 --quick --upstream \
    --proves "start needs the id of a created container; it runs the program and the status is running; a second start errs and has no effect"
case_start() {
    errs "without an id" "operands" start
    errs "of a container that does not exist" "does not exist" start "$CTR-absent"
    bundle_script 'echo started >>/log; exec sleep 100'
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
    is "the status" "$(in_state .status)" running
    wait_until 10 test -s rootfs/log
    errs "a second start" "not created" start "$CTR"
    is "the program ran once" "$(<rootfs/log)" started
    is "and still runs" "$(in_state .status)" running
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    errs "start of a stopped container" "not created" start "$CTR"
    is "which stays stopped" "$(in_state .status)" stopped
    run_lichen -0 delete "$CTR"
}

conformance_case start_without_process --spec config.md#process --asserts 3 \
    --differs "runc: 1.1 needs process at create" \
    --proves "process is required when start is called, not before"
case_start_without_process() {
    bundle_edit 'del(.process)'
    run_lichen -0 create "$CTR"
    is "created without process" "$(in_state .status)" created
    errs "start" "has no process" start "$CTR"
    run_lichen -0 delete --force "$CTR"
    refutes "and it can be deleted" exists "$CTR"
}

conformance_case kill --spec runtime.md#kill --asserts 5 --quick --upstream \
    --proves "kill needs an id; it sends the signal to the process; a process that ended makes the status stopped"
case_kill() {
    errs "without an id" "operands" kill
    errs "of a container that does not exist" "does not exist" kill "$CTR-absent" KILL
    up
    local pid
    pid=$(in_state .pid)
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    assertion 0 "the status becomes stopped"
    holds "the process is gone" process_gone "$pid"
    run_lichen -0 delete "$CTR"
    # MAY be killed before its start, and then is stopped too.
    run_lichen -0 create "$CTR"
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    assertion 0 "a created container can be killed"
    run_lichen -0 delete "$CTR"
}

conformance_case killsig --spec runtime.md#kill --asserts 7 --upstream \
    --proves "the signal sent is the one named"
case_killsig() {
    # shellcheck disable=SC2016
    bundle_script 'for s in HUP INT USR1 USR2 TERM WINCH; do trap "echo $s >>/got" $s; done; : >/ready; while :; do sleep 0.02; done'
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
    wait_until 10 test -e rootfs/ready
    local signal count=0
    for signal in HUP INT USR1 USR2 TERM 28; do
        run_lichen -0 kill "$CTR" "$signal"
        count=$((count + 1))
        wait_until 10 awk -v n="$count" 'END { exit NR < n }' rootfs/got
        is "signal $signal" "$(sed -n "${count}p" rootfs/got)" "${signal/28/WINCH}"
    done
    is "none of them ended it" "$(in_state .status)" running
    halt
}

conformance_case kill_no_effect --spec runtime.md#kill --asserts 3 --upstream \
    --proves "a signal for a container that is neither created nor running is an error without effect"
case_kill_no_effect() {
    bundle_args true
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
    wait_state "$CTR" stopped
    local before
    before=$(in_state 'del(.pid)')
    errs "TERM to a stopped container" "not running" kill "$CTR" TERM
    errs "KILL to a stopped container" "not running" kill "$CTR" KILL
    is "its state is as before" "$(in_state 'del(.pid)')" "$before"
    run_lichen -0 delete "$CTR"
}

conformance_case stopped --spec runtime.md#kill --asserts 3 \
    --proves "a process that ends in any way, not only by kill, makes the status stopped"
case_stopped() {
    local how
    for how in 'exit 0' 'exit 3'; do
        up "$how"
        wait_state "$CTR" stopped
        assertion 0 "stopped after \"$how\""
        run_lichen -0 delete "$CTR"
    done
    up
    kill -KILL "$(in_state .pid)"
    wait_state "$CTR" stopped
    assertion 0 "stopped after a signal of somebody else"
    run_lichen -0 delete "$CTR"
}

conformance_case delete --spec runtime.md#delete --asserts 7 --quick --upstream \
    --proves "delete needs the id of a container that exists and is stopped; of any other it errs without effect"
case_delete() {
    errs "without an id" "operands" delete
    errs "of a container that does not exist" "does not exist" delete "$CTR-absent"
    up
    errs "of a running container" "running" delete "$CTR"
    is "which goes on" "$(in_state .status)" running
    run_lichen -0 kill "$CTR" KILL
    wait_state "$CTR" stopped
    run_lichen -0 delete "$CTR"
    refutes "a stopped container is gone" exists "$CTR"
    errs "a second time" "does not exist" delete "$CTR"
    run_lichen -0 run "$CTR" --detach
    is "its id can be used again" "$(in_state .status)" running
    halt
}

conformance_case delete_created --spec runtime.md#delete --asserts 2 \
    --differs "runc: deletes a created container" \
    --proves "delete of a created container errs without effect, since it is not stopped"
case_delete_created() {
    bundle_args true
    run_lichen -0 create "$CTR"
    errs "of a created container" "created" delete "$CTR"
    is "which is still there" "$(state_of "$CTR")" created
    run_lichen -0 delete --force "$CTR"
}

conformance_case delete_resources --spec runtime.md#delete --asserts 6 --upstream-fails \
    "it looks for the cgroup in the pids hierarchy of cgroup v1" \
    --proves "delete removes what create made: process, mounts, files, and the cgroup (delete_resources_cgroup)"
case_delete_resources() {
    bundle_edit '.mounts += [{destination: "/scratch", type: "tmpfs", source: "tmpfs"}]'
    up
    local pid namespace
    pid=$(in_state .pid)
    run_lichen -0 exec "$CTR" readlink /proc/self/ns/net
    namespace=$stdout
    halt
    holds "the process" process_gone "$pid"
    refutes "mounts" grep -q "$BUNDLE" /proc/self/mountinfo
    holds "files of the state" nothing_left
    # shellcheck disable=SC2016
    refutes "the namespaces: no process is in one" sh -c 'readlink /proc/[0-9]*/ns/net 2>/dev/null | grep -qxF "$1"' sh "$namespace"
    holds "the bundle stays" test -e config.json -a -d rootfs/bin
    refutes "the container" exists "$CTR"
}

conformance_case delete_only_create_resources --spec runtime.md#delete --asserts 4 --upstream-fails \
    "it puts the container into a cgroup of the pids hierarchy of cgroup v1" \
    --differs "runc: 1.1 wants mappings beside the path of a user namespace" \
    --proves "delete leaves what the container used but did not make: files, bound directories, namespaces that it joined"
case_delete_only_create_resources() {
    mkdir "$T/source"
    : >"$T/source/kept"
    up
    local pid
    pid=$(in_state .pid)
    # The second container lives in namespaces of the first.
    bundle_edit --arg p "/proc/$pid/ns" --arg s "$T/source" '.linux.namespaces |= map(if .type == "network" or .type == "uts" or .type == "ipc"
        then .path = "\($p)/\({network: "net"}[.type] // .type)" else . end) | .linux.namespaces |= map(select(.type != "user")) + [{type: "user", path: "\($p)/user"}]
        | del(.linux.uidMappings, .linux.gidMappings, .hostname) | .mounts += [{destination: "/source", type: "bind", source: $s, options: ["bind"]}]'
    if [[ $EUID -eq 0 ]]; then
        bundle_edit '.linux.namespaces |= map(select(.type != "user"))'
    fi
    bundle_script ': >/source/made; exec sleep 100'
    run_lichen -0 run --detach "$CTR-b"
    wait_until 10 test -e "$T/source/made"
    halt "$CTR-b"
    is "the first container runs on" "$(in_state .status)" running
    run_lichen -0 exec "$CTR" hostname
    is "in its namespaces" "$stdout" lichen-test
    holds "the bound directory is as it was left" test -e "$T/source/kept" -a -e "$T/source/made"
    holds "and the bundle" test -e config.json -a -d rootfs/bin
    halt
}

conformance_case pidfile --spec runtime.md#state --asserts 3 --upstream-fails \
    "it tests a command line that the specification does not have" \
    --proves "the pid in the file that engines ask for with --pid-file is the pid of the state"
case_pidfile() {
    bundle_args sleep 100
    run_lichen -0 create --pid-file "$T/pid" "$CTR"
    is "as in the state" "$(<"$T/pid")" "$(in_state .pid)"
    like "a number and nothing else" "$(od -An -c "$T/pid" | tr -d ' 0-9\n')" ""
    run_lichen -0 start "$CTR"
    is "start does not change it" "$(<"$T/pid")" "$(in_state .pid)"
    halt
}
