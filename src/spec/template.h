// SPDX-License-Identifier: Apache-2.0
/* The configuration that `lichen-oci spec` writes. */
#ifndef LICHEN_SPEC_TEMPLATE_H
#define LICHEN_SPEC_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/spec.h"

/*
 * A config.json to start from, as runc's `spec` writes it: an interactive sh in "rootfs". @rootless adds a
 * user namespace with exactly the mappings given (host ids as the caller sees them), leaves out the network
 * namespace and the device rules, and binds the host's /sys. Without @rootless the mappings are not used.
 * Returns malloc'ed text that ends in a newline; never NULL.
 */
char *spec_template(bool rootless, const struct spec_id_mapping *uids, size_t n_uids,
                    const struct spec_id_mapping *gids, size_t n_gids);

#endif
