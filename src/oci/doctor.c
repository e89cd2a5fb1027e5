// SPDX-License-Identifier: Apache-2.0
/* lichen-oci doctor: runs the probes and says what to do. Exit status 0: containers run; 1: something needed
 * is missing. */
#include <json-c/json.h>
#include <stdio.h>

#include "base/str.h"
#include "create/probe.h"
#include "oci/cli.h"

#define DETAIL_MAX 128

static void print_text(const struct probe *p, int r, const char *detail, const struct err *e)
{
    printf("%-8s %-36s %s\n",
           r >= 0      ? "ok"
           : p->needed ? "MISSING"
                       : "no",
           p->title, r >= 0 ? detail : e->message);
    if (r < 0 && e->remedy[0])
        printf("%-8s %-36s   fix: %s\n", "", "", e->remedy);
}

static struct json_object *to_json(const struct probe *p, int r, const char *detail, const struct err *e)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "name", json_object_new_string(p->name));
    json_object_object_add(o, "title", json_object_new_string(p->title));
    json_object_object_add(o, "needed", json_object_new_boolean(p->needed));
    json_object_object_add(o, "ok", json_object_new_boolean(r >= 0));
    json_object_object_add(o, "detail", json_object_new_string(r >= 0 ? detail : e->message));
    if (r < 0)
        json_object_object_add(o, "fix", json_object_new_string(e->remedy));
    return o;
}

int verb_doctor(struct cli *cli, struct err *e)
{
    struct json_object *list = cli->json ? json_object_new_array() : NULL;
    int status = 0;

    (void)e;
    for (const struct probe *p = probes; p->name; p++) {
        char detail[DETAIL_MAX] = "";
        struct err why = { 0 };
        int r = p->run(detail, sizeof(detail), &why);

        if (r < 0 && p->needed)
            status = 1;
        if (list)
            json_object_array_add(list, to_json(p, r, detail, &why));
        else
            print_text(p, r, detail, &why);
    }
    if (list) {
        puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                      JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(list);
    } else {
        printf("\n%s\n", status ? "Containers cannot run here before what is MISSING is fixed."
                                : "Containers run here.");
    }
    return status;
}
