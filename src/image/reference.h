// SPDX-License-Identifier: Apache-2.0
/*
 * References to images, [HOST[:PORT]/]PATH[:TAG][@DIGEST], and the names a registry knows: repository names
 * and tags (distribution-spec 1.1 "Pulling manifests"). What is accepted here may become a path or a URL: no
 * empty component, no "..", none of the characters that need escaping.
 */
#ifndef LICHEN_IMAGE_REFERENCE_H
#define LICHEN_IMAGE_REFERENCE_H

#include <stdbool.h>

#include "base/err.h"
#include "image/digest.h"

#define REFERENCE_HOST_MAX       261 /* a DNS name, ":" and a port */
#define REFERENCE_REPOSITORY_MAX 255
#define REFERENCE_TAG_MAX        128
#define REFERENCE_TEXT_MAX \
    (REFERENCE_HOST_MAX + 1 + REFERENCE_REPOSITORY_MAX + 1 + REFERENCE_TAG_MAX + 1 + DIGEST_TEXT_MAX)

struct reference {
    char host[REFERENCE_HOST_MAX + 1]; /* with its port; "" for a short name */
    char repository[REFERENCE_REPOSITORY_MAX + 1];
    char tag[REFERENCE_TAG_MAX + 1]; /* "" when none is given */
    bool has_digest;
    struct digest digest;
};

/* A repository's name without a host: lower-case components joined by "/", at most 255 characters. Returns 0
 * or -EINVAL. */
int reference_check_repository(const char *name, struct err *e);

/* A tag: a letter, digit or "_", then at most 127 of these, "." and "-". Returns 0 or -EINVAL. */
int reference_check_tag(const char *tag, struct err *e);

/*
 * Parse a whole reference. The part before the first "/" is a host when it has a "." or ":", is "localhost"
 * or has upper-case letters, as docker and podman decide. Returns 0, -EINVAL or what digest_parse returns;
 * *ret untouched on failure.
 */
int reference_parse(const char *text, struct reference *ret, struct err *e);

/* The canonical text; @text has room for REFERENCE_TEXT_MAX + 1. Returns @text. */
char *reference_format(const struct reference *reference, char *text);

#endif
