/*
 * write_answer.c - a gathered answer as one GenerateContentResponse, and the words both ways of
 * writing share.
 */
#include "gemini.h"

#include <weir/sdk/arguments.h>

/* Words of this API for the end of a candidate; another vendor's word is none of them. */
static bool finish_is_own(weir_str raw)
{
    static const char *const own[] = { "STOP",
                                       "MAX_TOKENS",
                                       "SAFETY",
                                       "RECITATION",
                                       "LANGUAGE",
                                       "OTHER",
                                       "BLOCKLIST",
                                       "PROHIBITED_CONTENT",
                                       "SPII",
                                       "MALFORMED_FUNCTION_CALL",
                                       "IMAGE_SAFETY",
                                       "UNEXPECTED_TOOL_CALL",
                                       "TOO_MANY_TOOL_CALLS",
                                       "IMAGE_PROHIBITED_CONTENT",
                                       "NO_IMAGE",
                                       "IMAGE_RECITATION",
                                       "IMAGE_OTHER",
                                       "CONTINUATION" };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (weir_str_is(raw, own[i]))
            return true;
    }
    return false;
}

weir_str gem_finish_word(uint16_t reason, weir_str raw)
{
    if (finish_is_own(raw))
        return raw;
    switch (reason) {
    case WEIR_FINISH_STOP:
    case WEIR_FINISH_STOP_SEQUENCE:
    case WEIR_FINISH_TOOL_CALLS:
    case WEIR_FINISH_FUNCTION_CALL:
        return WEIR_S("STOP");
    case WEIR_FINISH_LENGTH:
        return WEIR_S("MAX_TOKENS");
    case WEIR_FINISH_CONTENT_FILTER:
    case WEIR_FINISH_REFUSAL:
        return WEIR_S("SAFETY");
    default:
        return WEIR_S("OTHER");
    }
}

/* -- Usage ------------------------------------------------------------------------------------ */

static void usage_count(weir_writer *w, const char *key, int64_t n)
{
    if (n < 0)
        return;
    weir_write_key(w, key);
    weir_write_int64(w, n);
}

/* Counts of one modality beside text; text itself is what is left. */
static void usage_details(weir_writer *w, const char *key, int64_t total, int64_t audio,
                          int64_t image)
{
    static const char *const names[] = { "TEXT", "AUDIO", "IMAGE" };
    int64_t counts[3] = { 0, audio, image };

    if ((audio <= 0 && image <= 0) || total < 0)
        return;
    counts[0] = total - (audio > 0 ? audio : 0) - (image > 0 ? image : 0);
    weir_write_key(w, key);
    weir_write_begin_array(w);
    for (int i = 0; i < 3; i++) {
        if (counts[i] <= 0)
            continue;
        weir_write_begin_object(w);
        weir_write_key(w, "modality");
        weir_write_literal(w, names[i]);
        weir_write_key(w, "tokenCount");
        weir_write_int64(w, counts[i]);
        weir_write_end_object(w);
    }
    weir_write_end_array(w);
}

/* Thoughts stand beside the candidates here and are not among them. */
void gem_write_usage(weir_writer *w, const weir_usage *u)
{
    int64_t thoughts = u->output_reasoning > u->output_total ? -1 : u->output_reasoning;
    int64_t candidates = u->output_total - (thoughts > 0 ? thoughts : 0);

    weir_write_begin_object(w);
    usage_count(w, "promptTokenCount", u->input_total);
    usage_count(w, "candidatesTokenCount", u->output_total < 0 ? -1 : candidates);
    if (u->input_total >= 0 && u->output_total >= 0)
        usage_count(w, "totalTokenCount", u->input_total + u->output_total);
    usage_count(w, "cachedContentTokenCount", u->input_cache_read > 0 ? u->input_cache_read : -1);
    usage_count(w, "thoughtsTokenCount", thoughts > 0 ? thoughts : -1);
    usage_details(w, "promptTokensDetails", u->input_total, u->input_audio, u->input_image);
    usage_details(w, "candidatesTokensDetails", u->output_total < 0 ? -1 : candidates,
                  u->output_audio, u->output_image);
    weir_write_end_object(w);
}

/* -- Extras ----------------------------------------------------------------------------------- */

weir_str gem_extra_member(const weir_json_service *json, const weir_arena *arena, weir_str extra,
                          const char *name)
{
    weir_json doc;

    if (!weir_str_mentions(extra, name) || !weir_members_scan(json, arena, extra, &doc))
        return weir_str_make("", 0);
    return weir_json_raw(&doc, weir_json_find(&doc, 0, name));
}

/* One of OpenAI's annotations: a place in the text and a URL. */
static void citation_write(weir_writer *w, const weir_json *doc, uint32_t annotation)
{
    uint32_t at = weir_json_find(doc, annotation, "url_citation");
    uint32_t url = weir_json_find(doc, at, "url");
    uint32_t title = weir_json_find(doc, at, "title");

    if (!weir_json_is_string(doc, url))
        return;
    weir_write_begin_object(w);
    weir_write_key(w, "uri");
    weir_write_value(w, doc, url);
    if (weir_json_is_string(doc, title)) {
        weir_write_key(w, "title");
        weir_write_value(w, doc, title);
    }
    weir_write_end_object(w);
}

