// SPDX-License-Identifier: Apache-2.0
/*
 * What the parser's tables know about each field of config.json, for the compliance map, `features` and
 * tests: no second list of field names is kept anywhere.
 */
#ifndef LICHEN_SPEC_FIELDS_H
#define LICHEN_SPEC_FIELDS_H

#include <stdbool.h>

enum spec_status {
    SPEC_SUPPORTED, /* parsed, validated and handed on in struct spec */
    SPEC_REFUSED,   /* an error naming the field, unless it asks for nothing */
    SPEC_IGNORED,   /* the spec lets a runtime on this platform ignore it (another platform's, obsolete) */
};

struct spec_field_info {
    const char *path; /* "process.rlimits[].type"; valid during the call only */
    const char *type; /* "string", "integer", "boolean", "array", "object" */
    enum spec_status status;
    bool required;       /* of the object it is in */
    const char *section; /* "config.md#posix-process", in runtime-spec SPEC_VERSION */
    const char *file;    /* where its row is, as the compiler was given it */
};

/* Call @visit for each field the parser knows, parents before children, in the order of the tables. */
void spec_fields_visit(void (*visit)(const struct spec_field_info *info, void *data), void *data);

#endif
