// SPDX-License-Identifier: Apache-2.0
/* `lichen-oci features`: the names come from the parser's tables (names.c, the rows' status). Runs in that
 * verb only; pure. */
#include "spec/features.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/fields.h"
#include "spec/names.h"

static void add_bool(struct json_object *o, const char *key, bool value)
{
    json_object_object_add(o, key, json_object_new_boolean(value));
}

static struct json_object *add_object(struct json_object *o, const char *key)
{
    struct json_object *child = json_object_new_object();

    json_object_object_add(o, key, child);
    return child;
}

static struct json_object *add_array(struct json_object *o, const char *key)
{
    struct json_object *child = json_object_new_array();

    json_object_object_add(o, key, child);
    return child;
}

static void add_strings(struct json_object *o, const char *key, const char *const *v, size_t n)
{
    struct json_object *array = add_array(o, key);

    for (size_t i = 0; i < n && v[i]; i++)
        json_object_array_add(array, json_object_new_string(v[i]));
}

static void add_names(struct json_object *o, const char *key, const struct spec_name *names)
{
    struct json_object *array = add_array(o, key);

    for (; names->name; names++)
        json_object_array_add(array, json_object_new_string(names->name));
}

struct field_query {
    const char *path;
    bool supported;
};

static void match_field(const struct spec_field_info *info, void *data)
{
    struct field_query *query = data;

    if (str_eq(info->path, query->path))
        query->supported = info->status == SPEC_SUPPORTED;
}

/* Whether the parser has a row for the field that is not a refusal. */
static bool is_supported(const char *path)
{
    struct field_query query = { .path = path };

    spec_fields_visit(match_field, &query);
    return query.supported;
}

static void add_namespaces(struct json_object *linux_features)
{
    struct json_object *array = add_array(linux_features, "namespaces");

    for (size_t i = 0; i < NS_N; i++)
        json_object_array_add(array, json_object_new_string(spec_ns_table[i].name));
}

static void add_seccomp(struct json_object *linux_features)
{
    struct json_object *o = add_object(linux_features, "seccomp");

    add_bool(o, "enabled", is_supported("linux.seccomp"));
    add_names(o, "actions", spec_seccomp_action_names);
    add_names(o, "operators", spec_seccomp_operator_names);
    add_strings(o, "archs", spec_seccomp_arch_names, SIZE_MAX);
    add_names(o, "knownFlags", spec_seccomp_flag_names);
    add_names(o, "supportedFlags", spec_seccomp_flag_names);
}

static void add_linux(struct json_object *root)
{
    struct json_object *o = add_object(root, "linux"), *cgroup, *policy, *rdt;

    add_namespaces(o);
    add_names(o, "capabilities", spec_capability_names);
    cgroup = add_object(o, "cgroup");
    add_bool(cgroup, "v1", false);
    add_bool(cgroup, "v2", true);
    add_bool(cgroup, "systemd", true);
    add_bool(cgroup, "systemdUser", true);
    add_bool(cgroup, "rdma", is_supported("linux.resources.rdma"));
    add_seccomp(o);
    add_bool(add_object(o, "apparmor"), "enabled", is_supported("process.apparmorProfile"));
    add_bool(add_object(o, "selinux"), "enabled", is_supported("process.selinuxLabel"));
    policy = add_object(o, "memoryPolicy");
    add_names(policy, "modes", spec_memory_policy_mode_names);
    add_names(policy, "flags", spec_memory_policy_flag_names);
    rdt = add_object(o, "intelRdt");
    add_bool(rdt, "enabled", is_supported("linux.intelRdt"));
    add_bool(rdt, "schemata", is_supported("linux.intelRdt.schemata"));
    add_bool(rdt, "monitoring", is_supported("linux.intelRdt.enableMonitoring"));
    add_bool(add_object(add_object(o, "mountExtensions"), "idmap"), "enabled",
             is_supported("mounts[].uidMappings"));
    add_bool(add_object(o, "netDevices"), "enabled", is_supported("linux.netDevices"));
}

/* Annotations of config.json that change what the runtime does to the host: an engine must not pass them on
 * from an image. A trailing "." makes a prefix. */
static const char *const unsafe_annotations[] = { "io.lichen.",
                                                  "org.systemd.property.",
                                                  "run.oci.hooks.",
                                                  "run.oci.keep_original_groups",
                                                  "run.oci.seccomp.receiver",
                                                  NULL };

char *spec_features(const struct spec_features *features)
{
    struct json_object *root = json_object_new_object(), *annotations;
    char *text;

    json_object_object_add(root, "ociVersionMin", json_object_new_string("1.0.0"));
    json_object_object_add(root, "ociVersionMax", json_object_new_string(SPEC_VERSION));
    add_strings(root, "hooks", spec_hook_names, HOOK_KIND_N);
    add_strings(root, "mountOptions", features->mount_options, SIZE_MAX);
    add_linux(root);
    annotations = add_object(root, "annotations");
    json_object_object_add(annotations, "io.lichen.version", json_object_new_string(features->version));
    json_object_object_add(annotations, "io.github.seccomp.libseccomp.version",
                           json_object_new_string(features->libseccomp_version));
    add_strings(root, "potentiallyUnsafeConfigAnnotations", unsafe_annotations, SIZE_MAX);
    text = str_printf("%s\n",
                      json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                               JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(root);
    return text;
}
