# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # STATUS, DIGEST ...: lib.bash
#
# distribution-spec 1.1 "Determining Support", "Pull": end-1, end-2, end-3.

conformance_case base --spec spec.md#determining-support --asserts 3 --quick --proves "GET and HEAD of /v2/ answer 200; a path without a meaning 404"
case_base() {
    get /v2/
    is GET "$STATUS" 200
    head_ /v2/
    is HEAD "$STATUS" 200
    get /v2/no/such/endpoint/here
    is elsewhere "$STATUS" 404
}

conformance_case blob_get --spec spec.md#pulling-blobs --asserts 4 --quick --proves "GET of a blob answers 200, its bytes, their number and its digest"
case_blob_get() {
    push_blob "hello blob"
    get "blobs/$DIGEST"
    is status "$STATUS" 200
    is content "$(body)" "hello blob"
    is Content-Length "$(header Content-Length)" 10
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$DIGEST"
}

conformance_case blob_head --spec spec.md#checking-if-content-exists-in-the-registry --asserts 4 --quick \
    --proves "HEAD of a blob answers as GET does, without the content"
case_blob_head() {
    push_blob "hello head"
    head_ "blobs/$DIGEST"
    is status "$STATUS" 200
    is Content-Length "$(header Content-Length)" 10
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$DIGEST"
    head_ "blobs/$NOWHERE"
    is "no such blob" "$STATUS" 404
}

conformance_case blob_unknown --spec spec.md#pulling-blobs --asserts 1 --quick --proves "a blob that is not in the repository is 404 BLOB_UNKNOWN"
case_blob_unknown() {
    push_blob x
    get "blobs/$NOWHERE"
    fails GET 404 BLOB_UNKNOWN
}

conformance_case blob_of_other_repository --spec spec.md#pulling-blobs --asserts 2 --proves "a blob is in the repository it was pushed to and in no other"
case_blob_of_other_repository() {
    push_blob "only here $REPO"
    get "/v2/$REPO/elsewhere/blobs/$DIGEST"
    is "a repository below" "$STATUS" 404
    get "/v2/${REPO//\//_}/blobs/$DIGEST"
    is "one whose name differs by _ for /" "$STATUS" 404
}

conformance_case blob_range --spec spec.md#pulling-blobs --asserts 7 --proves "a range of a blob is 206 with Content-Range, or 416 where the blob has nothing"
case_blob_range() {
    push_blob 0123456789
    get "blobs/$DIGEST" -H 'Range: bytes=2-4'
    is status "$STATUS" 206
    is content "$(body)" 234
    is Content-Range "$(header Content-Range)" "bytes 2-4/10"
    get "blobs/$DIGEST" -H 'Range: bytes=7-'
    is "without an end" "$STATUS $(body)" "206 789"
    get "blobs/$DIGEST" -H 'Range: bytes=-2'
    is "from the end" "$STATUS $(body)" "206 89"
    get "blobs/$DIGEST" -H 'Range: bytes=5-99'
    is "beyond the end" "$STATUS $(body)" "206 56789"
    get "blobs/$DIGEST" -H 'Range: bytes=10-'
    is "nothing of it" "$STATUS" 416
}

conformance_case blob_range_ignored --spec spec.md#pulling-blobs --asserts 2 --proves "a Range header that is none is passed over (RFC 9110 section 14.2)" \
    --differs "docker-registry: it answers 416 to a range it cannot parse"
case_blob_range_ignored() {
    push_blob 0123456789
    get "blobs/$DIGEST" -H 'Range: lines=2-4'
    is "other units" "$STATUS $(body)" "200 0123456789"
    get "blobs/$DIGEST" -H 'Range: bytes=4-2'
    is "last before first" "$STATUS $(body)" "200 0123456789"
}

conformance_case blob_etag --spec spec.md#pulling-blobs --asserts 2 --proves "a client that has the blob by its ETag gets 304"
case_blob_etag() {
    push_blob cached
    get "blobs/$DIGEST"
    unlike ETag "$(header ETag)" ""
    get "blobs/$DIGEST" -H "If-None-Match: $(header ETag)"
    is status "$STATUS" 304
}

conformance_case blob_empty --spec spec.md#pulling-blobs --asserts 2 --proves "the blob without content is one like others"
case_blob_empty() {
    push_blob ''
    get "blobs/$DIGEST"
    is status "$STATUS" 200
    is Content-Length "$(header Content-Length)" 0
}

conformance_case manifest_by_tag --spec spec.md#pulling-manifests --asserts 4 --quick \
    --proves "GET of a manifest by tag answers 200, byte for byte what was pushed, its type and its digest"
case_manifest_by_tag() {
    push_image v1
    get manifests/v1 -H "Accept: $IMAGE"
    is status "$STATUS" 200
    holds "byte for byte" cmp body manifest
    is Content-Type "$(header Content-Type)" "$IMAGE"
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$MANIFEST"
}

conformance_case manifest_by_digest --spec spec.md#pulling-manifests --asserts 3 --quick --proves "and by digest the same"
case_manifest_by_digest() {
    push_image v1
    get "manifests/$MANIFEST" -H "Accept: $IMAGE"
    is status "$STATUS" 200
    holds "byte for byte" cmp body manifest
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$MANIFEST"
}

conformance_case manifest_head --spec spec.md#checking-if-content-exists-in-the-registry --asserts 5 --quick \
    --proves "HEAD of a manifest answers as GET does, without the content"
case_manifest_head() {
    push_image v1
    head_ manifests/v1 -H "Accept: $IMAGE"
    is status "$STATUS" 200
    is Content-Length "$(header Content-Length)" "$(stat -c %s manifest)"
    is Content-Type "$(header Content-Type)" "$IMAGE"
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$MANIFEST"
    head_ manifests/v2
    is "no such tag" "$STATUS" 404
}

conformance_case manifest_unknown --spec spec.md#pulling-manifests --asserts 3 --quick --proves "a manifest that is not in the repository is 404 MANIFEST_UNKNOWN"
case_manifest_unknown() {
    push_image v1
    get manifests/v2
    fails "by tag" 404 MANIFEST_UNKNOWN
    get "manifests/$NOWHERE"
    fails "by digest" 404 MANIFEST_UNKNOWN
    get manifests/.INVALID_MANIFEST_NAME
    is "what is no tag" "$STATUS" 404
}

conformance_case repository_unknown --spec spec.md#error-codes --asserts 3 --proves "whatever is asked of a repository nobody has pushed to is 404"
case_repository_unknown() {
    get manifests/latest
    is manifest "$STATUS" 404
    get "blobs/$NOWHERE"
    is blob "$STATUS" 404
    get tags/list
    fails tags 404 NAME_UNKNOWN
}

conformance_case index --spec spec.md#pulling-manifests --asserts 3 --proves "an index is kept like an image, with its own type"
case_index() {
    push_image v1
    jq -n --arg digest "$MANIFEST" --argjson size "$(stat -c %s manifest)" --arg image "$IMAGE" --arg index "$INDEX" \
        '{schemaVersion: 2, mediaType: $index, manifests: [{mediaType: $image, digest: $digest, size: $size, platform: {os: "linux", architecture: "amd64"}}]}' >all
    put_manifest all "$INDEX" all
    is PUT "$STATUS" 201
    get manifests/all -H "Accept: $INDEX"
    holds "byte for byte" cmp body all
    is Content-Type "$(header Content-Type)" "$INDEX"
}
