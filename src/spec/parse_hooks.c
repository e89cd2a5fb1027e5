// SPDX-License-Identifier: Apache-2.0
/* Hooks: config.md "POSIX-platform Hooks". Runs where parse.c runs. */
#include <assert.h>
#include <limits.h>

#include "spec/parse.h"

static const struct field hook_fields[] = {
    { .key = "path", ROW_STRING(struct spec_hook, path), .flags = FIELD_REQUIRED | FIELD_ABSOLUTE },
    { .key = "args", ROW_STRINGS(struct spec_hook, args) },
    { .key = "env", ROW_STRINGS(struct spec_hook, env), .flags = FIELD_ENV },
    { .key = "timeout", ROW_INT(struct spec_hook, timeout, 1, INT_MAX / 1000) },
};
static const struct table hook_table = { TABLE_FIELDS(hook_fields), .element_size = sizeof(struct spec_hook),
                                         .section = "config.md#posix-platform-hooks" };

#define ROW_HOOKS(kind) ROW_LIST(struct spec_hooks, n[kind], v[kind], &hook_table)

static const struct field hooks_fields[] = {
    { .key = "prestart", ROW_HOOKS(HOOK_PRESTART) },
    { .key = "createRuntime", ROW_HOOKS(HOOK_CREATE_RUNTIME) },
    { .key = "createContainer", ROW_HOOKS(HOOK_CREATE_CONTAINER) },
    { .key = "startContainer", ROW_HOOKS(HOOK_START_CONTAINER) },
    { .key = "poststart", ROW_HOOKS(HOOK_POSTSTART) },
    { .key = "poststop", ROW_HOOKS(HOOK_POSTSTOP) },
};
static_assert(ARRAY_SIZE(hooks_fields) == HOOK_KIND_N, "one row per kind of hook");
const struct table hooks_table = { TABLE_FIELDS(hooks_fields), .section = "config.md#posix-platform-hooks" };
