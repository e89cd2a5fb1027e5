// SPDX-License-Identifier: Apache-2.0
/*
 * The device filter. Compiling is pure; attaching runs in the parent, as root in the initial user namespace.
 *
 * Theory of operation: the kernel calls the program with the kind of device, its numbers and the kinds of
 * access one open or mknod wants, all at once. The rules are gone through from the last to the first with the
 * set of accesses that no rule has decided yet: a matching rule that allows takes its own out, one that
 * denies any of them ends it. Nothing left means allowed; the end of the rules means denied.
 */
#include "cgroup/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define ALL_ACCESS     (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)
#define INSNS_PROLOG   6
#define INSNS_PER_RULE 8
#define INSNS_EPILOG   2
#define LOG_SIZE       16384

#define NUMBER(n)                 \
    {                             \
        .set = true, .value = (n) \
    }

/* What a container needs whatever its rules say; behind them, as runc has it. */
static const struct spec_device_rule default_rules[] = {
    /* Making a node is not using it. */
    { .allow = true, .type = 'c', .access = "m" },
    { .allow = true, .type = 'b', .access = "m" },
    { .allow = true, .type = 'c', .major = NUMBER(1), .minor = NUMBER(3), .access = "rwm" }, /* null */
    { .allow = true, .type = 'c', .major = NUMBER(1), .minor = NUMBER(5), .access = "rwm" }, /* zero */
    { .allow = true, .type = 'c', .major = NUMBER(1), .minor = NUMBER(7), .access = "rwm" }, /* full */
    { .allow = true, .type = 'c', .major = NUMBER(1), .minor = NUMBER(8), .access = "rwm" }, /* random */
    { .allow = true, .type = 'c', .major = NUMBER(1), .minor = NUMBER(9), .access = "rwm" }, /* urandom */
    { .allow = true, .type = 'c', .major = NUMBER(5), .minor = NUMBER(0), .access = "rwm" }, /* tty */
    { .allow = true, .type = 'c', .major = NUMBER(5), .minor = NUMBER(2), .access = "rwm" }, /* ptmx */
    { .allow = true, .type = 'c', .major = NUMBER(136), .access = "rwm" },                   /* pts */
};

static unsigned access_bits(const char *access)
{
    return (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0U) |
           (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0U) |
           (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0U);
}

static void emit(struct device_program *p, int code, int dst, int src, int off, int imm)
{
    p->insns[p->n++] = (struct bpf_insn){ .code = (__u8)code,
                                          .dst_reg = (__u8)(dst & 0xf),
                                          .src_reg = (__u8)(src & 0xf),
                                          .off = (__s16)off,
                                          .imm = imm };
}

static void emit_return(struct device_program *p, int value)
{
    emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
    emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* r2: the accesses that are undecided, r3: the kind of device, r4 and r5: its numbers. */
static void emit_prolog(struct device_program *p)
{
    emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type),
         0);
    emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
    emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_3, 0, 0, 0xffff);
    emit(p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_2, 0, 0, 16);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

/* Leave the rule when register @reg is not @value; where to is filled in at its end. */
static void emit_unless(struct device_program *p, int reg, int64_t value)
{
    emit(p, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, (int)value);
}

static void emit_rule(struct device_program *p, const struct spec_device_rule *rule)
{
    const int access = (int)access_bits(rule->access);
    size_t first = p->n;

    if (rule->type != 'a')
        emit_unless(p, BPF_REG_3, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (rule->major.set)
        emit_unless(p, BPF_REG_4, rule->major.value);
    if (rule->minor.set)
        emit_unless(p, BPF_REG_5, rule->minor.value);
    if (rule->allow) {
        emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, ALL_ACCESS & ~access);
        emit_unless(p, BPF_REG_2, 0);
    } else {
        emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_2, 0, 0);
        emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, access);
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
    }
    emit_return(p, rule->allow);
    for (size_t i = first; i < p->n - 2; i++) {
        if (BPF_CLASS(p->insns[i].code) == BPF_JMP)
            p->insns[i].off = (__s16)(p->n - i - 1);
    }
}

/* A rule for everything: no earlier one is ever looked at. */
static bool is_total(const struct spec_device_rule *rule)
{
    return rule->type == 'a' && !rule->major.set && !rule->minor.set &&
           access_bits(rule->access) == ALL_ACCESS;
}

