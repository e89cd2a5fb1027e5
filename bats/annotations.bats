#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Annotations of crun's that engines rely on.

load lib/lichen

setup() {
    lichen_setup
    requires userns
    bundle_new
}

@test "hooks' output goes to the files asked for, but not that of hooks in the container" {
    bundle_edit --arg o "$T/hook-out" --arg e "$T/hook-err" '.annotations = {"run.oci.hooks.stdout": $o, "run.oci.hooks.stderr": $e}
        | .hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "echo one; echo two >&2"]}],
            startContainer: [{path: "/bin/sh", args: ["sh", "-c", "echo inside"]}],
            poststop: [{path: "/bin/sh", args: ["sh", "-c", "echo three"]}]}'
    bundle_args true
    echo before >"$T/hook-out"
    run_lichen -0 run "$CTR"
    [[ $(<"$T/hook-out") == $'before\none\nthree' && $(<"$T/hook-err") == two ]]
    bundle_edit --arg o "$T/no/such" '.annotations["run.oci.hooks.stdout"] = $o'
    run_lichen ! run "$CTR"
    [[ $stderr == *"annotation run.oci.hooks.stdout: $T/no/such"* ]]
}

@test "the caller's groups are kept where the annotation says so, by exec too" {
    requires --lane root root
    bundle_edit '.process.user.additionalGids = [50]'
    bundle_args grep Groups /proc/self/status
    capture setpriv --groups 4711 "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 && $stdout != *4711* && $stdout == *50* ]]
    bundle_edit '.annotations["run.oci.keep_original_groups"] = "1"'
    capture setpriv --groups 4711 "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR"
    [[ $status -eq 0 && $stdout == *4711* && $stdout != *50* ]]
    bundle_args sleep 100
    run_lichen -0 create "$CTR"
    run_lichen -0 start "$CTR"
    capture setpriv --groups 4712 "$LICHEN_OCI" --root "$LICHEN_ROOT" exec "$CTR" grep Groups /proc/self/status
    [[ $status -eq 0 && $stdout == *4712* ]]
}

@test "an unknown kind of SELinux context is refused; unconfined needs no AppArmor" {
    bundle_edit '.annotations["run.oci.mount_context_type"] = "sideways"'
    run_lichen -1 create "$CTR"
    [[ $stderr == *"run.oci.mount_context_type: sideways is none of context"* ]]
    bundle_edit 'del(.annotations) | .process.apparmorProfile = "unconfined"'
    bundle_args true
    run_lichen -0 run "$CTR"
}
