#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A real Debian: its owners, its setuid programs, its package manager, on each root file system driver.

load lib/lichen

setup() {
    lichen_setup
    requires userns subids lichen debian-rootfs
    bundle_new
    remove_tree "$BUNDLE/rootfs"
    rootfs_debian "$BUNDLE/rootfs"
    bundle_edit '.process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETUID", "CAP_SETGID"])'
}

@test "Debian runs on a directory, on overlay and on fuse-overlayfs with its own owners" {
    requires kernel-overlay fuse
    bundle_script '. /etc/os-release; echo $ID; stat -c %u:%g /etc/shadow; install -o www-data -g www-data /dev/null /srv/www; stat -c %U:%G /srv/www; rm /srv/www'
    local driver
    run_lichen -0 run "$CTR"
    [[ $stdout == $'debian\n0:42\nwww-data:www-data' ]]
    for driver in overlay fuse-overlayfs; do
        bundle_edit --arg d "$driver" '.annotations = {"io.lichen.rootfs.driver": $d}'
        run_lichen -0 run --overlay "$CTR"
        [[ $stdout == $'debian\n0:42\nwww-data:www-data' ]]
    done
}

@test "a setuid program gains its owner's id, and does not under no_new_privs" {
    bundle_script 'cp /usr/bin/id /usr/bin/id-setuid && chmod 4755 /usr/bin/id-setuid && exec setpriv --reuid 33 --regid 33 --clear-groups id-setuid'
    bundle_edit '.process.noNewPrivileges = false'
    run_lichen -0 run "$CTR"
    [[ $stdout == *"uid=33(www-data)"*"euid=0(root)"* ]]
    bundle_edit '.process.noNewPrivileges = true'
    run_lichen -0 run "$CTR"
    [[ $stdout == *"uid=33(www-data)"* && $stdout != *euid=0* ]]
}

teardown() {
    [[ -z ${SERVER-} ]] || kill "$SERVER" 2>/dev/null || :
    lichen_teardown
}

@test "apt installs a package over the slirp network" {
    requires slirp command=python3 command=dpkg-deb
    local port=$((10000 + RANDOM % 20000))
    mkdir -p "$T/pkg/DEBIAN" "$T/pkg/usr/share/lichen-probe" "$T/repo"
    printf '%s\n' 'Package: lichen-probe' 'Version: 1.0' 'Architecture: all' 'Maintainer: nobody <nobody@example.org>' \
        'Description: made by a test' >"$T/pkg/DEBIAN/control"
    echo installed >"$T/pkg/usr/share/lichen-probe/file"
    dpkg-deb --root-owner-group -b "$T/pkg" "$T/repo/lichen-probe.deb"
    {
        cat "$T/pkg/DEBIAN/control"
        printf 'Filename: ./lichen-probe.deb\nSize: %s\nSHA256: %s\n' "$(stat -c %s "$T/repo/lichen-probe.deb")" \
            "$(sha256sum "$T/repo/lichen-probe.deb" | cut -d' ' -f1)"
    } >"$T/repo/Packages"
    python3 -m http.server --bind 127.0.0.1 --directory "$T/repo" "$port" >"$T/http" 2>&1 </dev/null 3>&- 4>&- &
    SERVER=$!
    wait_until 10 bash -c ": 2>/dev/null <>/dev/tcp/127.0.0.1/$port"
    bundle_script "rm -rf /etc/apt/sources.list*; echo 'deb [trusted=yes] http://10.0.2.2:$port ./' >/etc/apt/sources.list
        apt-get -q update && apt-get -qy install lichen-probe && cat /usr/share/lichen-probe/file"
    run_lichen -0 run --net slirp:allow_host_loopback=true "$CTR"
    [[ $stdout == *installed ]]
}
