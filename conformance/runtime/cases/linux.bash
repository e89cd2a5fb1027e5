# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # stdout, stderr, status, lines: lichen.bash
#
# config-linux.md without namespaces, cgroups and seccomp: file systems, devices, masks, sysctl, propagation, labels.

conformance_case linux_default_filesystems --spec config-linux.md#default-filesystems --asserts 4 \
    --proves "/proc, /sys, /dev/pts and /dev/shm can be had with the types that programs expect"
case_linux_default_filesystems() {
    inside 'for p in /proc /sys /dev/pts /dev/shm; do grep " $p " /proc/self/mounts | tail -n 1 | cut -d" " -f3; done'
    is /proc "${lines[0]}" proc
    is /sys "${lines[1]}" sysfs
    is /dev/pts "${lines[2]}" devpts
    is /dev/shm "${lines[3]}" tmpfs
}

conformance_case linux_default_devices --spec config-linux.md#default-devices --asserts 9 --quick \
    --proves "null, zero, full, random, urandom, tty and ptmx are there without being asked for, and are what they say"
case_linux_default_devices() {
    # The config.json has no devices.
    inside 'for d in null zero full random urandom tty; do stat -c "%n %t:%T" /dev/$d; done; head -c 2 /dev/zero | od -An -tx1; echo x 2>/dev/null >/dev/full || echo full; echo x >/dev/null && stat -c %F -L /dev/ptmx'
    local i=0 want
    for want in "null 1:3" "zero 1:5" "full 1:7" "random 1:8" "urandom 1:9" "tty 5:0"; do
        is "${want% *}" "${lines[i]}" "/dev/$want"
        i=$((i + 1))
    done
    is "zero gives zeros" "$(tr -d ' ' <<<"${lines[6]}")" 0000
    is "full is full" "${lines[7]}" full
    is ptmx "${lines[8]}" "character special file"
}

conformance_case linux_devices --spec config-linux.md#devices --asserts 6 --quick --upstream \
    --covers "linux.devices linux.devices[].type linux.devices[].path linux.devices[].major linux.devices[].minor linux.devices[].fileMode linux.devices[].uid linux.devices[].gid" \
    --limits "mknod needs real root: the host's node of that path is bound, with the host's mode and owner; one that the caller could not open is refused. A fifo is made" \
    --differs "runc: 1.1 takes a device without a path" \
    --proves "each device of the list is there, at its path, with its numbers"
case_linux_devices() {
    bundle_edit '.linux.devices = [
        {path: "/dev/conf-fifo", type: "p", fileMode: 384, uid: 0, gid: 0},
        {path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 438, uid: 0, gid: 0}]'
    inside 'stat -c "%F %a %u %g" /dev/conf-fifo; stat -c "%F %t:%T" /dev/full'
    is "a fifo with its mode and owner" "${lines[0]}" "fifo 600 0 0"
    is "a character device with its numbers" "${lines[1]}" "character special file 1:7"
    if [[ $EUID -eq 0 ]]; then
        bundle_edit '.linux.devices = [{path: "/dev/conf-null", type: "c", major: 1, minor: 3, fileMode: 432, uid: 0, gid: 8}]'
        inside 'stat -c "%t:%T %a %u %g" /dev/conf-null; echo x >/dev/conf-null && echo written'
        is "of any name, mode and owner" "$stdout" $'1:3 660 0 8\nwritten'
    else
        refused "of a name that the host does not have" '.linux.devices = [{path: "/dev/conf-null", type: "c", major: 1, minor: 3}]' "linux.devices[0]"
    fi
    refused "an unknown type" '.linux.devices = [{path: "/dev/x", type: "q", major: 1, minor: 3}]' "linux.devices[0].type"
    refused "no numbers" '.linux.devices = [{path: "/dev/x", type: "c"}]' "linux.devices[0]"
    refused "no path" '.linux.devices = [{type: "c", major: 1, minor: 3}]' "linux.devices[0].path"
}

conformance_case linux_devices_conflict --spec config-linux.md#devices --asserts 2 \
    --differs "runc: 1.1 leaves a plain file where the device should be" \
    --proves "a file that is at a device's path and is not that device is an error; devices may be outside of /dev"
case_linux_devices_conflict() {
    bundle_edit '.linux.devices = [{path: "/srv/pipe", type: "p", fileMode: 384}]'
    inside 'stat -c %F /srv/pipe'
    is "outside of /dev" "$stdout" fifo
    rm -f rootfs/srv/pipe
    echo "in the way" >rootfs/srv/pipe
    refused "a file in the way" . /srv/pipe
}

conformance_case linux_masked_paths --spec config-linux.md#masked-paths --asserts 4 --quick --upstream --covers "linux.maskedPaths" \
    --differs "runc: 1.1 takes a relative path" \
    --proves "masked paths, files or directories, cannot be read; a path that is not there is no error; paths are absolute"
case_linux_masked_paths() {
    mkdir rootfs/secret
    echo hidden >rootfs/secret/file
    echo hidden >rootfs/secret-file
    bundle_edit '.linux.maskedPaths = ["/secret", "/secret-file", "/no/such/path", "/proc/kcore"]'
    inside 'ls -A /secret | wc -l; cat /secret-file | wc -c; head -c 1 /proc/kcore | wc -c'
    is "a directory" "${lines[0]}" 0
    is "a file" "${lines[1]}" 0
    is "of proc" "${lines[2]}" 0
    refused "a relative path" '.linux.maskedPaths = ["relative"]' "linux.maskedPaths[0]"
}

