/*
 * decode_usage.c - token counts, as OpenAI and its followers write them, with totals that mean the
 * same for all.
 */
#include "decode.h"

#include <weir/sdk/sink.h>

/* The counts there are, under whatever name. */
enum {
    COUNT_PROMPT,
    COUNT_COMPLETION,
    COUNT_TOTAL,
    COUNT_READ,
    COUNT_WRITE,
    COUNT_WRITE_1H,
    COUNT_AUDIO_IN,
    COUNT_IMAGE_IN,
    COUNT_REASONING,
    COUNT_AUDIO_OUT,
    COUNT_IMAGE_OUT,
    COUNT_KINDS,
};

/* A member that is a count, or an object with more of them in it. */
struct usage_name {
    weir_str name;
    const struct usage_name *inside;
    uint8_t kind;
    uint8_t rank; /* of several names for one count the one with the lowest rank is taken */
};

#define NAMED(name, kind, rank)                      \
    {                                                \
        { name, sizeof(name) - 1 }, NULL, kind, rank \
    }
#define INSIDE(name, names)                     \
    {                                           \
        { name, sizeof(name) - 1 }, names, 0, 0 \
    }
#define USAGE_NAMES_END         \
    {                           \
        { NULL, 0 }, NULL, 0, 0 \
    }

static const struct usage_name usage_prompt_names[] = {
    NAMED("cached_tokens", COUNT_READ, 0),
    NAMED("cache_write_tokens", COUNT_WRITE, 0),
    NAMED("audio_tokens", COUNT_AUDIO_IN, 0),
    NAMED("image_tokens", COUNT_IMAGE_IN, 0),
    USAGE_NAMES_END,
};
static const struct usage_name usage_vllm_names[] = {
    NAMED("cached_tokens", COUNT_READ, 4),
    USAGE_NAMES_END,
};
static const struct usage_name usage_completion_names[] = {
    NAMED("reasoning_tokens", COUNT_REASONING, 0),
    NAMED("audio_tokens", COUNT_AUDIO_OUT, 0),
    NAMED("image_tokens", COUNT_IMAGE_OUT, 0),
    USAGE_NAMES_END,
};
static const struct usage_name usage_completion_names_2[] = {
    NAMED("reasoning_tokens", COUNT_REASONING, 1),
    USAGE_NAMES_END,
};
static const struct usage_name usage_creation_names[] = {
    NAMED("ephemeral_1h_input_tokens", COUNT_WRITE_1H, 0),
    USAGE_NAMES_END,
};
static const struct usage_name usage_names[] = {
    NAMED("prompt_tokens", COUNT_PROMPT, 0),
    NAMED("completion_tokens", COUNT_COMPLETION, 0),
    NAMED("total_tokens", COUNT_TOTAL, 0),
    INSIDE("prompt_tokens_details", usage_prompt_names),
    INSIDE("completion_tokens_details", usage_completion_names),
    NAMED("prompt_cache_hit_tokens", COUNT_READ, 1), /* DeepSeek */
    NAMED("cached_tokens", COUNT_READ, 2),           /* Moonshot */
    NAMED("num_cached_tokens", COUNT_READ, 3),       /* Mistral */
    INSIDE("prompt_token_details", usage_vllm_names),
    INSIDE("completion_token_details", usage_completion_names_2),
    NAMED("reasoning_tokens", COUNT_REASONING, 2),
    /* those who bring Anthropic's names */
    NAMED("input_tokens", COUNT_PROMPT, 1),
    NAMED("output_tokens", COUNT_COMPLETION, 1),
    NAMED("cache_read_input_tokens", COUNT_READ, 5),
    NAMED("cache_creation_input_tokens", COUNT_WRITE, 1),
    INSIDE("cache_creation", usage_creation_names),
    USAGE_NAMES_END,
};

struct usage_counts {
    int64_t n[COUNT_KINDS]; /* -1: not told */
    uint8_t rank[COUNT_KINDS];
};

static const struct usage_name *usage_find(const struct usage_name *names, const weir_json *doc,
                                           uint32_t key)
{
    for (; names->name.len; names++) {
        if (weir_json_key_in(doc, key, &names->name, 1))
            return names;
    }
    return NULL;
}

/* Reads the counts in an object, and in the objects in it. */
static void usage_collect(const weir_json *doc, uint32_t object, const struct usage_name *names,
                          struct usage_counts *counts)
{
    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        const struct usage_name *found = usage_find(names, doc, key);
        int64_t n;

        if (!found)
            continue;
        if (found->inside) {
            usage_collect(doc, value, found->inside, counts);
        } else if (weir_json_int64(doc, value, &n) && weir_usage_count(n) >= 0 &&
                   (counts->n[found->kind] < 0 || found->rank <= counts->rank[found->kind])) {
            counts->n[found->kind] = n;
            counts->rank[found->kind] = found->rank;
        }
    }
}

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
    struct usage_counts counts;
    int64_t prompt, completion, total;
    weir_usage u;

    if (!weir_json_is_object(doc, usage)) /* nearly every event of a stream */
        return false;
    memset(counts.n, 0xff, sizeof(counts.n)); /* -1 */
    usage_collect(doc, usage, usage_names, &counts);
    prompt = counts.n[COUNT_PROMPT];
    completion = counts.n[COUNT_COMPLETION];
    total = counts.n[COUNT_TOTAL];
    if (prompt < 0 && completion < 0)
        return false;
    u = weir_usage_unknown();
    u.input_cache_read = counts.n[COUNT_READ];
    u.input_cache_write = counts.n[COUNT_WRITE];
    u.input_cache_write_1h = counts.n[COUNT_WRITE_1H];
    u.input_audio = counts.n[COUNT_AUDIO_IN];
    u.input_image = counts.n[COUNT_IMAGE_IN];
    u.output_reasoning = counts.n[COUNT_REASONING];
    u.output_audio = counts.n[COUNT_AUDIO_OUT];
    u.output_image = counts.n[COUNT_IMAGE_OUT];

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
