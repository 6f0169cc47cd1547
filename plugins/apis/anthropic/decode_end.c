/*
 * decode_end.c - how a message ends: token counts, the reason, and what is told beside it.
 *
 * The reason comes before the message stops and is kept until then.
 */
#include "decode.h"

#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

static void usage_number(const weir_json *doc, uint32_t value, int64_t *to)
{
    int64_t n;

    if (weir_json_int64(doc, value, &n) && weir_usage_count(n) >= 0)
        *to = n;
}

/* Counts are cumulative: what is not told again stays. */
void ant_usage_read(struct ant_reading *r, uint32_t usage, bool with_output)
{
    struct ant_counts *c = &r->d->counts;
    const weir_json *doc = r->doc;

    usage_number(doc, weir_json_find(doc, usage, "input_tokens"), &c->input);
    usage_number(doc, weir_json_find(doc, usage, "cache_read_input_tokens"), &c->cache_read);
    usage_number(doc, weir_json_find(doc, usage, "cache_creation_input_tokens"), &c->cache_write);
    usage_number(doc, weir_json_path(doc, usage, "cache_creation.ephemeral_1h_input_tokens"),
                 &c->cache_write_1h);
    if (!with_output)
        return;
    usage_number(doc, weir_json_find(doc, usage, "output_tokens"), &c->output);
    usage_number(doc, weir_json_path(doc, usage, "output_tokens_details.thinking_tokens"),
                 &c->thinking);
}

/* A sum of token counts, or -1 if it is none. */
static int64_t usage_sum(int64_t a, int64_t b)
{
    if (a < 0)
        return -1;
    return b < 0 ? a : a + b;
}

weir_result ant_usage_emit(struct ant_reading *r)
{
    const struct ant_counts *c = &r->d->counts;
    weir_usage u = weir_usage_unknown();

    if (c->input < 0 && c->output < 0)
        return WEIR_OK;
    u.input_uncached = c->input;
    u.input_cache_read = c->cache_read;
    u.input_cache_write = c->cache_write;
    u.input_cache_write_1h = c->cache_write_1h;
    u.input_total = usage_sum(usage_sum(c->input, c->cache_read), c->cache_write);
    u.output_total = c->output;
    u.output_reasoning = c->thinking;
    if (c->thinking >= 0 && c->output >= c->thinking)
        u.output_text = c->output - c->thinking;
    return weir_emit_usage(r->out, &u);
}

static uint16_t end_reason(weir_text word)
{
    static const struct {
        const char *word;
        uint16_t reason;
    } table[] = {
        { "end_turn", WEIR_FINISH_STOP },
        { "max_tokens", WEIR_FINISH_LENGTH },
        { "model_context_window_exceeded", WEIR_FINISH_LENGTH },
        { "stop_sequence", WEIR_FINISH_STOP_SEQUENCE },
        { "tool_use", WEIR_FINISH_TOOL_CALLS },
        { "pause_turn", WEIR_FINISH_PAUSE },
        { "compaction", WEIR_FINISH_PAUSE },
        { "refusal", WEIR_FINISH_REFUSAL },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_text_is(word, table[i].word))
            return table[i].reason;
    }
    return WEIR_FINISH_UNKNOWN;
}

static void end_write(weir_writer *w, const weir_json *doc, uint32_t object, const char *key)
{
    uint32_t value = weir_json_find(doc, object, key);

    if (value == WEIR_JSON_NONE || weir_json_is_null(doc, value))
        return;
    weir_write_key(w, key);
    weir_write_value(w, doc, value);
}

/* Whether a server tool was used at all. */
static bool end_counts_tools(const weir_json *doc, uint32_t tools)
{
    WEIR_JSON_EACH_MEMBER(doc, tools, key, value)
    {
        int64_t n = 0;

        if (weir_json_int64(doc, value, &n) && n)
            return true;
    }
    return false;
}

static weir_result end_extra(struct ant_reading *r, uint32_t at, uint32_t beside, uint32_t usage)
{
    const weir_json *doc = r->doc;
    struct ant_decoder *d = r->d;
    weir_str extra;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    end_write(&w, doc, at, "stop_sequence");
    end_write(&w, doc, at, "stop_details");
    end_write(&w, doc, at, "container");
    end_write(&w, doc, beside, "context_management");
    if (end_counts_tools(doc, weir_json_find(doc, usage, "server_tool_use")))
        end_write(&w, doc, usage, "server_tool_use");
    WEIR_TRY(weir_writer_finish(&w, &extra));
    WEIR_TRY(ant_owned_string(r, weir_json_path(doc, at, "container.id")));
    d->held_len = 0;
    if (ant_hold(r, extra))
        return WEIR_OK;
    return weir_emit_warning(r->out, "stop_details",
                             WEIR_S("what was told with the end was too long to be kept"));
}

weir_result ant_end_read(struct ant_reading *r, uint32_t at, uint32_t beside, uint32_t usage)
{
    struct ant_decoder *d = r->d;
    weir_text word = weir_json_text(r->doc, weir_json_find(r->doc, at, "stop_reason"));
    size_t len;

    if (!word.len)
        return ant_emit_protocol(d, "the message stopped without a stop_reason", r->out);
    d->reason = end_reason(word);
    if (d->incomplete && d->reason != WEIR_FINISH_LENGTH && d->reason != WEIR_FINISH_REFUSAL)
        return ant_emit_protocol(d, "the input of a tool call is not JSON", r->out);
    if (d->answered && d->reason == WEIR_FINISH_TOOL_CALLS)
        d->reason = WEIR_FINISH_STOP;
    d->ended = 1;
    len = weir_text_decode(word, d->word, ANT_WORD_MAX);
    d->word_len = (uint8_t)(len < ANT_WORD_MAX ? len : ANT_WORD_MAX);
    return end_extra(r, at, beside, usage);
}

weir_result ant_end_emit(struct ant_reading *r)
{
    struct ant_decoder *d = r->d;
    weir_event e = weir_event_make(WEIR_EVENT_FINISH);

    d->over = 1;
    e.reason = d->reason;
    e.name = weir_str_make(d->word, d->word_len);
    e.extra = weir_str_make(d->held, d->held_len);
    return r->out->emit(r->out->ctx, &e);
}
