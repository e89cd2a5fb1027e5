// SPDX-License-Identifier: Apache-2.0
/*
 * linux.resources.devices as a program of type BPF_PROG_TYPE_CGROUP_DEVICE, which the kernel asks at each
 * open and mknod (Documentation/admin-guide/cgroup-v2.rst, "Device controller"). Root's alone; for everybody
 * else the nodes in the container are the policy.
 */
#ifndef LICHEN_CGROUP_DEVICES_H
#define LICHEN_CGROUP_DEVICES_H

#include <linux/bpf.h>
#include <stddef.h>

#include "base/err.h"
#include "spec/spec.h"

struct device_program {
    size_t n;
    struct bpf_insn *insns; /* malloc'ed */
};

/*
 * Compile the rules: for each kind of access that is asked for (a request may be for several at once), the
 * last rule that matches device and access decides; where none does, nothing is allowed. Before the
 * configuration's rules there is "deny all" and what every container needs (the default devices,
 * pseudoterminals, mknod), as runc has it: they can be denied by name. Pure. device_program_free releases it.
 */
void device_program_make(const struct spec_device_rule *rules, size_t n, struct device_program *ret);
void device_program_free(struct device_program *program);

/*
 * Load the program and attach it to the cgroup @dirfd beside any of the cgroups above (BPF_F_ALLOW_MULTI: all
 * must allow). Returns 0 or -errno with the verifier's last line.
 */
int device_program_attach(const struct device_program *program, int dirfd, struct err *e);

/*
 * Without a program: whether what the rules deny is kept by having no node for it. A rule that denies a
 * device of
 * @devices or of the default ones, and that no later rule allows again, cannot be kept: an error that names
 * it. Pure. Returns 0 or -EPERM.
 */
int device_rules_check(const struct spec_device_rule *rules, size_t n, const struct spec_device *devices,
                       size_t n_devices, struct err *e);

#endif
