# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # STATUS, DIGEST ...: lib.bash
#
# distribution-spec 1.1 "Push": end-4a, end-4b, end-5, end-6, end-7, end-11, end-13.

conformance_case upload_post_put --spec spec.md#post-then-put --asserts 5 --quick --proves "POST answers 202 with a Location, PUT there 201 with the blob's"
case_upload_post_put() {
    printf content >blob
    DIGEST=$(digest_of blob)
    post blobs/uploads/ -H 'Content-Length: 0'
    is POST "$STATUS" 202
    like Location "$(location)" "http*"
    put "$(with "$(location)" "digest=$DIGEST")" "${OCTETS[@]}" --data-binary @blob
    is PUT "$STATUS" 201
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$DIGEST"
    get "$(location)"
    is "Location has it" "$STATUS $(body)" "200 content"
}

conformance_case upload_single_post --spec spec.md#single-post --asserts 2 --proves "POST with digest and the content answers 201, and the blob is there" \
    --differs "docker-registry: it does not support it and answers 202, which the specification allows"
case_upload_single_post() {
    printf 'single %s' "$REPO" >blob
    DIGEST=$(digest_of blob)
    post "blobs/uploads/?digest=$DIGEST" "${OCTETS[@]}" --data-binary @blob
    is POST "$STATUS" 201
    get "blobs/$DIGEST"
    is GET "$STATUS" 200
}

conformance_case upload_wrong_digest --spec spec.md#post-then-put --asserts 4 --quick --proves "content that has not the digest is refused, 400 DIGEST_INVALID, and no blob"
case_upload_wrong_digest() {
    printf 'one %s' "$REPO" >blob
    DIGEST=$(digest_of blob)
    start_upload
    put "$(with "$SESSION" "digest=$DIGEST")" "${OCTETS[@]}" --data-binary "another $REPO"
    fails PUT 400 DIGEST_INVALID
    get "blobs/$DIGEST"
    is "no blob of that name" "$STATUS" 404
    printf 'another %s' "$REPO" >other
    get "blobs/$(digest_of other)"
    is "nor of the other" "$STATUS" 404
    start_upload
    put "$(with "$SESSION" digest=sha256:bad)" "${OCTETS[@]}" --data-binary @blob
    fails "a digest that is none" 400 DIGEST_INVALID
}

conformance_case upload_without_digest --spec spec.md#post-then-put --asserts 1 --proves "PUT without a digest is refused"
case_upload_without_digest() {
    start_upload
    put "$SESSION" "${OCTETS[@]}" --data-binary x
    fails PUT 400 DIGEST_INVALID
}

conformance_case upload_chunks --spec spec.md#pushing-a-blob-in-chunks --asserts 7 --quick \
    --proves "chunks in order answer 202 with Location and Range, and PUT closes the upload"
case_upload_chunks() {
    printf 0123456789 >blob
    DIGEST=$(digest_of blob)
    start_upload
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: 0-3' --data-binary 0123
    is "first chunk" "$STATUS" 202
    is Range "$(header Range)" 0-3
    SESSION=$(location)
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: 4-6' --data-binary 456
    is "second chunk" "$STATUS $(header Range)" "202 0-6"
    get "$(location)"
    is "status by GET" "$STATUS" 204
    is "Range of the status" "$(header Range)" 0-6
    put "$(with "$(location)" "digest=$DIGEST")" "${OCTETS[@]}" -H 'Content-Range: 7-9' --data-binary 789
    is "last chunk by PUT" "$STATUS" 201
    get "blobs/$DIGEST"
    is blob "$(body)" 0123456789
}

conformance_case upload_chunk_order --spec spec.md#pushing-a-blob-in-chunks --asserts 5 \
    --proves "a chunk that does not go on where the upload is answers 416 and changes nothing" \
    --differs "docker-registry: 2.8 does not look at Content-Range"
