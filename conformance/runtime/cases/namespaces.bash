# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# config-linux.md "Namespaces", "User namespace mappings", "Offset for Time Namespace".

# ns KIND [PID] -> the identity of a namespace; inside_ns KIND... sets lines to those of a container.
ns() { readlink "/proc/${2:-self}/ns/$1"; }
inside_ns() { inside "for n in $*; do readlink /proc/self/ns/\$n; done"; }

conformance_case linux_ns_nopath --spec config-linux.md#namespaces --asserts 7 --quick --upstream \
    --covers "linux linux.namespaces linux.namespaces[].type" \
    --proves "a namespace listed without a path is a new one"
case_linux_ns_nopath() {
    local kind i=0
    bundle_edit '.linux.namespaces += [{type: "cgroup"}]'
    [[ -z $(jq '.linux.namespaces[] | select(.type == "user")' config.json) && $EUID -eq 0 ]] &&
        bundle_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
            | .linux.gidMappings = .linux.uidMappings' && chmod -R a+rX,go+w rootfs && chmod a+x "$T" "$BUNDLE" "$CASE_DIR"
    inside_ns mnt pid net ipc uts cgroup user
    for kind in mnt pid net ipc uts cgroup user; do
        unlike "$kind" "${lines[i]}" "$(ns "$kind")"
        i=$((i + 1))
    done
}

conformance_case linux_ns_itype --spec config-linux.md#namespaces --asserts 4 --upstream \
    --proves "a namespace that is not listed is the runtime's"
case_linux_ns_itype() {
    bundle_edit '.linux.namespaces |= map(select(.type != "ipc" and .type != "uts")) | del(.hostname)
        | .mounts |= map(select(.type != "mqueue"))'
    inside_ns ipc uts cgroup mnt
    is ipc "${lines[0]}" "$(ns ipc)"
    is uts "${lines[1]}" "$(ns uts)"
    is cgroup "${lines[2]}" "$(ns cgroup)"
    unlike "one that is listed is new" "${lines[3]}" "$(ns mnt)"
}

conformance_case linux_ns_path --spec config-linux.md#namespaces --asserts 4 --quick --upstream \
    --covers "linux.namespaces[].path" --limits "namespaces that the caller may open and enter: its own containers'" \
    --differs "runc: 1.1 wants mappings beside the path of a user namespace" \
    --proves "a namespace listed with a path is the one at that path"
case_linux_ns_path() {
    local pid kind i=0 want=()
    up
    pid=$(in_state .pid)
    run_lichen -0 exec "$CTR" sh -c 'for n in net ipc uts user; do readlink /proc/self/ns/$n; done'
    mapfile -t want <<<"$stdout"
    bundle_edit --arg p "/proc/$pid/ns" '.linux.namespaces = [{type: "pid"}, {type: "mount"}, {type: "user", path: "\($p)/user"},
        {type: "network", path: "\($p)/net"}, {type: "ipc", path: "\($p)/ipc"}, {type: "uts", path: "\($p)/uts"}]
        | del(.hostname, .linux.uidMappings, .linux.gidMappings)'
    [[ $EUID -ne 0 ]] || bundle_edit '.linux.namespaces |= map(select(.type != "user"))'
    # shellcheck disable=SC2016
    bundle_script 'for n in net ipc uts user; do readlink /proc/self/ns/$n; done'
    run_lichen -0 run "$CTR-b"
    for kind in net ipc uts user; do
        is "$kind" "${lines[i]}" "${want[i]}"
        i=$((i + 1))
    done
    halt
}

conformance_case linux_ns_path_type --spec config-linux.md#namespaces --asserts 3 --upstream \
    --proves "a path that is a namespace of another type, or none, is an error"
case_linux_ns_path_type() {
    refused "of another type" '(.linux.namespaces[] | select(.type == "network")) .path = "/proc/self/ns/uts"' "network"
    refused "a plain file" '(.linux.namespaces[] | select(.type == "ipc")) .path = "/etc/passwd"' "ipc"
    refused "nothing at all" '(.linux.namespaces[] | select(.type == "ipc")) .path = "/no/such"' "/no/such"
}

conformance_case linux_ns_invalid --spec config-linux.md#namespaces --asserts 3 \
    --differs "runc: 1.1 takes a relative path" \
    --proves "a type given twice is an error, and a path is absolute"
case_linux_ns_invalid() {
    refused "a type given twice" '.linux.namespaces += [{type: "ipc"}]' '"ipc"'
    refused "a relative path" '(.linux.namespaces[] | select(.type == "ipc")) .path = "relative"' "linux.namespaces"
    refused "an entry without a type" '.linux.namespaces += [{}]' "linux.namespaces"
}

