/*
 * write_words.c - what both ways of writing an answer share: reasons, token counts, sources.
 */
#include "anthropic.h"

static void write_count(weir_writer *w, const char *key, int64_t n)
{
    if (n < 0)
        return;
    weir_write_key(w, key);
    weir_write_int64(w, n);
}

/* Anthropic's input is what the cache neither had nor took. */
static int64_t usage_input(const weir_usage *u)
{
    int64_t input = u->input_total;

    if (u->input_uncached >= 0)
        return u->input_uncached;
    if (u->input_cache_read > 0)
        input -= u->input_cache_read;
    if (u->input_cache_write > 0)
        input -= u->input_cache_write;
    return input > 0 ? input : 0;
}

/* What was not reported is not written, but for the two that every client expects. */
void ant_write_usage(weir_writer *w, const weir_usage *u)
{
    int64_t short_term = u->input_cache_write - u->input_cache_write_1h;

    weir_write_key(w, "input_tokens");
    weir_write_int64(w, usage_input(u));
    write_count(w, "cache_creation_input_tokens", u->input_cache_write);
    write_count(w, "cache_read_input_tokens", u->input_cache_read);
    if (u->input_cache_write >= 0 && u->input_cache_write_1h >= 0 && short_term >= 0) {
        weir_write_key(w, "cache_creation");
        weir_write_begin_object(w);
        write_count(w, "ephemeral_5m_input_tokens", short_term);
        write_count(w, "ephemeral_1h_input_tokens", u->input_cache_write_1h);
        weir_write_end_object(w);
    }
    weir_write_key(w, "output_tokens");
    weir_write_int64(w, u->output_total < 0 ? 0 : u->output_total);
    if (u->output_reasoning >= 0) {
        weir_write_key(w, "output_tokens_details");
        weir_write_begin_object(w);
        write_count(w, "thinking_tokens", u->output_reasoning);
        weir_write_end_object(w);
    }
}

static const char *stop_word(uint16_t reason)
{
    switch (reason) {
    case WEIR_FINISH_LENGTH:
        return "max_tokens";
    case WEIR_FINISH_TOOL_CALLS:
    case WEIR_FINISH_FUNCTION_CALL:
        return "tool_use";
    case WEIR_FINISH_STOP_SEQUENCE:
        return "stop_sequence";
    case WEIR_FINISH_CONTENT_FILTER:
    case WEIR_FINISH_REFUSAL:
        return "refusal";
    case WEIR_FINISH_PAUSE:
        return "pause_turn";
    default:
        return "end_turn";
    }
}

/* Words of Anthropic's own that say more than ours. */
static bool stop_is_theirs(weir_str raw)
{
    return weir_str_is(raw, "model_context_window_exceeded") || weir_str_is(raw, "compaction");
}

void ant_write_stop(weir_writer *w, uint16_t reason, weir_str raw, const weir_json *extra)
{
    static const char *const more[] = { "stop_details", "container" };
    uint32_t sequence = extra ? weir_json_find(extra, 0, "stop_sequence") : WEIR_JSON_NONE;

    weir_write_key(w, "stop_reason");
    if (stop_is_theirs(raw))
        weir_write_string(w, raw);
    else
        weir_write_literal(w, stop_word(reason));
    weir_write_key(w, "stop_sequence");
    if (sequence != WEIR_JSON_NONE)
        weir_write_value(w, extra, sequence);
    else
        weir_write_null(w);
    for (size_t i = 0; extra && i < sizeof(more) / sizeof(more[0]); i++) {
        uint32_t value = weir_json_find(extra, 0, more[i]);

        if (value == WEIR_JSON_NONE)
            continue;
        weir_write_key(w, more[i]);
        weir_write_value(w, extra, value);
    }
}

/* -- Sources ---------------------------------------------------------------------------------- */

/* An address that another vendor names as a source. */
static void write_annotation(weir_writer *w, const weir_json *doc, uint32_t annotation)
{
    uint32_t at = weir_json_find(doc, annotation, "url_citation");
    weir_text title;

    if (!weir_json_is_object(doc, at))
        at = annotation;
    title = weir_json_text(doc, weir_json_find(doc, at, "title"));
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "web_search_result_location");
    weir_write_key(w, "url");
    weir_write_text(w, weir_json_text(doc, weir_json_find(doc, at, "url")));
    weir_write_key(w, "title");
    weir_write_text(w, title);
    weir_write_key(w, "cited_text");
    weir_write_literal(w, "");
    weir_write_key(w, "encrypted_index");
    weir_write_literal(w, "");
    weir_write_end_object(w);
}

static bool annotation_has_url(const weir_json *doc, uint32_t annotation)
{
    uint32_t at = weir_json_find(doc, annotation, "url_citation");

    if (!weir_json_is_object(doc, at))
        at = annotation;
    return weir_json_text(doc, weir_json_find(doc, at, "url")).len > 0;
}

/* Anthropic's own sources come with others' form of the same: one of the two is enough. */
static bool extra_has_citations(const weir_json *doc)
{
    return weir_json_is_object(doc, weir_json_item(doc, weir_json_find(doc, 0, "citations"), 0));
}

/* Steps through them. Writes the one of that number, unless `w` is NULL; returns how many there
 * are. */
static uint32_t each_citation(weir_writer *w, const weir_json *doc, uint32_t number)
{
    bool own = extra_has_citations(doc);
    uint32_t count = 0;

    /* A gathered extra has a member once for every delta. */
    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        if (!weir_json_is(doc, key, own ? "citations" : "annotations"))
            continue;
        WEIR_JSON_EACH_ITEM(doc, value, item)
        {
            if (own ? !weir_json_is_object(doc, item) : !annotation_has_url(doc, item))
                continue;
            if (count++ != number || !w)
                continue;
            if (own)
                weir_write_value(w, doc, item);
            else
                write_annotation(w, doc, item);
        }
    }
    return count;
}

uint32_t ant_count_citations(const weir_json *extra)
{
    return each_citation(NULL, extra, 0);
}

void ant_write_citation(weir_writer *w, const weir_json *extra, uint32_t number)
{
    each_citation(w, extra, number);
}

/* -- Calls ------------------------------------------------------------------------------------ */

bool ant_is_custom(weir_str extra)
{
    return weir_str_mentions(extra, "\"type\":\"custom\"");
}

void ant_write_input(weir_writer *w, weir_str object, weir_text arguments, bool custom)
{
    weir_write_key(w, "input");
    if (!custom) {
        weir_write_raw(w, object);
        return;
    }
    weir_write_begin_object(w);
    weir_write_key(w, "input");
    weir_write_text(w, arguments);
    weir_write_end_object(w);
}
