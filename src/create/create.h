// SPDX-License-Identifier: Apache-2.0
/* Creating a container: the parent's part. See docs/create-protocol.md. */
#ifndef LICHEN_CREATE_CREATE_H
#define LICHEN_CREATE_CREATE_H

#include <stdbool.h>

#include "base/err.h"
#include "create/plan.h"
#include "security/seccomp.h"
#include "state/record.h"

struct create_request {
    const char *root_option;       /* --root or NULL */
    const char *config;            /* --config: instead of BUNDLE/config.json */
    struct create_options options; /* id, bundle and the rest; state_dir and overlay_dir are filled in here */
    bool for_run;                  /* START will come from this process: no start socket */
    bool dry_run;                  /* print the plan into @plan_text and create nothing */
    struct buf *plan_text;
};

/* A container just created. created_close releases descriptors, not the container. */
struct created {
    int root, dir; /* state root and ROOT/<id>, locked */
    char *root_path, *state_path, *overlay_dir;
    struct record record;
    struct spec *spec;
    struct plan plan;
    struct buf config; /* the text of config.json */
    struct seccomp_filter filter;
    struct cgroup cgroup;
    bool cgroup_begun;
    int sync; /* to init, when for_run */
    int init_pidfd;
    pid_t stage;
    int master; /* the terminal, when there is one and no console socket */
    struct net_helper net;
    bool net_begun;
    struct anchor anchor; /* the state root's, where plan.anchor is set */
};

/*
 * Read the bundle, plan, and make the container up to READY. On failure everything made is taken away again
 * (and poststop hooks run when a hook had failed, as runtime.md's lifecycle wants). Returns 0 or -errno.
 */
int container_create(struct create_request *request, struct created *ret, struct err *e);

/* Take a created container apart again (run whose start failed). */
void created_abort(struct created *c);
void created_close(struct created *c);

#endif