void device_program_make(const struct spec_device_rule *rules, size_t n, struct device_program *ret)
{
    struct device_program p = { 0 };
    bool fallback = false;

    p.insns = mem_zalloc_array(INSNS_PROLOG + INSNS_PER_RULE * (n + ARRAY_SIZE(default_rules)) + INSNS_EPILOG,
                               sizeof(*p.insns));
    emit_prolog(&p);
    for (size_t i = ARRAY_SIZE(default_rules); i > 0; i--)
        emit_rule(&p, &default_rules[i - 1]);
    for (; n > 0; n--) {
        if (is_total(&rules[n - 1])) {
            fallback = rules[n - 1].allow;
            break;
        }
        emit_rule(&p, &rules[n - 1]);
    }
    emit_return(&p, fallback);
    *ret = p;
}

void device_program_free(struct device_program *program)
{
    free(program->insns);
    *program = (struct device_program){ 0 };
}

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
    long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

    return r < 0 ? -errno : (int)r;
}

static int load(const struct device_program *program, char *log, size_t log_size)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uint64_t)(uintptr_t)program->insns;
    attr.insn_cnt = (uint32_t)program->n;
    attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
    if (log_size) {
        attr.log_buf = (uint64_t)(uintptr_t)log;
        attr.log_size = (uint32_t)log_size;
        attr.log_level = 1;
    }
    return bpf(BPF_PROG_LOAD, &attr);
}

/* The verifier's reason is on the last but one of its lines. */
static int explain_load(const struct device_program *program, int r, struct err *e)
{
    _cleanup_free_ char *log = mem_zalloc(LOG_SIZE);

    (void)load(program, log, LOG_SIZE);
    err_sys(e, r, "linux.resources.devices: loading the device filter%s%.160s", *log ? ": " : "", log);
    return err_remedy(e, "the kernel must be built with CONFIG_CGROUP_BPF, and the caller have CAP_BPF and "
                         "CAP_NET_ADMIN, or CAP_SYS_ADMIN");
}

int device_program_attach(const struct device_program *program, int dirfd, struct err *e)
{
    _cleanup_close_ int fd = load(program, NULL, 0);
    union bpf_attr attr;
    int r;

    if (fd < 0)
        return explain_load(program, fd, e);
    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)dirfd;
    attr.attach_bpf_fd = (uint32_t)fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    r = bpf(BPF_PROG_ATTACH, &attr);
    return r < 0 ? err_sys(e, r, "linux.resources.devices: attaching the device filter to the cgroup") : 0;
}

static bool rule_matches(const struct spec_device_rule *rule, const struct spec_device *device)
{
    return (rule->type == 'a' || rule->type == device->type) &&
           (!rule->major.set || rule->major.value == device->major) &&
           (!rule->minor.set || rule->minor.value == device->minor);
}

/* The rule that denies reading or writing the device in the end, or n. "Deny all" is what everybody writes
 * first and asks for no more than that nothing else is there. */
static size_t denied_by(const struct spec_device_rule *rules, size_t n, const struct spec_device *device)
{
    unsigned undecided = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

    for (size_t i = n; i > 0 && undecided; i--) {
        const struct spec_device_rule *rule = &rules[i - 1];

        if (is_total(rule))
            break;
        if (!rule_matches(rule, device))
            continue;
        if (!rule->allow && (undecided & access_bits(rule->access)))
            return i - 1;
        undecided &= ~access_bits(rule->access);
    }
    return n;
}

int device_rules_check(const struct spec_device_rule *rules, size_t n, const struct spec_device *devices,
                       size_t n_devices, struct err *e)
{
    for (size_t i = 0; i < n_devices; i++) {
        size_t rule = devices[i].type == 'p' ? n : denied_by(rules, n, &devices[i]);

        if (rule == n)
            continue;
        err_set(e, EPERM,
                "linux.resources.devices[%zu]: denies %s, which linux.devices[%zu] asks for: without "
                "privilege there is no device filter that could",
                rule, devices[i].path, i);
        return err_remedy(e, "remove the device or the rule");
    }
    return 0;
}
