// SPDX-License-Identifier: Apache-2.0
/* Answers. Each function but reply_header makes the request's response; the first one made stays. */
#ifndef LICHEN_REGISTRY_REPLY_H
#define LICHEN_REGISTRY_REPLY_H

#include "server.h"

/* Error codes of distribution-spec "Error Codes", and UNKNOWN for what is our own fault. */
enum error_code {
    BLOB_UNKNOWN,
    BLOB_UPLOAD_INVALID,
    BLOB_UPLOAD_UNKNOWN,
    DIGEST_INVALID,
    MANIFEST_BLOB_UNKNOWN,
    MANIFEST_INVALID,
    MANIFEST_UNKNOWN,
    NAME_INVALID,
    NAME_UNKNOWN,
    SIZE_INVALID,
    UNAUTHORIZED,
    DENIED,
    UNSUPPORTED,
    TOOMANYREQUESTS,
    UNKNOWN,
    ERROR_N
};

/* No body. */
void reply_empty(struct request *q, unsigned status);
/* A copy of @n bytes. */
void reply_text(struct request *q, unsigned status, const char *content_type, const void *p, size_t n);
/* A JSON object, which is released. */
struct json_object;
void reply_json(struct request *q, unsigned status, const char *content_type, struct json_object *o);
/* @size bytes from @offset of @fd, which is taken over. */
void reply_file(struct request *q, unsigned status, int fd, uint64_t offset, uint64_t size);

/* The error with the status that is usual for its code, and a message of ours. */
void reply_error(struct request *q, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reply_error_status(struct request *q, unsigned status, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A list of errors made of {code, message, detail} objects by error_object; released. */
void reply_errors(struct request *q, unsigned status, struct json_object *list);
struct json_object *error_object(enum error_code code, const char *message);
/* What the file system refused: 507 when it is full, else 500; the path and cause of @e stay with us. */
void reply_failure(struct request *q, int r);

/* Add a header to the answer. A value that cannot be one is left out. */
void reply_header(struct request *q, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- what more than one endpoint says ---- */

/* Open the request's repository into q->layout; answers NAME_UNKNOWN (404) or a failure and returns false.
 * With @create it is made. */
bool open_repository(struct request *q, bool create);
/* The digest in the path into q->digest; answers DIGEST_INVALID and returns false. */
bool take_digest(struct request *q, const char *text);

#endif