case_upload_chunk_order() {
    printf 0123456789 >blob
    DIGEST=$(digest_of blob)
    start_upload
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: 0-3' --data-binary 0123
    SESSION=$(location)
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: 6-9' --data-binary 6789
    is "a gap" "$STATUS" 416
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: 0-3' --data-binary 0123
    is "once more" "$STATUS" 416
    put "$(with "$SESSION" "digest=$DIGEST")" "${OCTETS[@]}" -H 'Content-Range: 6-9' --data-binary 6789
    is "a gap by PUT" "$STATUS" 416
    get "$SESSION"
    is "nothing has changed" "$(header Range)" 0-3
    put "$(with "$(location)" "digest=$DIGEST")" "${OCTETS[@]}" -H 'Content-Range: 4-9' --data-binary 456789
    is "the right one" "$STATUS" 201
}

conformance_case upload_chunk_range_form --spec spec.md#pushing-a-blob-in-chunks --asserts 3 \
    --proves "a Content-Range that is no FIRST-LAST answers 416, one of another length SIZE_INVALID" \
    --differs "docker-registry: 2.8 does not look at Content-Range"
case_upload_chunk_range_form() {
    start_upload
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: all' --data-binary 0123
    is "not a range" "$STATUS" 416
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: 3-0' --data-binary 0123
    is "last before first" "$STATUS" 416
    patch "$SESSION" "${OCTETS[@]}" -H 'Content-Range: 0-9' --data-binary 0123
    fails "another length" 400 SIZE_INVALID
}

conformance_case upload_stream --spec spec.md#pushing-a-blob-in-chunks --asserts 3 --proves "PATCH without Content-Range appends, also with chunked transfer encoding"
case_upload_stream() {
    head -c 300000 /dev/urandom >blob
    DIGEST=$(digest_of blob)
    start_upload
    patch "$SESSION" "${OCTETS[@]}" -H 'Transfer-Encoding: chunked' -T blob
    is PATCH "$STATUS $(header Range)" "202 0-299999"
    put "$(with "$(location)" "digest=$DIGEST")" -H 'Content-Length: 0'
    is PUT "$STATUS" 201
    get "blobs/$DIGEST"
    holds "byte for byte" cmp body blob
}

conformance_case upload_status --spec spec.md#pushing-a-blob-in-chunks --asserts 3 --proves "GET of an upload answers 204 with Location and Range (end-13)"
case_upload_status() {
    start_upload
    get "$SESSION"
    is status "$STATUS" 204
    like Range "$(header Range)" "0-*"
    like Location "$(location)" "http*/blobs/uploads/*"
}

conformance_case upload_cancel --spec spec.md#endpoints --asserts 4 --proves "DELETE of an upload ends it: then it is 404 BLOB_UPLOAD_UNKNOWN"
case_upload_cancel() {
    start_upload
    delete "$SESSION"
    is DELETE "$STATUS" 204
    get "$SESSION"
    fails GET 404 BLOB_UPLOAD_UNKNOWN
    patch "$SESSION" "${OCTETS[@]}" --data-binary x
    fails PATCH 404 BLOB_UPLOAD_UNKNOWN
    put "$(with "$SESSION" "digest=$NOWHERE")" "${OCTETS[@]}" --data-binary x
    fails PUT 404 BLOB_UPLOAD_UNKNOWN
}

conformance_case upload_ended --spec spec.md#post-then-put --asserts 1 --proves "an upload that has become a blob is known no more"
case_upload_ended() {
    push_blob finished
    get "$SESSION"
    is GET "$STATUS" 404
}

conformance_case upload_of_other_repository --spec spec.md#post-then-put --asserts 1 --proves "an upload belongs to its repository" \
    --differs "docker-registry: the URL's signed state is wrong then: 404 too, but BLOB_UPLOAD_INVALID"
case_upload_of_other_repository() {
    start_upload
    patch "${SESSION/$REPO/$REPO/other}" "${OCTETS[@]}" --data-binary x
    fails PATCH 404 BLOB_UPLOAD_UNKNOWN
}

conformance_case upload_sha512 --spec spec.md#content-digests --asserts 3 --proves "a blob may be known by its sha512" \
    --differs "docker-registry: 2.8 answers with the sha256 and has the blob under both"
case_upload_sha512() {
    push_blob "sha512 $REPO" sha512
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$DIGEST"
    get "blobs/$DIGEST"
    is GET "$STATUS $(body)" "200 sha512 $REPO"
    get "blobs/$(digest_of blob)"
    is "it is not known by another" "$STATUS" 404
}

conformance_case mount --spec spec.md#mounting-a-blob-from-another-repository --asserts 4 --quick \
    --proves "POST with mount and from answers 201 with the blob's Location, and the blob is there"
