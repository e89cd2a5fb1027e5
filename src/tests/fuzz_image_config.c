// SPDX-License-Identifier: Apache-2.0
/* An image's configuration; and its passwd, group and user, separated by a line of "%". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/config.h"
#include "image/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mem_zalloc(size + 1);
    struct arena arena = { 0 };
    struct image_config config;
    struct spec_user user;
    struct err e;
    char *group, *word;

    memcpy(text, data, size);
    if (image_config_parse(text, size, &config, &e) == 0) {
        if (!config.architecture || !config.os)
            abort();
        image_config_free(&config);
    }
    group = strstr(text, "\n%\n");
    word = group ? strstr(group + 3, "\n%\n") : NULL;
    if (word) {
        *group = *word = '\0';
        if (image_user_lookup(text, group + 3, word + 3, &arena, &user, &e) == 0 &&
            (user.uid == UINT32_MAX || user.gid == UINT32_MAX))
            abort();
    }
    arena_free(&arena);
    return 0;
}
