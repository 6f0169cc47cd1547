/*
 * call_id.h - ids for tool calls whose vendor gives them none.
 */
#ifndef WEIR_SDK_CALL_ID_H
#define WEIR_SDK_CALL_ID_H

#include <weir/sdk/str.h>

enum { WEIR_CALL_ID_LEN = 21 };

/* The id of call `number` of a choice: the same for the same place in the same exchange, whose seed
 * is `seed`. Lies in `buf`. */
static inline weir_str weir_call_id(uint64_t seed, uint32_t choice, uint32_t number,
                                    char buf[WEIR_CALL_ID_LEN])
{
    static const char hex[] = "0123456789abcdef";
    uint64_t n = seed ^ (uint64_t)number * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)choice << 56;

    memcpy(buf, "call_", 5);
    for (int i = 0; i < 16; i++)
        buf[5 + i] = hex[n >> (60 - 4 * i) & 15];
    return weir_str_make(buf, WEIR_CALL_ID_LEN);
}

#endif
