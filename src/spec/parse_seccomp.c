// SPDX-License-Identifier: Apache-2.0
/* linux.seccomp: config-linux.md "Seccomp". Only parsed here; security/seccomp.c compiles it. Runs where
 * parse.c runs. */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/str.h"
#include "spec/parse.h"

/* The action with its errno (or, for TRACE, the message for the tracer) put in. The path is the object's. */
static int finish_action(struct parse *p, const char *key, const struct opt_i64 *errno_ret, uint32_t *action)
{
    bool takes_errno = *action == SECCOMP_RET_ERRNO || *action == SECCOMP_RET_TRACE;

    if (!takes_errno && errno_ret->set)
        return parse_fail_key(p, key, "is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE, not for %s",
                              spec_number_to_name(spec_seccomp_action_names, *action));
    /* The kernel clamps an errno to MAX_ERRNO in silence. */
    if (*action == SECCOMP_RET_ERRNO && errno_ret->set && errno_ret->value > 4095)
        return parse_fail_key(p, key, "%lld is not an errno (0 to 4095)", (long long)errno_ret->value);
    if (takes_errno)
        *action |= errno_ret->set ? (uint32_t)errno_ret->value : EPERM;
    return 0;
}

static const struct field arg_fields[] = {
    { .key = "index", ROW_INT(struct spec_seccomp_arg, index, 0, 5), .flags = FIELD_REQUIRED },
    { .key = "value", ROW_INT(struct spec_seccomp_arg, value, 0, UINT64_MAX), .flags = FIELD_REQUIRED },
    { .key = "valueTwo", ROW_INT(struct spec_seccomp_arg, value_two, 0, UINT64_MAX) },
    { .key = "op",
      ROW_NAME(struct spec_seccomp_arg, op, spec_seccomp_operator_names),
      .flags = FIELD_REQUIRED },
};
static const struct table arg_table = { TABLE_FIELDS(arg_fields),
                                        .element_size = sizeof(struct spec_seccomp_arg),
                                        .section = "config-linux.md#seccomp" };

/* A rule of the file: the errno is a field of its own there, part of the action in memory. */
struct rule_entry {
    struct spec_seccomp_rule rule;
    struct opt_i64 errno_ret;
};

/*
 * The runtime writes the notification descriptor to the agent after the filter is on: filtering write would
 * lock it up. runc refuses this too.
 */
static int check_notify(struct parse *p, const struct spec_seccomp_rule *rule)
{
    if (rule->action != SECCOMP_RET_USER_NOTIF)
        return 0;
    for (size_t i = 0; i < rule->names.n; i++) {
        if (str_eq(rule->names.v[i], "write") || str_eq(rule->names.v[i], "sendmsg")) {
            parse_enter(p, "names");
            return parse_fail_at(p, i, NULL, "SCMP_ACT_NOTIFY cannot be used for %s", rule->names.v[i]);
        }
    }
    return 0;
}

static int check_rule(struct parse *p, void *out)
{
    struct rule_entry *entry = out;
    int r;

    r = check_notify(p, &entry->rule);
    if (r < 0)
        return r;
    return finish_action(p, "errnoRet", &entry->errno_ret, &entry->rule.action);
}

static const struct field rule_fields[] = {
    { .key = "names", ROW_STRINGS(struct rule_entry, rule.names), .flags = FIELD_REQUIRED | FIELD_NO_EMPTY },
    { .key = "action",
      ROW_NAME(struct rule_entry, rule.action, spec_seccomp_action_names),
      .flags = FIELD_REQUIRED },
    { .key = "errnoRet", ROW_OPT_I64(struct rule_entry, errno_ret, 0, UINT16_MAX) },
    { .key = "args", ROW_LIST(struct rule_entry, rule.n_args, rule.args, &arg_table) },
};
static const struct table rule_table = { TABLE_FIELDS(rule_fields), .element_size = sizeof(struct rule_entry),
                                         .section = "config-linux.md#seccomp", .check = check_rule };

