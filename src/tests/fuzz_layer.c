// SPDX-License-Identifier: Apache-2.0
/* A layer's names (up to the first newline) and its stream (the rest), decompressed and unpacked into a
 * directory of its own: nothing may appear beside it, and what a name is taken apart into may not lead out.
 */
#include <fcntl.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "image/inflate.h"
#include "image/layer_path.h"
#include "image/unpack.h"

static void check_name(const char *name)
{
    struct layer_path p;
    struct err e;
    char copy[PATH_MAX];

    if (layer_path_parse(name, &p, &e) < 0)
        return;
    if (strchr(p.leaf, '/') || strcmp(p.leaf, "..") == 0 || strcmp(p.leaf, ".") == 0 || p.parent[0] == '/')
        abort();
    memcpy(copy, p.parent, sizeof(copy));
    for (char *save = NULL, *c = strtok_r(copy, "/", &save); c; c = strtok_r(NULL, "/", &save)) {
        if (strcmp(c, "..") == 0 || strcmp(c, ".") == 0)
            abort();
    }
}

static void check_stream(const uint8_t *data, size_t size)
{
    static const struct unpack_options options = { .single_id = true,
                                                   .max_bytes = 1 << 20,
                                                   .max_entries = 100 };
    char top[] = "/tmp/lichen-fuzz-XXXXXX";
    _cleanup_close_ int blob = memfd_create("blob", MFD_CLOEXEC), root = -1, layer = -1;
    _cleanup_inflate_ struct inflate *inflate = NULL;
    struct unpack_report report;
    struct err e = { 0 };

    if (blob < 0 || !mkdtemp(top) || fd_write_all(blob, data, size) < 0 || lseek(blob, 0, SEEK_SET) < 0)
        abort();
    root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || mkdirat(root, "layer", 0755) < 0)
        abort();
    layer = openat(root, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (inflate_open(blob, 1 << 20, NULL, NULL, &inflate, &e) == 0)
        (void)unpack_layer(layer, inflate_read, inflate, &options, &report, &e);
    if (path_remove_tree(root, "layer") < 0 || rmdir(top) < 0)
        abort(); /* something else is there */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    size_t n = newline ? (size_t)(newline - data) : size;
    _cleanup_free_ char *name = mem_zalloc(n + 1);

    (void)setlocale(LC_CTYPE, "C.UTF-8");
    memcpy(name, data, n);
    check_name(name);
    if (newline)
        check_stream(newline + 1, size - n - 1);
    return 0;
}
