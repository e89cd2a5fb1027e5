// SPDX-License-Identifier: Apache-2.0
/* filter CONFIG.JSON: the compiled BPF program of its linux.seccomp on stdout, for the peers that take one
 * (floor, bubblewrap). */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "security/seccomp.h"
#include "spec/spec.h"

int main(int argc, char **argv)
{
    _cleanup_buf_ struct buf text = { 0 };
    struct seccomp_filter filter = { 0 };
    struct spec *spec = NULL;
    struct err e = { 0 };
    int r;

    r = argc == 2 ? fd_read_file(AT_FDCWD, argv[1], SPEC_MAX_SIZE, &text) : -1;
    if (r >= 0)
        r = spec_parse(text.data, text.len, &spec, &e);
    if (r >= 0)
        r = seccomp_prepare(&spec->seccomp, -1, &filter, &e);
    if (r >= 0)
        r = fd_write_all(STDOUT_FILENO, filter.program, filter.size);
    if (r < 0)
        fprintf(stderr, "filter: %s\n", e.message);
    seccomp_filter_free(&filter);
    spec_free(spec);
    return r < 0;
}
