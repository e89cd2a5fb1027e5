// SPDX-License-Identifier: Apache-2.0
/* References, repository names, tags and digests: what is accepted is safe in a path and comes back the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/digest.h"
#include "image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *name)
{
    if (name[0] == '/' || name[0] == '.' || strstr(name, "..") || strstr(name, "//") || strchr(name, '%') ||
        strchr(name, '\\'))
        abort();
}

static void check_reference(const char *text)
{
    char once[REFERENCE_TEXT_MAX + 1], twice[REFERENCE_TEXT_MAX + 1];
    struct reference r;

    if (reference_parse(text, &r, NULL) < 0)
        return;
    check_path(r.repository);
    if (strchr(r.tag, '/') || strchr(r.host, '/'))
        abort();
    reference_format(&r, once);
    if (strcmp(once, text) != 0 || reference_parse(once, &r, NULL) < 0 ||
        strcmp(reference_format(&r, twice), once) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mem_zalloc(size + 1);
    char formatted[DIGEST_TEXT_MAX + 1];
    struct digest d;

    memcpy(text, data, size);
    check_reference(text);
    if (reference_check_repository(text, NULL) == 0)
        check_path(text);
    if (reference_check_tag(text, NULL) == 0 && (strchr(text, '/') || text[0] == '.' || strlen(text) > 128))
        abort();
    if (digest_parse(text, &d, NULL) == 0 && strcmp(digest_format(&d, formatted), text) != 0)
        abort();
    return 0;
}
