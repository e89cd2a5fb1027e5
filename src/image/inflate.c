// SPDX-License-Identifier: Apache-2.0
/*
 * Decompression by libarchive's filters and nothing else of it: one stage of gzip or zstd, no archive format.
 * libzstd's own limit (a window of 128 MiB) holds. Runs in the worker that handles strangers' data.
 */
#include "image/inflate.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

#define READ_SIZE (256U * 1024U)

struct inflate {
    struct archive *archive;
    inflate_sink *sink;
    void *argument;
    uint64_t max, done;
    bool ended;
};

static int damaged(struct inflate *i, struct err *e)
{
    const char *text = archive_error_string(i->archive);
    int code = archive_errno(i->archive);

    return err_set(e, code > 0 && code != ENOMEM ? code : EINVAL, "layer: cannot be decompressed: %s",
                   text ? text : "damaged");
}

int inflate_open(int fd, uint64_t max_bytes, inflate_sink *sink, void *argument, struct inflate **ret,
                 struct err *e)
{
    struct inflate *i = mem_zalloc(sizeof(*i));
    struct archive_entry *entry;
    int r = 0;

    i->archive = archive_read_new();
    i->sink = sink;
    i->argument = argument;
    i->max = max_bytes;
    /* "raw": one entry, whatever is in it; "empty": a blob of nothing. */
    if (!i->archive || archive_read_support_filter_gzip(i->archive) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(i->archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(i->archive) != ARCHIVE_OK ||
        archive_read_support_format_empty(i->archive) != ARCHIVE_OK ||
        archive_read_open_fd(i->archive, fd, READ_SIZE) != ARCHIVE_OK) {
        r = i->archive ? damaged(i, e) : err_set(e, ENOMEM, "layer: out of memory");
    } else {
        int a = archive_read_next_header(i->archive, &entry);

        i->ended = a == ARCHIVE_EOF;
        if (a != ARCHIVE_OK && a != ARCHIVE_EOF)
            r = damaged(i, e);
    }
    /* A gzip stream in a zstd one and so on is nothing an image has, but a way to make a bomb of a bomb. */
    if (r >= 0 && archive_filter_count(i->archive) > 2)
        r = err_set(e, EINVAL, "layer: compressed more than once");
    if (r < 0) {
        inflate_close(i);
        return r;
    }
    *ret = i;
    return 0;
}

ssize_t inflate_read(void *argument, const void **ret, struct err *e)
{
    struct inflate *i = argument;
    int64_t offset;
    size_t n = 0;
    int r;

    while (!i->ended && n == 0) {
        r = archive_read_data_block(i->archive, ret, &n, &offset);
        if (r == ARCHIVE_EOF)
            i->ended = true;
        else if (r != ARCHIVE_OK)
            return damaged(i, e);
    }
    if (i->ended)
        return 0;
    if (n > i->max - i->done) {
        err_set(e, E2BIG, "layer: more than %" PRIu64 " bytes uncompressed", i->max);
        return err_remedy(e, "an image of that size can be allowed for by the size limit");
    }
    i->done += n;
    if (i->sink)
        i->sink(i->argument, *ret, n);
    return (ssize_t)n;
}

void inflate_close(struct inflate *i)
{
    if (!i)
        return;
    if (i->archive)
        (void)archive_read_free(i->archive);
    free(i);
}

void inflate_closep(struct inflate **i)
{
    inflate_close(*i);
}