conformance_case linux_readonly_paths --spec config-linux.md#readonly-paths --asserts 4 --quick --upstream --covers "linux.readonlyPaths" \
    --differs "runc: 1.1 takes a relative path" \
    --proves "read-only paths can be read and not written; paths are absolute"
case_linux_readonly_paths() {
    mkdir rootfs/fixed
    echo text >rootfs/fixed/file
    bundle_edit '.linux.readonlyPaths = ["/fixed", "/no/such/path", "/proc/sys"]'
    inside 'cat /fixed/file; echo x 2>/dev/null >/fixed/file || echo refused; echo x 2>/dev/null >/proc/sys/kernel/hostname || echo sys-refused'
    is "can be read" "${lines[0]}" text
    is "cannot be written" "${lines[1]}" refused
    is "of proc" "${lines[2]}" sys-refused
    refused "a relative path" '.linux.readonlyPaths = ["relative"]' "linux.readonlyPaths[0]"
}

conformance_case linux_mount_label --spec config-linux.md#mount-label --asserts 1 --upstream --covers "linux.mountLabel" \
    --proves "mountLabel is the SELinux context of the container's mounts; without SELinux there is nothing to label"
case_linux_mount_label() {
    bundle_edit '.linux.mountLabel = "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811"'
    bundle_script 'grep " /dev/shm " /proc/self/mounts'
    if [[ -e /sys/fs/selinux/enforce ]]; then
        run_lichen -0 run "$CTR"
        like "the mount has the context" "$stdout" '*svirt_sandbox_file_t*'
    else
        run_lichen run "$CTR"
        is "no error where it means nothing" "$status" 0
    fi
}

conformance_case linux_rootfs_propagation --spec config-linux.md#rootfs-mount-propagation --asserts 5 --quick --upstream \
    --covers "linux.rootfsPropagation" \
    --differs "runc: 1.1 cannot make the root unbindable" \
    --proves "the root's propagation is shared, slave, private or unbindable as configured; another word is an error"
case_linux_rootfs_propagation() {
    local kind
    for kind in shared slave private unbindable; do
        bundle_edit --arg k "$kind" '.linux.rootfsPropagation = $k'
        inside "awk '\$5 == \"/\" { sub(/ - .*/, \"\"); for (i = 7; i <= NF; i++) printf \"%s \", \$i }' /proc/self/mountinfo"
        case $kind in
            shared) like shared "$stdout" '*shared:*' ;;
            slave) unlike "slave propagates nothing out" "$stdout" '*shared:*' ;;
            private) unlike private "$stdout" '*@(shared|master|unbindable)*' ;;
            unbindable) like unbindable "$stdout" '*unbindable*' ;;
        esac
    done
    refused "another word" '.linux.rootfsPropagation = "sideways"' linux.rootfsPropagation
}

conformance_case linux_sysctl --spec config-linux.md#sysctl --asserts 5 --quick --upstream --covers "linux.sysctl" \
    --limits "parameters of the container's own namespaces; others are the host's and an error, for everybody" \
    --proves "kernel parameters of the container's namespaces have the values configured; one that cannot be set is an error"
case_linux_sysctl() {
    local before
    before=$(</proc/sys/net/ipv4/ip_forward)
    bundle_edit '.linux.sysctl = {"net.ipv4.ip_forward": "1", "net.core.somaxconn": "256", "kernel.msgmax": "9000"}'
    inside 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax'
    is "inside" "$stdout" $'1\n256\n9000'
    is "outside" "$(</proc/sys/net/ipv4/ip_forward)" "$before"
    refused "one of the host" '.linux.sysctl = {"vm.swappiness": "1"}' 'linux.sysctl["vm.swappiness"]'
    refused "one of a namespace that is shared" '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces |= map(select(.type != "network"))' linux.sysctl
    refused "one that does not exist" '.linux.sysctl = {"net.no.such": "1"}' net.no.such
}

conformance_case linux_personality --spec config-linux.md#personality --asserts 3 \
    --covers "linux.personality linux.personality.domain" --differs "runc: 1.1 has no personality" \
    --proves "LINUX32 makes uname say a 32-bit machine; another domain is an error"
case_linux_personality() {
    [[ $(uname -m) == x86_64 ]] || skip "needs x86_64, whose 32-bit name is known"
    bundle_edit '.linux.personality = {domain: "LINUX32"}'
    inside 'uname -m'
    is LINUX32 "$stdout" i686
    bundle_edit '.linux.personality = {domain: "LINUX"}'
    inside 'uname -m'
    is LINUX "$stdout" x86_64
    refused "another" '.linux.personality = {domain: "BSD"}' linux.personality.domain
}

conformance_case linux_intel_rdt --spec config-linux.md#intelrdt --asserts 1 --covers "linux.intelRdt" \
    --differs "runc: 1.1 ignores it without the hardware" \
    --proves "intelRdt without a mounted resctrl file system is an error"
case_linux_intel_rdt() {
    ! grep -q ' resctrl ' /proc/self/mounts || skip "a resctrl file system is mounted here"
    refused "without resctrl" '.linux.intelRdt = {closID: "lichen-conf"}' linux.intelRdt
}
