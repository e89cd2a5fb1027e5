#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The documents tell what the program does.

load lib/lichen

@test "the man page follows the option table" {
    requires --lane user lichen
    diff <("$LICHEN_SRC/docs/man/generate" "$LICHEN_OCI" <"$LICHEN_SRC/docs/man/lichen-oci.1.in") "$LICHEN_SRC/docs/man/lichen-oci.1"
}

@test "every verb is described by --help, the man page and the completions" {
    requires --lane user lichen
    local verb
    for verb in $("$LICHEN_OCI" --help | awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'); do
        "$LICHEN_OCI" "$verb" --help | grep -q "^Usage: lichen-oci $verb"
        grep -q "^\.SS $verb" "$LICHEN_SRC/docs/man/lichen-oci.1"
        "$LICHEN_OCI" completion bash | grep -q " $verb"
    done
}
