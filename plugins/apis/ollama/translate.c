/*
 * translate.c - Ollama's requests in the canonical form.
 *
 * What only Ollama has stays in its words under `vendor.ollama`, so that an Ollama gets it back.
 */
#include "ollama.h"

#include <weir/sdk/date.h>

bool olm_listed(const weir_json *doc, uint32_t key, const char *const *list)
{
    for (; *list; list++) {
        if (weir_json_is(doc, key, *list))
            return true;
    }
    return false;
}

void olm_translate_vendor(const struct olm_request *r, weir_writer *w, uint32_t object,
                          const char *const *known)
{
    bool any = false;

    WEIR_JSON_EACH_MEMBER(r->doc, object, key, value)
    {
        if (olm_listed(r->doc, key, known) || weir_json_is_null(r->doc, value))
            continue;
        if (!any) {
            weir_write_key(w, "vendor");
            weir_write_begin_object(w);
            weir_write_key(w, "ollama");
            weir_write_begin_object(w);
        }
        any = true;
        weir_write_key_text(w, weir_json_text(r->doc, key));
        weir_write_value(w, r->doc, value);
    }
    if (any) {
        weir_write_end_object(w);
        weir_write_end_object(w);
    }
}

/* -- Options ---------------------------------------------------------------------------------- */

/* Options that the canonical form has as well. */
static const char *const common[] = {
    "temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty", NULL
};

/* Whether an option is one that has a canonical place, and a value that fits there. */
static bool option_is_common(const weir_json *doc, uint32_t key, uint32_t value)
{
    int64_t limit;

    if (weir_json_is(doc, key, "num_predict"))
        return weir_json_int64(doc, value, &limit) && limit > 0;
    if (weir_json_is(doc, key, "stop"))
        return weir_json_is_array(doc, value) || weir_json_is_string(doc, value);
    return weir_json_is_number(doc, value) && olm_listed(doc, key, common);
}

static void translate_options(const struct olm_request *r, weir_writer *w)
{
    WEIR_JSON_EACH_MEMBER(r->doc, weir_json_find(r->doc, 0, "options"), key, value)
    {
        if (!option_is_common(r->doc, key, value))
            continue;
        if (weir_json_is(r->doc, key, "num_predict"))
            weir_write_key(w, "max_tokens");
        else
            weir_write_key_text(w, weir_json_text(r->doc, key));
        weir_write_value(w, r->doc, value);
    }
}

/* `options` under vendor.ollama: those that are left. */
static void translate_own_options(const struct olm_request *r, weir_writer *w)
{
    bool any = false;

    WEIR_JSON_EACH_MEMBER(r->doc, weir_json_find(r->doc, 0, "options"), key, value)
    {
        if (option_is_common(r->doc, key, value) || weir_json_is_null(r->doc, value))
            continue;
        if (!any) {
            weir_write_key(w, "options");
            weir_write_begin_object(w);
        }
        any = true;
        weir_write_key_text(w, weir_json_text(r->doc, key));
        weir_write_value(w, r->doc, value);
    }
    if (any)
        weir_write_end_object(w);
}

/* -- Members ---------------------------------------------------------------------------------- */

static void translate_format(const struct olm_request *r, weir_writer *w)
{
    uint32_t format = weir_json_find(r->doc, 0, "format");
    bool schema = weir_json_is_object(r->doc, format);

    if (!schema && !weir_json_is(r->doc, format, "json"))
        return;
    weir_write_key(w, "response_format");
    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, schema ? "json_schema" : "json_object");
    if (schema) {
        weir_write_key(w, "json_schema");
        weir_write_begin_object(w);
        weir_write_key(w, "name");
        weir_write_literal(w, "format");
        weir_write_key(w, "schema");
        weir_write_value(w, r->doc, format);
        weir_write_end_object(w);
    }
    weir_write_end_object(w);
}

/* A switch says whether, and leaves it to the model how much; a level says how much. */
static void translate_think(const struct olm_request *r, weir_writer *w)
{
    uint32_t think = weir_json_find(r->doc, 0, "think");
    bool on;

    if (weir_json_bool(r->doc, think, &on)) {
        weir_write_key(w, "reasoning_budget_tokens");
        weir_write_int64(w, on ? -1 : 0);
    } else if (weir_json_is_string(r->doc, think) && r->doc->tok[think].len) {
        weir_write_key(w, "reasoning_effort");
        weir_write_value(w, r->doc, think);
    }
}

