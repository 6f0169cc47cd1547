/*
 * decode_usage.c - usageMetadata, with totals that mean the same for all vendors.
 *
 * promptTokenCount holds what came from the cache; what built-in tools read is counted beside it,
 * and thoughts are counted beside candidatesTokenCount. totalTokenCount is the sum of all.
 */
#include "decode.h"

#include "names.h"

#include <weir/sdk/sink.h>

static int64_t usage_number(const weir_json *doc, uint32_t usage, const char *name)
{
    int64_t n = -1;

    weir_json_int64(doc, gem_find(doc, usage, name), &n);
    return weir_usage_count(n);
}

static int64_t usage_or_zero(int64_t n)
{
    return n < 0 ? 0 : n;
}

/* The tokens of one modality in a list of details; -1: it is not in it. */
static int64_t usage_modality(const weir_json *doc, uint32_t details, const char *modality)
{
    int64_t sum = -1;

    WEIR_JSON_EACH_ITEM(doc, details, item)
    {
        int64_t n = usage_number(doc, item, "tokenCount");

        if (weir_json_is(doc, gem_find(doc, item, "modality"), modality) && n >= 0)
            sum = usage_or_zero(sum) + n;
    }
    return sum;
}

static void usage_input(weir_usage *u, int64_t prompt, int64_t tools, int64_t cached)
{
    if (prompt < 0 && tools < 0)
        return;
    u->input_total = usage_or_zero(prompt) + usage_or_zero(tools);
    u->input_cache_read = cached;
    if (usage_or_zero(cached) <= u->input_total)
        u->input_uncached = u->input_total - usage_or_zero(cached);
    else
        u->input_cache_read = -1; /* more from the cache than there was: it is not known */
}

/* What is told beside a total that says something else is not known. */
static void usage_check(weir_usage *u, int64_t total, int64_t candidates, int64_t thoughts)
{
    int64_t input = usage_or_zero(u->input_total);

    if (total < 0 || input + usage_or_zero(u->output_total) == total)
        return;
    if (thoughts > 0 && candidates >= thoughts && input + candidates == total) {
        u->output_total = candidates; /* thoughts are among them */
        u->output_text = candidates - thoughts;
        return;
    }
    u->output_total = u->output_text = u->output_reasoning = -1;
    if (u->input_total > total)
        u->input_total = u->input_uncached = u->input_cache_read = -1;
}

bool gem_usage_read(const weir_json *doc, uint32_t usage, weir_usage *out)
{
    int64_t prompt = usage_number(doc, usage, "promptTokenCount");
    int64_t candidates = usage_number(doc, usage, "candidatesTokenCount");
    int64_t thoughts = usage_number(doc, usage, "thoughtsTokenCount");
    int64_t total = usage_number(doc, usage, "totalTokenCount");
    uint32_t input = gem_find(doc, usage, "promptTokensDetails");
    uint32_t output = gem_find(doc, usage, "candidatesTokensDetails");
    weir_usage u = weir_usage_unknown();

    if (candidates < 0) /* Vertex, in answers of live sessions */
        candidates = usage_number(doc, usage, "responseTokenCount");
    if (prompt < 0 && candidates < 0 && thoughts < 0)
        return false;
    usage_input(&u, prompt, usage_number(doc, usage, "toolUsePromptTokenCount"),
                usage_number(doc, usage, "cachedContentTokenCount"));
    u.input_audio = usage_modality(doc, input, "AUDIO");
    u.input_image = usage_modality(doc, input, "IMAGE");
    u.output_audio = usage_modality(doc, output, "AUDIO");
    u.output_image = usage_modality(doc, output, "IMAGE");
    if (candidates >= 0 || thoughts >= 0) {
        u.output_total = usage_or_zero(candidates) + usage_or_zero(thoughts);
        u.output_text = usage_or_zero(candidates);
        u.output_reasoning = thoughts;
    } /* else nobody counted them: a total without them does not say that there are none */
    usage_check(&u, total, candidates, thoughts);
    *out = u;
    return true;
}
