// SPDX-License-Identifier: Apache-2.0
/* Memory: allocation that aborts when there is none (STYLE.md rule 2), and owned-resource cleanup. */
#ifndef LICHEN_BASE_MEM_H
#define LICHEN_BASE_MEM_H

#include <stddef.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(mem_freep)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hand over ownership of a pointer: yields the value and leaves NULL behind. */
#define TAKE_PTR(p)                        \
    ({                                     \
        __typeof__(p) *take_pp_ = &(p);    \
        __typeof__(p) take_p_ = *take_pp_; \
        *take_pp_ = NULL;                  \
        take_p_;                           \
    })

/* malloc, zeroed. Never NULL; aborts when memory is out. */
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));

/* Zeroed array; aborts on overflow of n * size too. */
void *mem_zalloc_array(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/* realloc of an array to n elements; aborts as above. The new tail is not cleared. */
void *mem_realloc_array(void *p, size_t n, size_t size) __attribute__((returns_nonnull));

/* A copy of size bytes. */
void *mem_dup(const void *p, size_t size) __attribute__((malloc, returns_nonnull));

/* For _cleanup_free_: frees *(void **)p. */
void mem_freep(void *p);

/*
 * An arena: many small allocations freed together. Zero-initialise it; arena_free releases everything
 * allocated from it. The parsed configuration lives in one (spec/spec.h).
 */
struct arena {
    struct arena_block *head;
};

/* Zeroed memory, aligned for any type, that lives until arena_free. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
/* Move everything @from holds into @a; @from is empty afterwards. */
void arena_adopt(struct arena *a, struct arena *from);
void arena_free(struct arena *a);

#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, n, type) ((type *)arena_alloc((a), (size_t)(n) * sizeof(type)))

#endif
