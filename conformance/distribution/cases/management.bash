# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # STATUS, DIGEST ...: lib.bash
#
# distribution-spec 1.1 "Content Management" (end-9, end-10) and "Error Codes".

conformance_case delete_tag --spec spec.md#deleting-tags --asserts 4 --proves "DELETE of a tag answers 202; the manifest and its other tags stay" \
    --differs "docker-registry: 2.8 deletes by digest alone"
case_delete_tag() {
    push_image v1
    put_manifest v2
    delete manifests/v1
    is DELETE "$STATUS" 202
    get manifests/v1
    is "the tag" "$STATUS" 404
    get manifests/v2 -H "Accept: $IMAGE"
    is "another tag" "$STATUS" 200
    delete manifests/v2
    get "manifests/$MANIFEST" -H "Accept: $IMAGE"
    is "the manifest" "$STATUS" 200
}

conformance_case delete_manifest --spec spec.md#deleting-manifests --asserts 4 --quick --proves "DELETE of a manifest by digest answers 202, then it is 404, by its tags too"
case_delete_manifest() {
    push_image v1
    delete "manifests/$MANIFEST"
    is DELETE "$STATUS" 202
    get "manifests/$MANIFEST"
    is "by digest" "$STATUS" 404
    get manifests/v1
    is "by tag" "$STATUS" 404
    delete "manifests/$MANIFEST"
    is "once more" "$STATUS" 404
}

conformance_case delete_blob --spec spec.md#deleting-blobs --asserts 4 --quick --proves "DELETE of a blob answers 202, then it is 404 BLOB_UNKNOWN; other repositories keep theirs"
case_delete_blob() {
    local first=$REPO
    push_blob "deleted $REPO"
    REPO=$REPO/other
    post "blobs/uploads/?mount=$DIGEST&from=$first" -H 'Content-Length: 0'
    REPO=$first
    delete "blobs/$DIGEST"
    is DELETE "$STATUS" 202
    get "blobs/$DIGEST"
    fails GET 404 BLOB_UNKNOWN
    delete "blobs/$DIGEST"
    is "once more" "$STATUS" 404
    get "/v2/$first/other/blobs/$DIGEST"
    is "in the other repository" "$STATUS" 200
}

conformance_case pushed_again --spec spec.md#deleting-blobs --asserts 2 --proves "what was deleted can be pushed again"
case_pushed_again() {
    push_image v1
    delete "blobs/$DIGEST"
    delete "manifests/$MANIFEST"
    push_image v1
    get manifests/v1 -H "Accept: $IMAGE"
    holds "the manifest" cmp body manifest
    get "blobs/$DIGEST"
    is "the blob" "$STATUS" 200
}

conformance_case error_form --spec spec.md#error-codes --asserts 4 --quick --proves "an error is JSON: a list of errors, each with a code in capitals and a message"
case_error_form() {
    get "blobs/$NOWHERE"
    like Content-Type "$(header Content-Type)" "application/json*"
    is errors "$(jq -r '.errors | type' body)" array
    like code "$(code)" "[A-Z]*[A-Z]"
    is message "$(jq -r '.errors[0].message | type' body)" string
}

conformance_case unsupported --spec spec.md#error-codes --asserts 3 --proves "a method that an endpoint has not is 405, with Allow"
case_unsupported() {
    post tags/list -H 'Content-Length: 0'
    is POST "$STATUS" 405
    like Allow "$(header Allow)" "*GET*"
    patch "blobs/$NOWHERE" --data-binary x
    is PATCH "$STATUS" 405
}

conformance_case read_only --spec spec.md#error-codes --asserts 3 --proves "a registry that takes no pushes says 405 UNSUPPORTED and still serves" \
    --differs "docker-registry: its 405 has a line of text for a body, not an error with a code"
case_read_only() {
    push_image v1
    BASE=$READONLY_URL
    post blobs/uploads/ -H 'Content-Length: 0'
    fails POST 405 UNSUPPORTED
    put_manifest v2
    fails PUT 405 UNSUPPORTED
    get manifests/v1 -H "Accept: $IMAGE"
    holds GET cmp body manifest
}

conformance_case unauthorized --spec spec.md#error-codes --asserts 5 --quick \
    --proves "without the right credentials 401 UNAUTHORIZED with WWW-Authenticate, with them as ever"
case_unauthorized() {
    BASE=$AUTH_URL
    get /v2/
    fails "the version" 401 UNAUTHORIZED
    like WWW-Authenticate "$(header WWW-Authenticate)" "Basic realm=*"
    post blobs/uploads/ -H 'Content-Length: 0'
    fails "a push" 401 UNAUTHORIZED
    get /v2/ -u alice:wrong
    fails "a wrong password" 401 UNAUTHORIZED
    CREDENTIALS=(-u "$ALICE")
    push_image v1
    get manifests/v1 -H "Accept: $IMAGE"
    is "the right one" "$STATUS" 200
}

conformance_case denied --spec spec.md#error-codes --asserts 3 --proves "what a known user has no right to is 403 DENIED" \
    --differs "docker-registry: with htpasswd every user may do everything"
case_denied() {
    BASE=$AUTH_URL CREDENTIALS=(-u "$ALICE")
    push_image v1
    CREDENTIALS=(-u rita:secret)
    get manifests/v1
    is "a pull" "$STATUS" 200
    post blobs/uploads/ -H 'Content-Length: 0'
    fails "a push" 403 DENIED
    delete "manifests/$MANIFEST"
    fails "a delete" 403 DENIED
}

conformance_case limits --spec spec.md#error-codes --asserts 4 --proves "too many uploads are 429 TOOMANYREQUESTS, too large content is 413 SIZE_INVALID" \
    --differs "docker-registry: it has no such limits"
case_limits() {
    [[ -n $LIMITED_URL ]]
    BASE=$LIMITED_URL
    head -c 1025 /dev/zero >blob
    start_upload
    post blobs/uploads/ -H 'Content-Length: 0'
    fails "a second upload" 429 TOOMANYREQUESTS
    patch "$SESSION" "${OCTETS[@]}" --data-binary @blob
    fails "a blob" 413 SIZE_INVALID
    delete "$SESSION"
    is "and the upload can be given up" "$STATUS" 204
    head -c 2049 /dev/zero >manifest
    put_manifest v1
    fails "a manifest" 413 SIZE_INVALID
}