static void translate_copy(const struct olm_request *r, weir_writer *w, const char *key)
{
    uint32_t value = weir_json_find(r->doc, 0, key);

    if (value == WEIR_JSON_NONE || weir_json_is_null(r->doc, value))
        return;
    weir_write_key(w, key);
    weir_write_value(w, r->doc, value);
}

/* Members that have a canonical place, or are addressed to us. */
static bool translate_knows(const struct olm_request *r, uint32_t key, uint32_t value)
{
    static const char *const known[] = { "model",    "messages",     "tools",  "stream", "think",
                                         "logprobs", "top_logprobs", "images", NULL };
    static const char *const prompt[] = { "prompt", "system", NULL };
    static const char *const embed[] = { "model", "input", "prompt", "dimensions", NULL };
    unsigned endpoint = r->endpoint;

    if (weir_json_is(r->doc, key, "provider") && weir_json_is_string(r->doc, value))
        return true;
    if (weir_json_is_null(r->doc, value))
        return true;
    if (endpoint == OLM_EMBED || endpoint == OLM_EMBEDDINGS)
        return olm_listed(r->doc, key, embed);
    if (weir_json_is(r->doc, key, "format"))
        return value != weir_json_find(r->doc, 0, "format") || weir_json_is_object(r->doc, value) ||
               weir_json_is(r->doc, value, "json") || weir_json_is(r->doc, value, "");
    if (weir_json_is(r->doc, key, "options")) /* of several the last one counts */
        return value != weir_json_find(r->doc, 0, "options") || weir_json_is_object(r->doc, value);
    if (endpoint == OLM_GENERATE && olm_listed(r->doc, key, prompt))
        return true;
    return olm_listed(r->doc, key, known);
}

static void translate_vendor(const struct olm_request *r, weir_writer *w)
{
    bool embed = r->endpoint == OLM_EMBED || r->endpoint == OLM_EMBEDDINGS;
    weir_writer_mark before = weir_writer_here(w);
    size_t empty;

    weir_write_key(w, "vendor");
    weir_write_begin_object(w);
    weir_write_key(w, "ollama");
    weir_write_begin_object(w);
    empty = w->len;
    WEIR_JSON_EACH_MEMBER(r->doc, 0, key, value)
    {
        if (translate_knows(r, key, value))
            continue;
        weir_write_key_text(w, weir_json_text(r->doc, key));
        weir_write_value(w, r->doc, value);
    }
    if (!embed)
        translate_own_options(r, w);
    if (w->len == empty && !w->failed) { /* nothing: take back what was begun */
        weir_writer_back(w, before);
        return;
    }
    weir_write_end_object(w);
    weir_write_end_object(w);
}

/* -- Requests --------------------------------------------------------------------------------- */

static bool translate_is_call(const struct olm_request *r, uint32_t message)
{
    return weir_json_count(r->doc, weir_json_find(r->doc, message, "tool_calls")) > 0;
}

static weir_result translate_messages(const struct olm_request *r, weir_writer *w)
{
    struct olm_turn turn = { 0, WEIR_JSON_NONE, 0, 0 };

    WEIR_JSON_EACH_ITEM(r->doc, weir_json_find(r->doc, 0, "messages"), message)
    {
        WEIR_TRY(olm_translate_message(r, w, message, &turn));
        if (translate_is_call(r, message)) {
            turn.caller = message;
            turn.called = turn.number;
            turn.results = 0;
        }
        if (weir_json_is(r->doc, weir_json_find(r->doc, message, "role"), "tool"))
            turn.results++;
        turn.number++;
    }
    return WEIR_OK;
}

/* generate: a system message, if there is one, and what the user says. */
static void translate_prompt(const struct olm_request *r, weir_writer *w)
{
    uint32_t system = weir_json_find(r->doc, 0, "system");

    if (weir_json_is_string(r->doc, system) && r->doc->tok[system].len) {
        weir_write_begin_object(w);
        weir_write_key(w, "role");
        weir_write_literal(w, "system");
        weir_write_key(w, "content");
        weir_write_value(w, r->doc, system);
        weir_write_end_object(w);
    }
    weir_write_begin_object(w);
    weir_write_key(w, "role");
    weir_write_literal(w, "user");
    olm_translate_content(r, w, weir_json_find(r->doc, 0, "prompt"),
                          weir_json_find(r->doc, 0, "images"));
    weir_write_end_object(w);
}

