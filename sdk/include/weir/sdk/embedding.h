/*
 * embedding.h - an embedding in either of its forms: an array of numbers, or base64 of
 * little-endian 32-bit floats. Whoever writes one reads both and writes what was asked for.
 */
#ifndef WEIR_SDK_EMBEDDING_H
#define WEIR_SDK_EMBEDDING_H

#include <float.h>
#include <math.h>

#include <weir/sdk/base64.h>
#include <weir/sdk/json.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

/* Little-endian, whatever the machine is. */
static inline void weir_embedding_put(unsigned char *out, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(bits >> (8 * i));
}

static inline float weir_embedding_get(const unsigned char *from)
{
    uint32_t bits = 0;
    float value;

    for (int i = 0; i < 4; i++)
        bits |= (uint32_t)from[i] << (8 * i);
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Writes the embedding at `value` as base64. WEIR_PROTOCOL: it is neither form, or no such number
 * fits. */
static inline weir_result weir_embedding_base64(weir_writer *w, const weir_arena *arena,
                                                const weir_json *doc, uint32_t value)
{
    size_t count = weir_json_count(doc, value), n = 0;
    unsigned char *bytes;
    char *text;

    if (weir_json_is_string(doc, value)) {
        weir_write_value(w, doc, value);
        return WEIR_OK;
    }
    if (!weir_json_is_array(doc, value))
        return WEIR_PROTOCOL;
    bytes = (unsigned char *)arena->alloc(arena->owner, count * 4 + 1);
    text = (char *)arena->alloc(arena->owner, weir_base64_size(count * 4) + 1);
    if (!bytes || !text)
        return WEIR_NO_MEMORY;
    WEIR_JSON_EACH_ITEM(doc, value, item)
    {
        double number;

        if (!weir_json_double(doc, item, &number) || number > (double)FLT_MAX ||
            number < -(double)FLT_MAX)
            return WEIR_PROTOCOL;
        weir_embedding_put(bytes + 4 * n++, (float)number);
    }
    weir_base64_encode(bytes, 4 * n, text);
    weir_write_string(w, weir_str_make(text, weir_base64_size(4 * n)));
    return WEIR_OK;
}

/* Writes the embedding at `value` as numbers. WEIR_PROTOCOL: it is neither form, or has what is no
 * number. */
static inline weir_result weir_embedding_numbers(weir_writer *w, const weir_arena *arena,
                                                 const weir_json *doc, uint32_t value)
{
    weir_str text = weir_json_str(doc, value, arena);
    unsigned char *bytes;
    int64_t len;

    if (weir_json_is_array(doc, value)) {
        weir_write_value(w, doc, value);
        return WEIR_OK;
    }
    if (!weir_json_is_string(doc, value))
        return WEIR_PROTOCOL;
    bytes = (unsigned char *)arena->alloc(arena->owner, text.len / 4 * 3 + 4);
    if (!bytes)
        return WEIR_NO_MEMORY;
    len = weir_base64_decode(text, bytes);
    if (len < 0 || len % 4)
        return WEIR_PROTOCOL;
    weir_write_begin_array(w);
    for (int64_t i = 0; i < len; i += 4) {
        double number = (double)weir_embedding_get(bytes + i);

        if (!isfinite(number))
            return WEIR_PROTOCOL;
        weir_write_double(w, number);
    }
    weir_write_end_array(w);
    return WEIR_OK;
}

#endif
