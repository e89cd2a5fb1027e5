// SPDX-License-Identifier: Apache-2.0
/* The command line. */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"

#define LISTEN_DEFAULT         "127.0.0.1:5000"
#define UPLOADS_DEFAULT        1000
#define UPLOADS_MAX            65536
#define TOKEN_LIFETIME_DEFAULT 300
#define TOKEN_LIFETIME_MAX     86400

enum option_kind { OPTION_TEXT, OPTION_FLAG, OPTION_BYTES, OPTION_NUMBER, OPTION_FD, OPTION_LIST };

#define AT(member) offsetof(struct options, member)

/* clang-format off */
static const struct option_row {
    const char *name, *value, *help;
    enum option_kind kind;
    size_t offset;
    uint64_t max; /* of a number or bytes; 0: any */
} option_rows[] = {
    { "store", "DIRECTORY", "keep repositories below this directory", OPTION_TEXT, AT(store) },
    { "mirror", "DIRECTORY", "serve the image layouts below this directory, read-only", OPTION_TEXT, AT(mirror) },
    { "listen", "ADDRESS:PORT", "where to listen (" LISTEN_DEFAULT "; port 0: a free one)", OPTION_TEXT, AT(listen) },
    { "port-file", "FILE", "write the port to this file once it is served", OPTION_TEXT, AT(port_file) },
    { "ready-fd", "N", "write ADDRESS:PORT to this descriptor once it is served", OPTION_FD, AT(ready_fd) },
    { "read-only", NULL, "refuse every push and delete", OPTION_FLAG, AT(read_only) },
    { "allow-sparse", NULL, "take manifests whose blobs are not here", OPTION_FLAG, AT(allow_sparse) },
    { "max-blob-size", "BYTES", "refuse larger blobs (no limit)", OPTION_BYTES, AT(max_blob) },
    { "max-manifest-size", "BYTES", "refuse larger manifests (4m, and no more than that)", OPTION_BYTES, AT(max_manifest), MANIFEST_SIZE_MAX },
    { "max-uploads", "N", "uploads at the same time (1000)", OPTION_NUMBER, AT(max_uploads), UPLOADS_MAX },
    { "htpasswd", "FILE", "users and passwords; only they may push", OPTION_TEXT, AT(htpasswd) },
    { "reader", "USER", "this user may only pull; may be repeated", OPTION_LIST, AT(readers) },
    { "anonymous-pull", NULL, "anybody may pull", OPTION_FLAG, AT(anonymous_pull) },
    { "token", NULL, "authenticate by tokens of our own /token instead of passwords", OPTION_FLAG, AT(token) },
    { "token-lifetime", "SECONDS", "how long a token is good (300)", OPTION_NUMBER, AT(token_lifetime), TOKEN_LIFETIME_MAX },
    { "tls-cert", "FILE", "serve HTTPS with this certificate (PEM, with its chain)", OPTION_TEXT, AT(tls_cert) },
    { "tls-key", "FILE", "its key (PEM)", OPTION_TEXT, AT(tls_key) },
    { "tls-self-signed", "FILE", "serve HTTPS with a new certificate, written to this file for clients to trust", OPTION_TEXT, AT(tls_self_signed) },
    { "access-log", "FILE", "append a line for each request", OPTION_TEXT, AT(access_log) },
    { "help", NULL, "show this help", OPTION_FLAG, AT(help) },
    { "version", NULL, "show the version", OPTION_FLAG, AT(version) },
};
/* clang-format on */

static int set(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
    void *member = (char *)o + row->offset;
    int64_t bytes;
    uint64_t number;

    switch (row->kind) {
    case OPTION_TEXT:
        *(const char **)member = value;
        return *value ? 0 : err_set(e, EINVAL, "--%s: the value is empty", row->name);
    case OPTION_FLAG:
        *(bool *)member = true;
        return 0;
    case OPTION_BYTES:
        if (str_to_bytes(value, &bytes) < 0 || bytes == 0 || (row->max && (uint64_t)bytes > row->max))
            return err_set(e, EINVAL, "--%s: \"%s\" is not a number of bytes in range", row->name, value);
        *(uint64_t *)member = (uint64_t)bytes;
        return 0;
    case OPTION_NUMBER:
        if (str_to_u64(value, 1, row->max, (uint64_t *)member) < 0)
            return err_set(e, EINVAL, "--%s: \"%s\" is not a number from 1 to %llu", row->name, value,
                           (unsigned long long)row->max);
        return 0;
    case OPTION_FD:
        if (str_to_u64(value, 0, INT_MAX, &number) < 0 || fcntl((int)number, F_GETFD) < 0)
            return err_set(e, EINVAL, "--%s: \"%s\" is not an open descriptor", row->name, value);
        *(int *)member = (int)number;
        return 0;
    case OPTION_LIST:
        strv_append(&o->readers, &o->n_readers, value);
        return 0;
    }
    return -EINVAL;
}

static int parse_one(int argc, char **argv, int *i, struct options *o, struct err *e)
{
    for (size_t k = 0; k < ARRAY_SIZE(option_rows); k++) {
        const struct option_row *row = &option_rows[k];
        const char *value;
        int r = option_match(argc, argv, i, row->name, row->value, &value, e);

        if (r != 0)
            return r < 0 ? r : set(o, row, value, e);
    }
    err_set(e, EINVAL, "unknown argument \"%s\"", argv[*i]);
    return err_remedy(e, "see lichen-registry --help");
}

/* What has to be given together, or must not be. */
static int check(const struct options *o, struct err *e)
{
    const struct {
        bool wrong;
        const char *message;
    } rules[] = {
        { !o->store == !o->mirror, "one of --store and --mirror is needed, not both" },
        { !o->tls_cert != !o->tls_key, "--tls-cert and --tls-key belong together" },
        { o->tls_cert && o->tls_self_signed, "--tls-cert and --tls-self-signed exclude each other" },
        { !o->htpasswd && (o->token || o->anonymous_pull || o->n_readers),
          "--token, --anonymous-pull and --reader need --htpasswd" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (!rules[i].wrong)
            continue;
        err_set(e, EINVAL, "%s", rules[i].message);
        return err_remedy(e, "see lichen-registry --help");
    }
    return 0;
}

int options_parse(int argc, char **argv, struct options *o, struct err *e)
{
    int r = 0;

    *o = (struct options){
        .listen = LISTEN_DEFAULT,
        .ready_fd = -1,
        .max_manifest = MANIFEST_SIZE_MAX,
        .max_uploads = UPLOADS_DEFAULT,
        .token_lifetime = TOKEN_LIFETIME_DEFAULT,
    };
    for (int i = 1; i < argc && r >= 0; i++)
        r = parse_one(argc, argv, &i, o, e);
    return r < 0 || o->help || o->version ? r : check(o, e);
}

void options_free(struct options *o)
{
    strv_freep(&o->readers);
}

void options_help(void)
{
    printf("Usage: lichen-registry --store DIRECTORY [OPTION...]\n"
           "       lichen-registry --mirror DIRECTORY [OPTION...]\n\n"
           "An OCI Distribution 1.1 server over image layout directories.\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        _cleanup_free_ char *left =
            str_printf("--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");

        printf("  %-28s %s\n", left, row->help);
    }
}
