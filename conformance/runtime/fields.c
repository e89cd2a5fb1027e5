// SPDX-License-Identifier: Apache-2.0
/*
 * spec-fields: the fields of config.json that the parser's tables have, one a line by tabs: path, type,
 * status, section of the runtime-spec, source file, "required" or "optional". For the compliance map and the
 * conformance cases; links the runtime's own parser and runs nothing else of it.
 */
#include <stdio.h>
#include <string.h>

#include "spec/fields.h"

static const char *const statuses[] = {
    [SPEC_SUPPORTED] = "supported",
    [SPEC_REFUSED] = "refused",
    [SPEC_IGNORED] = "ignored",
};

static void print_field(const struct spec_field_info *info, void *data)
{
    /* The compiler was given a path that depends on where the build tree is. */
    const char *file = strstr(info->file, "src/spec/");

    (void)data;
    printf("%s\t%s\t%s\t%s\t%s\t%s\n", info->path, info->type, statuses[info->status], info->section,
           file ? file : info->file, info->required ? "required" : "optional");
}

int main(void)
{
    spec_fields_visit(print_field, NULL);
    return fflush(stdout) == 0 ? 0 : 1;
}
