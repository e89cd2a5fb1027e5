# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# features.md, features-linux.md: what the runtime says of itself, and that it is true.

conformance_case features --spec features.md --asserts 6 --quick \
    --proves "features is JSON with the range of versions understood and what else the runtime recognises; recognised is not refused"
case_features() {
    run_lichen -0 features
    echo "$stdout" >"$T/features"
    like "the oldest version understood" "$(jq -r .ociVersionMin "$T/features")" '1.*.*'
    like "the newest" "$(jq -r .ociVersionMax "$T/features")" '1.*.*'
    is "the hooks of the lifecycle" "$(jq -r '.hooks | sort | join(" ")' "$T/features")" \
        "createContainer createRuntime poststart poststop prestart startContainer"
    holds "the mount options of the specification" jq -e '.mountOptions | contains(["ro", "rw", "bind", "rbind", "nosuid", "nodev", "noexec", "rprivate", "tmpcopyup"])' "$T/features"
    holds "the namespaces" jq -e '.linux.namespaces | contains(["pid", "network", "mount", "ipc", "uts", "user", "cgroup"])' "$T/features"
    # The newest version it names is one that it takes.
    bundle_edit --arg v "$(jq -r .ociVersionMax "$T/features")" '.ociVersion = $v'
    bundle_args true
    run_lichen run "$CTR"
    is "a bundle of the newest version" "$status" 0
}
