/*
 * json.c - fuzz target: the JSON scanner, reader and writer against Jansson.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/json/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_result result;
    /* A copy of exactly this size, so that a read past the end is seen. */
    char *copy = malloc(size ? size : 1);

    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);

    const char *wrong = oracle_check(copy, size, &result);

    free(copy);
    if (wrong) {
        fprintf(stderr, "json: %s (scanner's result %d)\n", wrong, (int)result);
        abort();
    }
    return 0;
}
