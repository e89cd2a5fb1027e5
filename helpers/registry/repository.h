// SPDX-License-Identifier: Apache-2.0
/*
 * Repositories on disk: a/b is the image layout ROOT/a/b. The three names that a layout has itself (blobs,
 * index.json, oci-layout) get a "_" in front when they are components of a repository's name; none begins
 * with "_", so two repositories never share a directory.
 */
#ifndef LICHEN_REGISTRY_REPOSITORY_H
#define LICHEN_REGISTRY_REPOSITORY_H

#include <stdbool.h>

#include "base/err.h"
#include "image/layout.h"

/* The layout of the repository @name, a checked name; with @create it is made where it is missing. Returns 0,
 * -ENOENT or another -errno. */
int repository_open(int root, const char *name, bool create, struct layout *ret, struct err *e);

/* Call @visit for every repository below @root until it returns true. Returns whether one did. */
typedef bool repository_visitor(const char *name, const struct layout *l, void *argument);
bool repository_each(int root, repository_visitor *visit, void *argument);

#endif
