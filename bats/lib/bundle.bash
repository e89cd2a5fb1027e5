# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Bundles: a root file system made of busybox-static without network or root, and a config.json edited with jq.
# config.json beside this file is what runc's "spec" writes, in our words: no user namespace, every default mount.

# rootfs_shared -> the path of the busybox tree that all tests of a run share; read it, don't write it.
rootfs_shared() {
    local dir=${LICHEN_TEST_CACHE:-${BATS_RUN_TMPDIR:-$T}}/rootfs
    if [[ ! -d $dir ]]; then
        local tmp
        mkdir -p "${dir%/*}"
        tmp=$(mktemp -d "$dir.XXXXXX")
        rootfs_busybox "$tmp" && chmod 0755 "$tmp" && { mv -T "$tmp" "$dir" 2>/dev/null || rm -rf "$tmp"; }
    fi
    echo "$dir"
}

# rootfs_busybox DIR: fills the directory.
rootfs_busybox() {
    local root=$1 busybox
    busybox=$(command -v busybox) || { echo "busybox-static is not installed" >&2 && return 1; }
    mkdir -p "$root"/{bin,dev,etc,home/user,proc,root,run,sbin,sys,tmp,usr/bin,usr/sbin,usr/lib,var/tmp,var/lib,mnt,srv}
    chmod 1777 "$root/tmp" "$root/var/tmp"
    chmod 0700 "$root/root"
    cp "$busybox" "$root/bin/busybox"
    chmod 0755 "$root/bin/busybox"
    # Not a loop: bats traces every command.
    "$busybox" --list | grep -vx busybox | (cd "$root/bin" && xargs -I{} ln -sf busybox {})
    ln -sf /bin/env "$root/usr/bin/env"
    printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'daemon:x:1:1:daemon:/usr/sbin:/bin/false' \
        'www-data:x:33:33:www-data:/var/www:/bin/false' 'user:x:1000:1000:user:/home/user:/bin/sh' \
        'nobody:x:65534:65534:nobody:/:/bin/false' >"$root/etc/passwd"
    printf '%s\n' 'root:x:0:' 'daemon:x:1:' 'tty:x:5:' 'staff:x:50:user' 'www-data:x:33:' 'user:x:1000:' \
        'nogroup:x:65534:' >"$root/etc/group"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
    printf 'NAME=busybox-test\nID=busybox-test\n' >"$root/etc/os-release"
    : >"$root/etc/resolv.conf"
}

# rootfs_debian DIR: unpacks the Debian minbase tree (requires debian-rootfs) with its true owners under the default map.
rootfs_debian() {
    local tar=${LICHEN_DEBIAN_ROOTFS:-$LICHEN_BUILD/rootfs-debian.tar}
    mkdir -p "$1"
    "$LICHEN_LIB/userns" tar -C "$1" --numeric-owner -xpf "$tar" --exclude './dev/*'
}

# bundle_new [--rootless] [DIR]: a bundle with its own copy of the busybox rootfs; sets BUNDLE and goes there.
# --rootless adds a user namespace that maps the caller alone, as "spec --rootless" does; runtimes other than
# lichen-oci cannot do without when the caller is not root.
bundle_new() {
    local rootless=''
    [[ ${1-} != --rootless ]] || { rootless=1 && shift; }
    BUNDLE=${1:-$T/bundle}
    mkdir -p "$BUNDLE"
    cp -a "$(rootfs_shared)" "$BUNDLE/rootfs"
    cp "$LICHEN_LIB/config.json" "$BUNDLE/config.json"
    chmod u+w "$BUNDLE/config.json"
    cd "$BUNDLE" || return 1
    [[ $EUID -eq 0 || ${LICHEN_OCI##*/} == lichen-oci ]] || rootless=1
    [[ -z $rootless ]] || bundle_rootless
}

bundle_rootless() {
    bundle_edit --argjson uid "$(id -u)" --argjson gid "$(id -g)" '
        .linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1}]
        | .linux.gidMappings = [{containerID: 0, hostID: $gid, size: 1}]
        | (.mounts[] | select(.type == "devpts") | .options) |= map(select(startswith("gid=") | not))'
}

# bundle_edit [JQ OPTIONS] PROGRAM: replaces $BUNDLE/config.json by what the program makes of it.
bundle_edit() {
    jq "$@" <"$BUNDLE/config.json" >"$BUNDLE/config.json.new" && mv "$BUNDLE/config.json.new" "$BUNDLE/config.json"
}

# bundle_args COMMAND...: process.args, exactly these words.
bundle_args() { bundle_edit '.process.args = $ARGS.positional' --args -- "$@"; }

# bundle_script TEXT: process.args = sh -c TEXT
bundle_script() { bundle_args /bin/sh -c "$1"; }

# bundle_refused JQ WORDS: a config.json edited so is an error with these words before anything is made.
bundle_refused() {
    cp config.json "$T/saved"
    bundle_edit "$1"
    run_lichen -1 create "$CTR"
    # shellcheck disable=SC2154 # run_lichen sets it
    [[ $stderr == *"$2"* ]]
    [[ -z $(ls -A "$LICHEN_ROOT") ]]
    cp "$T/saved" config.json
}
