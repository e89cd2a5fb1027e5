# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For the suites that attack (bats/security-*.bats): the attack program, in the container and out of it.

# attack_requires: its setup, after bundle_new: /bin/attack in the bundle.
attack_requires() {
    ATTACK=$LICHEN_BUILD/attack
    [[ -x $ATTACK ]] || skip "needs the attack program: make check-programs builds it"
    requires no-sanitizers
    cp "$ATTACK" rootfs/bin/attack
}

# Every capability there is, in every set: what a container can be given to attack with.
bundle_all_caps() {
    bundle_edit '["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
        "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
        "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
        "PERFMON", "BPF", "CHECKPOINT_RESTORE"] as $names
        | ($names | map("CAP_" + .)) as $all | .process.noNewPrivileges = false
        | .process.capabilities = {bounding: $all, effective: $all, permitted: $all, inheritable: $all, ambient: $all}'
}

# attacker_start NAME ARGUMENT...: a container that attacks until attacker_stop; what it says is in $T/attacker.
attacker_start() {
    bundle_args attack "$@"
    "$LICHEN_OCI" --root "$LICHEN_ROOT" run "$CTR" >"$T/attacker" 2>&1 </dev/null 3>&- 4>&- &
    ATTACKER=$!
    wait_until 20 grep -q looking "$T/attacker" || { cat "$T/attacker" && return 1; }
}

# Ends it and shows what it said; fails when it won, or when it found nothing to attack.
attacker_stop() {
    local rc=0
    run_lichen -0 kill "$CTR" TERM
    wait "$ATTACKER" || rc=$?
    cat "$T/attacker"
    [[ $rc -eq 0 ]] && ! grep -q WON "$T/attacker"
}

# swap_start A B: exchanges the two names as fast as it goes, until swap_stop.
swap_start() {
    "$ATTACK" swap "$1" "$2" >"$T/swapper" 2>&1 </dev/null 3>&- 4>&- &
    SWAPPER=$!
}
swap_stop() {
    kill "$SWAPPER" 2>/dev/null || :
    wait "$SWAPPER" || { cat "$T/swapper" && return 1; }
    cat "$T/swapper"
}

nothing_left() { [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]; }
