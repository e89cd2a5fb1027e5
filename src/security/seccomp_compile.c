// SPDX-License-Identifier: Apache-2.0
/*
 * A profile to a BPF program, by libseccomp. Runs in the parent, before anything is forked.
 *
 * What runc does is what profiles are written for, so: names the library does not know are skipped; a rule
 * whose action is the default action is skipped; conditions on one argument twice are alternatives (a rule
 * each), on different arguments they hold together; the native architecture is always there.
 *
 * System calls newer than the library: no profile could have named them, so a default of "return an errno"
 * would answer EPERM where a program needs ENOSYS to fall back to the older call (clone3, faccessat2, openat2
 * were such; opencontainers/runc#2151). A prologue answers ENOSYS for numbers above the largest one
 * libseccomp has a name for. runc draws the line at the largest number *in the profile*, which changes the
 * errno of calls the profile's author left out on purpose; ours never does. Only for a default of ERRNO: a
 * default of KILL stays one.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "security/seccomp_private.h"
#include "spec/names.h"

/* spec/ holds the kernel's numbers so that it needs no libseccomp. */
static_assert(SCMP_ACT_KILL_PROCESS == SECCOMP_RET_KILL_PROCESS &&
                  SCMP_ACT_KILL_THREAD == SECCOMP_RET_KILL_THREAD && SCMP_ACT_TRAP == SECCOMP_RET_TRAP &&
                  SCMP_ACT_ERRNO(1) == (SECCOMP_RET_ERRNO | 1) &&
                  SCMP_ACT_TRACE(1) == (SECCOMP_RET_TRACE | 1) && SCMP_ACT_LOG == SECCOMP_RET_LOG &&
                  SCMP_ACT_ALLOW == SECCOMP_RET_ALLOW && SCMP_ACT_NOTIFY == SECCOMP_RET_USER_NOTIF,
              "actions");
static_assert(SCMP_CMP_NE == 1 && SCMP_CMP_LT == 2 && SCMP_CMP_LE == 3 && SCMP_CMP_EQ == 4 &&
                  SCMP_CMP_GE == 5 && SCMP_CMP_GT == 6 && SCMP_CMP_MASKED_EQ == 7,
              "operators");

#define N_ARGS 6
/* Linux's tables are below 512 today; x32 adds X32_BIT. */
#define NUMBER_LIMIT 1024
#define X32_BIT      0x40000000U

static void release(scmp_filter_ctx *ctx)
{
    if (*ctx)
        seccomp_release(*ctx);
}

/* "SCMP_ARCH_X86_64" to libseccomp's token; 0 for one it lacks. */
static uint32_t arch_token(const char *name)
{
    char lower[32];

    if (!str_has_prefix(name, "SCMP_ARCH_") || str_format(lower, sizeof(lower), "%s", name + 10) < 0)
        return 0;
    for (char *s = lower; *s; s++)
        *s = (char)tolower((unsigned char)*s);
    return seccomp_arch_resolve_name(lower);
}

static int add_architectures(scmp_filter_ctx ctx, const struct spec_seccomp *profile, struct err *e)
{
    for (size_t i = 0; i < profile->architectures.n; i++) {
        const char *name = profile->architectures.v[i];
        uint32_t token = arch_token(name);
        int r = token ? seccomp_arch_add(ctx, token) : -EINVAL;

        if (r < 0 && r != -EEXIST)
            return err_sys(e, r, "linux.seccomp.architectures[%zu]: libseccomp cannot add %s here", i, name);
    }
    return 0;
}

/* Whether two conditions name one argument: then each becomes a rule of its own. */
static bool repeats_argument(const struct spec_seccomp_rule *rule)
{
    unsigned seen = 0;

    for (size_t i = 0; i < rule->n_args; i++) {
        unsigned bit = 1U << rule->args[i].index;

        if (seen & bit)
            return true;
        seen |= bit;
    }
    return false;
}

static int add_rule(scmp_filter_ctx ctx, const struct spec_seccomp_rule *rule, int number)
{
    struct scmp_arg_cmp conditions[N_ARGS];
    bool alternatives = repeats_argument(rule);
    int r;

    for (size_t i = 0; i < rule->n_args; i++) {
        const struct spec_seccomp_arg *arg = &rule->args[i];
        struct scmp_arg_cmp *c = &conditions[alternatives ? 0 : i];

        /* For MASKED_EQ, value is the mask and valueTwo the datum, as in libseccomp's own macro. */
        *c = (struct scmp_arg_cmp){ arg->index, (enum scmp_compare)arg->op, arg->value, arg->value_two };
        if (!alternatives)
            continue;
        r = seccomp_rule_add_array(ctx, rule->action, number, 1, c);
        if (r < 0 && r != -EEXIST)
            return r;
    }
    if (alternatives)
        return 0;
    r = seccomp_rule_add_array(ctx, rule->action, number, (unsigned)rule->n_args, conditions);
    return r == -EEXIST ? 0 : r;
}

