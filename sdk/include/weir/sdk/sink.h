/*
 * sink.h - one call for each thing a part says to the host: events, and requests to a vendor.
 */
#ifndef WEIR_SDK_SINK_H
#define WEIR_SDK_SINK_H

#include <weir/event.h>
#include <weir/provider.h>
#include <weir/sdk/failure.h>
#include <weir/sdk/str.h>

/* An event with nothing but its type. */
static inline weir_event weir_event_make(uint16_t type)
{
    weir_event e;

    memset(&e, 0, sizeof(e));
    e.struct_size = sizeof(e);
    e.type = type;
    return e;
}

static inline weir_result weir_emit_start(const weir_events *out, weir_str id, weir_str model,
                                          weir_str extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_START);

    e.id = id;
    e.name = model;
    e.extra = extra;
    return out->emit(out->ctx, &e);
}

/* `id` and `name` are for tool calls; empty otherwise. */
static inline weir_result weir_emit_block_start(const weir_events *out, int32_t choice,
                                                int32_t block, uint16_t kind, weir_str id,
                                                weir_str name)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_START);

    e.choice = choice;
    e.block = block;
    e.kind = kind;
    e.id = id;
    e.name = name;
    return out->emit(out->ctx, &e);
}

static inline weir_result weir_emit_delta(const weir_events *out, int32_t choice, int32_t block,
                                          uint16_t kind, weir_text text, weir_str extra)
{
    weir_event e = weir_event_make(WEIR_EVENT_DELTA);

    e.choice = choice;
    e.block = block;
    e.kind = kind;
    e.text = text;
    e.extra = extra;
    return out->emit(out->ctx, &e);
}

/* A delta of a text block. */
static inline weir_result weir_emit_text(const weir_events *out, int32_t choice, int32_t block,
                                         weir_text text)
{
    return weir_emit_delta(out, choice, block, WEIR_BLOCK_TEXT, text, weir_str_make("", 0));
}

static inline weir_result weir_emit_block_end(const weir_events *out, int32_t choice, int32_t block,
                                              uint16_t kind)
{
    weir_event e = weir_event_make(WEIR_EVENT_BLOCK_END);

    e.choice = choice;
    e.block = block;
    e.kind = kind;
    return out->emit(out->ctx, &e);
}

/* `json` is one whole document. */
static inline weir_result weir_emit_document(const weir_events *out, weir_str json)
{
    weir_event e = weir_event_make(WEIR_EVENT_DOCUMENT);

    e.text = weir_text_from(json);
    return out->emit(out->ctx, &e);
}

/* A count as a vendor told it; -1: none that can be one. Sums of counts stay far from overflow. */
static inline int64_t weir_usage_count(int64_t n)
{
    return n >= 0 && n <= INT64_C(1) << 50 ? n : -1;
}

/* Usage of which nothing is reported yet. */
static inline weir_usage weir_usage_unknown(void)
{
    weir_usage u;

    memset(&u, 0, sizeof(u));
    u.struct_size = sizeof(u);
    u.input_total = u.input_uncached = u.input_cache_read = -1;
    u.input_cache_write = u.input_cache_write_1h = -1;
    u.input_audio = u.input_image = -1;
    u.output_total = u.output_text = u.output_reasoning = -1;
    u.output_audio = u.output_image = -1;
    return u;
}

static inline weir_result weir_emit_usage(const weir_events *out, const weir_usage *usage)
{
    weir_event e = weir_event_make(WEIR_EVENT_USAGE);

    e.usage = usage;
    return out->emit(out->ctx, &e);
}

static inline weir_result weir_emit_rate(const weir_events *out, const weir_rate *rate)
{
    weir_event e = weir_event_make(WEIR_EVENT_RATE);

    e.rate = rate;
    return out->emit(out->ctx, &e);
}

static inline weir_result weir_emit_finish(const weir_events *out, int32_t choice, uint16_t reason,
                                           weir_str raw_reason)
{
    weir_event e = weir_event_make(WEIR_EVENT_FINISH);

    e.choice = choice;
    e.reason = reason;
    e.name = raw_reason;
    return out->emit(out->ctx, &e);
}

static inline weir_result weir_emit_error(const weir_events *out, const weir_failure *failure)
{
    weir_event e = weir_event_make(WEIR_EVENT_ERROR);

    e.failure = failure;
    return out->emit(out->ctx, &e);
}

/* The vendor broke its own protocol. */
static inline weir_result weir_emit_protocol(const weir_events *out, unsigned status,
                                             const char *message)
{
    weir_failure f = weir_failure_make(WEIR_CLASS_PROTOCOL, status, weir_str_of(message));
    return weir_emit_error(out, &f);
}

static inline weir_result weir_emit_warning(const weir_events *out, const char *topic,
                                            weir_str text)
{
    weir_event e = weir_event_make(WEIR_EVENT_WARNING);

    e.id = weir_str_of(topic);
    e.text = weir_text_from(text);
    return out->emit(out->ctx, &e);
}

static inline weir_result weir_http_line(const weir_http_sink *out, const char *method,
                                         weir_str url)
{
    return out->line(out->ctx, weir_str_of(method), url);
}

static inline weir_result weir_http_header(const weir_http_sink *out, const char *name,
                                           weir_str value)
{
    return out->header(out->ctx, weir_str_of(name), value);
}

/* "Authorization: Bearer ..."; nothing if there is no credential. */
static inline weir_result weir_http_bearer(const weir_http_sink *out, const weir_arena *arena,
                                           weir_str credential)
{
    weir_str parts[2] = { weir_str_of("Bearer "), credential };
    weir_str value;

    if (!credential.len)
        return WEIR_OK;
    value = weir_str_join(arena, parts, 2);
    return value.ptr ? weir_http_header(out, "authorization", value) : WEIR_NO_MEMORY;
}

static inline weir_result weir_http_dropped(const weir_http_sink *out, const char *pointer,
                                            const char *why)
{
    return out->dropped(out->ctx, weir_str_of(pointer), weir_str_of(why));
}

#endif
