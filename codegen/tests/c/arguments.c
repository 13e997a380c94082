/* Calls the network `net` with right and wrong arguments in all combinations, then with random ones,
   and compares the codes with those of its header. Memory that a call must not write has a pattern. */

#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef INT8
typedef uint8_t element;
typedef int32_t logit;
#else
typedef float element;
typedef float logit;
#endif

#define PATTERN 0xa5
#define SLACK 128
#define IMAGE_BYTES (NET_INPUT_LEN * sizeof(element))
#define LOGITS_BYTES (NET_CLASS_COUNT * sizeof(logit))

/* Memory, and an address in it that the largest alignment divides. */
static unsigned char image_memory[IMAGE_BYTES + 2 * SLACK];
static unsigned char logits_memory[LOGITS_BYTES + 2 * SLACK];
static unsigned char arena_memory[NET_ARENA_BYTES + 3 * SLACK];
static logit expected[NET_CLASS_COUNT];
static unsigned long right, wrong;

static unsigned char *aligned(unsigned char *memory) {
    return memory + (SLACK - (uintptr_t)memory % SLACK);
}

static int expected_code(const void *image, size_t n, const void *logits, size_t m, const void *arena,
                         size_t bytes) {
    if (image == NULL || logits == NULL || arena == NULL) return NET_NULL_POINTER;
    if (n != NET_INPUT_LEN) return NET_WRONG_IMAGE_SIZE;
    if (m != NET_CLASS_COUNT) return NET_WRONG_LOGITS_SIZE;
    if ((uintptr_t)image % sizeof(element) != 0 || (uintptr_t)logits % sizeof(logit) != 0) {
        return NET_MISALIGNED;
    }
    if ((uintptr_t)arena % NET_ARENA_ALIGNMENT != 0) return NET_MISALIGNED_ARENA;
    return bytes < NET_ARENA_BYTES ? NET_ARENA_TOO_SMALL : NET_OK;
}

static int has_pattern(const unsigned char *from, const unsigned char *to) {
    for (; from < to; from++) {
        if (*from != PATTERN) return 0;
    }
    return 1;
}

static void stop(const char *what, int code, int wanted) {
    fprintf(stderr, "%s: the code is %d, and %d is right\n", what, code, wanted);
    exit(1);
}

static void check_memory(const unsigned char *logits, const unsigned char *arena, int code) {
    size_t logits_bytes = code == NET_OK ? LOGITS_BYTES : 0, arena_bytes = code == NET_OK ? NET_ARENA_BYTES : 0;
    if (code != NET_OK) logits = logits_memory, arena = arena_memory;
    if (!has_pattern(logits_memory, logits) || !has_pattern(arena_memory, arena) ||
        !has_pattern(logits + logits_bytes, logits_memory + sizeof logits_memory) ||
        !has_pattern(arena + arena_bytes, arena_memory + sizeof arena_memory)) {
        stop("other memory was written", code, code);
    }
    if (code == NET_OK && memcmp(logits, expected, LOGITS_BYTES) != 0) stop("other logits", code, code);
}

static void check(unsigned char *image, size_t n, unsigned char *logits, size_t m, unsigned char *arena,
                  size_t bytes) {
    int code, wanted = expected_code(image, n, logits, m, arena, bytes);
    /* Addresses that are not aligned must not become pointers to larger numbers in C. */
    int (*infer)(const void *, size_t, void *, size_t, void *, size_t) =
        (int (*)(const void *, size_t, void *, size_t, void *, size_t))(void (*)(void))net_infer;
    code = infer(image, n, logits, m, arena, bytes);
    if (code != wanted) stop("net_infer", code, wanted);
    check_memory(logits, arena, code);
    if (code == NET_OK) {
        memset(logits, PATTERN, LOGITS_BYTES);
        memset(arena, PATTERN, NET_ARENA_BYTES);
        right++;
    } else {
        wrong++;
    }
}