/* The profile, with the default errno still apart. */
struct seccomp_entry {
    struct spec_seccomp seccomp;
    struct opt_i64 default_errno_ret;
};

static int read_rules(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct spec_seccomp *seccomp = &((struct seccomp_entry *)out)->seccomp;
    size_t n = json_object_array_length(v);

    if (n > PARSE_MAX_ELEMENTS)
        return parse_fail(p, "has %zu elements, more than the %d allowed", n, PARSE_MAX_ELEMENTS);
    seccomp->rules = n ? ARENA_ARRAY(p->arena, n, struct spec_seccomp_rule) : NULL;
    for (size_t i = 0; i < n; i++) {
        struct json_object *element = json_object_array_get_idx(v, i);
        struct rule_entry entry = { 0 };
        int r;

        parse_enter_index(p, i);
        r = parse_want(p, element, TYPE_OBJECT);
        if (r == 0)
            r = parse_object(p, f->table, element, &entry);
        if (r < 0)
            return r;
        seccomp->rules[i] = entry.rule;
        parse_leave(p);
    }
    seccomp->n_rules = n;
    return 0;
}

static bool is_arch(const char *name)
{
    for (const char *const *arch = spec_seccomp_arch_names; *arch; arch++) {
        if (str_eq(*arch, name))
            return true;
    }
    return false;
}

static int check_architectures(struct parse *p, void *out)
{
    const struct spec_seccomp *seccomp = &((struct seccomp_entry *)out)->seccomp;

    for (size_t i = 0; i < seccomp->architectures.n; i++) {
        if (!is_arch(seccomp->architectures.v[i]))
            return parse_fail_at(p, i, NULL, "\"%.64s\" is not a known architecture",
                                 seccomp->architectures.v[i]);
    }
    return 0;
}

static int check_seccomp(struct parse *p, void *out)
{
    struct seccomp_entry *entry = out;
    struct spec_seccomp *seccomp = &entry->seccomp;

    if (seccomp->default_action == SECCOMP_RET_USER_NOTIF)
        return parse_fail_key(p, "defaultAction", "SCMP_ACT_NOTIFY cannot be the default");
    if (seccomp->listener_metadata && !seccomp->listener_path)
        return parse_fail_key(p, "listenerMetadata", "must not be set without listenerPath");
    return finish_action(p, "defaultErrnoRet", &entry->default_errno_ret, &seccomp->default_action);
}

static const struct field seccomp_fields[] = {
    { .key = "defaultAction",
      ROW_NAME(struct seccomp_entry, seccomp.default_action, spec_seccomp_action_names),
      .flags = FIELD_REQUIRED },
    { .key = "defaultErrnoRet", ROW_OPT_I64(struct seccomp_entry, default_errno_ret, 0, UINT16_MAX) },
    { .key = "architectures",
      ROW_STRINGS(struct seccomp_entry, seccomp.architectures),
      .check = check_architectures },
    /* Absent means none, as the spec has it; runc 1.2 and later then sets SPEC_ALLOW. */
    { .key = "flags", ROW_FLAGS(struct seccomp_entry, seccomp.flags, spec_seccomp_flag_names) },
    { .key = "listenerPath",
      ROW_STRING(struct seccomp_entry, seccomp.listener_path),
      .flags = FIELD_ABSOLUTE },
    { .key = "listenerMetadata", ROW_STRING(struct seccomp_entry, seccomp.listener_metadata) },
    { .key = "syscalls", .type = TYPE_ARRAY, .read = read_rules, .table = &rule_table },
};
const struct table seccomp_table = { TABLE_FIELDS(seccomp_fields), .section = "config-linux.md#seccomp",
                                     .check = check_seccomp };

int parse_seccomp(struct parse *p, const struct field *f, struct json_object *v, void *out)
{
    struct seccomp_entry entry = { 0 };
    int r;

    r = parse_object(p, f->table, v, &entry);
    if (r < 0)
        return r;
    *(struct spec_seccomp *)((char *)out + f->offset) = entry.seccomp;
    return 0;
}