static weir_result translate_chat(const struct olm_request *r, weir_writer *w)
{
    bool stream = true;

    weir_write_key(w, "messages");
    weir_write_begin_array(w);
    if (r->endpoint == OLM_GENERATE)
        translate_prompt(r, w);
    else
        WEIR_TRY(translate_messages(r, w));
    weir_write_end_array(w);
    weir_json_bool(r->doc, weir_json_find(r->doc, 0, "stream"), &stream);
    weir_write_key(w, "stream");
    weir_write_bool(w, stream);
    if (stream) {
        weir_write_key(w, "stream_options");
        weir_write_raw(w, WEIR_S("{\"include_usage\":true}"));
    }
    if (weir_json_count(r->doc, weir_json_find(r->doc, 0, "tools")))
        translate_copy(r, w, "tools");
    translate_copy(r, w, "logprobs");
    translate_copy(r, w, "top_logprobs");
    translate_options(r, w);
    translate_format(r, w);
    translate_think(r, w);
    return WEIR_OK;
}

/* A request without a prompt asks for the model to be loaded, or with keep_alive 0 to be unloaded.
 */
static bool translate_only_loads(const struct olm_request *r)
{
    uint32_t prompt = weir_json_find(r->doc, 0, "prompt");

    if (r->endpoint == OLM_CHAT)
        return weir_json_count(r->doc, weir_json_find(r->doc, 0, "messages")) == 0;
    return r->endpoint == OLM_GENERATE &&
           (!weir_json_is_string(r->doc, prompt) || r->doc->tok[prompt].len == 0) &&
           weir_json_count(r->doc, weir_json_find(r->doc, 0, "images")) == 0;
}

/* Other servers have no models to load: it is done already. */
static weir_result translate_loaded(const struct olm_request *r)
{
    uint32_t keep = weir_json_find(r->doc, 0, "keep_alive");
    int64_t seconds = -1;
    weir_str json;
    weir_writer w;

    weir_json_int64(r->doc, keep, &seconds);
    weir_writer_init(&w, &r->in->arena, 256);
    weir_write_begin_object(&w);
    weir_write_key(&w, "model");
    weir_write_text(&w, weir_json_text(r->doc, weir_json_find(r->doc, 0, "model")));
    olm_write_created(&w, r->in->unix_us);
    if (r->endpoint == OLM_GENERATE) {
        weir_write_key(&w, "response");
        weir_write_literal(&w, "");
    } else {
        weir_write_key(&w, "message");
        weir_write_raw(&w, WEIR_S("{\"role\":\"assistant\",\"content\":\"\"}"));
    }
    weir_write_key(&w, "done");
    weir_write_bool(&w, true);
    weir_write_key(&w, "done_reason");
    weir_write_literal(&w, seconds == 0 ? "unload" : "load");
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return r->out->answer(r->out->ctx, 200, WEIR_S("application/json; charset=utf-8"), json);
}

weir_result olm_translate(const struct olm_request *r)
{
    bool single = r->endpoint == OLM_EMBEDDINGS;
    weir_str json;
    weir_writer w;

    if (translate_only_loads(r))
        return translate_loaded(r);
    weir_writer_init(&w, &r->in->arena, r->doc->bytes.len + 512);
    weir_write_begin_object(&w);
    translate_copy(r, &w, "model");
    if (r->endpoint == OLM_EMBED || single) {
        weir_write_key(&w, "input");
        weir_write_value(&w, r->doc, weir_json_find(r->doc, 0, single ? "prompt" : "input"));
        translate_copy(r, &w, "dimensions");
    } else {
        WEIR_TRY(translate_chat(r, &w));
    }
    translate_vendor(r, &w);
    weir_write_end_object(&w);
    WEIR_TRY(weir_writer_finish(&w, &json));
    return r->out->body(r->out->ctx, json);
}
