#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# lichen-registry as a program: its start and end, who is let in, what a kill leaves, what hostile clients try, and that podman and
# skopeo can use it. What the distribution-spec asks of every registry is in conformance/distribution.

load lib/lichen

setup() {
    requires --lane user command=curl
    lichen_setup
    PROGRAM=$LICHEN_BUILD/helpers/lichen-registry
    [[ -x $PROGRAM ]] || skip "lichen-registry is not built"
    SERVERS=()
}

teardown() {
    local pid
    for pid in "${SERVERS[@]}"; do
        kill -KILL "$pid" 2>/dev/null || :
    done
    # By number: bats has jobs of its own.
    [[ ${#SERVERS[@]} -eq 0 ]] || wait "${SERVERS[@]}" 2>/dev/null || :
    lichen_teardown
}

# serve OPTION...: sets URL, PORT and PID. STORE is $T/store unless a store or mirror is named. SCHEME=https for TLS.
serve() {
    rm -f "$T/port"
    [[ " $* " == *" --store "* || " $* " == *" --mirror "* ]] || set -- --store "$T/store" "$@"
    "$PROGRAM" --listen 127.0.0.1:0 --port-file "$T/port" "$@" >"$T/log" 2>&1 </dev/null 3>&- 4>&- &
    PID=$!
    SERVERS+=("$PID")
    wait_until 20 test -s "$T/port"
    PORT=$(<"$T/port")
    URL=${SCHEME:-http}://127.0.0.1:$PORT
}

# ask METHOD TARGET [CURL-OPTION...]: sets STATUS; the answer is in $T/body, $T/headers.
ask() {
    local method=(-X "$1") target=$2
    shift 2
    : >"$T/body"
    STATUS=$(curl -sS --path-as-is --globoff --max-time 60 -D "$T/headers" -o "$T/body" -w '%{http_code}' "${method[@]}" "$@" "$URL$target") || :
    echo "${method[*]} $target -> $STATUS $(head -c 200 "$T/body" | tr -d '\0')"
}
header() { tr -d '\r' <"$T/headers" | sed -n "s/^$1: //p"; }
digest_of() { echo "sha256:$(sha256sum <"$1" | cut -d ' ' -f 1)"; }
# push FILE REPOSITORY [CURL-OPTION...]: in one request.
push() { ask POST "/v2/$2/blobs/uploads/?digest=$(digest_of "$1")" -H 'Content-Type: application/octet-stream' --data-binary @"$1" "${@:3}"; }

# bcrypt of "secret"
HASH='$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'
users() { printf 'alice:%s\nrita:%s\n' "$HASH" "$HASH" >"$T/users"; }

@test "it tells when it serves, by port file and descriptor, and ends at SIGTERM with status 0" {
    local rc=0
    exec 9<>"$T/ready"
    serve --ready-fd 9
    exec 9>&-
    [[ $(<"$T/ready") == "127.0.0.1:$PORT" ]]
    ask GET /v2/
    [[ $STATUS == 200 ]]
    # Nothing of ours is open in it but its own: the store, the socket, the loop's.
    ! readlink "/proc/$PID/fd"/* 2>/dev/null | grep -q ready
    kill "$PID"
    wait "$PID" || rc=$?
    [[ $rc -eq 0 ]]
}

@test "a wrong command line says what is wrong" {
    refused() {
        capture "$PROGRAM" "${@:2}"
        [[ $status -eq 2 && $stderr == *"$1"* ]] || { echo "not like that: $*" && return 1; }
    }
    refused "one of --store and --mirror"
    refused "one of --store and --mirror" --store a --mirror b
    refused "unknown argument \"--nonsense\"" --nonsense
    refused "--max-uploads" --store a --max-uploads 0
    refused "--max-manifest-size" --store a --max-manifest-size 5m
    refused "--max-blob-size: \"x\"" --store a --max-blob-size x
    refused "--ready-fd: \"77\" is not an open descriptor" --store a --ready-fd 77
    refused "--tls-cert and --tls-key" --store a --tls-cert c
    refused "need --htpasswd" --store a --token
    capture "$PROGRAM" --store "$T/s" --listen nowhere:1
    [[ $status -eq 1 && $stderr == *"--listen: \"nowhere:1\" is not a numeric address"* ]]
    echo 'alice:{SHA}x' >"$T/users"
    capture "$PROGRAM" --store "$T/s" --htpasswd "$T/users"
    [[ $status -eq 1 && $stderr == *"line 1"*alice* ]]
    capture "$PROGRAM" --store "$T/s" --tls-cert "$T/users" --tls-key "$T/users" --listen 127.0.0.1:0
    [[ $status -eq 1 && $stderr == *"is this the certificate"* ]]
}

@test "--help, --version and the man page name the same options" {
    local option
    capture "$PROGRAM" --version
    [[ $status -eq 0 && $stdout == "lichen-registry "*libmicrohttpd* ]]
    "$PROGRAM" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p' >"$T/options"
    [[ $(wc -l <"$T/options") -gt 15 ]]
    while read -r option; do
        grep -qE "^\.BI? .*\\\\-\\\\-$option" "$LICHEN_SRC/docs/man/lichen-registry.8" || { echo "the man page lacks --$option" && return 1; }
    done <"$T/options"
    [[ $(grep -cE '^\.BI? \\-\\-' "$LICHEN_SRC/docs/man/lichen-registry.8") -eq $(($(wc -l <"$T/options") + 2)) ]]
}

@test "it cannot gain privileges, be traced or dumped" {
    serve
    grep -qx 'NoNewPrivs:.1' "/proc/$PID/status"
    grep -q '^Max core file size *0 *0' "/proc/$PID/limits"
    # Its memory is not the caller's to read: what is not dumpable belongs to root in /proc.
    [[ $EUID -eq 0 || $(stat -c %u "/proc/$PID/mem") -ne $EUID ]]
}

@test "with htpasswd: nobody, readers and users" {
    users
    serve --htpasswd "$T/users" --reader rita
    echo hello >"$T/blob"
    push "$T/blob" a
    [[ $STATUS == 401 && $(header WWW-Authenticate) == Basic* ]]
    push "$T/blob" a -u alice:wrong
    [[ $STATUS == 401 ]]
    push "$T/blob" a -u eve:secret
    [[ $STATUS == 401 ]]
    push "$T/blob" a -u alice:secret
    [[ $STATUS == 201 ]]
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")" -u rita:secret
    [[ $STATUS == 200 ]]
    push "$T/blob" a -u rita:secret
    [[ $STATUS == 403 && $(<"$T/body") == *DENIED* ]]
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")"
    [[ $STATUS == 401 ]]
    # Nothing was made for those who were not let in.
    [[ $(ls "$T/store") == a ]]
}

@test "with --anonymous-pull everybody may pull, and only users push" {
    users
    serve --htpasswd "$T/users" --anonymous-pull
    echo hello >"$T/blob"
    push "$T/blob" a -u alice:secret
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")"
    [[ $STATUS == 200 ]]
    push "$T/blob" a
    [[ $STATUS == 401 ]]
    # Where clients ask how to log in.
    ask GET /v2/
    [[ $STATUS == 401 ]]
}

@test "tokens: for what was asked and may be had, for their time, and for no other key" {
    local token scope
    users
    serve --htpasswd "$T/users" --reader rita --token --token-lifetime 2
    echo hello >"$T/blob"
    push "$T/blob" a/b
    [[ $STATUS == 401 ]]
    [[ $(header WWW-Authenticate) == "Bearer realm=\"$URL/token\",service=\"lichen-registry\",scope=\"repository:a/b:push\"" ]]
    scope='service=lichen-registry&scope=repository:a/b:pull,push'
    ask GET "/token?$scope"
    [[ $STATUS == 401 ]]
    ask GET "/token?$scope" -u alice:wrong
    [[ $STATUS == 401 ]]
    ask GET "/token?$scope" -u alice:secret
    [[ $STATUS == 200 && $(jq -r .expires_in "$T/body") == 2 ]]
    token=$(jq -r .token "$T/body")
    push "$T/blob" a/b -H "Authorization: Bearer $token"
    [[ $STATUS == 201 ]]
    push "$T/blob" a -H "Authorization: Bearer $token"
    [[ $STATUS == 401 && $(header WWW-Authenticate) == *'error="insufficient_scope"' ]]
    ask DELETE "/v2/a/b/blobs/$(digest_of "$T/blob")" -H "Authorization: Bearer $token"
    [[ $STATUS == 401 ]]
    push "$T/blob" a/b -H "Authorization: Bearer ${token%?}"
    [[ $STATUS == 401 && $(header WWW-Authenticate) == *'error="invalid_token"' ]]
    # A password is no token.
    push "$T/blob" a/b -u alice:secret
    [[ $STATUS == 401 ]]
    expired() { push "$T/blob" a/b -H "Authorization: Bearer $token" && [[ $STATUS == 401 ]]; }
    wait_until 20 expired
    # A reader asks for more than there is for her.
    ask GET "/token?$scope" -u rita:secret
    token=$(jq -r .token "$T/body")
    push "$T/blob" a/b -H "Authorization: Bearer $token"
    [[ $STATUS == 401 ]]
    ask GET "/v2/a/b/blobs/$(digest_of "$T/blob")" -H "Authorization: Bearer $token"
    [[ $STATUS == 200 ]]
}

@test "a self-made certificate is one that clients can trust, and plain HTTP is not answered" {
    SCHEME=https serve --tls-self-signed "$T/cert.pem"
    echo hello >"$T/blob"
    ask GET /v2/
    [[ $STATUS == 000 ]]
    ask GET /v2/ --cacert "$T/cert.pem"
    [[ $STATUS == 200 ]]
    push "$T/blob" a --cacert "$T/cert.pem"
    [[ $STATUS == 201 ]]
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")" --cacert "$T/cert.pem"
    cmp "$T/body" "$T/blob"
    URL=https://localhost:$PORT
    ask GET /v2/ --cacert "$T/cert.pem"
    [[ $STATUS == 200 ]]
    URL=http://127.0.0.1:$PORT
    ask GET /v2/
    [[ $STATUS != 200 ]]
    # The key is nowhere.
    ! grep -rqs 'PRIVATE KEY' "$T"
}

@test "a given certificate is served" {
    requires command=openssl
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" -days 2 -subj /CN=given -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    SCHEME=https serve --tls-cert "$T/cert.pem" --tls-key "$T/key.pem"
    ask GET /v2/ --cacert "$T/cert.pem"
    [[ $STATUS == 200 ]]
}

# The upload of a large blob that comes slowly, in the background; UPLOAD is its pid.
slow_upload() {
    local location
    ask POST /v2/a/blobs/uploads/ -H 'Content-Length: 0'
    location=$(header Location)
    curl -sS -o /dev/null -X PATCH -H 'Transfer-Encoding: chunked' -H 'Expect:' --limit-rate 200k -T "$T/large" "$URL$location" 2>/dev/null 3>&- 4>&- &
    UPLOAD=$!
    partial_grows() { [[ -n $(find "$T/store/a/.partial" -type f -size +8k 2>/dev/null) ]]; }
    wait_until 30 partial_grows
}

@test "kill -9 in the middle of an upload leaves a valid store; the next start sweeps it and goes on" {
    head -c 8000000 /dev/urandom >"$T/large"
    echo hello >"$T/blob"
    serve
    push "$T/blob" a
    slow_upload
    kill -KILL "$PID"
    wait "$PID" "$UPLOAD" || :
    [[ -n $(find "$T/store/a/.partial" -type f) ]]
    [[ $(find "$T/store/a/blobs" -type f | wc -l) -eq 1 ]]
    serve
    [[ -z $(find "$T/store/a/.partial" -type f) ]]
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")"
    cmp "$T/body" "$T/blob"
    push "$T/large" a
    [[ $STATUS == 201 ]]
    jq -e '.schemaVersion == 2 and .manifests == []' "$T/store/a/index.json"
}

@test "a second registry on the same store does not sweep the first one's upload" {
    head -c 2000000 /dev/urandom >"$T/large"
    serve
    slow_upload
    kill -STOP "$UPLOAD"
    serve
    [[ -n $(find "$T/store/a/.partial" -type f) ]]
    kill -CONT "$UPLOAD"
    kill -KILL "$UPLOAD"
    wait "$UPLOAD" || :
}

@test "a client that goes away in the middle can ask how far it got, and go on" {
    local location size
    head -c 4000000 /dev/urandom >"$T/large"
    serve
    slow_upload
    kill -KILL "$UPLOAD"
    wait "$UPLOAD" || :
    location=$(header Location)
    given_back() { ask GET "$location" && [[ $STATUS == 204 ]]; }
    wait_until 20 given_back
    size=$(header Range) && size=$((${size#0-} + 1))
    [[ $size -gt 1 && $size -lt 4000000 ]]
    tail -c "+$((size + 1))" "$T/large" >"$T/rest"
    ask PUT "$location?digest=$(digest_of "$T/large")" -H 'Content-Type: application/octet-stream' -H "Content-Range: $size-3999999" --data-binary @"$T/rest"
    [[ $STATUS == 201 ]]
}

@test "concurrent pushes of the same and of other tags lose nothing" {
    local i pids=()
    serve
    printf '{}' >"$T/config"
    push "$T/config" a
    manifest() {
        printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/x-c","digest":"%s","size":2},"layers":[],"annotations":{"n":"%s"}}' \
            "$(digest_of "$T/config")" "$1" >"$T/manifest.$1"
    }
    for i in {1..16}; do
        manifest "$i"
        (
            curl -sS -o /dev/null -X POST -H 'Content-Type: application/octet-stream' --data-binary @"$T/manifest.$i" "$URL/v2/a/blobs/uploads/?digest=$(digest_of "$T/manifest.$i")"
            for tag in "t$i" same; do
                curl -sS -o /dev/null -f -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary @"$T/manifest.$i" "$URL/v2/a/manifests/$tag"
            done
        ) 3>&- 4>&- &
        pids+=("$!")
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    ask GET /v2/a/tags/list
    [[ $(jq '.tags | length' "$T/body") -eq 17 ]]
    for i in {1..16}; do
        ask GET "/v2/a/manifests/t$i"
        cmp "$T/body" "$T/manifest.$i"
        ask GET "/v2/a/manifests/$(digest_of "$T/manifest.$i")"
        [[ $STATUS == 200 ]]
    done
    [[ -z $(find "$T/store/a/.partial" -type f) ]]
}

@test "two requests to one upload do not mix" {
    local location
    head -c 2000000 /dev/urandom >"$T/large"
    serve
    slow_upload
    location=$(header Location)
    ask PATCH "$location" -H 'Content-Type: application/octet-stream' --data-binary x
    [[ $STATUS == 409 && $(<"$T/body") == *BLOB_UPLOAD_INVALID* ]]
    kill -KILL "$UPLOAD"
    wait "$UPLOAD" || :
}

@test "read-only: nothing is written, not even by the start" {
    serve
    echo hello >"$T/blob"
    push "$T/blob" a
    kill "$PID"
    wait "$PID"
    chmod -R a-w "$T/store"
    find "$T/store" -printf '%p %T@ %s\n' | sort >"$T/before"
    serve --read-only
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")"
    [[ $STATUS == 200 ]]
    push "$T/blob" b
    [[ $STATUS == 405 && $(header Allow) == "GET, HEAD" ]]
    ask DELETE "/v2/a/blobs/$(digest_of "$T/blob")"
    [[ $STATUS == 405 ]]
    find "$T/store" -printf '%p %T@ %s\n' | sort | diff "$T/before" -
    chmod -R u+w "$T/store"
}

@test "hostile names and targets reach no file" {
    local target bad
    serve
    echo hello >"$T/blob"
    push "$T/blob" a
    echo secret >"$T/outside"
    bad=$(digest_of "$T/outside")
    for target in "/v2/../outside" "/v2/a/../../outside/blobs/$bad" "/v2/%2e%2e/%2e%2e/blobs/$bad" "/v2/a/blobs/sha256:../../../../outside" \
        "/v2/a/blobs/..%2f..%2f..%2foutside" "/v2/a/manifests/..%2f..%2f..%2foutside" "/v2/a%00/blobs/$bad" "/v2/a/manifests/x%00y" "/v2/a/manifests/%0d%0aX:y" \
        "/v2/a/blobs/uploads/..%2f..%2findex.json" "/v2/.partial/tags/list" "/v2/a/.partial/tags/list" "/v2//a/tags/list" "/v2/a//b/tags/list" \
        "/v2/a/%zz/tags/list" "/v2/$(printf 'a%.0s' {1..5000})/tags/list" "/v2/$(printf 'a/%.0s' {1..200})b/tags/list" "/$(printf 'a%.0s' {1..9000})" \
        "/v2/a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e" "/v2/a/blobs/sha256:" "/v2/a/blobs/sha512:00" "/v2/a/tags/list?n=-1" "/v2/a/tags/list?n=99999999999999999999" \
        "/v2/a/tags/list?last=%00" "/etc/passwd" "/v2/a/blobs/sha256%3A%2e%2e"; do
        ask GET "$target"
        [[ $STATUS == 4?? ]]
        ! grep -q secret "$T/body"
    done
    # Ways around curl: a NUL in the request line, a request that is none.
    for target in 'GET /v2/a\x00b/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' 'NONSENSE\r\n\r\n' 'GET /v2/ HTTP/1.1\r\nConnection: close\r\n\r\n' \
        'GET http://x/v2/a/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'; do
        # shellcheck disable=SC2059
        { printf "$target" | timeout 20 nc -q 5 -w 10 127.0.0.1 "$PORT" || :; } | tee "$T/raw" | head -n 1
        [[ $(head -c 12 "$T/raw" | tr -d '\0') != "HTTP/1.1 200" ]]
    done
    for target in '/v2/a%2e%2e/blobs/uploads/' '/v2/%2e%2e/x/blobs/uploads/' '/v2/A/blobs/uploads/'; do
        ask POST "$target" -H 'Content-Length: 0'
        [[ $STATUS == 400 && $(<"$T/body") == *NAME_INVALID* ]]
    done
    [[ $(ls -A "$T/store") == a ]]
    ask GET /v2/
    [[ $STATUS == 200 ]]
}

@test "links in the store are not followed" {
    serve
    echo hello >"$T/blob"
    push "$T/blob" a
    echo secret >"$T/outside"
    ln -s "$T/outside" "$T/store/a/blobs/sha256/$(sha256sum <"$T/outside" | cut -d ' ' -f 1)"
    ask GET "/v2/a/blobs/$(digest_of "$T/outside")"
    [[ $STATUS == 404 || $STATUS == 500 ]]
    ! grep -q secret "$T/body"
    ln -s "$T/store/a" "$T/store/b"
    ask GET "/v2/b/blobs/$(digest_of "$T/blob")"
    [[ $STATUS == 404 || $STATUS == 500 ]]
}

@test "a manifest that was changed on disk is not served" {
    local digest
    serve
    printf '{}' >"$T/config"
    push "$T/config" a
    printf '{"schemaVersion":2,"config":{"mediaType":"application/x-c","digest":"%s","size":2},"layers":[]}' "$(digest_of "$T/config")" >"$T/manifest"
    ask PUT /v2/a/manifests/v1 -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary @"$T/manifest"
    [[ $STATUS == 201 ]]
    digest=$(digest_of "$T/manifest")
    sed -i 's/layers/Layers/' "$T/store/a/blobs/sha256/${digest#sha256:}"
    ask GET /v2/a/manifests/v1
    [[ $STATUS == 500 ]]
}

@test "limits: blobs by their announced and by their real length, uploads at a time" {
    serve --max-blob-size 1k --max-uploads 2
    head -c 1024 /dev/zero >"$T/fits"
    head -c 1025 /dev/zero >"$T/large"
    push "$T/fits" a
    [[ $STATUS == 201 ]]
    push "$T/large" a
    [[ $STATUS == 413 && $(<"$T/body") == *SIZE_INVALID* ]]
    ask POST "/v2/a/blobs/uploads/?digest=$(digest_of "$T/large")" -H 'Transfer-Encoding: chunked' -H 'Content-Type: application/octet-stream' --data-binary @"$T/large"
    [[ $STATUS == 413 ]]
    ask POST /v2/a/blobs/uploads/ -H 'Content-Length: 0'
    ask POST /v2/a/blobs/uploads/ -H 'Content-Length: 0'
    [[ $STATUS == 202 ]]
    ask POST /v2/a/blobs/uploads/ -H 'Content-Length: 0'
    [[ $STATUS == 429 && $(header Retry-After) -gt 0 ]]
}

@test "a full disk is 507, leaves nothing half, and the registry goes on" {
    requires userns
    cat >"$T/inside" <<'SCRIPT'
mount -t tmpfs -o size=1m none "$T/small" && exec "$PROGRAM" --store "$T/small" --listen 127.0.0.1:0 --port-file "$T/port"
SCRIPT
    mkdir "$T/small"
    export T PROGRAM
    unshare --user --map-root-user --mount sh "$T/inside" >"$T/log" 2>&1 </dev/null 3>&- 4>&- &
    SERVERS+=("$!")
    wait_until 20 test -s "$T/port"
    URL=http://127.0.0.1:$(<"$T/port")
    head -c 4000000 /dev/zero >"$T/large"
    push "$T/large" a
    [[ $STATUS == 507 ]]
    echo hello >"$T/blob"
    push "$T/blob" a
    [[ $STATUS == 201 ]]
}

@test "--mirror serves layouts that others have made, with what their indexes name" {
    local child
    mkdir -p "$T/tree/lib/tool/blobs/sha256"
    printf '{"imageLayoutVersion": "1.0.0"}' >"$T/tree/lib/tool/oci-layout"
    printf '{}' >"$T/config"
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/x-c","digest":"%s","size":2},"layers":[]}' "$(digest_of "$T/config")" >"$T/child"
    child=$(digest_of "$T/child")
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%d}]}' "$child" "$(stat -c %s "$T/child")" >"$T/all"
    for file in config child all; do
        cp "$T/$file" "$T/tree/lib/tool/blobs/sha256/$(sha256sum <"$T/$file" | cut -d ' ' -f 1)"
    done
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"1.0"}}]}' \
        "$(digest_of "$T/all")" "$(stat -c %s "$T/all")" >"$T/tree/lib/tool/index.json"
    serve --mirror "$T/tree"
    ask GET /v2/lib/tool/tags/list
    [[ $(jq -c .tags "$T/body") == '["1.0"]' ]]
    ask GET /v2/lib/tool/manifests/1.0
    cmp "$T/body" "$T/all"
    # Named by the index alone, as skopeo leaves it.
    ask GET "/v2/lib/tool/manifests/$child"
    cmp "$T/body" "$T/child"
    [[ $(header Content-Type) == application/vnd.oci.image.manifest.v1+json ]]
    # A blob is no manifest because somebody says so.
    ask GET "/v2/lib/tool/manifests/$(digest_of "$T/config")"
    [[ $STATUS == 404 ]]
    push "$T/config" lib/tool
    [[ $STATUS == 405 ]]
    capture "$PROGRAM" --mirror "$T/tree/lib/tool" --listen 127.0.0.1:0
    [[ $status -eq 1 && $stderr == *"is an image layout itself"*"parent directory"* ]]
}

@test "metrics count requests, bytes, blobs and uploads; the access log has a line a request" {
    metric() { awk -v name="$1" '$1 == name { print $2 }' "$T/body"; }
    users
    serve --access-log "$T/access" --htpasswd "$T/users"
    echo hello >"$T/blob"
    push "$T/blob" a -u alice:secret
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")" -u alice:secret
    ask GET "/v2/a/blobs/$(digest_of "$T/blob")"
    ask POST /v2/a/blobs/uploads/ -u alice:secret -H 'Content-Length: 0'
    # The last answer is sent before it is counted.
    counted() { ask GET /metrics && [[ $(metric 'lichen_registry_requests_total{class="2xx"}') -ge 3 ]]; }
    wait_until 10 counted
    [[ $(header Content-Type) == application/openmetrics-text* && $(tail -n 1 "$T/body") == "# EOF" ]]
    [[ $(metric 'lichen_registry_requests_total{class="4xx"}') -eq 1 && $(metric lichen_registry_unauthorized_total) -eq 1 ]]
    [[ $(metric lichen_registry_received_bytes_total) -eq 6 && $(metric lichen_registry_sent_bytes_total) -ge 6 ]]
    [[ $(metric lichen_registry_blobs_pushed_total) -eq 1 && $(metric lichen_registry_uploads) -eq 1 ]]
    grep -qE "^[0-9TZ:-]+ 201 POST /v2/a/blobs/uploads/\?digest=sha256:[0-9a-f]{64} 6 alice$" "$T/access"
    grep -qE " 401 GET /v2/a/blobs/sha256:[0-9a-f]{64} 0 -$" "$T/access"
}

@test "skopeo pushes to it and pulls from it, byte for byte, and reads its store" {
    requires command=skopeo
    local digest
    serve
    # A layout is made by the registry itself; skopeo copies it on.
    printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}' >"$T/config"
    push "$T/config" a
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\n"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}' \
        "$(digest_of "$T/config")" "$(stat -c %s "$T/config")" >"$T/manifest"
    ask PUT /v2/a/manifests/v1 -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary @"$T/manifest"
    [[ $STATUS == 201 ]]
    digest=$(digest_of "$T/manifest")
    skopeo --insecure-policy copy --preserve-digests --src-tls-verify=false --dest-tls-verify=false "docker://127.0.0.1:$PORT/a:v1" "docker://127.0.0.1:$PORT/b/c:v2"
    ask GET /v2/b/c/manifests/v2
    cmp "$T/body" "$T/manifest"
    skopeo --insecure-policy copy --preserve-digests --src-tls-verify=false "docker://127.0.0.1:$PORT/b/c:v2" "oci:$T/copy:v2"
    [[ $(jq -r '.manifests[0].digest' "$T/copy/index.json") == "$digest" ]]
    skopeo --insecure-policy inspect "oci:$T/store/b/c:v2" --raw | cmp - "$T/manifest"
    skopeo --insecure-policy list-tags --tls-verify=false "docker://127.0.0.1:$PORT/b/c" | jq -e '.Tags == ["v2"]'
    skopeo --insecure-policy delete --tls-verify=false "docker://127.0.0.1:$PORT/b/c:v2"
    ask GET /v2/b/c/manifests/v2
    [[ $STATUS == 404 ]]
}

@test "skopeo logs in with a password and with tokens" {
    requires command=skopeo
    users
    printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}' >"$T/config"
    mkdir -p "$T/image/blobs/sha256"
    printf '{"imageLayoutVersion": "1.0.0"}' >"$T/image/oci-layout"
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}' \
        "$(digest_of "$T/config")" "$(stat -c %s "$T/config")" >"$T/manifest"
    for file in config manifest; do
        cp "$T/$file" "$T/image/blobs/sha256/$(sha256sum <"$T/$file" | cut -d ' ' -f 1)"
    done
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}' \
        "$(digest_of "$T/manifest")" "$(stat -c %s "$T/manifest")" >"$T/image/index.json"
    for mode in --anonymous-pull --token; do
        serve --store "$T/store$mode" --htpasswd "$T/users" "$mode"
        ! skopeo --insecure-policy copy --dest-tls-verify=false "oci:$T/image:v1" "docker://127.0.0.1:$PORT/a:v1"
        ! skopeo --insecure-policy copy --dest-tls-verify=false --dest-creds alice:wrong "oci:$T/image:v1" "docker://127.0.0.1:$PORT/a:v1"
        skopeo --insecure-policy copy --dest-tls-verify=false --dest-creds alice:secret "oci:$T/image:v1" "docker://127.0.0.1:$PORT/a:v1"
        skopeo --insecure-policy inspect --tls-verify=false --creds alice:secret "docker://127.0.0.1:$PORT/a:v1" --raw | cmp - "$T/manifest"
    done
}

@test "the official suite's hook gives it both sets of variables and wants a report" {
    local run=$LICHEN_SRC/conformance/distribution/run
    mkdir "$T/tmp"
    hook() { capture env -u BATS_RUN_TMPDIR -u BATS_TEST_TMPDIR TMPDIR="$T/tmp" DISTRIBUTION_CONFORMANCE="$T/official" "$run" --registry lichen-registry base --junit "$T/junit.xml" --html "$T/report.html"; }
    cat >"$T/official" <<'SCRIPT'
#!/bin/sh
[ "$OCI_TEST_PULL$OCI_TEST_PUSH$OCI_TEST_CONTENT_DISCOVERY$OCI_TEST_CONTENT_MANAGEMENT" = 1111 ] || exit 3
[ "$OCI_ROOT_URL" = "http://$OCI_REGISTRY" ] && [ "$OCI_NAMESPACE" = "$OCI_REPO1" ] && [ "$OCI_CROSSMOUNT_NAMESPACE" = "$OCI_REPO2" ] || exit 4
[ "$OCI_API_REFERRER$OCI_API_PUSH$OCI_TLS" = truetruedisabled ] && [ -d "$OCI_RESULTS_DIR" ] && [ -d "$OCI_REPORT_DIR" ] || exit 5
curl -fsS "$OCI_ROOT_URL/v2/" || exit 6
[ -e "${0%/*}/silent" ] || echo '<testsuite/>' >"$OCI_RESULTS_DIR/junit.xml"
[ ! -e "${0%/*}/fails" ] || exit 1
SCRIPT
    chmod +x "$T/official"
    hook
    [[ $status -eq 0 && $stdout == *"ok 2 - official suite: official"* ]]
    [[ -e $T/report-official/junit.xml ]]
    grep -q 'tests="2" failures="0"' "$T/junit.xml"
    grep -q '<td>base</td><td>pass</td>' "$T/report.html"
    : >"$T/fails"
    hook
    [[ $status -eq 1 && $stdout == *"not ok 2 - official suite: official"*"status 1"* ]]
    rm "$T/fails" && : >"$T/silent"
    hook
    [[ $status -eq 1 && $stdout == *"not ok 2 - official suite: official"* ]]
    grep -q 'failures="1"' "$T/junit.xml"
    rm -rf "$T/report-official"
}

@test "the distribution harness: a case passes by its assertions, a known difference is shown, a registry that does not start fails" {
    local run=$LICHEN_SRC/conformance/distribution/run
    mkdir "$T/cases"
    cat >"$T/cases/one.bash" <<'CASES'
conformance_case good --spec spec.md --proves x --asserts 1
case_good() { get /v2/; is status "$STATUS" 200; }
conformance_case wrong --spec spec.md --proves x --asserts 1
case_wrong() { get /v2/; is status "$STATUS" 404; }
conformance_case fewer --spec spec.md --proves x --asserts 2
case_fewer() { is a 1 1; }
conformance_case ends --spec spec.md --proves x --asserts 1
case_ends() { is a 1 1; false; true; }
conformance_case differs --spec spec.md --proves x --asserts 1 --differs "lichen-registry: for a test"
case_differs() { is a 1 2; }
CASES
    harness() { capture env -u BATS_RUN_TMPDIR -u BATS_TEST_TMPDIR CONFORMANCE_CASES="$T/cases" TMPDIR="$T" "$@" --registry lichen-registry; }
    harness "$run"
    [[ $status -eq 1 && $(grep -c '^ok' <<<"$stdout") -eq 2 && $(grep -c '^not ok' <<<"$stdout") -eq 3 ]]
    [[ $stdout == *"ok 1 - lichen-registry: good"*"not ok 2"*"not ok 3"*"1 assertions made, 2 announced"*"not ok 4"*"ended with status 1"* ]]
    [[ $stdout == *"# differs as known: lichen-registry: differs: for a test"* ]]
    printf '#!/bin/sh\nexit 1\n' >"$T/broken" && chmod +x "$T/broken"
    LICHEN_SLOW=1 LICHEN_REGISTRY=$T/broken harness "$run" good
    [[ $status -eq 1 && $stdout == *"not ok 1 - lichen-registry starts"* ]]
}
