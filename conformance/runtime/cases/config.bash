# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# config.md without process and hooks: version, root, mounts, names, annotations, extensibility.

conformance_case misc_props --spec config.md#extensibility --asserts 3 --quick --upstream --covers "ociVersion annotations" \
    --differs "runc: 1.1 takes any ociVersion" \
    --proves "unknown properties and annotations are no error; a value that is not valid is one"
case_misc_props() {
    bundle_args true
    bundle_edit '.annotations = {"org.example.unheard-of": ""} | .unknown = "x" | .process.unknown = {a: 1} | .linux.unknown = []'
    run_lichen run "$CTR"
    is "unknown properties and annotations" "$status" 0
    refused "a version that is none" '.ociVersion = "invalid"' ociVersion
    refused "no version" 'del(.ociVersion)' ociVersion
}

conformance_case version --spec config.md#specification-version --asserts 6 --covers "ociVersion" \
    --differs "runc: 1.1 takes any ociVersion" \
    --proves "a runtime of one 1.x version takes bundles of the whole 1.x series, SemVer 2.0.0, and no other major version"
case_version() {
    bundle_args true
    local version
    for version in 1.0.0 1.0.2-dev 1.3.0 1.99.0; do
        bundle_edit --arg v "$version" '.ociVersion = $v'
        run_lichen run "$CTR"
        is "$version" "$status" 0
    done
    refused "2.0.0" '.ociVersion = "2.0.0"' ociVersion
    refused "1.0" '.ociVersion = "1.0"' ociVersion
}

conformance_case invalid_values --spec config.md#valid-values --asserts 10 \
    --differs "runc: 1.1 takes some of them" \
    --proves "invalid values, and values of a wrong type, are an error wherever they are"
case_invalid_values() {
    refused "a string where an array is due" '.process.args = "true"' process.args
    refused "a number in an array of strings" '.process.args = [1]' 'process.args[0]'
    refused "an array where an object is due" '.root = []' root
    refused "a string where a boolean is due" '.process.terminal = "no"' process.terminal
    refused "an object where an array is due" '.mounts = {}' mounts
    refused "a fraction where an integer is due" '.process.user.uid = 0.5' process.user.uid
    refused "a number that is too large" '.process.user.gid = 99999999999999999999' process.user.gid
    refused "an unknown namespace" '.linux.namespaces += [{type: "magic"}]' 'linux.namespaces'
    refused "an unknown propagation" '.linux.rootfsPropagation = "sideways"' linux.rootfsPropagation
    printf '{"ociVersion": "1.0.2",' >config.json
    errs "what is not JSON" config.json create "$CTR"
}

conformance_case root_readonly_true --spec config.md#root --asserts 4 --quick --upstream --covers "root.readonly" \
    --proves "readonly makes the root read-only inside; it is false by default; mounts are as they are configured"
case_root_readonly_true() {
    bundle_edit '.root.readonly = true'
    inside 'touch /tmp/x 2>/dev/null || echo refused; touch /dev/shm/x && echo written'
    is "the root, but not what is mounted in it" "$stdout" $'refused\nwritten'
    refutes "nothing came to the host" test -e rootfs/tmp/x
    bundle_edit 'del(.root.readonly)'
    inside 'touch /tmp/x && echo written'
    is "by default it can be written" "$stdout" written
    holds "which is the bundle's directory" test -e rootfs/tmp/x
}

conformance_case root_path --spec config.md#root --asserts 5 --covers "root root.path" \
    --proves "path is absolute or relative to the bundle and must be a directory"
case_root_path() {
    mv rootfs "$T/elsewhere"
    refused "a path where nothing is" . root.path
    bundle_edit --arg p "$T/elsewhere" '.root.path = $p'
    inside 'echo here'
    is "absolute" "$stdout" here
    bundle_edit '.root.path = "../elsewhere"'
    inside 'echo here'
    is "relative to the bundle" "$stdout" here
    refused "a file" '.root.path = "config.json"' root
    refused "no root at all" 'del(.root)' root
}

conformance_case mounts --spec config.md#mounts --asserts 6 --quick --upstream \
    --covers "mounts mounts[].destination mounts[].source mounts[].type mounts[].options" \
    --limits "file systems that a user namespace may mount (tmpfs, proc, sysfs, devpts, mqueue, overlay) and binds; of others the kernel's refusal is passed on" \
    --proves "each entry is mounted at its destination with its type, source and options"
