// SPDX-License-Identifier: Apache-2.0
/*
 * Annotations org.systemd.property.NAME: properties of the container's scope, as runc and crun take them. The
 * value is written as GVariant text, of which these forms are known: true, false, 'text', "text", 5, uint64 5
 * (byte, int16, uint16, int32, uint32, int64, uint64, double), ['a', 'b']. NAME ending in Sec takes seconds
 * and sets NAME's USec.
 */
#ifndef LICHEN_CGROUP_UNIT_PROPERTY_H
#define LICHEN_CGROUP_UNIT_PROPERTY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define UNIT_PROPERTY_PREFIX "org.systemd.property."

struct unit_property {
    char name[64];
    char type; /* of D-Bus: b s y n q i u x t d, or 'a' for a list of strings */
    union {
        uint64_t u; /* b y q u t */
        int64_t i;  /* n i x */
        double d;
    };
    const char *text; /* s */
    size_t n_texts;   /* a */
    const char **texts;
};

/*
 * @name is what follows the prefix. Strings of @ret live in @arena. Returns 0 or -EINVAL, naming the
 * annotation. Pure.
 */
int unit_property_parse(const char *name, const char *value, struct arena *arena, struct unit_property *ret,
                        struct err *e);

#endif