/* Annotations are citations here. Ours came out of the citations that stand beside them. */
static void extra_citations(weir_writer *w, const weir_json *doc)
{
    uint32_t annotations = weir_json_find(doc, 0, "annotations");

    if (!weir_json_count(doc, annotations) ||
        weir_json_find(doc, 0, "citationMetadata") != WEIR_JSON_NONE ||
        weir_json_find(doc, 0, "groundingMetadata") != WEIR_JSON_NONE)
        return;
    weir_write_key(w, "citationMetadata");
    weir_write_begin_object(w);
    weir_write_key(w, "citationSources");
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(doc, annotations, annotation)
    {
        citation_write(w, doc, annotation);
    }
    weir_write_end_array(w);
    weir_write_end_object(w);
}

/* OpenAI's list of chosen tokens. */
static void extra_logprobs(weir_writer *w, const weir_json *doc)
{
    uint32_t content = weir_json_path(doc, 0, "logprobs.content");

    if (!weir_json_count(doc, content))
        return;
    weir_write_key(w, "logprobsResult");
    weir_write_begin_object(w);
    weir_write_key(w, "chosenCandidates");
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(doc, content, token)
    {
        uint32_t text = weir_json_find(doc, token, "token");
        uint32_t logprob = weir_json_find(doc, token, "logprob");

        if (!weir_json_is_string(doc, text) || !weir_json_is_number(doc, logprob))
            continue;
        weir_write_begin_object(w);
        weir_write_key(w, "token");
        weir_write_value(w, doc, text);
        weir_write_key(w, "logProbability");
        weir_write_value(w, doc, logprob);
        weir_write_end_object(w);
    }
    weir_write_end_array(w);
    weir_write_end_object(w);
}

void gem_write_candidate_extra(weir_writer *w, const weir_json_service *json,
                               const weir_arena *arena, weir_str extra)
{
    static const char *const members[] = { "groundingMetadata",  "citationMetadata",
                                           "urlContextMetadata", "safetyRatings",
                                           "avgLogprobs",        "logprobsResult",
                                           "tokenCount",         "finishMessage" };
    weir_json doc;

    if (!weir_members_scan(json, arena, extra, &doc))
        return;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        uint32_t value = weir_json_find(&doc, 0, members[i]);

        if (value == WEIR_JSON_NONE)
            continue;
        weir_write_key(w, members[i]);
        weir_write_value(w, &doc, value);
    }
    extra_citations(w, &doc);
    extra_logprobs(w, &doc);
}

/* -- Whole answers ---------------------------------------------------------------------------- */

/* An answer being written. */
struct writing {
    const weir_dialect_config *cfg;
    const weir_exchange *x;
    const weir_answer *a;
    weir_writer w;
    bool missed; /* a call of the choice was left out */
};

static const weir_block *answer_block(const weir_answer *a, uint32_t i)
{
    return (const weir_block *)(const void *)((const char *)a->blocks.items +
                                              (size_t)i * a->blocks.stride);
}

static const weir_choice *answer_choice(const weir_answer *a, uint32_t i)
{
    return (const weir_choice *)(const void *)((const char *)a->choices.items +
                                               (size_t)i * a->choices.stride);
}

static void part_sign(struct writing *v, const weir_block *b)
{
    weir_str signature =
        gem_extra_member(v->cfg->json, &v->x->arena, b->extra, "thought_signature");

    if (!signature.len)
        return;
    weir_write_key(&v->w, "thoughtSignature");
    weir_write_raw(&v->w, signature);
}

/* Whether a block is a call that was cut, or is no JSON. It is left out, since applications run
 * what they are given. `*args` is what to write for a good one that is not free text. */
static bool part_is_missed(struct writing *v, const weir_block *b, weir_str *args)
{
    return b->kind == WEIR_BLOCK_TOOL_CALL && !weir_str_mentions(b->extra, "\"type\":\"custom\"") &&
           !weir_arguments_good(v->cfg->json, &v->x->arena, b->text, args);
}

static void part_call(struct writing *v, const weir_block *b, weir_str args)
{
    bool custom = weir_str_mentions(b->extra, "\"type\":\"custom\"");

    weir_write_key(&v->w, "functionCall");
    weir_write_begin_object(&v->w);
    weir_write_key(&v->w, "id");
    weir_write_string(&v->w, b->id);
    weir_write_key(&v->w, "name");
    weir_write_string(&v->w, b->name);
    weir_write_key(&v->w, "args");
    if (custom) {
        weir_write_begin_object(&v->w);
        weir_write_key(&v->w, "input");
        weir_write_text(&v->w, b->text);
        weir_write_end_object(&v->w);
    } else {
        weir_write_raw(&v->w, args);
    }
    weir_write_end_object(&v->w);
}

