// SPDX-License-Identifier: Apache-2.0
/* Any text as a number of bytes, as a duration (what is accepted must be in range) and as a container's
 * sd_notify message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroup/unit_property.h"
#include "create/notify.h"

/* "NAME=VALUE": what is accepted has a type D-Bus knows and a name that is only letters and digits. */
static void check_property(const char *data, size_t size)
{
    struct arena arena = { 0 };
    char *text = mem_zalloc(size + 1), *equals;
    struct unit_property p;
    struct err e;

    memcpy(text, data, size);
    equals = strchr(text, '=');
    if (equals) {
        *equals = '\0';
        if (unit_property_parse(text, equals + 1, &arena, &p, &e) == 0 &&
            (!strchr("bsynqiuxtda", p.type) || (p.type == 's' && !p.text) || !p.name[0]))
            abort();
    }
    free(text);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing that would redirect the service manager comes out. */
static void check_notify(const char *text, size_t size)
{
    _cleanup_buf_ struct buf out = { 0 };

    (void)notify_filter(text, size, &out);
    if (out.len && (out.data[out.len - 1] != '\n' || strlen(out.data) != out.len))
        abort();
    for (const char *line = out.data; line && *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "MAINPID", 7) == 0 || strncmp(line, "FD", 2) == 0 ||
            strncmp(line, "BARRIER", 7) == 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_zalloc(size + 1);
    int64_t bytes = -1;
    int ms = -1;

    memcpy(text, data, size);
    if (str_to_bytes(text, &bytes) == 0 ? bytes < 0 : bytes != -1)
        abort();
    if (str_to_duration(text, &ms) == 0 ? ms < 0 : ms != -1)
        abort();
    free(text);
    check_notify((const char *)data, size);
    check_property((const char *)data, size);
    return 0;
}
