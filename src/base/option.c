// SPDX-License-Identifier: Apache-2.0
/* The helpers' options. Pure. */
#include "base/option.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

int option_match(int argc, char **argv, int *i, const char *name, bool takes_value, const char **ret_value,
                 struct err *e)
{
    const char *text = argv[*i], *value = NULL;
    size_t n = strlen(name);

    if (!str_has_prefix(text, "--") || strncmp(text + 2, name, n) != 0 ||
        (text[2 + n] != '\0' && text[2 + n] != '='))
        return 0;
    if (text[2 + n] == '=')
        value = text + 3 + n;
    else if (takes_value && *i + 1 < argc)
        value = argv[++*i];
    if (!value != !takes_value)
        return err_set(e, EINVAL, "--%s: %s", name, takes_value ? "value missing" : "takes no value");
    *ret_value = value;
    return 1;
}
