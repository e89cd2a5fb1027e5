// SPDX-License-Identifier: Apache-2.0
/*
 * A unit test program: functions named after the behaviour they prove, run by UNIT_MAIN, TAP on stdout.
 *
 *     static void numbers_with_trailing_text_are_refused(void) { CHECK(str_to_u32("1x", &v) == -EINVAL); }
 *     UNIT_MAIN(TEST(numbers_with_trailing_text_are_refused))
 */
#ifndef LICHEN_TESTS_UNIT_H
#define LICHEN_TESTS_UNIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit_test {
    const char *name;
    void (*run)(void);
};

static int unit_failures;

/* Where src/tests/seeds is: LICHEN_SEEDS when the program runs elsewhere than it was built (a copy, the test
 * machine), else where it was. */
static inline const char *unit_seeds(const char *built)
{
    const char *moved = getenv("LICHEN_SEEDS");

    return moved && *moved ? moved : built;
}

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            unit_failures++;                                                   \
        }                                                                      \
    } while (0)

#define CHECK_STR(got, want)                                                        \
    do {                                                                            \
        const char *unit_got_ = (got), *unit_want_ = (want);                        \
        if (!unit_got_ || strcmp(unit_got_, unit_want_) != 0) {                     \
            printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got, \
                   unit_got_ ? unit_got_ : "(null)", unit_want_);                   \
            unit_failures++;                                                        \
        }                                                                           \
    } while (0)

#define CHECK_INT(got, want)                                                                            \
    do {                                                                                                \
        long long unit_got_ = (long long)(got), unit_want_ = (long long)(want);                         \
        if (unit_got_ != unit_want_) {                                                                  \
            printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, unit_got_, unit_want_); \
            unit_failures++;                                                                            \
        }                                                                                               \
    } while (0)

#define TEST(function)      \
    {                       \
#        function, function \
    }

#define UNIT_MAIN(...)                                                                    \
    int main(void)                                                                        \
    {                                                                                     \
        static const struct unit_test tests[] = { __VA_ARGS__ };                          \
        size_t n = sizeof(tests) / sizeof(tests[0]);                                      \
        int failed = 0;                                                                   \
                                                                                          \
        printf("1..%zu\n", n);                                                            \
        for (size_t i = 0; i < n; i++) {                                                  \
            unit_failures = 0;                                                            \
            tests[i].run();                                                               \
            printf("%sok %zu - %s\n", unit_failures ? "not " : "", i + 1, tests[i].name); \
            failed += unit_failures > 0;                                                  \
        }                                                                                 \
        return failed > 0;                                                                \
    }

#endif