case_mounts() {
    mkdir "$T/source"
    echo text >"$T/source/file"
    bundle_edit --arg s "$T/source" '.mounts += [
        {destination: "/conf-tmpfs", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "noexec", "size=1m", "mode=1770"]},
        {destination: "/conf-bind", source: $s, options: ["bind", "ro"]},
        {destination: "/conf-proc", type: "proc", source: "proc", options: ["nosuid"]}]'
    inside 'grep -E " /conf-" /proc/self/mounts | cut -d" " -f2-4; stat -c %a /conf-tmpfs; cat /conf-bind/file; touch /conf-bind/x 2>/dev/null || echo read-only'
    like "tmpfs" "$stdout" '*/conf-tmpfs tmpfs rw,nosuid,nodev,noexec,*size=1024k,mode=1770*'
    like "a bind, read-only" "$stdout" '*/conf-bind * ro*'
    like "proc" "$stdout" '*/conf-proc proc rw,nosuid*'
    like "the mode" "$stdout" $'*\n1770\n*'
    like "the source" "$stdout" $'*\ntext\nread-only'
    refused "a bind whose source is not there" '.mounts += [{destination: "/x", type: "bind", source: "/no/such/source", options: ["bind"]}]' /no/such/source
}

conformance_case mounts_order --spec config.md#mounts --asserts 2 \
    --proves "mounts are made in the order of the list: a later one covers an earlier"
case_mounts_order() {
    mkdir "$T/one" "$T/two"
    : >"$T/one/first"
    : >"$T/two/second"
    bundle_edit --arg a "$T/one" --arg b "$T/two" '.mounts += [{destination: "/m", type: "bind", source: $a, options: ["bind"]},
        {destination: "/m", type: "bind", source: $b, options: ["bind"]}]'
    inside 'ls /m'
    is "the second covers" "$stdout" second
    bundle_edit '.mounts[-2:] |= reverse'
    inside 'ls /m'
    is "and the other way round" "$stdout" first
}

conformance_case mounts_source_relative --spec config.md#mounts --asserts 2 \
    --proves "a bind's source is absolute or relative to the bundle"
case_mounts_source_relative() {
    mkdir data
    echo mine >data/x
    bundle_edit '.mounts += [{destination: "/data", type: "bind", source: "data", options: ["bind"]}]'
    cd /
    bundle_script 'cat /data/x'
    run_lichen -0 run --bundle "$BUNDLE" "$CTR"
    is "relative" "$stdout" mine
    bundle_edit --arg s "$BUNDLE/data" '.mounts[-1].source = $s'
    run_lichen -0 run --bundle "$BUNDLE" "$CTR"
    is "absolute" "$stdout" mine
}

conformance_case mounts_options --spec config.md#linux-mount-options --asserts 13 --covers "mounts[].options" \
    --differs "runc: 1.1 has no nosymfollow, rro" \
    --proves "the options that the table of mount options names do what it says"
case_mounts_options() {
    local option
    mkdir "$T/source"
    for option in ro nosuid nodev noexec noatime nodiratime relatime sync dirsync nosymfollow; do
        bundle_edit --arg o "$option" '.mounts = [.mounts[] | select(.destination != "/opt-x")] + [{destination: "/opt-x", type: "tmpfs", source: "tmpfs", options: [$o]}]'
        inside 'grep " /opt-x " /proc/self/mounts | cut -d" " -f4'
        # nosymfollow is not shown by every kernel: tried instead.
        if [[ $option == nosymfollow ]]; then
            bundle_script 'ln -s /etc/passwd /opt-x/link; cat /opt-x/link 2>/dev/null || echo not followed'
            run_lichen -0 run "$CTR"
            is "$option" "$stdout" "not followed"
        else
            like "$option" ",$stdout," "*,$option,*"
        fi
    done
    bundle_edit --arg s "$T/source" '.mounts += [{destination: "/opt-p", type: "bind", source: $s, options: ["rbind", "shared"]},
        {destination: "/opt-q", type: "bind", source: $s, options: ["rbind", "private"]}, {destination: "/opt-r", type: "bind", source: $s, options: ["rbind", "rro"]}]'
    inside "sed -n 's/.* \\(\\/opt-[pqr]\\) \\(.*\\) - .*/\\1 \\2/p' /proc/self/mountinfo; touch /opt-r/x 2>/dev/null || echo refused"
    like shared "$(grep '^/opt-p' <<<"$stdout")" '*shared:*'
    unlike private "$(grep '^/opt-q' <<<"$stdout")" '*shared:*'
    is rro "${lines[-1]}" refused
}

conformance_case mounts_tmpcopyup --spec config.md#linux-mount-options --asserts 2 \
    --proves "tmpcopyup copies what the tmpfs hides into it"
case_mounts_tmpcopyup() {
    echo content >rootfs/srv/file
    bundle_edit '.mounts += [{destination: "/srv", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
    inside 'cat /srv/file; echo new >/srv/file; grep -c " /srv tmpfs" /proc/self/mounts'
    is "the content, in a tmpfs" "$stdout" $'content\n1'
    is "what is below stays" "$(<rootfs/srv/file)" content
}

