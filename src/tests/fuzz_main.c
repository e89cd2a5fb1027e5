// SPDX-License-Identifier: Apache-2.0
/* Runs a fuzz target over the seed files (or directories) named on its command line, without a fuzzing
 * engine. "make fuzz" defines LICHEN_FUZZ_ENGINE: then the engine brings main. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef LICHEN_FUZZ_ENGINE
static int run_file(int dirfd, const char *name)
{
    _cleanup_buf_ struct buf b = { 0 };
    int r = fd_read_file(dirfd, name, 16U << 20, &b);

    if (r < 0)
        return r;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
    return 0;
}

int main(int argc, char **argv)
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        struct dirent *entry;

        if (!d) {
            n += run_file(AT_FDCWD, argv[i]) == 0;
            continue;
        }
        while ((entry = readdir(d))) {
            if (entry->d_name[0] != '.')
                n += run_file(dirfd(d), entry->d_name) == 0;
        }
        closedir(d);
    }
    printf("1..1\n%sok 1 - %s ran %d seeds\n", n ? "" : "not ", argv[0], n);
    return n == 0;
}
#endif
