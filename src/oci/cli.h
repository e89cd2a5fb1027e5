// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-oci's command line as tables: one row per option and per verb drives parsing, --help and shell
 * completion. A verb is one function in one file; it gets the parsed values and returns the exit status.
 */
#ifndef LICHEN_OCI_CLI_H
#define LICHEN_OCI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Growing list of option values. */
struct values {
    size_t n;
    const char **v;
};

/* Every option's value; absent strings are NULL. One struct for all verbs, filled only where the verb has the
 * row. */
struct cli {
    /* global */
    const char *root, *log, *log_format, *log_level, *cgroup_manager, *rootless, *criu, *config;
    bool debug, systemd_cgroup, help, version;
    /* create, run */
    const char *bundle, *console_socket, *pid_file, *pidfd_socket, *preserve_fds, *ids, *net;
    struct values publish;
    bool no_pivot, no_new_keyring, overlay, dry_run, detach, keep, no_subreaper;
    /* exec */
    const char *process, *user, *cwd, *apparmor, *process_label, *cgroup;
    struct values env, caps, additional_gids, preserve;
    bool tty, no_new_privs, ignore_paused;
    /* update: as given; oci/update.c has their table */
    const char *l3_cache_schema, *mem_bw_schema;
    const char *resources, *blkio_weight, *cpu_period, *cpu_quota, *cpu_burst, *cpu_shares, *cpu_idle;
    const char *cpu_rt_period, *cpu_rt_runtime, *cpuset_cpus, *cpuset_mems, *kernel_memory,
        *kernel_memory_tcp;
    const char *memory, *memory_reservation, *memory_swap, *pids_limit;
    /* others */
    const char *format, *interval;
    bool all, force, regex, quiet, stats, json, rootless_spec;
    /* what is left: operands, NULL-terminated */
    size_t n_operands;
    const char **operands;
};

enum option_kind { OPTION_FLAG, OPTION_STRING, OPTION_LIST };

struct option_row {
    const char *name; /* without dashes */
    char letter;      /* short form, 0 none */
    enum option_kind kind;
    size_t offset;     /* in struct cli */
    const char *value; /* what --help calls the value */
    const char *help;
};

struct verb {
    const char *name;
    const char *operands; /* "CONTAINER [SIGNAL]" */
    const char *summary;
    const struct option_row *options; /* ends with a NULL name; NULL none */
    size_t min_operands, max_operands;
    bool stop_at_operand; /* options end at the second operand (exec's command line) */
    int failure_status;   /* exit status when the verb fails */
    int (*run)(struct cli *cli, struct err *e);
    bool refused; /* takes any argument, to say why not; --help fails too, which is how engines ask */
};

/* Exit statuses a verb returns itself are >= 0; -errno means failure with @e filled. */

extern const struct verb verbs[];
extern const struct option_row global_options[];

const struct verb *verb_find(const char *name);

/*
 * Parse options of @rows from argv[*index] on into @cli, stopping after the first operand (global options)
 * or, with @verb, collecting operands. Accepts --name value, --name=value, -name value (Go style), -x value,
 * -xvalue, --flag=true|false and "--". 0 or -EINVAL.
 */
int cli_parse_global(int argc, char **argv, int *index, struct cli *cli, struct err *e);
int cli_parse_verb(const struct verb *verb, int argc, char **argv, int index, struct cli *cli, struct err *e);
void cli_free(struct cli *cli);

/* --help texts to stdout. */
void help_program(void);
void help_verb(const struct verb *verb);

/* One function per verb. */
int verb_create(struct cli *cli, struct err *e);
int verb_start(struct cli *cli, struct err *e);
int verb_state(struct cli *cli, struct err *e);
int verb_kill(struct cli *cli, struct err *e);
int verb_delete(struct cli *cli, struct err *e);
int verb_run(struct cli *cli, struct err *e);
int verb_exec(struct cli *cli, struct err *e);
int verb_list(struct cli *cli, struct err *e);
int verb_ps(struct cli *cli, struct err *e);
int verb_pause(struct cli *cli, struct err *e);
int verb_resume(struct cli *cli, struct err *e);
int verb_update(struct cli *cli, struct err *e);
int verb_events(struct cli *cli, struct err *e);
int verb_mounts(struct cli *cli, struct err *e);
int verb_checkpoint(struct cli *cli, struct err *e);
int verb_anchor(struct cli *cli, struct err *e);
int verb_spec(struct cli *cli, struct err *e);
int verb_features(struct cli *cli, struct err *e);
int verb_doctor(struct cli *cli, struct err *e);
int verb_completion(struct cli *cli, struct err *e);

#endif