case_mount() {
    local from=$REPO
    push_blob "mounted $REPO"
    REPO=$REPO/target
    post "blobs/uploads/?mount=$DIGEST&from=$from" -H 'Content-Length: 0'
    is POST "$STATUS" 201
    like Location "$(location)" "*/v2/$REPO/blobs/$DIGEST"
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$DIGEST"
    get "blobs/$DIGEST"
    is GET "$STATUS $(body)" "200 mounted $from"
}

conformance_case mount_refused --spec spec.md#mounting-a-blob-from-another-repository --asserts 3 \
    --proves "what cannot be mounted is uploaded instead: 202 with a Location that takes it"
case_mount_refused() {
    push_blob "not mounted $REPO"
    post "blobs/uploads/?mount=$NOWHERE&from=$REPO" -H 'Content-Length: 0'
    is "no such blob" "$STATUS" 202
    post "blobs/uploads/?mount=$DIGEST&from=conf/no-such-repository" -H 'Content-Length: 0'
    is "no such repository" "$STATUS" 202
    put "$(with "$(location)" "digest=$DIGEST")" "${OCTETS[@]}" --data-binary @blob
    is PUT "$STATUS" 201
}

conformance_case mount_anonymous --spec spec.md#mounting-a-blob-from-another-repository --asserts 2 --proves "without from the registry looks for the blob itself" \
    --differs "docker-registry: 2.8 wants from and answers 202, which the specification allows"
case_mount_anonymous() {
    push_blob "found $REPO"
    REPO=$REPO/target
    post "blobs/uploads/?mount=$DIGEST" -H 'Content-Length: 0'
    is POST "$STATUS" 201
    head_ "blobs/$DIGEST"
    is HEAD "$STATUS" 200
}

conformance_case manifest_put --spec spec.md#pushing-manifests --asserts 4 --quick --proves "PUT of a manifest by tag answers 201 with Location and digest"
case_manifest_put() {
    make_manifest
    put_manifest v1
    is PUT "$STATUS" 201
    is Docker-Content-Digest "$(header Docker-Content-Digest)" "$MANIFEST"
    like Location "$(location)" "*/v2/$REPO/manifests/*"
    get "$(location)" -H "Accept: $IMAGE"
    holds "Location has it" cmp body manifest
}

conformance_case manifest_put_by_digest --spec spec.md#pushing-manifests --asserts 4 --proves "PUT by digest needs the manifest's own: else 400 DIGEST_INVALID"
case_manifest_put_by_digest() {
    make_manifest
    put_manifest "$MANIFEST"
    is PUT "$STATUS" 201
    get "manifests/$MANIFEST" -H "Accept: $IMAGE"
    holds "byte for byte" cmp body manifest
    put_manifest "$NOWHERE"
    fails "another digest" 400 DIGEST_INVALID
    get "manifests/$NOWHERE"
    is "there is none" "$STATUS" 404
}

conformance_case manifest_put_sha512 --spec spec.md#pushing-manifests --asserts 2 --proves "a manifest may be put by its sha512" \
    --differs "docker-registry: 2.8 compares with the sha256"
case_manifest_put_sha512() {
    make_manifest
    put_manifest "$(digest_of manifest sha512)"
    is PUT "$STATUS" 201
    get "manifests/$(digest_of manifest sha512)" -H "Accept: $IMAGE"
    holds "byte for byte" cmp body manifest
}

conformance_case manifest_invalid --spec spec.md#pushing-manifests --asserts 4 --quick --proves "what is no manifest is 400 MANIFEST_INVALID" \
    --differs "docker-registry: 2.8 answers 500 to a schemaVersion it does not know"
case_manifest_invalid() {
    make_manifest
    echo 'not JSON' >bad
    put_manifest v1 "$IMAGE" bad
    fails "not JSON" 400 MANIFEST_INVALID
    jq '.schemaVersion = 7' manifest >bad
    put_manifest v1 "$IMAGE" bad
    fails "another schemaVersion" 400 MANIFEST_INVALID
    jq '.layers[0].digest = 7' manifest >bad
    put_manifest v1 "$IMAGE" bad
    fails "a digest that is a number" 400 MANIFEST_INVALID
    get manifests/v1
    is "there is none" "$STATUS" 404
}

