# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What a test needs from the machine. "requires CAP..." skips the test with the missing one and the reason. Each probe
# does the thing itself, once per run; nothing is asked of the program under test, whose mistakes must not skip tests.
#
# Lanes. A test that no change of the machine could make run here names the lane it belongs to:
#
#     requires --lane vm cgroup-memory
#
# user: "make check", an unprivileged account on whatever machine this is. vm: "make check-vm", the same suites as an
# unprivileged user with a systemd session and cgroup v2. root: a second pass in that machine, as root. Without --lane
# a test belongs to user and vm. In another lane the test is neither passed nor skipped but left to its own; .ci/run
# compares the lists, so such a test has to have run there (docs/testing.md).

# requires [--lane LANE[,LANE]] [CAP...]
requires() {
    local cap reason lanes=''
    if [[ $1 == --lane ]]; then
        lanes=$2
        shift 2
        [[ ",$lanes," == *",$LICHEN_LANE,"* ]] || skip "not for this lane: $lanes"
    fi
    for cap; do
        reason=$(requires_cached "$cap") && continue
        # Nothing this machine lacks: the same test is run with the build that has none.
        [[ $cap != no-sanitizers ]] || skip "not for this lane: user"
        skip "needs $cap: ${reason:-not here}"
    done
}

# have CAP: the same question without the skip.
have() { requires_cached "$1" >/dev/null; }

requires_cached() {
    local dir=${LICHEN_TEST_CACHE:-${BATS_RUN_TMPDIR:-$T}}/probes file
    file=$dir/${1//[^A-Za-z0-9._-]/_}
    if [[ ! -e $file ]]; then
        mkdir -p "$dir"
        if requires_probe "$1" >"$file.$$" 2>&1; then
            : >"$file.$$"
        else
            [[ -s $file.$$ ]] || echo "the probe fails" >"$file.$$"
        fi
        mv "$file.$$" "$file"
    fi
    head -n 1 "$file"
    [[ ! -s $file ]]
}

# Succeeds, or prints why not.
requires_probe() {
    case $1 in
        root) [[ $EUID -eq 0 ]] || { echo "not run as root" && return 1; } ;;
        user) [[ $EUID -ne 0 ]] || { echo "run as root" && return 1; } ;;
        lichen) [[ $("$LICHEN_OCI" --version 2>/dev/null) == *lichen* ]] || { echo "$LICHEN_OCI is not lichen-oci" && return 1; } ;;
        userns) unshare --user --map-root-user true ;;
        subids) requires_subids ;;
        fuse) requires_device /dev/fuse && requires_command fuse-overlayfs ;;
        tun) requires_device /dev/net/tun ;;
        slirp) requires_probe tun && requires_helper lichen-net ;;
        kernel-overlay) requires_kernel_overlay ;;
        cgroup-v2) requires_cgroup ;;
        cgroup-*) requires_cgroup "${1#cgroup-}" ;;
        systemd-user) requires_command systemctl && timeout 10 systemctl --user show-environment >/dev/null ;;
        seccomp) grep -q '^Seccomp_filters:' /proc/self/status ;;
        ipv6) [[ -e /proc/net/if_inet6 ]] || { echo "no IPv6 in this kernel" && return 1; } ;;
        debian-rootfs) requires_debian_rootfs ;;
        kernel=*) requires_kernel "${1#kernel=}" ;;
        command=*) requires_command "${1#command=}" ;;
        test-hooks) grep -qs '^#define LICHEN_TEST_HOOKS 1' "$LICHEN_BUILD/config.h" || { echo "built with --disable-test-hooks" && return 1; } ;;
        no-sanitizers) ! grep -qs '^#define LICHEN_SANITIZERS 1' "$LICHEN_BUILD/config.h" || { echo "built with sanitizers" && return 1; } ;;
        *) echo "unknown requirement: $1" && return 1 ;;
    esac
}

requires_command() { command -v "$1" >/dev/null || { echo "$1 is not installed" && return 1; }; }

requires_device() {
    # Opening read-write is the only answer that counts; the mode alone says nothing of a device cgroup.
    { true <>"$1"; } 2>/dev/null || { echo "$1 cannot be opened" && return 1; }
}

requires_helper() {
    [[ -x $LICHEN_BUILD/$1 || -x $LICHEN_BUILD/helpers/$1 || -x ${LICHEN_OCI%/bin/*}/libexec/lichen/$1 ]] ||
        { echo "$1 is not built" && return 1; }
}

requires_subids() {
    requires_command newuidmap || return 1
    [[ $EUID -ne 0 ]] || return 0
    # 33 (www-data) is what the suites use; a range too short for it is as good as none.
    "$LICHEN_LIB/userns" setpriv --reuid 33 --regid 33 --clear-groups true
}

requires_kernel_overlay() {
    local dir rc=0
    dir=$(mktemp -d "${TMPDIR:-/tmp}/lichen-test-XXXXXX") && mkdir "$dir"/{l,u,w,m}
    # shellcheck disable=SC2016
    unshare --user --map-root-user --mount sh -c \
        'mount -t overlay -o "userxattr,lowerdir=$0/l,upperdir=$0/u,workdir=$0/w" overlay "$0/m" && : >"$0/m/x"' "$dir" || rc=1
    remove_tree "$dir"
    return "$rc"
}

# requires_cgroup [CONTROLLER]: cgroup v2 as the only hierarchy, with a subtree this user may write (root: all of it).
requires_cgroup() {
    local line own='' dir
    [[ $(stat -f -c %T /sys/fs/cgroup 2>/dev/null) == cgroup2fs ]] || { echo "/sys/fs/cgroup is not cgroup v2" && return 1; }
    while read -r line; do
        [[ $line != 0::* ]] || own=${line#0::}
    done </proc/self/cgroup
    dir=/sys/fs/cgroup
    if [[ $EUID -ne 0 ]]; then
        [[ $own =~ ^(.*/user@[0-9]+\.service)(/.*)?$ ]] && dir+=${BASH_REMATCH[1]} || dir+=$own
        [[ -w $dir/cgroup.procs ]] || { echo "$dir is not delegated to this user" && return 1; }
    fi
    [[ -z ${1-} ]] || grep -qw "$1" "$dir/cgroup.controllers" || { echo "$1 is not among $dir/cgroup.controllers" && return 1; }
}

# requires_kernel 6.8
requires_kernel() {
    local have
    have=$(uname -r)
    [[ $(printf '%s\n%s\n' "$1" "${have%%-*}" | sort -V | head -n 1) == "$1" ]] || { echo "this is Linux $have" && return 1; }
}

requires_debian_rootfs() {
    local tar=${LICHEN_DEBIAN_ROOTFS:-$LICHEN_BUILD/rootfs-debian.tar}
    [[ -r $tar ]] || { echo "$tar is missing ($LICHEN_LIB/debian-rootfs makes it)" && return 1; }
}
