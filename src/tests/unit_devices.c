// SPDX-License-Identifier: Apache-2.0
/* src/cgroup/devices.c: what the compiled program answers, by an interpreter of the few instructions it uses.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cgroup/devices.h"
#include "tests/unit.h"

#define NUMBER(n)                 \
    {                             \
        .set = true, .value = (n) \
    }
#define R         BPF_DEVCG_ACC_READ
#define W         BPF_DEVCG_ACC_WRITE
#define M         BPF_DEVCG_ACC_MKNOD
#define MAX_STEPS 100000
#define DENY_ALL                                     \
    {                                                \
        .allow = false, .type = 'a', .access = "rwm" \
    }
#define RULE(a, t, ma, mi, acc)                                                              \
    {                                                                                        \
        .allow = (a), .type = (t), .major = NUMBER(ma), .minor = NUMBER(mi), .access = (acc) \
    }

static uint64_t load_word(const struct bpf_cgroup_dev_ctx *ctx, int off)
{
    uint32_t v = 0;

    CHECK(off >= 0 && (size_t)off + sizeof(v) <= sizeof(*ctx));
    memcpy(&v, (const char *)ctx + off, sizeof(v));
    return v;
}

/* The verifier's job here: every register is written before it is read, every jump stays inside, it ends. */
static int interpret(const struct device_program *p, const struct bpf_cgroup_dev_ctx *ctx)
{
    uint64_t reg[11] = { 0 };
    unsigned written = 1U << BPF_REG_1;

    for (size_t pc = 0, steps = 0; pc < p->n && steps < MAX_STEPS; pc++, steps++) {
        const struct bpf_insn *i = &p->insns[pc];
        uint64_t imm = (uint64_t)(int64_t)i->imm;

        switch (i->code) {
        case BPF_LDX | BPF_MEM | BPF_W:
            CHECK(i->src_reg == BPF_REG_1);
            reg[i->dst_reg] = load_word(ctx, i->off);
            written |= 1U << i->dst_reg;
            continue;
        case BPF_ALU64 | BPF_MOV | BPF_X:
            CHECK(written & 1U << i->src_reg);
            reg[i->dst_reg] = reg[i->src_reg];
            written |= 1U << i->dst_reg;
            continue;
        case BPF_ALU64 | BPF_MOV | BPF_K:
            reg[i->dst_reg] = imm;
            written |= 1U << i->dst_reg;
            continue;
        default:
            break;
        }
        CHECK(written & 1U << (i->code == (BPF_JMP | BPF_EXIT) ? BPF_REG_0 : i->dst_reg));
        switch (i->code) {
        case BPF_ALU64 | BPF_AND | BPF_K:
            reg[i->dst_reg] &= imm;
            break;
        case BPF_ALU64 | BPF_RSH | BPF_K:
            reg[i->dst_reg] >>= imm;
            break;
        case BPF_JMP | BPF_JNE | BPF_K:
            pc += reg[i->dst_reg] != imm ? (size_t)i->off : 0;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += reg[i->dst_reg] == imm ? (size_t)i->off : 0;
            break;
        case BPF_JMP | BPF_EXIT:
            return (int)reg[BPF_REG_0];
        default:
            CHECK(!"an instruction that was not expected");
            return -1;
        }
    }
    CHECK(!"the program does not end");
    return -1;
}

static int ask(const struct device_program *p, char type, unsigned major, unsigned minor, unsigned access)
{
    const struct bpf_cgroup_dev_ctx ctx = {
        .access_type = access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
        .major = major,
        .minor = minor,
    };

    return interpret(p, &ctx);
}

struct question {
    char type;
    unsigned major, minor, access;
    int answer;
};

static void check_answers(const struct spec_device_rule *rules, size_t n, const struct question *q,
                          size_t n_q)
{
    struct device_program p;

    device_program_make(rules, n, &p);
    for (size_t i = 0; i < n_q; i++) {
        int got = ask(&p, q[i].type, q[i].major, q[i].minor, q[i].access);

        if (got != q[i].answer)
            printf("# %c %u:%u access %u\n", q[i].type, q[i].major, q[i].minor, q[i].access);
        CHECK_INT(got, q[i].answer);
    }
    device_program_free(&p);
    CHECK(p.insns == NULL);
}