static int add_rules(scmp_filter_ctx ctx, const struct spec_seccomp *profile, struct err *e)
{
    for (size_t i = 0; i < profile->n_rules; i++) {
        const struct spec_seccomp_rule *rule = &profile->rules[i];

        if (rule->action == profile->default_action)
            continue;
        for (size_t j = 0; j < rule->names.n; j++) {
            int number = seccomp_syscall_resolve_name(rule->names.v[j]);
            int r;

            if (number == __NR_SCMP_ERROR)
                continue;
            r = add_rule(ctx, rule, number);
            if (r == -EOPNOTSUPP)
                return err_set(e, EOPNOTSUPP,
                               "linux.seccomp.syscalls[%zu].action: the running kernel does not support it",
                               i);
            if (r < 0)
                return err_sys(e, r,
                               "linux.seccomp.syscalls[%zu].names[%zu]: libseccomp refuses the rule for %s",
                               i, j, rule->names.v[j]);
        }
    }
    return 0;
}

/* The largest number the library has a name for on @arch; 0 when it has none. */
static uint32_t largest_number(uint32_t arch)
{
    uint32_t base = arch == SCMP_ARCH_X32 ? X32_BIT : 0;

    for (uint32_t n = NUMBER_LIMIT; n-- > 0;) {
        char *name = seccomp_syscall_resolve_num_arch(arch, (int)(base + n));

        if (name) {
            free(name);
            return base + n;
        }
    }
    return 0;
}

/* if (arch == @arch && the number is of this ABI && number > @largest) return ENOSYS */
static void put_prologue(struct buf *program, uint32_t audit_arch, uint32_t low, uint32_t limit,
                         uint32_t largest)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit_arch, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 3),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, limit, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, largest, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };

    buf_append(program, code, sizeof(code));
}

static void put_arch_prologue(struct buf *program, uint32_t arch)
{
    uint32_t largest = largest_number(arch);

    if (!largest)
        return;
    /* On x86-64 one AUDIT_ARCH carries two ABIs, told apart by a bit of the number. */
    if (arch == SCMP_ARCH_X86_64)
        put_prologue(program, arch, 0, X32_BIT, largest);
    else if (arch == SCMP_ARCH_X32)
        put_prologue(program, SCMP_ARCH_X86_64, X32_BIT, UINT32_MAX, largest);
    else
        put_prologue(program, arch, 0, UINT32_MAX, largest);
}

static void put_prologues(struct buf *program, scmp_filter_ctx ctx, const struct spec_seccomp *profile)
{
    uint32_t native = seccomp_arch_native();

    if ((profile->default_action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO ||
        profile->default_action == (SECCOMP_RET_ERRNO | ENOSYS))
        return;
    put_arch_prologue(program, native);
    for (const char *const *name = spec_seccomp_arch_names; *name; name++) {
        uint32_t token = arch_token(*name);

        if (token && token != native && seccomp_arch_exist(ctx, token) == 0)
            put_arch_prologue(program, token);
    }
}

static int export_program(scmp_filter_ctx ctx, struct buf *program, struct err *e)
{
    _cleanup_close_ int fd = memfd_create("lichen-seccomp", MFD_CLOEXEC);
    _cleanup_buf_ struct buf exported = { 0 };
    int r;

    if (fd < 0)
        return err_sys(e, errno, "cannot make a memory file for the seccomp filter");
    r = seccomp_export_bpf(ctx, fd);
    if (r < 0)
        return err_sys(e, r, "linux.seccomp: libseccomp cannot compile the profile");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(e, errno, "cannot read the compiled seccomp filter");
    r = fd_read_all(fd, BPF_MAXINSNS * sizeof(struct sock_filter), &exported);
    if (r == -EFBIG || (program->len + exported.len) / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return err_set(e, E2BIG,
                       "linux.seccomp: the compiled profile has more than the kernel's %d instructions",
                       BPF_MAXINSNS);
    if (r < 0)
        return err_sys(e, r, "cannot read the compiled seccomp filter");
    buf_append(program, exported.data, exported.len);
    return 0;
}

int seccomp_compile(const struct spec_seccomp *profile, struct buf *ret, struct err *e)
{
    _cleanup_(release) scmp_filter_ctx ctx = seccomp_init(profile->default_action);
    _cleanup_buf_ struct buf program = { 0 };
    int r;

    if (!ctx)
        return err_set(e, EINVAL,
                       "linux.seccomp.defaultAction: libseccomp or the kernel does not support it");
    /* A binary tree of numbers: 0.31 ms to load, and fewer steps per call, against 0.75 for the linear list.
     */
    (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    r = add_architectures(ctx, profile, e);
    if (r < 0)
        return r;
    r = add_rules(ctx, profile, e);
    if (r < 0)
        return r;
    put_prologues(&program, ctx, profile);
    r = export_program(ctx, &program, e);
    if (r < 0)
        return r;
    buf_free(ret);
    *ret = program;
    program = (struct buf){ 0 };
    return 0;
}
