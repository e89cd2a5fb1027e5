// SPDX-License-Identifier: Apache-2.0
/* Long options of the helpers' command lines ("--name VALUE", "--name=VALUE", "--name"); their tables are
 * theirs. */
#ifndef LICHEN_BASE_OPTION_H
#define LICHEN_BASE_OPTION_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Whether argv[*i] is the option @name. *ret_value is its value, NULL unless @takes_value; *i moves on to a
 * value that is an argument of its own. Returns 1, 0 for another, -EINVAL when the value is missing or one
 * too many.
 */
int option_match(int argc, char **argv, int *i, const char *name, bool takes_value, const char **ret_value,
                 struct err *e);

#endif
