/*
 * embed.c - vectors of length 1 that depend on nothing but the input, so that equal texts are near
 * and a test can tell them apart.
 */
#include <math.h>

#include "sim.h"

#include <weir/sdk/strategy.h>

enum { EMBED_DEFAULT = 8, EMBED_MAX = 4096 };

static uint64_t embed_hash(uint64_t seed, weir_str raw)
{
    uint64_t h = seed ^ UINT64_C(14695981039346656037);

    for (size_t i = 0; i < raw.len; i++)
        h = (h ^ (unsigned char)raw.ptr[i]) * UINT64_C(1099511628211);
    return h;
}

static void embed_vector(uint64_t hash, float *vector, uint32_t dimensions)
{
    double square = 0;

    for (uint32_t i = 0; i < dimensions; i++) {
        vector[i] = (float)((double)(weir_random(&hash) >> 11) / 9007199254740992.0 * 2 - 1);
        square += (double)vector[i] * vector[i];
    }
    for (uint32_t i = 0; i < dimensions; i++)
        vector[i] = (float)(vector[i] / sqrt(square));
}

/* Little-endian floats in base64, as encoding_format asks. */
static void embed_write_base64(weir_writer *w, const float *vector, uint32_t dimensions)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = (size_t)dimensions * 4;

    weir_write_comma(w);
    weir_write_byte(w, '"');
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = 0;
        char four[4];

        for (size_t j = i; j < i + 3; j++) {
            uint32_t bits = 0;

            if (j < len)
                memcpy(&bits, &vector[j / 4], 4);
            group = group << 8 | (bits >> (8 * (j % 4)) & 255);
        }
        for (int j = 0; j < 4; j++)
            four[j] = i + (size_t)j > len ? '=' : alphabet[group >> (18 - 6 * j) & 63];
        weir_write_bytes(w, four, 4);
    }
    weir_write_byte(w, '"');
}

static void embed_write(weir_writer *w, const struct sim_config *cfg, weir_str raw, int64_t index,
                        uint32_t dimensions, bool base64)
{
    float vector[EMBED_MAX];

    embed_vector(embed_hash(cfg->seed, raw), vector, dimensions);
    weir_write_begin_object(w);
    weir_write_key(w, "object");
    weir_write_literal(w, "embedding");
    weir_write_key(w, "index");
    weir_write_int64(w, index);
    weir_write_key(w, "embedding");
    if (base64) {
        embed_write_base64(w, vector, dimensions);
    } else {
        weir_write_begin_array(w);
        for (uint32_t i = 0; i < dimensions; i++)
            weir_write_double(w, vector[i]);
        weir_write_end_array(w);
    }
    weir_write_end_object(w);
}

weir_result sim_send_embeddings(const struct sim_config *cfg, const struct sim_plan *plan,
                                const weir_exchange *x, const weir_http_sink *out)
{
    const weir_json *doc = x->request;
    uint32_t input = weir_json_find(doc, 0, "input");
    bool many =
        weir_json_is_array(doc, input) && !weir_json_is_number(doc, weir_json_item(doc, input, 0));
    bool base64 = weir_json_is(doc, weir_json_find(doc, 0, "encoding_format"), "base64");
    weir_str model[2] = { WEIR_S("sim/"), x->target->model };
    int64_t dimensions = EMBED_DEFAULT, index = 0;
    weir_writer w;
    weir_str body;

    weir_json_int64(doc, weir_json_find(doc, 0, "dimensions"), &dimensions);
    if (dimensions < 1 || dimensions > EMBED_MAX)
        dimensions = EMBED_DEFAULT;
    weir_writer_init(&w, &x->arena, 4096);
    weir_write_begin_object(&w);
    weir_write_key(&w, "object");
    weir_write_literal(&w, "list");
    weir_write_key(&w, "data");
    weir_write_begin_array(&w);
    WEIR_JSON_EACH_ITEM(doc, many ? input : WEIR_JSON_NONE, item)
    {
        embed_write(&w, cfg, weir_json_raw(doc, item), index++, (uint32_t)dimensions, base64);
    }
    if (!many)
        embed_write(&w, cfg, weir_json_raw(doc, input), 0, (uint32_t)dimensions, base64);
    weir_write_end_array(&w);
    weir_write_key(&w, "model");
    weir_write_string(&w, weir_str_join(&x->arena, model, 2));
    weir_write_key(&w, "usage");
    weir_write_begin_object(&w);
    weir_write_key(&w, "prompt_tokens");
    weir_write_int64(&w, (int64_t)(weir_json_raw(doc, input).len / 4 + 1));
    weir_write_key(&w, "total_tokens");
    weir_write_int64(&w, (int64_t)(weir_json_raw(doc, input).len / 4 + 1));
    weir_write_end_object(&w);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &body));
    return sim_send_json(plan, plan->first_us, body, x, out);
}