static void the_default_devices_and_mknod_are_always_allowed(void)
{
    static const struct spec_device_rule deny[] = { DENY_ALL };
    static const struct question q[] = {
        { 'c', 1, 3, R | W, 1 }, { 'c', 1, 5, R, 1 },     { 'c', 1, 7, W, 1 },     { 'c', 1, 8, R, 1 },
        { 'c', 1, 9, R, 1 },     { 'c', 5, 0, R | W, 1 }, { 'c', 5, 2, R | W, 1 }, { 'c', 136, 77, R | W, 1 },
        { 'c', 10, 229, M, 1 },  { 'b', 8, 0, M, 1 },     { 'c', 10, 229, R, 0 },  { 'b', 8, 0, R, 0 },
        { 'b', 1, 3, R, 0 },     { 'c', 1, 1, R, 0 },     { 'c', 5, 1, R, 0 },     { 'c', 10, 229, R | M, 0 },
    };

    check_answers(deny, 1, q, ARRAY_SIZE(q));
    check_answers(NULL, 0, q, ARRAY_SIZE(q));
}

static void the_last_matching_rule_wins(void)
{
    static const struct spec_device_rule rules[] = {
        DENY_ALL,
        RULE(true, 'c', 10, 229, "rw"),
        { .allow = true, .type = 'b', .major = NUMBER(8), .access = "r" },
        RULE(false, 'b', 8, 16, "rwm"),
        RULE(true, 'b', 8, 17, "rw"),
    };
    static const struct question q[] = {
        { 'c', 10, 229, R, 1 },  { 'c', 10, 229, R | W, 1 }, { 'c', 10, 228, R, 0 },
        { 'b', 10, 229, R, 0 },  { 'b', 8, 0, R, 1 },        { 'b', 8, 0, W, 0 },
        { 'b', 8, 0, R | W, 0 }, { 'b', 8, 16, R, 0 },       { 'b', 8, 17, R | W, 1 },
    };

    check_answers(rules, ARRAY_SIZE(rules), q, ARRAY_SIZE(q));
}

static void each_kind_of_access_is_decided_by_itself(void)
{
    static const struct spec_device_rule rules[] = {
        DENY_ALL,
        RULE(true, 'c', 10, 1, "r"),
        RULE(true, 'c', 10, 1, "w"),
        RULE(true, 'c', 10, 2, "rw"),
        RULE(false, 'c', 10, 2, "w"),
    };
    static const struct question q[] = {
        { 'c', 10, 1, R | W, 1 }, { 'c', 10, 2, R, 1 },         { 'c', 10, 2, W, 0 },
        { 'c', 10, 2, R | W, 0 }, { 'c', 10, 1, R | W | M, 1 },
    };

    check_answers(rules, ARRAY_SIZE(rules), q, ARRAY_SIZE(q));
}

static void a_rule_for_all_undoes_what_came_before(void)
{
    static const struct spec_device_rule denied[] = { RULE(true, 'b', 8, 0, "rw"), DENY_ALL };
    static const struct spec_device_rule allowed[] = { RULE(false, 'b', 8, 0, "rw"),
                                                       { .allow = true, .type = 'a', .access = "rwm" },
                                                       RULE(false, 'b', 8, 1, "w") };
    static const struct question nothing[] = { { 'b', 8, 0, R, 0 } };
    static const struct question nearly_all[] = { { 'b', 8, 0, R | W, 1 },
                                                  { 'b', 8, 1, W, 0 },
                                                  { 'b', 8, 1, R, 1 } };

    check_answers(denied, 2, nothing, 1);
    check_answers(allowed, 3, nearly_all, ARRAY_SIZE(nearly_all));
}

/* The definition, said in another way: for each access the last rule that matches; mknod is always allowed.
 */
static bool allows(const struct spec_device_rule *rules, size_t n, const struct question *q, char letter)
{
    bool allowed = false;

    for (size_t i = 0; i < n; i++) {
        const struct spec_device_rule *r = &rules[i];

        if ((r->type == 'a' || r->type == q->type) && (!r->major.set || r->major.value == q->major) &&
            (!r->minor.set || r->minor.value == q->minor) && strchr(r->access, letter))
            allowed = r->allow;
    }
    return allowed;
}

