// SPDX-License-Identifier: Apache-2.0
/*
 * The names the runtime spec uses for namespaces, hooks, rlimits, seccomp actions ..., each as one table: the
 * parser, the state JSON, `features` and the error messages read the same rows.
 */
#ifndef LICHEN_SPEC_NAMES_H
#define LICHEN_SPEC_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "spec/spec.h"

struct spec_ns_info {
    const char *name;      /* in config.json: "network" */
    const char *proc_name; /* below /proc/PID/ns: "net" */
    uint64_t clone_flag;   /* CLONE_NEWNET */
};

/* One row per enum spec_ns. */
extern const struct spec_ns_info spec_ns_table[NS_N];

/* "createRuntime" and so on, one per enum spec_hook_kind. */
extern const char *const spec_hook_names[HOOK_KIND_N];

/* A (name, number) pair; tables of them end with a NULL name. */
struct spec_name {
    const char *name;
    int64_t value;
};

extern const struct spec_name spec_rlimit_names[];         /* "RLIMIT_NOFILE" -> RLIMIT_NOFILE */
extern const struct spec_name spec_seccomp_action_names[]; /* "SCMP_ACT_ERRNO" -> SCMP_ACT_ERRNO(0) */
extern const struct spec_name spec_seccomp_operator_names[];
extern const struct spec_name spec_seccomp_flag_names[];
extern const struct spec_name spec_memory_policy_mode_names[]; /* "MPOL_BIND" -> MPOL_BIND */
extern const struct spec_name spec_memory_policy_flag_names[];
extern const struct spec_name spec_capability_names[]; /* "CAP_CHOWN" -> 0 */
extern const char *const spec_seccomp_arch_names[];    /* NULL-terminated; "SCMP_ARCH_X86_64" */

/* The number for a name. Returns 0, or -ENOENT. */
int spec_name_to_number(const struct spec_name *table, const char *name, int64_t *ret);
/* The name for a number, or NULL. */
const char *spec_number_to_name(const struct spec_name *table, int64_t number);

#endif