conformance_case manifest_both --spec spec.md#pushing-manifests --asserts 2 \
    --proves "a document that is image and index at once, or of another type than it says, is 400 MANIFEST_INVALID (CVE-2021-41190)"
case_manifest_both() {
    make_manifest '.manifests = []'
    put_manifest v1
    fails "layers and manifests" 400 MANIFEST_INVALID
    make_manifest
    put_manifest v1 "$INDEX"
    fails "another Content-Type" 400 MANIFEST_INVALID
}

conformance_case manifest_blob_unknown --spec spec.md#error-codes --asserts 3 \
    --proves "a manifest that names blobs which are not here may be refused: 404 MANIFEST_BLOB_UNKNOWN, with each digest" \
    --differs "docker-registry: its status for it is 400, and the detail is the digest itself"
case_manifest_blob_unknown() {
    make_manifest ".layers[0].digest = \"$NOWHERE\""
    put_manifest v1
    fails PUT 404 MANIFEST_BLOB_UNKNOWN
    is digest "$(jq -r '.errors[0].detail.digest' body)" "$NOWHERE"
    get manifests/v1
    is "there is none" "$STATUS" 404
}

conformance_case manifest_size --spec spec.md#pushing-manifests --asserts 3 --proves "manifests up to 4 MiB are taken, larger ones may be refused: 413" \
    --differs "docker-registry: it answers 400 to what is larger"
case_manifest_size() {
    make_manifest
    # Blanks are part of it too.
    { cat manifest && head -c $((4194304 - $(stat -c %s manifest))) /dev/zero | tr '\0' ' '; } >large
    put_manifest large "$IMAGE" large
    is "4 MiB" "$STATUS" 201
    get manifests/large -H "Accept: $IMAGE"
    holds "byte for byte" cmp body large
    printf ' ' >>large
    put_manifest larger "$IMAGE" large
    is "one byte more" "$STATUS" 413
}

conformance_case tag_moves --spec spec.md#pushing-manifests --asserts 2 --quick --proves "a tag is the manifest that was put last; the one before is still there by its digest"
case_tag_moves() {
    local first
    push_image v1
    first=$MANIFEST
    push_image v1 '.annotations.x = "second"'
    head_ manifests/v1 -H "Accept: $IMAGE"
    is "by tag" "$(header Docker-Content-Digest)" "$MANIFEST"
    head_ "manifests/$first" -H "Accept: $IMAGE"
    is "the first by digest" "$STATUS" 200
}

conformance_case name_invalid --spec spec.md#pulling-manifests --asserts 5 --proves "a repository's name of another grammar is refused" \
    --differs "docker-registry: such paths lead nowhere there, so all are 404"
case_name_invalid() {
    post /v2/Upper/blobs/uploads/ -H 'Content-Length: 0'
    fails "upper case" 400 NAME_INVALID
    post /v2/a..b/blobs/uploads/ -H 'Content-Length: 0'
    fails "two dots" 400 NAME_INVALID
    get /v2/-a/tags/list
    fails "a dash in front" 400 NAME_INVALID
    get "/v2/$(printf 'a%.0s' {1..256})/tags/list"
    fails "256 characters" 400 NAME_INVALID
    get /v2/%2e%2e/%2e%2e/etc/tags/list
    fails "up, escaped" 400 NAME_INVALID
}

conformance_case tag_invalid --spec spec.md#pulling-manifests --asserts 2 --proves "a tag of another grammar is refused" \
    --differs "docker-registry: such paths lead nowhere there, so all are 404"
case_tag_invalid() {
    make_manifest
    put_manifest "$(printf 'a%.0s' {1..129})"
    is "129 characters" "$STATUS" 400
    put_manifest .dot
    is "a dot in front" "$STATUS" 400
}

conformance_case foreign_layer --spec spec.md#pushing-manifests --asserts 1 --proves "a layer that may not be distributed need not be here" \
    --differs "docker-registry: 2.8 allows them by their URLs, and no host unless it is configured"
case_foreign_layer() {
    make_manifest ".layers += [{mediaType: \"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip\", digest: \"$NOWHERE\", size: 7, urls: [\"https://example.com/x\"]}]"
    put_manifest v1
    is PUT "$STATUS" 201
}
