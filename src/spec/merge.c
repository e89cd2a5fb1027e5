// SPDX-License-Identifier: Apache-2.0
/* linux.resources as text: taken out of a configuration, one put over another. Runs in update, as the caller.
 * Pure. */
#include <json-c/json.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/spec.h"

static char *take_text(struct json_object *o)
{
    char *text = str_printf(
        "%s", o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                : "{}");

    return text;
}

char *spec_resources_of(const char *config, size_t size)
{
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *root = json_tokener_parse_ex(tokener, config, (int)size), *o = NULL;
    char *text;

    if (!json_object_object_get_ex(root, "linux", &o) || !json_object_object_get_ex(o, "resources", &o))
        o = NULL;
    text = take_text(o);
    json_object_put(root);
    json_tokener_free(tokener);
    return text;
}

/* As deep as the parser's own limit lets @patch be. */
static void merge(struct json_object *base, struct json_object *patch)
{
    json_object_object_foreach(patch, key, value)
    {
        struct json_object *old = NULL;

        if (!value)
            continue;
        if (json_object_is_type(value, json_type_object) && json_object_object_get_ex(base, key, &old) &&
            json_object_is_type(old, json_type_object))
            merge(old, value);
        else
            json_object_object_add(base, key, json_object_get(value));
    }
}

char *spec_resources_merge(const char *base, const char *patch)
{
    struct json_object *into = json_tokener_parse(base), *from = json_tokener_parse(patch);
    char *text;

    merge(into, from);
    text = take_text(into);
    json_object_put(into);
    json_object_put(from);
    return text;
}