static int expected(const struct spec_device_rule *rules, size_t n, const struct question *q)
{
    return !((q->access & R) && !allows(rules, n, q, 'r')) && !((q->access & W) && !allows(rules, n, q, 'w'));
}

static void random_rules_mean_what_the_definition_says(void)
{
    static const char *const accesses[] = { "r", "w", "m", "rw", "rm", "wm", "rwm" };
    unsigned seed = 20261122;

    for (int round = 0; round < 300; round++) {
        struct spec_device_rule rules[12] = { 0 };
        struct device_program p;
        size_t n = (size_t)rand_r(&seed) % 13;

        for (size_t i = 0; i < n; i++) {
            rules[i].allow = rand_r(&seed) & 64;
            rules[i].type = "abc"[rand_r(&seed) % 3];
            rules[i].access = accesses[(size_t)rand_r(&seed) % ARRAY_SIZE(accesses)];
            rules[i].major.set = rand_r(&seed) & 64;
            rules[i].major.value = 200 + rand_r(&seed) % 2;
            rules[i].minor.set = rand_r(&seed) & 64;
            rules[i].minor.value = rand_r(&seed) % 2;
        }
        device_program_make(rules, n, &p);
        for (unsigned k = 0; k < 2 * 2 * 2 * 7; k++) {
            const struct question q = { k & 1 ? 'b' : 'c', 200 + (k >> 1 & 1), k >> 2 & 1, (k >> 3) % 7 + 1,
                                        0 };

            CHECK_INT(ask(&p, q.type, q.major, q.minor, q.access), expected(rules, n, &q));
        }
        device_program_free(&p);
    }
}

static void a_denial_that_cannot_be_kept_is_refused(void)
{
    static const struct spec_device fuse = { .path = "/dev/fuse", .type = 'c', .major = 10, .minor = 229 };
    static const struct spec_device_rule stock[] = { DENY_ALL };
    static const struct spec_device_rule denied[] = { DENY_ALL, RULE(false, 'c', 10, 229, "w") };
    static const struct spec_device_rule again[] = { DENY_ALL, RULE(false, 'c', 10, 229, "rw"),
                                                     RULE(true, 'c', 10, 229, "rw") };
    static const struct spec_device_rule mknod[] = { RULE(false, 'c', 10, 229, "m") };
    static const struct spec_device_rule other[] = { RULE(false, 'b', 10, 229, "rw"),
                                                     RULE(false, 'c', 10, 1, "r") };
    struct err e = { 0 };

    CHECK_INT(device_rules_check(stock, 1, &fuse, 1, &e), 0);
    CHECK_INT(device_rules_check(again, 3, &fuse, 1, &e), 0);
    CHECK_INT(device_rules_check(mknod, 1, &fuse, 1, &e), 0);
    CHECK_INT(device_rules_check(other, 2, &fuse, 1, &e), 0);
    CHECK_INT(device_rules_check(denied, 2, NULL, 0, &e), 0);
    CHECK_INT(device_rules_check(denied, 2, &fuse, 1, &e), -EPERM);
    CHECK(strstr(e.message, "linux.resources.devices[1]") && strstr(e.message, "/dev/fuse"));
}

/* Without privilege it can't be loaded, with it not attached to what is no cgroup. */
static void a_filter_that_cannot_be_had_names_the_field(void)
{
    _cleanup_close_ int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct device_program p;
    struct err e = { 0 };

    device_program_make(NULL, 0, &p);
    CHECK(device_program_attach(&p, tmp, &e) < 0);
    CHECK(strstr(e.message, "linux.resources.devices: "));
    device_program_free(&p);
}

UNIT_MAIN(TEST(a_filter_that_cannot_be_had_names_the_field),
          TEST(the_default_devices_and_mknod_are_always_allowed), TEST(the_last_matching_rule_wins),
          TEST(each_kind_of_access_is_decided_by_itself), TEST(a_rule_for_all_undoes_what_came_before),
          TEST(random_rules_mean_what_the_definition_says), TEST(a_denial_that_cannot_be_kept_is_refused))
