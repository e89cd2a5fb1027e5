// SPDX-License-Identifier: Apache-2.0
/*
 * Tokens of docker's token protocol: JSON Web Tokens, HS256 with a key that lives as long as the process.
 * What they let in is written in them: actions in repositories, until they expire. Pure but for the key.
 */
#ifndef LICHEN_REGISTRY_TOKEN_H
#define LICHEN_REGISTRY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/reference.h"

#define TOKEN_KEY_SIZE   32
#define TOKEN_GRANTS_MAX 32

struct token {
    char user[64];           /* "" for nobody */
    int64_t issued, expires; /* seconds since 1970 */
    struct token_grant {
        char name[REFERENCE_REPOSITORY_MAX + 1];
        unsigned actions;
    } grants[TOKEN_GRANTS_MAX];
    size_t n_grants;
};

/* The token's text; the caller's to free. */
char *token_sign(const unsigned char key[TOKEN_KEY_SIZE], const struct token *t);
/* Returns 0; -EBADMSG for what we did not sign (or not in this form); -ESTALE after its time. */
int token_verify(const unsigned char key[TOKEN_KEY_SIZE], const char *text, int64_t now, struct token *ret);
/* What it allows in a repository. */
unsigned token_actions(const struct token *t, const char *name);

#endif
