# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # STATUS, DIGEST ...: lib.bash
#
# distribution-spec 1.1 "Content Discovery": end-8a, end-8b, end-12a, end-12b.

# tag_all TAG...: one image under each.
tag_all() {
    local tag
    make_manifest
    for tag; do
        put_manifest "$tag"
        [[ $STATUS == 201 ]]
    done
}
tags() { jq -r '.tags | join(" ")' body; }

conformance_case tags_list --spec spec.md#listing-tags --asserts 3 --quick --proves "the tags of a repository, with its name, in byte order" \
    --differs "docker-registry: 2.8 does not sort them"
case_tags_list() {
    tag_all b B a 1 _x a.1
    get tags/list
    is status "$STATUS" 200
    is name "$(jq -r .name body)" "$REPO"
    is tags "$(tags)" "1 B _x a a.1 b"
}

conformance_case tags_pages --spec spec.md#listing-tags --asserts 6 --proves "n limits the list, last is where it goes on, Link leads to the next part" \
    --differs "docker-registry: 2.8 gives the whole list whatever n and last are"
case_tags_pages() {
    tag_all a b c d e
    get 'tags/list?n=2'
    is "n=2" "$(tags)" "a b"
    like Link "$(header Link)" "*tags/list*;*rel=*next*"
    get "$(header Link | sed "s|^<\(/.*\)>.*|$URL\1|; s|^<\(http.*\)>.*|\1|")"
    is "by Link" "$(tags)" "c d"
    get 'tags/list?n=2&last=d'
    is "the last part" "$(tags)" e
    is "no Link any more" "$(header Link)" ""
    get 'tags/list?last=bb'
    is "after what is no tag" "$(tags)" "c d e"
}

conformance_case tags_none --spec spec.md#listing-tags --asserts 3 --proves "n=0 is an empty list without a Link; what is no number is refused" \
    --differs "docker-registry: 2.8 gives the whole list whatever n is"
case_tags_none() {
    tag_all a b
    get 'tags/list?n=0'
    is status "$STATUS" 200
    is "tags and Link" "$(tags)$(header Link)" ""
    get 'tags/list?n=many'
    is "no number" "$STATUS" 400
}

# refer TAG TYPE SUBJECT-DIGEST [JQ]: pushes an artifact with a subject.
refer() {
    make_manifest ".artifactType = \"$2\" | .annotations.who = \"$1\" | .subject = {mediaType: \"$IMAGE\", digest: \"$3\", size: 7} | ${4:-.}"
    put_manifest "$MANIFEST"
    [[ $STATUS == 201 ]]
}

NO_REFERRERS="docker-registry: 2.8 is of distribution-spec 1.0: no referrers"

conformance_case subject --spec spec.md#pushing-manifests-with-subject --asserts 2 --proves "PUT of a manifest with a subject answers OCI-Subject; others do not" \
    --differs "$NO_REFERRERS"
case_subject() {
    push_image v1
    is "without a subject" "$(header OCI-Subject)" ""
    local subject=$MANIFEST
    refer one application/x-one "$subject"
    is "with one" "$(header OCI-Subject)" "$subject"
}

conformance_case referrers --spec spec.md#listing-referrers --asserts 6 --quick --proves "the manifests with that subject are listed in an index, each with type, artifactType and annotations" \
    --differs "$NO_REFERRERS"
case_referrers() {
    local subject one two
    push_image v1
    subject=$MANIFEST
    refer one application/x-one "$subject" && one=$MANIFEST
    refer two application/x-two "$subject" && two=$MANIFEST
    refer other application/x-one "$NOWHERE"
    get "referrers/$subject"
    is status "$STATUS" 200
    is Content-Type "$(header Content-Type)" "$INDEX"
    is "mediaType and schemaVersion" "$(jq -r '.mediaType + " \(.schemaVersion)"' body)" "$INDEX 2"
    is "each once" "$(jq -r '[.manifests[].digest] | sort | join(" ")' body)" "$(printf '%s\n' "$one" "$two" | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
    is "artifactType and annotations" "$(jq -r '[.manifests[] | .artifactType + "=" + .annotations.who] | sort | join(" ")' body)" \
        "application/x-one=one application/x-two=two"
    is "filters applied" "$(header OCI-Filters-Applied)" ""
}

conformance_case referrers_filter --spec spec.md#listing-referrers --asserts 3 --proves "artifactType filters them, and OCI-Filters-Applied says so" \
    --differs "$NO_REFERRERS"
case_referrers_filter() {
    local subject
    push_image v1
    subject=$MANIFEST
    refer one application/x-one "$subject"
    refer two application/x-two+json "$subject"
    get "referrers/$subject?artifactType=application/x-one"
    is one "$(jq -r '[.manifests[].annotations.who] | join(" ")' body)" one
    is OCI-Filters-Applied "$(header OCI-Filters-Applied)" artifactType
    get "referrers/$subject?artifactType=application%2Fx-two%2Bjson"
    is escaped "$(jq -r '[.manifests[].annotations.who] | join(" ")' body)" two
}

conformance_case referrers_config_type --spec spec.md#listing-referrers --asserts 1 --proves "without an artifactType of its own an image has its config's media type" \
    --differs "$NO_REFERRERS"
case_referrers_config_type() {
    refer one x "$NOWHERE" 'del(.artifactType) | .config.mediaType = "application/x-config"'
    get "referrers/$NOWHERE"
    is artifactType "$(jq -r '.manifests[0].artifactType' body)" application/x-config
}

conformance_case referrers_missing_subject --spec spec.md#pushing-manifests-with-subject --asserts 3 \
    --proves "a subject need not be here; when there are no referrers the list is empty, never 404; what is no digest is 400" \
    --differs "$NO_REFERRERS"
case_referrers_missing_subject() {
    refer one application/x-one "$NOWHERE"
    get "referrers/$NOWHERE"
    is "of a missing subject" "$(jq -r '.manifests | length' body)" 1
    get "/v2/$REPO/nobody/referrers/$NOWHERE"
    is "of a repository nobody has pushed to" "$STATUS $(jq -r '.manifests | length' body)" "200 0"
    get referrers/sha256:bad
    is "no digest" "$STATUS" 400
}

conformance_case referrers_deleted --spec spec.md#listing-referrers --asserts 1 --proves "a deleted manifest refers to nothing" --differs "$NO_REFERRERS"
case_referrers_deleted() {
    refer one application/x-one "$NOWHERE"
    delete "manifests/$MANIFEST"
    get "referrers/$NOWHERE"
    is list "$STATUS $(jq -r '.manifests | length' body)" "200 0"
}
