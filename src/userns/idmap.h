// SPDX-License-Identifier: Apache-2.0
/* Id maps: the decisions (pure). user_namespaces(7), "User and group ID mappings". */
#ifndef LICHEN_USERNS_IDMAP_H
#define LICHEN_USERNS_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The kernel takes 340 lines since Linux 4.15. */
#define IDMAP_MAX 340

struct idmap_extent {
    uint32_t container, host, size;
};

struct idmap {
    size_t n;
    struct idmap_extent v[IDMAP_MAX];
};

/* One subordinate range: [start, start + count). */
struct subid_range {
    uint32_t start, count;
};

#define SUBID_RANGES_MAX 128

struct subid_ranges {
    size_t n;
    struct subid_range v[SUBID_RANGES_MAX];
};

/* How ids are chosen for a bundle that brings no mapping. */
enum ids_mode {
    IDS_DEFAULT, /* container 0 = the caller, 1.. = the subordinate ranges in their order */
    IDS_KEEP,    /* the caller's id stays what it is; the ids around it come from the subordinate ranges */
    IDS_SINGLE,  /* one id, no newuidmap: the caller is container 0 */
};

/* "default", "keep-id", "single". Returns 0 or -EINVAL. */
int ids_mode_parse(const char *text, enum ids_mode *ret, struct err *e);

/*
 * Build the map for @own (the caller's uid or gid on the host) from its ranges. IDS_DEFAULT without any range
 * and IDS_SINGLE yield the one-line map "0 own 1". Neighbouring extents are merged. Returns 0; -ENOENT with
 * @e naming @file when IDS_KEEP has no ranges and @own isn't 0.
 */
int idmap_build(enum ids_mode mode, uint32_t own, const struct subid_ranges *ranges, const char *file,
                struct idmap *ret, struct err *e);

/* Append a line; -E2BIG beyond IDMAP_MAX, -ERANGE when it leaves the 32-bit id space. Merges with the line
 * before. */
int idmap_add(struct idmap *map, uint32_t container, uint32_t host, uint32_t size);

/* A uid_map or gid_map as procfs shows it ("container host size" per line). Returns 0 or -EINVAL. */
int idmap_parse(const char *text, struct idmap *ret);

/* The id on the host for @container. Returns 0 or -ENOENT. */
int idmap_to_host(const struct idmap *map, uint32_t container, uint32_t *ret);

/* The id in the container for @host. Returns 0 or -ENOENT. */
int idmap_to_container(const struct idmap *map, uint32_t host, uint32_t *ret);

/*
 * How layers that were unpacked under the map @layers must be translated for a container with the map
 * @container: for each id i of the layers, the id as which the container's user namespace sees its files'
 * owner ("host" of the result). For fuse-overlayfs's uidmapping. Ids the container can't see are left out.
 * Returns whether the result differs from the identity.
 */
bool idmap_translate(const struct idmap *layers, const struct idmap *container, struct idmap *ret);

/*
 * @wanted says ids of the host on its right side; write them as the ids that a process in the user namespace
 * with the map @outer uses for them, which is what the kernel wants in the uid_map of a namespace below it.
 * Lines are split where @outer's are. Returns 0, -ENOENT with *ret_missing (may be NULL) the first id @outer
 * does not map, -E2BIG.
 */
int idmap_below(const struct idmap *wanted, const struct idmap *outer, struct idmap *ret,
                uint32_t *ret_missing);

/* How many ids it maps. */
uint64_t idmap_size(const struct idmap *map);

#endif
