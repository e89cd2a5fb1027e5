// SPDX-License-Identifier: Apache-2.0
/* Memory. Runs in every process. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_SIZE 8192

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    _Alignas(max_align_t) unsigned char data[];
};

static void *check(void *p)
{
    if (!p) {
        fputs("lichen: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_zalloc(size_t size)
{
    return check(calloc(1, size ? size : 1));
}

void *mem_zalloc_array(size_t n, size_t size)
{
    return check(calloc(n ? n : 1, size ? size : 1));
}

void *mem_realloc_array(void *p, size_t n, size_t size)
{
    return check(reallocarray(p, n ? n : 1, size ? size : 1));
}

void *mem_dup(const void *p, size_t size)
{
    void *copy = check(malloc(size ? size : 1));

    if (size)
        memcpy(copy, p, size);
    return copy;
}

void mem_freep(void *p)
{
    free(*(void **)p);
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    struct arena_block *b = a->head;
    void *p;

    if (size > SIZE_MAX - sizeof(*b) - align)
        check(NULL);
    size = (size + align - 1) & ~(align - 1);
    if (!b || b->size - b->used < size) {
        size_t block = size > ARENA_BLOCK_SIZE ? size : ARENA_BLOCK_SIZE;

        b = mem_zalloc(sizeof(*b) + block);
        b->size = block;
        b->next = a->head;
        a->head = b;
    }
    p = b->data + b->used;
    b->used += size;
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(arena_alloc(a, n), s, n);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list ap, again;
    char *s;
    int n;

    va_start(ap, format);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0)
        check(NULL);
    s = arena_alloc(a, (size_t)n + 1);
    (void)vsnprintf(s, (size_t)n + 1, format, again);
    va_end(again);
    return s;
}

void arena_adopt(struct arena *a, struct arena *from)
{
    struct arena_block **end = &from->head;

    while (*end)
        end = &(*end)->next;
    *end = a->head;
    a->head = from->head;
    from->head = NULL;
}

void arena_free(struct arena *a)
{
    struct arena_block *b = a->head;

    while (b) {
        struct arena_block *next = b->next;

        free(b);
        b = next;
    }
    a->head = NULL;
}