# mappings [N]: a user namespace that maps the caller to 0, and the first N subordinate ids from 1 on.
mappings() {
    local uid gid name
    name=$(id -un)
    if [[ $EUID -eq 0 ]]; then
        bundle_edit '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}]
            | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 20}] | .linux.gidMappings = [{containerID: 0, hostID: 300000, size: 20}]'
        chmod -R a+rX,go+w rootfs
        chmod a+x "$T" "$BUNDLE" "$CASE_DIR"
        return
    fi
    uid=$(awk -F: -v n="$name" -v u="$EUID" '$1 == n || $1 == u { print $2; exit }' /etc/subuid)
    gid=$(awk -F: -v n="$name" -v u="$EUID" '$1 == n || $1 == u { print $2; exit }' /etc/subgid)
    bundle_edit --argjson me "$EUID" --argjson mygroup "$(id -g)" --argjson u "$uid" --argjson g "$gid" '
        .linux.namespaces |= map(select(.type != "user")) + [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: $me, size: 1}, {containerID: 1, hostID: $u, size: 19}]
        | .linux.gidMappings = [{containerID: 0, hostID: $mygroup, size: 1}, {containerID: 1, hostID: $g, size: 19}]'
}

conformance_case linux_uid_mappings --spec config-linux.md#user-namespace-mappings --asserts 5 --quick --upstream --needs subids \
    --covers "linux.uidMappings linux.uidMappings[].containerID linux.uidMappings[].hostID linux.uidMappings[].size" \
    --limits "the caller's own id and its subordinate ids; another range is an error in newuidmap's words" \
    --proves "the uid map of the container is the configured one; ids outside the host's namespace of the caller are errors; owners of files are not changed"
case_linux_uid_mappings() {
    local before
    mappings
    before=$(find rootfs -printf '%p %u %g\n' | LC_ALL=C sort)
    inside 'tr -s " " </proc/self/uid_map'
    is "the map" "$(sed 's/^ //' <<<"$stdout" | tr '\n' ';')" "$(jq -r '.linux.uidMappings[] | "\(.containerID) \(.hostID) \(.size);"' config.json | tr -d '\n')"
    is "owners in the root are as before" "$(find rootfs ! -path 'rootfs/tmp/*' -printf '%p %u %g\n' | LC_ALL=C sort)" "$before"
    up
    is "the process is that id on the host" "$(awk '/^Uid:/ { print $2 }' "/proc/$(in_state .pid)/status")" "$(jq '.linux.uidMappings[0].hostID' config.json)"
    halt
    refused "ranges that overlap" '.linux.uidMappings = [{containerID: 0, hostID: 5000, size: 10}, {containerID: 5, hostID: 6000, size: 10}]' linux.uidMappings
    refused "a mapping without a size" '.linux.uidMappings = [{containerID: 0, hostID: 0}]' linux.uidMappings
}

conformance_case linux_gid_mappings --spec config-linux.md#user-namespace-mappings --asserts 3 --upstream --needs subids \
    --covers "linux.gidMappings linux.gidMappings[].containerID linux.gidMappings[].hostID linux.gidMappings[].size" \
    --limits "as for uidMappings, by newgidmap" \
    --proves "the gid map of the container is the configured one"
case_linux_gid_mappings() {
    mappings
    inside 'tr -s " " </proc/self/gid_map'
    is "the map" "$(sed 's/^ //' <<<"$stdout" | tr '\n' ';')" "$(jq -r '.linux.gidMappings[] | "\(.containerID) \(.hostID) \(.size);"' config.json | tr -d '\n')"
    up
    is "the process is that group on the host" "$(awk '/^Gid:/ { print $2 }' "/proc/$(in_state .pid)/status")" "$(jq '.linux.gidMappings[0].hostID' config.json)"
    halt
    refused "ranges that overlap" '.linux.gidMappings = [{containerID: 0, hostID: 5000, size: 10}, {containerID: 50, hostID: 5005, size: 10}]' linux.gidMappings
}

conformance_case linux_time_offsets --spec config-linux.md#offset-for-time-namespace --asserts 5 \
    --covers "linux.timeOffsets linux.timeOffsets.monotonic linux.timeOffsets.monotonic.secs linux.timeOffsets.monotonic.nanosecs linux.timeOffsets.boottime linux.timeOffsets.boottime.secs linux.timeOffsets.boottime.nanosecs" \
    --differs "runc: 1.1 has no time namespaces" \
    --proves "the clocks of a new time namespace have the offsets given"
case_linux_time_offsets() {
    [[ -e /proc/self/ns/time ]] || skip "no time namespaces in this kernel"
    local up
    bundle_edit '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 864000, nanosecs: 7}, monotonic: {secs: 86400, nanosecs: 5}}'
    up=$(cut -d. -f1 /proc/uptime)
    inside 'readlink /proc/self/ns/time; tr -s " \t" " " </proc/self/timens_offsets; cut -d. -f1 /proc/uptime'
    unlike "a namespace of its own" "${lines[0]}" "$(ns time)"
    is "monotonic" "${lines[1]}" "monotonic 86400 5"
    is "boottime" "${lines[2]}" "boottime 864000 7"
    holds "which is what uptime shows" test "${lines[3]}" -ge "$((up + 864000))" -a "${lines[3]}" -lt "$((up + 864600))"
    bundle_edit 'del(.linux.timeOffsets)'
    refused "a clock that has none" '.linux.timeOffsets = {realtime: {secs: 1}}' timeOffsets
}
