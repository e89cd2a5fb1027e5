# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # for the cases; URL, REPO, T: run
#
# What a case of a registry is written with, besides declarations and assertions (conformance/runtime/lib.bash):
#
#     conformance_case blob_get --spec spec.md#pulling-blobs --asserts 2 --quick \
#         --proves "GET of a blob answers 200 and the blob"
#     case_blob_get() {
#         push_blob "hello"
#         get "blobs/$DIGEST"
#         is status "$STATUS" 200
#         is content "$(body)" hello
#     }
#
# The function runs under "set -e" in $T, an empty directory. $REPO is a repository of the case's own, $URL the server. A request sets
# STATUS; what it answered is in the files body and headers. --differs "docker-registry: WHY" lists a difference of that registry.

BASE='' CREDENTIALS=()

# request METHOD TARGET [CURL-OPTION...]: TARGET is absolute ("/v2/...", "http://...") or below /v2/$REPO/.
request() {
    local method=(-X "$1") target=$2 start=''
    shift 2
    [[ ${method[1]} != HEAD ]] || method=(--head)
    case $target in
        http://* | https://*) ;;
        /*) target=${BASE:-$URL}$target ;;
        *) target=${BASE:-$URL}/v2/$REPO/$target ;;
    esac
    : >body
    STATUS=$(exec curl -sS --path-as-is --globoff --max-time 20 -D headers -o body -w '%{http_code}' "${method[@]}" "${CREDENTIALS[@]}" "$@" "$target") || :
    IFS= read -r -n 300 start <body || :
    echo "${method[*]} ${target:0:200} $* -> $STATUS $start"
}
get() { request GET "$@"; }
head_() { request HEAD "$@"; }
post() { request POST "$@"; }
put() { request PUT "$@"; }
patch() { request PATCH "$@"; }
delete() { request DELETE "$@"; }

body() { printf %s "$(<body)"; }
# header NAME: its value in the last answer, "" when there is none.
header() {
    local line value=''
    while IFS= read -r line; do
        [[ ${line,,} == "${1,,}:"* ]] || continue
        line=${line%$'\r'} && value=${line#*:} && value=${value# }
    done <headers
    echo "$value"
}
# code: the error's code.
code() { [[ $(<body) =~ \"errors\":.*\"code\":\ *\"([A-Z_]*)\" ]] && echo "${BASH_REMATCH[1]}" || :; }
# location: the Location header as an absolute URL.
location() {
    local l
    l=$(header Location)
    [[ $l != /* ]] || l=${BASE:-$URL}$l
    echo "$l"
}
# with URL PARAMETER=VALUE: the URL with one more parameter.
with() { [[ $1 == *\?* ]] && echo "$1&$2" || echo "$1?$2"; }

# digest_of FILE [ALGORITHM]
digest_of() {
    local hex
    hex=$(exec "${2:-sha256}sum" <"$1")
    echo "${2:-sha256}:${hex%% *}"
}
OCTETS=(-H 'Content-Type: application/octet-stream')

# start_upload: SESSION is its URL.
start_upload() {
    post blobs/uploads/ "${OCTETS[@]}" -H 'Content-Length: 0'
    [[ $STATUS == 202 ]]
    SESSION=$(location)
}

# push_blob TEXT [ALGORITHM]: sets DIGEST; the content stays in the file blob. A step: the case ends when it fails.
push_blob() {
    printf %s "$1" >blob
    DIGEST=$(digest_of blob "${2-}")
    start_upload
    put "$(with "$SESSION" "digest=$DIGEST")" "${OCTETS[@]}" --data-binary @blob
    [[ $STATUS == 201 ]]
}

IMAGE=application/vnd.oci.image.manifest.v1+json
INDEX=application/vnd.oci.image.index.v1+json

# make_manifest [JQ]: the file manifest, an image of two blobs that are in the repository; MANIFEST is its digest. The text is not
# what any program would write, so that a registry that rewrites it is found out.
make_manifest() {
    local config layer
    push_blob '{}' && config=$DIGEST
    push_blob "layer of $REPO" && layer=$DIGEST
    jq -n --indent 3 --arg config "$config" --arg layer "$layer" --argjson size "$(stat -c %s blob)" --arg type "$IMAGE" '
        {schemaVersion: 2, layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", size: $size, digest: $layer}],
         mediaType: $type, config: {mediaType: "application/vnd.oci.image.config.v1+json", size: 2, digest: $config}} | '"${1:-.}" >manifest
    printf '\n  \n' >>manifest
    MANIFEST=$(digest_of manifest)
}

# put_manifest REFERENCE [MEDIA-TYPE] [FILE]
put_manifest() { put "manifests/$1" -H "Content-Type: ${2:-$IMAGE}" --data-binary @"${3:-manifest}"; }

# push_image TAG [JQ]: both as steps.
push_image() {
    make_manifest "${2:-.}"
    put_manifest "$1"
    [[ $STATUS == 201 ]]
}

# fails DESCRIPTION STATUS CODE: of the last request, one assertion.
fails() {
    if [[ $STATUS == "$2" && $(code) == "$3" ]]; then
        assertion 0 "$1"
    else
        assertion 1 "$1" "status $STATUS and code \"$(code)\", not $2 and $3"
    fi
}
NOWHERE=sha256:0000000000000000000000000000000000000000000000000000000000000000
