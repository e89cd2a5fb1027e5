// SPDX-License-Identifier: Apache-2.0
/*
 * Who may do what: basic authentication (RFC 7617) or docker's token protocol (distribution's "Token
 * Authentication"), with our own token endpoint at /token. Not let in for want of credentials is 401 with a
 * challenge; a known user without the right is 403.
 */
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "base/mem.h"
#include "reply.h"

enum standing { ANONYMOUS, KNOWN, WRONG };

struct caller {
    enum standing standing;
    unsigned actions;  /* in the repository asked about */
    const char *error; /* of a bearer's challenge (RFC 6750 section 3.1), or NULL */
};

static void set_user(struct request *q, const char *user)
{
    (void)str_format(q->user, sizeof(q->user), "%s", user);
}

static struct caller who_by_password(struct request *q, const struct credentials *c)
{
    if (c->kind != CREDENTIALS_BASIC || !auth_check(q->server->auth, c->user, c->secret))
        return (struct caller){ .standing = WRONG };
    set_user(q, c->user);
    return (struct caller){ .standing = KNOWN, .actions = auth_rights(q->server->auth, c->user) };
}

static struct caller who_by_token(struct request *q, const struct credentials *c, const char *name)
{
    struct token *t = mem_zalloc(sizeof(*t));
    struct caller caller = { .standing = WRONG, .error = "invalid_token" };

    if (c->kind == CREDENTIALS_BEARER &&
        token_verify(auth_key(q->server->auth), c->secret, (int64_t)time(NULL), t) >= 0) {
        set_user(q, t->user);
        caller.standing = KNOWN;
        caller.error = "insufficient_scope";
        caller.actions = name ? token_actions(t, name) : ACTION_ALL;
    }
    mem_freep(&t);
    return caller;
}

static struct caller who(struct request *q, const char *name)
{
    const char *header = request_header(q, "Authorization");
    struct credentials c = { 0 };
    struct caller caller = { .standing = WRONG };

    if (q->server->auth_mode == AUTH_NONE)
        return (struct caller){ .standing = KNOWN, .actions = ACTION_ALL };
    if (!header)
        /* With tokens nobody has rights: anonymous clients get a token too. */
        return (struct caller){ .standing = ANONYMOUS,
                                .actions = q->server->auth_mode == AUTH_BASIC
                                               ? auth_rights(q->server->auth, NULL)
                                               : 0 };
    if (credentials_parse(header, &c) < 0)
        return caller;
    caller = q->server->auth_mode == AUTH_BASIC ? who_by_password(q, &c) : who_by_token(q, &c, name);
    credentials_free(&c);
    return caller;
}

bool is_authorized(struct request *q, const char *name, unsigned actions)
{
    struct caller caller = who(q, name);

    return caller.standing != WRONG && (caller.actions & actions) == actions;
}

