# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # the cases read the URLs
#
# The registries under test, each on ports the kernel picks. A registry is four servers: open to everybody (URL), with a password
# (AUTH_URL, alice and her "secret"; READER is a second user's credentials where the registry has readers), the first one's content read-only
# (READONLY_URL) and one with small limits (LIMITED_URL; "" where the registry has none).

SERVERS=()
ALICE=alice:secret
# shellcheck disable=SC2016 # bcrypt of "secret"
SECRET_HASH='$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'

# servers_missing REGISTRY: why it cannot be tested; fails when it can.
servers_missing() {
    case $1 in
        lichen-registry) [[ ! -x $(lichen_registry) ]] && echo "$(lichen_registry) is not built" ;;
        docker-registry) ! command -v docker-registry >/dev/null && echo "docker-registry is not installed" ;;
    esac
}

lichen_registry() { echo "${LICHEN_REGISTRY:-$LICHEN_BUILD/helpers/lichen-registry}"; }

servers_start() {
    local dir=$WORK/$1
    mkdir -p "$dir"
    printf 'alice:%s\nrita:%s\n' "$SECRET_HASH" "$SECRET_HASH" >"$dir/htpasswd"
    case $1 in
        lichen-registry)
            server_lichen URL "$dir" open --store "$dir/store" || return 1
            server_lichen AUTH_URL "$dir" auth --store "$dir/auth-store" --htpasswd "$dir/htpasswd" --reader rita || return 1
            server_lichen READONLY_URL "$dir" readonly --store "$dir/store" --read-only || return 1
            server_lichen LIMITED_URL "$dir" limited --store "$dir/limited-store" --max-uploads 1 --max-blob-size 1k --max-manifest-size 2k || return 1
            ;;
        docker-registry)
            server_docker URL "$dir" open store '' '' || return 1
            server_docker AUTH_URL "$dir" auth auth-store '' "auth: {htpasswd: {realm: test, path: $dir/htpasswd}}" || return 1
            server_docker READONLY_URL "$dir" readonly store 'maintenance: {readonly: {enabled: true}}' '' || return 1
            LIMITED_URL=''
            ;;
    esac
}

# server_lichen VARIABLE DIR NAME OPTION...
server_lichen() {
    local -n url=$1
    local dir=$2 name=$3
    rm -f "$dir/$name.port"
    "$(lichen_registry)" --listen 127.0.0.1:0 --port-file "$dir/$name.port" "${@:4}" >"$dir/$name.log" 2>&1 </dev/null 3>&- &
    SERVERS+=("$!")
    wait_until 20 test -s "$dir/$name.port" || return 1
    url=http://127.0.0.1:$(<"$dir/$name.port")
}

# server_docker VARIABLE DIR NAME STORE STORAGE-LINE TOP-LINE: it says in its log where it listens.
server_docker() {
    local -n url=$1
    local dir=$2 name=$3
    : >"$dir/$name.log"
    cat >"$dir/$name.yml" <<YML
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $dir/$4}
  delete: {enabled: true}
  $5
http: {addr: "127.0.0.1:0", secret: test}
$6
YML
    OTEL_TRACES_EXPORTER=none docker-registry serve "$dir/$name.yml" >"$dir/$name.log" 2>&1 </dev/null 3>&- &
    SERVERS+=("$!")
    wait_until 20 grep -q 'listening on 127.0.0.1:[0-9]' "$dir/$name.log" || return 1
    url=http://127.0.0.1:$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/$name.log" | head -n 1)
}

servers_stop() {
    local pid
    for pid in "${SERVERS[@]}"; do
        kill "$pid" 2>/dev/null || :
    done
    for pid in "${SERVERS[@]}"; do
        wait "$pid" 2>/dev/null || :
    done
    SERVERS=()
}