conformance_case mounts_idmap --spec config.md#posix-platform-mounts --asserts plan \
    --covers "mounts[].uidMappings mounts[].gidMappings mounts[].uidMappings[].containerID mounts[].uidMappings[].hostID mounts[].uidMappings[].size mounts[].gidMappings[].containerID mounts[].gidMappings[].hostID mounts[].gidMappings[].size" \
    --limits "the kernel lets nobody but real root shift a host's file system: refused by name" \
    --differs "runc: 1.1 has no id-mapped mounts" \
    --proves "uidMappings and gidMappings shift the owners of a mount, or are refused by name; never ignored"
case_mounts_idmap() {
    mkdir "$T/source"
    : >"$T/source/file"
    bundle_edit --arg s "$T/source" --argjson u "$(stat -c %u "$T/source")" --argjson g "$(stat -c %g "$T/source")" \
        '.mounts += [{destination: "/shifted", type: "bind", source: $s, options: ["bind"],
        uidMappings: [{containerID: $u, hostID: 4321, size: 1}], gidMappings: [{containerID: $g, hostID: 4322, size: 1}]}]'
    bundle_script 'stat -c "%u %g" /shifted/file'
    run_lichen run "$CTR"
    if [[ $status -eq 0 ]]; then
        plan 2
        is "the owners are shifted" "$stdout" "4321 4322"
    else
        plan 3
        like "refused by name" "$stderr" '*mounts\[*'
        refutes "without a container" exists "$CTR"
    fi
    bundle_edit '.mounts[-1] = {destination: "/shifted", type: "bind", source: "/tmp", options: ["bind"], uidMappings: [{containerID: 0, hostID: 0}], gidMappings: []}'
    errs "a mapping without a size" "mounts[" create "$CTR"
}

conformance_case hostname --spec config.md#hostname --asserts 3 --quick --upstream --covers "hostname" \
    --proves "the container's host name is the configured one, and the host's stays"
case_hostname() {
    local before
    before=$(hostname)
    bundle_edit '.hostname = "hostname-specific"'
    inside hostname
    is "inside" "$stdout" hostname-specific
    is "outside" "$(hostname)" "$before"
    refused "without a uts namespace it would be the host's" '.linux.namespaces |= map(select(.type != "uts"))' hostname
}

conformance_case domainname --spec config.md#domainname --asserts 2 --covers "domainname" \
    --differs "runc: 1.1 has no domainname" \
    --proves "the container's domain name is the configured one, and the host's stays"
case_domainname() {
    local before
    before=$(</proc/sys/kernel/domainname)
    bundle_edit '.domainname = "conf.example"'
    inside 'cat /proc/sys/kernel/domainname'
    is "inside" "$stdout" conf.example
    is "outside" "$(</proc/sys/kernel/domainname)" "$before"
}

conformance_case annotations --spec config.md#annotations --asserts 5 --covers "annotations" \
    --differs "runc: 1.1 takes an empty key" \
    --proves "annotations are strings by a key that is not empty; values may be empty; they are in the state"
case_annotations() {
    bundle_edit '.annotations = {"org.example.one": "1", "org.example.none": ""}'
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    is "in the state" "$(in_state '.annotations["org.example.one"]')" 1
    is "an empty value" "$(in_state '.annotations["org.example.none"]')" ""
    run_lichen -0 delete --force "$CTR"
    bundle_edit 'del(.annotations)'
    refused "an empty key" '.annotations = {"": "x"}' annotations
    refused "a value that is no string" '.annotations = {a: 1}' annotations
    refused "annotations that are no map" '.annotations = ["a"]' annotations
}

# Made from the parser's own table: a field that becomes supported leaves this case by itself.
conformance_case refused_fields --spec config.md#valid-values --asserts plan --covers "@refused" --needs "lichen" \
    --proves "a property that the runtime cannot honour is an error that names it, never ignored"
case_refused_fields() {
    local path type value count=0
    while IFS=$'\t' read -r path type <&9; do
        case $type in
            object) value='{"x": {"name": "x"}, "path": "x"}' ;;
            array) value='["x"]' ;;
            string) value='"x"' ;;
            integer) value=1 ;;
            boolean) value=true ;;
        esac
        # personality.flags wants its neighbour.
        refused "$path" "setpath(\"$path\" | split(\".\"); $value) | if .linux.personality then .linux.personality.domain = \"LINUX\" else . end" "$path"
        count=$((count + 1))
    done 9< <("$LICHEN_BUILD/spec-fields" | awk -F '\t' '$3 == "refused" && $1 !~ /\[\]/ { print $1 "\t" $2 }')
    plan "$count"
}
