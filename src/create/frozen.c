// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration frozen at create: config.json as it was, and for exec process.json (its process object)
 * and seccomp.bpf (the compiled filter behind a small header). Runs in the verbs, as the caller; the
 * directory is private.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/fd.h"
#include "create/container.h"

#define FILTER_MAX (1U << 20)

struct filter_header {
    unsigned flags;
    unsigned notify;
};

static int write_part(int dir, const char *name, const struct iovec *parts, int n, struct err *e)
{
    int r = fd_create_file(dir, name, 0600, parts, n);

    return r < 0 ? err_sys(e, r, "freezing the configuration: %s in the state directory", name) : 0;
}

int container_freeze(int dir, const char *config, size_t size, const struct seccomp_filter *filter,
                     struct err *e)
{
    const struct filter_header header = { filter->flags, filter->notify };
    const struct iovec whole = { (void *)config, size };
    const struct iovec program[] = { { (void *)&header, sizeof(header) }, { filter->program, filter->size } };
    struct iovec process;
    const char *text;
    int r;

    r = write_part(dir, "config.json", &whole, 1, e);
    if (r >= 0 && spec_member(config, size, "process", &text, &process.iov_len)) {
        process.iov_base = (void *)text;
        r = write_part(dir, "process.json", &process, 1, e);
    }
    if (r >= 0 && filter->program)
        r = write_part(dir, "seccomp.bpf", program, 2, e);
    return r;
}

int container_spec(const struct container *c, struct spec **ret, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    int r = fd_read_file(c->dir, "config.json", SPEC_MAX_SIZE, &text);

    if (r < 0)
        return err_sys(e, r, "container %s: its frozen config.json", c->id);
    r = spec_parse(text.data, text.len, ret, e);
    return r < 0 ? err_prefix(e, "container %s: its frozen config.json", c->id) : 0;
}

/* A configuration whose key is written with escapes: the slow way. Its strings live in the spec's arena,
 * which is handed over. */
static int process_of_config(const struct container *c, struct arena *arena, struct spec_process *ret,
                             struct err *e)
{
    struct spec *spec = NULL;
    int r = container_spec(c, &spec, e);

    if (r < 0)
        return r;
    *ret = spec->process;
    arena_adopt(arena, &spec->arena);
    spec_free(spec);
    return 0;
}

int container_process(const struct container *c, struct arena *arena, struct spec_process *ret, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    int r;

    memset(ret, 0, sizeof(*ret));
    if (!c->record.has_process)
        return 0;
    r = fd_read_file(c->dir, "process.json", SPEC_MAX_SIZE, &text);
    if (r == -ENOENT)
        return process_of_config(c, arena, ret, e);
    if (r < 0)
        return err_sys(e, r, "container %s: its frozen process", c->id);
    r = spec_parse_process(text.data, text.len, arena, ret, e);
    return r < 0 ? err_prefix(e, "container %s: its frozen process", c->id) : 0;
}

int container_filter(const struct container *c, struct seccomp_filter *ret, struct err *e)
{
    _cleanup_buf_ struct buf text = { 0 };
    struct filter_header header;
    int r = fd_read_file(c->dir, "seccomp.bpf", FILTER_MAX, &text);

    *ret = (struct seccomp_filter){ 0 };
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_sys(e, r, "container %s: its seccomp filter", c->id);
    if (text.len <= sizeof(header))
        return err_set(e, EINVAL, "container %s: its seccomp filter is damaged", c->id);
    memcpy(&header, text.data, sizeof(header));
    ret->size = text.len - sizeof(header);
    ret->program = mem_dup(text.data + sizeof(header), ret->size);
    ret->flags = header.flags;
    ret->notify = header.notify;
    return 0;
}