static void check_all_combinations(void) {
    static const size_t image_offsets[] = {0, 1, 2, 4}, arena_offsets[] = {0, 1, 4, 32, 64};
    static const size_t ns[] = {0, 1, NET_INPUT_LEN - 1, NET_INPUT_LEN, NET_INPUT_LEN + 1, SIZE_MAX};
    static const size_t ms[] = {0, 1, NET_CLASS_COUNT - 1, NET_CLASS_COUNT, NET_CLASS_COUNT + 1, SIZE_MAX};
    static const size_t sizes[] = {0, 1, NET_ARENA_BYTES - 1, NET_ARENA_BYTES, NET_ARENA_BYTES + 1, SIZE_MAX};
    size_t i, l, a, n, m, s;
    for (i = 0; i <= 4; i++)
        for (l = 0; l <= 4; l++)
            for (a = 0; a <= 5; a++)
                for (n = 0; n < 6; n++)
                    for (m = 0; m < 6; m++)
                        for (s = 0; s < 6; s++)
                            check(i == 4 ? NULL : aligned(image_memory) + image_offsets[i], ns[n],
                                  l == 4 ? NULL : aligned(logits_memory) + image_offsets[l], ms[m],
                                  a == 5 ? NULL : aligned(arena_memory) + arena_offsets[a], sizes[s]);
}

static unsigned draw(unsigned below) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (unsigned)((state >> 8) % below);
}

/* Returns a size that is often right. */
static size_t draw_size(size_t size) {
    return draw(4) != 0 ? size : (size_t)draw(0xffffff) << draw(40);
}

static void check_random(void) {
    int round;
    for (round = 0; round < 200000; round++) {
        unsigned char *image = aligned(image_memory) + (draw(4) != 0 ? 0 : draw(8));
        unsigned char *logits = aligned(logits_memory) + (draw(4) != 0 ? 0 : draw(SLACK));
        unsigned char *arena = aligned(arena_memory) + (draw(4) != 0 ? 0 : draw(SLACK));
        check(draw(8) != 0 ? image : NULL, draw_size(NET_INPUT_LEN), draw(8) != 0 ? logits : NULL,
              draw_size(NET_CLASS_COUNT), draw(8) != 0 ? arena : NULL, draw_size(NET_ARENA_BYTES));
    }
}

#ifndef INT8
static void check_normalise(void) {
    static const size_t sizes[] = {0, NET_INPUT_LEN - 1, NET_INPUT_LEN, NET_INPUT_LEN + 1, SIZE_MAX};
    uint8_t pixels[NET_INPUT_LEN] = {0};
    size_t n, m, at;
    for (n = 0; n < 5; n++)
        for (m = 0; m < 5; m++)
            for (at = 0; at < 8; at++) {
                int (*normalise)(const uint8_t *, size_t, void *, size_t) =
                    (int (*)(const uint8_t *, size_t, void *, size_t))(void (*)(void))net_normalise;
                uint8_t *from = at == 7 ? NULL : pixels;
                void *to = at == 6 ? NULL : aligned(image_memory) + at;
                int code = normalise(from, sizes[n], to, sizes[m]);
                int wanted = from == NULL || to == NULL          ? NET_NULL_POINTER
                             : n != 2 || m != 2                  ? NET_WRONG_IMAGE_SIZE
                             : (uintptr_t)to % sizeof(float) != 0 ? NET_MISALIGNED
                                                                 : NET_OK;
                if (code != wanted) stop("net_normalise", code, wanted);
            }
}
#endif

int main(void) {
    /* Zeros, so that an image is the same at each of its addresses. */
    memset(arena_memory, PATTERN, sizeof arena_memory);
    if (net_infer((element *)(void *)aligned(image_memory), NET_INPUT_LEN, expected, NET_CLASS_COUNT,
                  aligned(arena_memory), NET_ARENA_BYTES) != NET_OK) {
        stop("the first inference", -1, NET_OK);
    }
    memset(arena_memory, PATTERN, sizeof arena_memory);
    memset(logits_memory, PATTERN, sizeof logits_memory);
    check_all_combinations();
    check_random();
#ifndef INT8
    check_normalise();
#endif
    printf("%lu right and %lu wrong calls\n", right, wrong);
    return right > 0 && wrong > 0 ? 0 : 1;
}
