// SPDX-License-Identifier: Apache-2.0
/* /etc/subuid and getsubids output: whatever the text, the ranges make a valid map or an error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "userns/subid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct subid_ranges *ranges)
{
    struct idmap map, shift;
    struct err e;

    for (int mode = IDS_DEFAULT; mode <= IDS_SINGLE; mode++) {
        if (idmap_build((enum ids_mode)mode, 1000, ranges, "f", &map, &e) < 0)
            continue;
        for (size_t i = 0; i < map.n; i++) {
            if (map.v[i].size == 0 || map.v[i].host > UINT32_MAX - map.v[i].size ||
                map.v[i].container > UINT32_MAX - map.v[i].size)
                abort();
        }
        if (ranges->n < 4 && idmap_size(&map) < 100000)
            (void)idmap_translate(&map, &map, &shift);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mem_dup(data, size);
    struct subid_ranges ranges;

    subid_parse(text, size, "alice", 1000, &ranges);
    check(&ranges);
    subid_parse_getsubids(text, size, &ranges);
    check(&ranges);
    return 0;
}
