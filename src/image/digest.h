// SPDX-License-Identifier: Apache-2.0
/*
 * Digests: "sha256:<64 hex digits>" and "sha512:<128>", nothing else (image-spec descriptor.md#digests). The
 * grammar is strict because a digest becomes a path and a URL: what digest_parse accepts holds no "/", no
 * "..", and one spelling only (CVE-2024-3727). Hashing is libcrypto's, streaming.
 */
#ifndef LICHEN_IMAGE_DIGEST_H
#define LICHEN_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA512, DIGEST_N };

#define DIGEST_HEX_MAX  128
#define DIGEST_TEXT_MAX (7 + DIGEST_HEX_MAX)

struct digest {
    enum digest_algorithm algorithm;
    char hex[DIGEST_HEX_MAX + 1]; /* lower case, as many digits as the algorithm has */
};

/* "sha256". */
const char *digest_algorithm_name(enum digest_algorithm algorithm);
/* An algorithm by its name. Returns 0 or -EOPNOTSUPP. */
int digest_algorithm_parse(const char *name, enum digest_algorithm *ret);
/* How many hexadecimal digits it has. */
size_t digest_hex_length(enum digest_algorithm algorithm);

/*
 * Parse a whole string. Returns 0, -EOPNOTSUPP for a well-formed digest of another algorithm, -EINVAL for
 * anything else; *ret untouched on failure.
 */
int digest_parse(const char *text, struct digest *ret, struct err *e);

/* "sha256:..."; @text has room for DIGEST_TEXT_MAX + 1. Returns @text. */
char *digest_format(const struct digest *d, char *text);

bool digest_eq(const struct digest *a, const struct digest *b);

/* A hash being computed. digest_stream_end is due after digest_stream_start, finished or not. */
struct digest_stream {
    enum digest_algorithm algorithm;
    void *context; /* EVP_MD_CTX */
};

void digest_stream_start(struct digest_stream *s, enum digest_algorithm algorithm);
void digest_stream_add(struct digest_stream *s, const void *p, size_t n);
/* The digest of all that was added; the stream is ended. */
void digest_stream_finish(struct digest_stream *s, struct digest *ret);
/* Releases it; accepts one that is ended. */
void digest_stream_end(struct digest_stream *s);

#define _cleanup_digest_stream_ __attribute__((cleanup(digest_stream_end)))

/* Of @n bytes in memory. */
void digest_of(enum digest_algorithm algorithm, const void *p, size_t n, struct digest *ret);

#endif