/* The Host the client spoke to, for the realm, when it is nothing but that. */
static const char *host_of(const struct request *q)
{
    const char *host = request_header(q, "Host");

    if (host && *host &&
        host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")] == '\0')
        return host;
    return q->server->address;
}

static void challenge(struct request *q, const struct caller *caller, const char *name, unsigned actions)
{
    _cleanup_free_ char *scope = NULL, *error = NULL;
    char text[32];

    __atomic_add_fetch(&q->server->metrics.unauthorized, 1, __ATOMIC_RELAXED);
    reply_error(q, UNAUTHORIZED, "%s",
                caller->standing == WRONG ? "the credentials are wrong" : "log in first");
    if (q->server->auth_mode == AUTH_BASIC) {
        reply_header(q, "WWW-Authenticate", "Basic realm=\"" REGISTRY_SERVICE "\", charset=\"UTF-8\"");
        return;
    }
    action_format(actions, text);
    if (name && reference_check_repository(name, NULL) >= 0)
        scope = str_printf(",scope=\"repository:%s:%s\"", name, text);
    if (caller->error)
        error = str_printf(",error=\"%s\"", caller->error);
    reply_header(q, "WWW-Authenticate",
                 "Bearer realm=\"http%s://%s/token\",service=\"" REGISTRY_SERVICE "\"%s%s",
                 q->server->tls ? "s" : "", host_of(q), scope ? scope : "", error ? error : "");
}

bool authorize(struct request *q, const char *name, unsigned actions)
{
    struct caller caller = who(q, name);
    char text[32];

    /* The check of the version is where clients ask how to log in: nobody passes it anonymously. */
    if (caller.standing == KNOWN || (caller.standing == ANONYMOUS && name)) {
        if ((caller.actions & actions) == actions)
            return true;
    }
    action_format(actions, text);
    if (caller.standing == KNOWN && q->server->auth_mode == AUTH_BASIC)
        reply_error(q, DENIED, "%s may not %s in %s", q->user, text, name ? name : "the registry");
    else
        challenge(q, &caller, name, actions);
    return false;
}

/* ---- /token ---- */

/* The grants for one "scope" parameter, which may name several, by blanks. */
static void grant(struct token *t, const char *scopes, unsigned rights)
{
    for (const char *s = scopes; *s;) {
        size_t n = strcspn(s, " ");
        struct token_grant *g = &t->grants[t->n_grants];

        if (t->n_grants < TOKEN_GRANTS_MAX && scope_parse(s, n, g->name, &g->actions) >= 0) {
            g->actions &= rights;
            t->n_grants += g->actions != 0;
        }
        s += n + (s[n] == ' ');
    }
}

static void reply_token(struct request *q, const struct token *t)
{
    struct json_object *o = json_object_new_object();
    _cleanup_free_ char *text = token_sign(auth_key(q->server->auth), t);
    char when[32];
    struct tm tm;
    time_t issued = (time_t)t->issued;

    (void)gmtime_r(&issued, &tm);
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_object_object_add(o, "token", json_object_new_string(text));
    json_object_object_add(o, "access_token", json_object_new_string(text));
    json_object_object_add(o, "expires_in", json_object_new_int64(t->expires - t->issued));
    json_object_object_add(o, "issued_at", json_object_new_string(when));
    reply_json(q, 200, "application/json", o);
    reply_header(q, "Cache-Control", "no-store");
}

void token_get(struct request *q)
{
    const char *header = request_header(q, "Authorization"), *service = uri_param(&q->uri, "service");
    struct credentials c = { 0 };
    struct token *t = NULL;
    bool known = false;

    if (q->server->auth_mode != AUTH_TOKEN) {
        reply_error_status(q, 404, UNSUPPORTED, "this registry hands out no tokens");
        return;
    }
    if (service && !str_eq(service, REGISTRY_SERVICE)) {
        reply_error_status(q, 400, UNSUPPORTED, "service: not " REGISTRY_SERVICE);
        return;
    }
    if (header && credentials_parse(header, &c) >= 0)
        known = who_by_password(q, &c).standing == KNOWN;
    credentials_free(&c);
    if (!known && (header || !auth_rights(q->server->auth, NULL))) {
        __atomic_add_fetch(&q->server->metrics.unauthorized, 1, __ATOMIC_RELAXED);
        reply_error(q, UNAUTHORIZED, header ? "the credentials are wrong" : "log in first");
        reply_header(q, "WWW-Authenticate", "Basic realm=\"" REGISTRY_SERVICE "\", charset=\"UTF-8\"");
        return;
    }
    t = mem_zalloc(sizeof(*t));
    t->issued = (int64_t)time(NULL);
    t->expires = t->issued + (int64_t)q->server->options->token_lifetime;
    (void)str_format(t->user, sizeof(t->user), "%s", q->user);
    for (size_t i = 0; i < q->uri.n_params; i++) {
        if (str_eq(q->uri.params[i].key, "scope"))
            grant(t, q->uri.params[i].value, auth_rights(q->server->auth, known ? q->user : NULL));
    }
    reply_token(q, t);
    mem_freep(&t);
}
