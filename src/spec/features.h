// SPDX-License-Identifier: Apache-2.0
/* The features document of runtime-spec 1.3 (features.md, features-linux.md). */
#ifndef LICHEN_SPEC_FEATURES_H
#define LICHEN_SPEC_FEATURES_H

/* What spec/ does not know itself. */
struct spec_features {
    const char *version;              /* of lichen */
    const char *libseccomp_version;   /* of the running library: "2.5.4" */
    const char *const *mount_options; /* NULL-terminated; rootfs/ owns the table */
};

/*
 * What this build recognises, from the tables the parser uses, as pretty JSON. Nothing of the host is probed,
 * as the spec asks. Malloc'ed, ends in a newline; never NULL.
 */
char *spec_features(const struct spec_features *features);

#endif