static void part_bytes(struct writing *v, const weir_block *b)
{
    weir_str type = gem_extra_member(v->cfg->json, &v->x->arena, b->extra, "media_type");

    weir_write_key(&v->w, "inlineData");
    weir_write_begin_object(&v->w);
    weir_write_key(&v->w, "mimeType");
    weir_write_raw(&v->w, type.len                      ? type
                          : b->kind == WEIR_BLOCK_IMAGE ? WEIR_S("\"image/png\"")
                                                        : WEIR_S("\"audio/wav\""));
    weir_write_key(&v->w, "data");
    weir_write_text(&v->w, b->text);
    weir_write_end_object(&v->w);
}

/* A block of this API, as its maker had it; empty: it is another's. */
static weir_str part_verbatim(struct writing *v, const weir_block *b)
{
    const weir_json_service *json = v->cfg->json;

    if (!weir_str_is(gem_extra_member(json, &v->x->arena, b->extra, "api"), "\"gemini\""))
        return weir_str_make("", 0);
    return gem_extra_member(json, &v->x->arena, b->extra, "block");
}

static void answer_part(struct writing *v, const weir_block *b)
{
    weir_str args = WEIR_S("");

    if (part_is_missed(v, b, &args)) {
        v->missed = true;
        return;
    }
    switch (b->kind) {
    case WEIR_BLOCK_TEXT:
    case WEIR_BLOCK_REFUSAL:
    case WEIR_BLOCK_REASONING:
        weir_write_begin_object(&v->w);
        weir_write_key(&v->w, "text");
        weir_write_text(&v->w, b->text);
        if (b->kind == WEIR_BLOCK_REASONING) {
            weir_write_key(&v->w, "thought");
            weir_write_bool(&v->w, true);
        }
        break;
    case WEIR_BLOCK_TOOL_CALL:
        weir_write_begin_object(&v->w);
        part_call(v, b, args);
        break;
    case WEIR_BLOCK_IMAGE:
    case WEIR_BLOCK_AUDIO:
        weir_write_begin_object(&v->w);
        part_bytes(v, b);
        break;
    case WEIR_BLOCK_SERVER_TOOL:
    case WEIR_BLOCK_OPAQUE:
        weir_write_raw(&v->w, part_verbatim(v, b));
        return;
    default:
        return;
    }
    part_sign(v, b);
    weir_write_end_object(&v->w);
}

/* Everything that was said beside the content of a choice. */
static weir_str answer_extra(struct writing *v, const weir_choice *choice)
{
    weir_str all;
    weir_writer w;

    weir_writer_init(&w, &v->x->arena, 0);
    for (uint32_t i = 0; i < v->a->blocks.count; i++) {
        if (answer_block(v->a, i)->choice == choice->choice)
            weir_write_members(&w, answer_block(v->a, i)->extra);
    }
    weir_write_members(&w, choice->extra);
    weir_writer_finish(&w, &all);
    return all;
}

static weir_result answer_candidate(struct writing *v, const weir_choice *choice)
{
    weir_writer *w = &v->w;

    v->missed = false;
    weir_write_begin_object(w);
    weir_write_key(w, "content");
    weir_write_begin_object(w);
    weir_write_key(w, "parts");
    weir_write_begin_array(w);
    for (uint32_t i = 0; i < v->a->blocks.count; i++) {
        if (answer_block(v->a, i)->choice == choice->choice)
            answer_part(v, answer_block(v->a, i));
    }
    weir_write_end_array(w);
    weir_write_key(w, "role");
    weir_write_literal(w, "model");
    weir_write_end_object(w);
    weir_write_key(w, "finishReason");
    weir_write_string(w, gem_finish_word(choice->reason, choice->raw_reason));
    weir_write_key(w, "index");
    weir_write_int64(w, choice->choice);
    gem_write_candidate_extra(w, v->cfg->json, &v->x->arena, answer_extra(v, choice));
    weir_write_end_object(w);
    return v->missed ? weir_arguments_missed(choice->reason) : WEIR_OK;
}

weir_result gem_write_answer(void *cfg, const weir_exchange *x, const weir_answer *a,
                             const weir_reply_sink *out)
{
    struct writing v = { (const weir_dialect_config *)cfg, x, a, { 0 }, false };
    weir_writer *w = &v.w;
    weir_str json;

    weir_writer_init(w, &x->arena, 1024);
    weir_write_begin_object(w);
    weir_write_key(w, "candidates");
    weir_write_begin_array(w);
    for (uint32_t i = 0; i < a->choices.count; i++)
        WEIR_TRY(answer_candidate(&v, answer_choice(a, i)));
    weir_write_end_array(w);
    if (a->usage && (a->usage->input_total >= 0 || a->usage->output_total >= 0)) {
        weir_write_key(w, "usageMetadata");
        gem_write_usage(w, a->usage);
    }
    weir_write_key(w, "modelVersion");
    weir_write_string(w, a->model);
    weir_write_key(w, "responseId");
    weir_write_string(w, a->id.len ? a->id : x->id);
    weir_write_end_object(w);
    WEIR_TRY(weir_writer_finish(w, &json));
    return weir_reply_document(out, 200, GEM_JSON, json);
}
