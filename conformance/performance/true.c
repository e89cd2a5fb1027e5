// SPDX-License-Identifier: Apache-2.0
/* The container's program: a static true, so that no dynamic linker is measured; with an argument it waits
 * for ever (exec's target). */
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? pause() : 0;
}
