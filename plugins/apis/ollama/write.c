/*
 * write.c - what whole answers and streams have in common.
 */
#include "ollama.h"

#include <weir/sdk/arguments.h>
#include <weir/sdk/date.h>

/* Ollama knows "stop" and "length", and "load" and "unload" for a request without a prompt. What is
 * none of them stands beside "stop". */
static void write_reason(weir_writer *w, uint16_t reason, weir_str raw)
{
    static const char *const names[] = {
#define REASON_NAME(id, number, name) [number] = name,
        WEIR_FINISH_REASONS(REASON_NAME)
#undef REASON_NAME
    };
    const char *name =
        reason < sizeof(names) / sizeof(names[0]) ? names[reason] : names[WEIR_FINISH_UNKNOWN];

    weir_write_key(w, "done_reason");
    switch (reason) {
    case WEIR_FINISH_STOP:
        weir_write_literal(w, weir_str_is(raw, "load")     ? "load"
                              : weir_str_is(raw, "unload") ? "unload"
                                                           : "stop");
        return;
    case WEIR_FINISH_LENGTH:
        weir_write_literal(w, "length");
        return;
    case WEIR_FINISH_STOP_SEQUENCE:
    case WEIR_FINISH_TOOL_CALLS:
    case WEIR_FINISH_FUNCTION_CALL:
        weir_write_literal(w, "stop");
        return;
    default:
        break;
    }
    weir_write_literal(w, "stop");
    weir_write_key(w, "native_done_reason");
    weir_write_string(w, raw.len ? raw : weir_str_of(name));
}

void olm_write_created(weir_writer *w, int64_t unix_us)
{
    char date[WEIR_DATE_ROOM];

    weir_write_key(w, "created_at");
    weir_write_string(w, weir_str_make(date, weir_date_print(date, unix_us)));
}

static void write_count(weir_writer *w, const char *key, int64_t n)
{
    if (n < 0)
        return;
    weir_write_key(w, key);
    weir_write_int64(w, n);
}

/* Only what is known is told: a server that is no Ollama does not say how long it loaded. */
void olm_write_done(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                    const struct olm_end *end)
{
    static const char *const told[] = { "total_duration", "load_duration", "prompt_eval_duration",
                                        "eval_duration", "context" };
    bool scanned = false, has_total = false;
    weir_json doc;

    weir_write_key(w, "done");
    weir_write_bool(w, true);
    write_reason(w, end->reason, end->raw);
    scanned = weir_extra_scan(cfg, arena, end->extra, &doc);
    for (size_t i = 0; scanned && i < sizeof(told) / sizeof(told[0]); i++) {
        uint32_t value = weir_json_find(&doc, 0, told[i]);

        if (value == WEIR_JSON_NONE)
            continue;
        weir_write_key(w, told[i]);
        weir_write_value(w, &doc, value);
        has_total = has_total || i == 0;
    }
    if (!has_total && end->total_us >= 0)
        write_count(w, "total_duration", end->total_us * 1000);
    if (end->usage) {
        write_count(w, "prompt_eval_count", end->usage->input_total);
        write_count(w, "eval_count", end->usage->output_total);
    }
}

bool olm_is_custom(weir_str extra)
{
    return weir_str_mentions(extra, "\"type\":\"custom\"");
}

bool olm_write_call(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                    const struct olm_call *call)
{
    weir_str object = weir_str_make("", 0);

    if (!call->custom && !weir_arguments_good(cfg->json, arena, call->arguments, &object))
        return false;
    weir_write_begin_object(w);
    weir_write_key(w, "id");
    weir_write_string(w, call->id);
    weir_write_key(w, "function");
    weir_write_begin_object(w);
    weir_write_key(w, "index");
    weir_write_int64(w, call->index);
    weir_write_key(w, "name");
    weir_write_string(w, call->name);
    weir_write_key(w, "arguments");
    if (call->custom) {
        weir_write_begin_object(w);
        weir_write_key(w, "input");
        weir_write_text(w, call->arguments);
        weir_write_end_object(w);
    } else {
        weir_write_raw(w, object);
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
    return true;
}

void olm_write_logprobs(weir_writer *w, const weir_dialect_config *cfg, const weir_arena *arena,
                        weir_str extra)
{
    uint32_t content;
    weir_json doc;

    if (!weir_str_mentions(extra, "\"logprobs\"") || !weir_extra_scan(cfg, arena, extra, &doc))
        return;
    content = weir_json_path(&doc, 0, "logprobs.content");
    if (!weir_json_count(&doc, content))
        return;
    weir_write_key(w, "logprobs");
    weir_write_value(w, &doc, content);
}
