#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The command lines that docs/engines.md has for Slurm's oci.conf, as its step daemon runs them, without Slurm. %n.%u.%j.%s.%t is
# the id: node, user, job, step, task.

load lib/lichen

setup() {
    requires userns
    lichen_setup
    bundle_new
}

# The words of oci.conf's pattern, in a shell as Slurm has it.
slurm() { capture timeout 60 sh -c "'$LICHEN_OCI' --rootless=true --root='$LICHEN_ROOT' $1"; }
running() { [[ $(state_of "$ID") == running ]]; }

@test "run, state, kill and delete as oci.conf has them, with Slurm's ids" {
    ID=node-1.someone.$$.0.0
    bundle_script 'trap "exit 5" TERM; while :; do sleep 0.02; done'
    lichen --rootless=true run --bundle "$BUNDLE" "$ID" >"$T/out" 2>&1 </dev/null &
    local step=$! ended=0
    wait_until 20 running
    slurm "state $ID"
    [[ $status -eq 0 && $(jq -r .status <<<"$stdout") == running && $(jq -r .pid <<<"$stdout") -gt 1 ]]
    slurm "kill -a $ID"
    [[ $status -eq 0 ]]
    wait "$step" || ended=$?
    [[ $ended -eq 5 ]]
    # What ended by itself is gone; Slurm asks all the same.
    slurm "delete --force $ID"
    [[ $status -eq 0 ]]
    slurm "state $ID"
    [[ $status -ne 0 ]]
}
