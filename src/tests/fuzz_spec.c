// SPDX-License-Identifier: Apache-2.0
/* Any bytes through the parser of config.json, of a process object and of a resources object. What is
 * accepted must survive the pure code that reads it next. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touch every byte of what an accepted configuration points to, so that a sanitizer sees a stale pointer. */
static size_t read_strings(const struct spec_strings *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        for (const char *s = list->v[i]; *s; s++)
            n += (unsigned char)*s;
    }
    return n;
}

static void check_spec(const struct spec *spec)
{
    volatile size_t sum = 0;

    if (spec->has_process && (spec->process.args.n == 0 || spec->process.cwd[0] != '/'))
        abort();
    sum += read_strings(&spec->process.args) + read_strings(&spec->process.env);
    sum += read_strings(&spec->masked_paths) + read_strings(&spec->process.capabilities.unknown);
    for (size_t i = 0; i < spec->n_mounts; i++) {
        if (spec->mounts[i].destination[0] != '/')
            abort();
        sum += read_strings(&spec->mounts[i].options);
    }
    for (size_t i = 0; i < spec->seccomp.n_rules; i++) {
        if (spec->seccomp.rules[i].names.n == 0)
            abort();
        sum += read_strings(&spec->seccomp.rules[i].names);
    }
    (void)spec_annotation(spec, "io.lichen.net");
    (void)sum;
}

/* What update keeps must be read again by the next update. */
static void check_merge(const char *text, size_t size, struct arena *arena)
{
    struct spec_resources resources = { 0 };
    char *patch = mem_zalloc(size + 1), *merged;
    struct err e = { 0 };

    memcpy(patch, text, size);
    merged = spec_resources_merge("{\"cpu\":{\"quota\":1},\"unified\":{\"memory.high\":\"1\"}}", patch);
    if (spec_parse_resources(merged, strlen(merged), arena, &resources, &e) < 0)
        abort();
    free(merged);
    free(patch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spec_process process = { 0 };
    struct spec_resources resources = { 0 };
    struct arena arena = { 0 };
    struct spec_mount *mounts = NULL;
    struct spec *spec = NULL;
    struct err e = { 0 };
    size_t n = 0;

    if (spec_parse((const char *)data, size, &spec, &e) == 0)
        check_spec(spec);
    else if (e.code == 0 || e.message[0] == '\0')
        abort();
    spec_free(spec);
    (void)spec_parse_process((const char *)data, size, &arena, &process, NULL);
    if (spec_parse_resources((const char *)data, size, &arena, &resources, NULL) == 0)
        check_merge((const char *)data, size, &arena);
    (void)spec_parse_mounts((const char *)data, size, &arena, &mounts, &n, NULL);
    for (size_t i = 0; i < n; i++) {
        if (mounts[i].destination[0] != '/')
            abort();
    }
    arena_free(&arena);
    return 0;
}
