// SPDX-License-Identifier: Apache-2.0
/*
 * bench: runs several commands in turn (A B C A B C ...) and prints the median wall time of each and its
 * ratio to the rows named by
 * --against. In turn, because a shared machine's speed drifts; ratios, because absolute times mean nothing
 * elsewhere.
 *
 *     bench [--runs N] [--warmup N] [--against NAME]... [--check NAME:NAME:RATIO]... [--check-rss
 * NAME:NAME:RATIO]... < rows
 *
 * A row is "NAME<TAB>PROGRAM ARGUMENT ...", split at blanks, run without a shell, output to /dev/null. "%" in
 * an argument becomes the run's number, so that container ids differ. A command that fails ends the bench: a
 * fast failure is no measurement. --check A:B:0.5 makes the exit status 1 when the median of A is more than
 * 0.5 of B's, --check-rss the same for the largest peak of resident memory (of the command and of every
 * process it waited for). Runs as the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROWS_MAX   16
#define ARGS_MAX   128
#define CHECKS_MAX 16

struct row {
    char *name;
    char *argv[ARGS_MAX];
    double *ms, *cpu; /* wall; processor time of the command and what it waited for */
    double median, minimum, cpu_median;
    long rss; /* kB */
};

struct check {
    char a[64], b[64];
    double bar;
    bool rss;
};

static struct row rows[ROWS_MAX];
static size_t n_rows;
static const char *against[4];
static size_t n_against;
static struct check checks[CHECKS_MAX];
static size_t n_checks;

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "bench: %s: %s\n", what, detail);
    exit(2);
}

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void read_rows(void)
{
    static char line[16384];

    while (fgets(line, sizeof(line), stdin)) {
        struct row *r = &rows[n_rows];
        char *tab = strchr(line, '\t'), *save = NULL;
        size_t n = 0;

        if (!tab)
            continue;
        if (n_rows == ROWS_MAX)
            fail("too many rows", line);
        *tab = '\0';
        r->name = strdup(line);
        for (char *word = strtok_r(tab + 1, " \n", &save); word && n < ARGS_MAX - 1;
             word = strtok_r(NULL, " \n", &save))
            r->argv[n++] = strdup(word);
        n_rows++;
    }
}

/* The argument with "%" replaced; *ret_made must be freed. */
static char *with_number(const char *text, int number)
{
    const char *percent = strchr(text, '%');
    char *made = NULL;

    if (!percent)
        return strdup(text);
    if (asprintf(&made, "%.*s%d%s", (int)(percent - text), text, number, percent + 1) < 0)
        fail("asprintf", "out of memory");
    return made;
}

static double run_once(struct row *r, int number, posix_spawn_file_actions_t *actions, double *ret_cpu)
{
    char *argv[ARGS_MAX] = { NULL };
    struct rusage usage;
    double begin, end;
    int status, error;
    pid_t pid;

    for (size_t i = 0; r->argv[i]; i++)
        argv[i] = with_number(r->argv[i], number);
    begin = now_ms();
    error = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
    if (error)
        fail(r->name, strerror(error));
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    end = now_ms();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "bench: %s: the command failed (wait status %d)\n", r->name, status);
        exit(2);
    }
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    *ret_cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    r->rss = usage.ru_maxrss > r->rss ? usage.ru_maxrss : r->rss;
    return end - begin;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

static void print(int runs)
{
    printf("%-16s %10s %10s %10s %10s", "", "median ms", "min ms", "cpu ms", "peak kB");
    for (size_t k = 0; k < n_against; k++)
        printf("  x %-10s", against[k]);
    printf("  (%d runs each, in turn)\n", runs);
    for (size_t i = 0; i < n_rows; i++) {
        printf("%-16s %10.2f %10.2f %10.2f %10ld", rows[i].name, rows[i].median, rows[i].minimum,
               rows[i].cpu_median, rows[i].rss);
        for (size_t k = 0; k < n_against; k++) {
            const struct row *other = find(against[k]);

            if (other)
                printf("  %-12.2f", rows[i].median / other->median);
            else
                printf("  %-12s", "-");
        }
        printf("\n");
    }
}

static int apply_checks(void)
{
    int failed = 0;

    for (size_t i = 0; i < n_checks; i++) {
        const struct row *a = find(checks[i].a), *b = find(checks[i].b);
        double ratio;

        if (!a || !b) {
            printf("bar: %s / %s: not measured (one is missing)\n", checks[i].a, checks[i].b);
            continue;
        }
        ratio = checks[i].rss ? (double)a->rss / (double)b->rss : a->median / b->median;
        printf("bar: %s of %s / %s = %.2f, at most %.2f: %s\n", checks[i].rss ? "peak memory" : "time",
               a->name, b->name, ratio, checks[i].bar, ratio <= checks[i].bar ? "ok" : "MISSED");
        failed += ratio > checks[i].bar;
    }
    return failed > 0;
}

static void parse_check(const char *text, bool rss)
{
    struct check *c = &checks[n_checks];

    if (n_checks == CHECKS_MAX || sscanf(text, "%63[^:]:%63[^:]:%lf", c->a, c->b, &c->bar) != 3)
        fail("--check", text);
    c->rss = rss;
    n_checks++;
}

int main(int argc, char **argv)
{
    int runs = 30, warmup = 3;
    posix_spawn_file_actions_t actions;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--runs") == 0)
            runs = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--warmup") == 0)
            warmup = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--against") == 0 && n_against < 4)
            against[n_against++] = argv[i + 1];
        else if (strcmp(argv[i], "--check") == 0)
            parse_check(argv[i + 1], false);
        else if (strcmp(argv[i], "--check-rss") == 0)
            parse_check(argv[i + 1], true);
        else
            fail("usage", argv[i]);
    }
    read_rows();
    if (!n_rows || runs < 1)
        fail("usage", "no rows");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < n_rows; i++) {
        rows[i].ms = calloc((size_t)runs, sizeof(double));
        rows[i].cpu = calloc((size_t)runs, sizeof(double));
    }
    for (int k = -warmup; k < runs; k++) {
        for (size_t i = 0; i < n_rows; i++) {
            double cpu, ms = run_once(&rows[i], k + warmup, &actions, &cpu);

            if (k >= 0) {
                rows[i].ms[k] = ms;
                rows[i].cpu[k] = cpu;
            }
        }
    }
    for (size_t i = 0; i < n_rows; i++) {
        qsort(rows[i].ms, (size_t)runs, sizeof(double), compare);
        qsort(rows[i].cpu, (size_t)runs, sizeof(double), compare);
        rows[i].cpu_median = rows[i].cpu[runs / 2];
        rows[i].median = rows[i].ms[runs / 2];
        rows[i].minimum = rows[i].ms[0];
    }
    print(runs);
    return apply_checks();
}
