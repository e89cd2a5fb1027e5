// SPDX-License-Identifier: Apache-2.0
/* Any text as a number of bytes and as a duration. What is accepted must be in range. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    return 0;
}
