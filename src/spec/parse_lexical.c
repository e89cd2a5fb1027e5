// SPDX-License-Identifier: Apache-2.0
/*
 * A first look at the tokens of a JSON text. json-c, even when strict, takes 'single quotes', NaN and raw
 * control characters, clamps integers that have no 64-bit value, and cuts keys at \u0000; what it takes and
 * the engine's parser does not (or reads otherwise) is a hole between the two. Runs where parse.c runs; the
 * text may be hostile.
 */
#include <stdbool.h>
#include <string.h>

#include "spec/parse.h"

struct lexer {
    const char *s, *end;
    struct parse_lexical *result;
};

static bool is_digit(const struct lexer *l)
{
    return l->s < l->end && *l->s >= '0' && *l->s <= '9';
}

/* At the opening quote. What escapes mean is json-c's business, but for the NUL. */
static const char *skip_string(struct lexer *l)
{
    for (l->s++; l->s < l->end && *l->s != '"'; l->s++) {
        unsigned char c = (unsigned char)*l->s;

        if (c < 0x20)
            return "control character in a string";
        l->result->non_ascii |= c >= 0x80;
        if (c != '\\')
            continue;
        if (l->end - l->s >= 6 && memcmp(l->s, "\\u0000", 6) == 0)
            l->result->escaped_nul = true;
        l->s++;
    }
    if (l->s >= l->end)
        return "string without an end";
    l->s++;
    return NULL;
}

/* RFC 8259 section 6; an integer must fit int64_t or uint64_t. */
static const char *skip_number(struct lexer *l)
{
    uint64_t limit = UINT64_MAX, value = 0;
    bool too_big = false, integer = true;

    if (*l->s == '-') {
        limit = (uint64_t)INT64_MAX + 1;
        l->s++;
    }
    if (!is_digit(l) || (*l->s == '0' && l->end - l->s > 1 && l->s[1] >= '0' && l->s[1] <= '9'))
        return "number expected";
    for (; is_digit(l); l->s++) {
        unsigned digit = (unsigned)(*l->s - '0');

        too_big |= value > (limit - digit) / 10;
        value = value * 10 + digit;
    }
    if (l->s < l->end && *l->s == '.') {
        integer = false;
        l->s++;
        if (!is_digit(l))
            return "number expected";
        while (is_digit(l))
            l->s++;
    }
    if (l->s < l->end && (*l->s | 0x20) == 'e') {
        integer = false;
        l->s++;
        if (l->s < l->end && (*l->s == '+' || *l->s == '-'))
            l->s++;
        if (!is_digit(l))
            return "number expected";
        while (is_digit(l))
            l->s++;
    }
    return integer && too_big ? "integer out of the 64-bit range" : NULL;
}

static const char *skip_word(struct lexer *l, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(l->end - l->s) < n || memcmp(l->s, word, n) != 0)
        return "unexpected character";
    l->s += n;
    return NULL;
}

static const char *skip_token(struct lexer *l)
{
    switch (*l->s) {
    case '"':
        return skip_string(l);
    case '-':
    case '0' ... '9':
        return skip_number(l);
    case 't':
        return skip_word(l, "true");
    case 'f':
        return skip_word(l, "false");
    case 'n':
        return skip_word(l, "null");
    case '{':
    case '}':
    case '[':
    case ']':
    case ':':
    case ',':
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        l->s++;
        return NULL;
    default:
        return "unexpected character";
    }
}

const char *parse_lexical(const char *text, size_t size, struct parse_lexical *ret)
{
    struct lexer l = { .s = text, .end = text + size, .result = ret };

    *ret = (struct parse_lexical){ 0 };
    while (l.s < l.end) {
        const char *start = l.s, *reason = skip_token(&l);

        if (reason) {
            ret->offset = (size_t)(start - text);
            return reason;
        }
    }
    return NULL;
}
