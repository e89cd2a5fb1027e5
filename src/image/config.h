// SPDX-License-Identifier: Apache-2.0
/* An image's configuration (image-spec config.md; Docker's is the same with a health check). Outside data:
 * parsed by the tables of src/spec, so that an error names the field. Pure. */
#ifndef LICHEN_IMAGE_CONFIG_H
#define LICHEN_IMAGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "spec/spec.h"

struct image_healthcheck {
    bool set;
    struct spec_strings test; /* { "NONE" }, { "CMD", ... }, { "CMD-SHELL", line }; empty: inherited */
    /* nanoseconds; 0: the engine's default */
    int64_t interval, timeout, start_period, start_interval;
    uint32_t retries;
};

struct image_config {
    struct arena arena; /* everything below lives here */
    const char *architecture, *os, *variant, *created, *author;
    const char *user, *working_dir, *stop_signal; /* NULL when not given */
    struct spec_strings env, entrypoint, cmd, shell, exposed_ports, volumes, diff_ids;
    size_t n_labels;
    struct spec_key_value *labels;
    struct image_healthcheck healthcheck;
};

/*
 * Parse @size bytes. Returns 0, or -EINVAL / -EFBIG naming the field; *ret is filled on success only and
 * released with image_config_free.
 */
int image_config_parse(const char *text, size_t size, struct image_config *ret, struct err *e);
void image_config_free(struct image_config *c);

#define _cleanup_image_config_ __attribute__((cleanup(image_config_free)))

#endif
