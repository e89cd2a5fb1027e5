// SPDX-License-Identifier: Apache-2.0
/* Finding one member's text in a JSON object that spec_parse has accepted. Pure. */
#include <string.h>

#include "spec/spec.h"

/* Past the string whose opening quote is at @p. */
static const char *past_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\' && p + 1 < end;
    return p < end ? p + 1 : end;
}

static const char *past_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* Past one value: everything up to the "," or "}" of the enclosing object. */
static const char *past_value(const char *p, const char *end)
{
    int depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = past_string(p, end);
            continue;
        }
        if (depth == 0 && (*p == ',' || *p == '}'))
            return p;
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        p++;
    }
    return p;
}

bool spec_member(const char *text, size_t size, const char *key, const char **ret, size_t *ret_size)
{
    const char *end = text + size, *p = past_blank(text, end);
    size_t n = strlen(key);
    bool found = false;

    if (p == end || *p != '{')
        return false;
    p = past_blank(p + 1, end);
    while (p < end && *p == '"') {
        const char *name = p + 1, *value;

        p = past_string(p, end);
        value = past_blank(p, end);
        if (value == end || *value != ':')
            return found;
        value = past_blank(value + 1, end);
        /* Of a key given twice the last one counts, as for the parser. */
        if ((size_t)(p - 1 - name) == n && memcmp(name, key, n) == 0) {
            *ret = value;
            *ret_size = (size_t)(past_value(value, end) - value);
            found = true;
        }
        p = past_blank(past_value(value, end), end);
        if (p < end && *p == ',')
            p = past_blank(p + 1, end);
    }
    return found;
}
