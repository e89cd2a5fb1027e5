# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Debian trees from this machine's own package mirror. Sourced by bats/lib/debian-rootfs and bats/vm/image, which run as
# whoever calls them; mmdebstrap's mode follows (root, else a user namespace).

# debian_suite -> the code name to use: this machine's when it is Debian, so that what is built here runs in the tree.
debian_suite() {
    # shellcheck disable=SC1091
    (ID='' VERSION_CODENAME='' && . /etc/os-release && if [[ $ID == debian ]]; then echo "$VERSION_CODENAME"; else echo bookworm; fi)
}

# debian_sources SUITE -> sources.list lines. This machine's Debian mirrors, and nothing else it may have configured; nothing
# on another distribution, where mmdebstrap's own default serves.
debian_sources() {
    local suite=$1
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk -v s="$suite" '$3 == "main" && $4 == "Debian" && index($2, s) == 1 && !seen[$1, $2]++ { print "deb", $1, $2, $3 }'
}

# debian_tar FILE OPTIONS...: writes FILE (a tar with numeric owners) whole or not at all.
debian_tar() {
    local file=$1 suite mode=unshare proxy sources
    shift
    suite=$(debian_suite)
    [[ $(id -u) -ne 0 ]] || mode=root
    # The machine's apt may go through a proxy that the new tree's would not know.
    proxy=$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null || :)
    [[ -z $proxy ]] || set -- --aptopt="Acquire::http::Proxy \"$proxy\"" "$@"
    sources=$(debian_sources "$suite")
    timeout 1200 mmdebstrap --quiet --variant=minbase --mode="$mode" --format=tar \
        --aptopt='APT::Install-Recommends "false"' "$@" "$suite" "$file.new.tar" ${sources:+-} <<<"$sources" || { rm -f "$file.new.tar" && return 1; }
    mv "$file.new.tar" "$file"
}
