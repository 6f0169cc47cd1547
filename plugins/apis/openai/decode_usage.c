/*
 * decode_usage.c - token counts, as OpenAI and its followers write them, with totals that mean the
 * same for all.
 */
#include "decode.h"

#include <weir/sdk/sink.h>

static int64_t usage_number(const weir_json *doc, uint32_t object, const char *const *paths)
{
    for (; *paths; paths++) {
        int64_t n;

        if (weir_json_int64(doc, weir_json_path(doc, object, *paths), &n) && n >= 0)
            return n;
    }
    return -1;
}

#define USAGE_NUMBER(doc, object, ...) \
    usage_number(doc, object, (const char *const[]){ __VA_ARGS__, NULL })

static int64_t usage_or_zero(int64_t n)
{
    return n < 0 ? 0 : n;
}

/* prompt_tokens counts cached ones among them, nearly everywhere. If they are more, either they are
 * beside it, and the total says so, or they are wrong, as some vendors have it: then what the
 * prompt is made of is not known. */
static void usage_input(weir_usage *u, int64_t prompt, int64_t rest)
{
    int64_t cached = usage_or_zero(u->input_cache_read) + usage_or_zero(u->input_cache_write);

    u->input_total = prompt;
    if (prompt < 0)
        return;
    if (cached <= prompt) {
        u->input_uncached = prompt - cached;
    } else if (rest == prompt + cached) {
        u->input_total = prompt + cached;
        u->input_uncached = prompt;
    } else {
        u->input_cache_read = -1;
        u->input_cache_write = -1;
        u->input_cache_write_1h = -1;
    }
}

bool oai_usage_read(const weir_json *doc, uint32_t usage, weir_usage *out)
{
    int64_t prompt, completion, total;
    weir_usage u;

    if (!weir_json_is_object(doc, usage)) /* nearly every event of a stream */
        return false;
    prompt = USAGE_NUMBER(doc, usage, "prompt_tokens", "input_tokens");
    completion = USAGE_NUMBER(doc, usage, "completion_tokens", "output_tokens");
    total = USAGE_NUMBER(doc, usage, "total_tokens");
    u = weir_usage_unknown();

    if (prompt < 0 && completion < 0)
        return false;
    /* in turn: OpenAI; DeepSeek; Moonshot; Mistral; vLLM; those who bring Anthropic's names */
    u.input_cache_read =
        USAGE_NUMBER(doc, usage, "prompt_tokens_details.cached_tokens", "prompt_cache_hit_tokens",
                     "cached_tokens", "num_cached_tokens", "prompt_token_details.cached_tokens",
                     "cache_read_input_tokens");
    u.input_cache_write = USAGE_NUMBER(doc, usage, "prompt_tokens_details.cache_write_tokens",
                                       "cache_creation_input_tokens");
    u.input_cache_write_1h = USAGE_NUMBER(doc, usage, "cache_creation.ephemeral_1h_input_tokens");
    u.input_audio = USAGE_NUMBER(doc, usage, "prompt_tokens_details.audio_tokens");
    u.input_image = USAGE_NUMBER(doc, usage, "prompt_tokens_details.image_tokens");
    u.output_reasoning =
        USAGE_NUMBER(doc, usage, "completion_tokens_details.reasoning_tokens",
                     "completion_token_details.reasoning_tokens", "reasoning_tokens");
    u.output_audio = USAGE_NUMBER(doc, usage, "completion_tokens_details.audio_tokens");
    u.output_image = USAGE_NUMBER(doc, usage, "completion_tokens_details.image_tokens");

    /* Mistral counts audio beside the prompt, xAI reasoning beside the completion. The total tells
     * who does. */
    if (total >= 0 && prompt >= 0 && completion >= 0 && total != prompt + completion) {
        if (u.input_audio > 0 && total == prompt + completion + u.input_audio)
            prompt += u.input_audio;
        else if (u.output_reasoning > 0 && total == prompt + completion + u.output_reasoning)
            completion += u.output_reasoning;
    }
    usage_input(&u, prompt, total - usage_or_zero(completion));
    u.output_total = completion;
    if (completion >= 0 && u.output_reasoning >= 0 && u.output_reasoning <= completion)
        u.output_text = completion - u.output_reasoning;
    *out = u;
    return true;
}
