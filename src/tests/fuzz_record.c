// SPDX-License-Identifier: Apache-2.0
/* state.json: read back from a directory that only its owner can write, but whatever is in it must not break
 * us. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "state/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    struct err e = { 0 };
    _cleanup_buf_ struct buf text = { 0 };

    if (record_parse((const char *)data, size, &record, &e) < 0)
        return 0;
    /* Whatever was accepted can be shown. */
    for (int status = 0; status < STATUS_N; status++)
        record_state_json(&record, (enum lifecycle_status)status, &text);
    record_hook_state(&record, STATUS_CREATED, &text);
    if (!text.data || !record.id || !record.bundle)
        abort();
    record_free(&record);
    return 0;
}
