/*
 * translate_message.c - a message in the canonical form.
 *
 * Ollama's calls may have no ids, and results may tell the tool's name only. Ids are made up, nine
 * letters and digits, which every API takes; a result belongs to the first call of that name that
 * has none yet.
 */
#include "ollama.h"

#include <weir/sdk/arguments.h>

enum {
    TURN_ID_LEN = 9,
    TURN_RESULTS = 128, /* of one message's calls; each looks at those before it */
};

/* "c" and four letters or digits each for message and call. */
static weir_str turn_id(uint32_t message, uint32_t call, char buf[TURN_ID_LEN])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

    buf[0] = 'c';
    for (int i = 4; i > 0; i--) {
        buf[i] = digits[message % 36];
        buf[i + 4] = digits[call % 36];
        message /= 36;
        call /= 36;
    }
    return weir_str_make(buf, TURN_ID_LEN);
}

/* The media type of an image by what its base64 begins with. What is not known is called PNG: some
 * type it must have. */
static const char *turn_image_type(weir_str base64)
{
    static const struct {
        const char *begin;
        const char *type;
    } table[] = { { "/9j/", "image/jpeg" },
                  { "iVBORw0KGgo", "image/png" },
                  { "R0lGOD", "image/gif" },
                  { "UklGR", "image/webp" },
                  { "Qk", "image/bmp" } };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (weir_str_starts(base64, table[i].begin))
            return table[i].type;
    }
    return "image/png";
}

static void turn_image(const struct olm_request *r, weir_writer *w, uint32_t image)
{
    weir_str data = weir_json_str(r->doc, image, &r->in->arena);
    weir_str parts[4] = { WEIR_S("data:"), weir_str_of(turn_image_type(data)), WEIR_S(";base64,"),
                          data };
    weir_str url = weir_str_starts(data, "data:") ? data : weir_str_join(&r->in->arena, parts, 4);

    weir_write_begin_object(w);
    weir_write_key(w, "type");
    weir_write_literal(w, "image_url");
    weir_write_key(w, "image_url");
    weir_write_begin_object(w);
    weir_write_key(w, "url");
    weir_write_string(w, url);
    weir_write_end_object(w);
    weir_write_end_object(w);
}

void olm_translate_content(const struct olm_request *r, weir_writer *w, uint32_t text,
                           uint32_t images)
{
    bool has_text = weir_json_is_string(r->doc, text);

    weir_write_key(w, "content");
    if (!weir_json_count(r->doc, images)) {
        weir_write_text(w, weir_json_text(r->doc, text));
        return;
    }
    weir_write_begin_array(w);
    if (has_text && r->doc->tok[text].len) {
        weir_write_begin_object(w);
        weir_write_key(w, "type");
        weir_write_literal(w, "text");
        weir_write_key(w, "text");
        weir_write_value(w, r->doc, text);
        weir_write_end_object(w);
    }
    WEIR_JSON_EACH_ITEM(r->doc, images, image)
    {
        turn_image(r, w, image);
    }
    weir_write_end_array(w);
}

/* -- Calls ------------------------------------------------------------------------------------ */

static weir_text turn_call_name(const weir_json *doc, uint32_t call)
{
    return weir_json_text(doc, weir_json_path(doc, call, "function.name"));
}

static void turn_write_id(const struct olm_request *r, weir_writer *w, const char *key,
                          uint32_t call, uint32_t message, uint32_t index)
{
    weir_text id = weir_json_text(r->doc, weir_json_find(r->doc, call, "id"));
    char buf[TURN_ID_LEN];

    weir_write_key(w, key);
    if (id.len)
        weir_write_text(w, id);
    else
        weir_write_string(w, turn_id(message, index, buf));
}

static void turn_call(const struct olm_request *r, weir_writer *w, uint32_t call, uint32_t message,
                      uint32_t index)
{
    static const char *const known[] = { "id", "type", "function", NULL };
    uint32_t arguments = weir_json_path(r->doc, call, "function.arguments");

    weir_write_begin_object(w);
    turn_write_id(r, w, "id", call, message, index);
    weir_write_key(w, "type");
    weir_write_literal(w, "function");
    weir_write_key(w, "function");
    weir_write_begin_object(w);
    weir_write_key(w, "name");
    weir_write_text(w, turn_call_name(r->doc, call));
    weir_write_key(w, "arguments");
    if (weir_json_is_object(r->doc, arguments))
        weir_write_text(w, weir_arguments_text(r->doc, arguments));
    else if (weir_json_is_string(r->doc, arguments) && r->doc->tok[arguments].len)
        weir_write_value(w, r->doc, arguments);
    else
        weir_write_literal(w, "{}");
    weir_write_end_object(w);
    olm_translate_vendor(r, w, call, known);
    weir_write_end_object(w);
}

static void turn_calls(const struct olm_request *r, weir_writer *w, uint32_t message,
                       uint32_t number)
{
    uint32_t calls = weir_json_find(r->doc, message, "tool_calls");
    uint32_t index = 0;

    if (!weir_json_count(r->doc, calls))
        return;
    weir_write_key(w, "tool_calls");
    weir_write_begin_array(w);
    WEIR_JSON_EACH_ITEM(r->doc, calls, call)
    {
        turn_call(r, w, call, number, index++);
    }
    weir_write_end_array(w);
}

/* -- Results ---------------------------------------------------------------------------------- */

/* How many of the results behind the caller, before this message, were of that tool. */
static uint32_t turn_results_before(const struct olm_request *r, const struct olm_turn *turn,
                                    uint32_t message, weir_text name)
{
    uint32_t messages = weir_json_find(r->doc, 0, "messages");
    uint32_t at = weir_json_next(r->doc, messages, turn->caller);
    uint32_t count = 0;

    for (; at != WEIR_JSON_NONE && at < message; at = weir_json_next(r->doc, messages, at)) {
        uint32_t other = weir_json_find(r->doc, at, "tool_name");

        count += weir_json_is_string(r->doc, other) &&
                 weir_text_equal(weir_json_text(r->doc, other), name);
    }
    return count;
}

/* The call that a result answers: by its tool's name, else by its place. NONE: there is none. */
static uint32_t turn_find_call(const struct olm_request *r, const struct olm_turn *turn,
                               uint32_t message, uint32_t *index)
{
    uint32_t calls = weir_json_find(r->doc, turn->caller, "tool_calls");
    weir_text name = weir_json_text(r->doc, weir_json_find(r->doc, message, "tool_name"));
    uint32_t skip = turn->results;

    if (turn->results >= TURN_RESULTS)
        return WEIR_JSON_NONE;
    if (name.len)
        skip = turn_results_before(r, turn, message, name);
    *index = 0;
    WEIR_JSON_EACH_ITEM(r->doc, calls, call)
    {
        if (!name.len || weir_text_equal(turn_call_name(r->doc, call), name)) {
            if (skip-- == 0)
                return call;
        }
        ++*index;
    }
    return WEIR_JSON_NONE;
}

static void turn_result(const struct olm_request *r, weir_writer *w, uint32_t message,
                        const struct olm_turn *turn)
{
    weir_text id = weir_json_text(r->doc, weir_json_find(r->doc, message, "tool_call_id"));
    weir_text name = weir_json_text(r->doc, weir_json_find(r->doc, message, "tool_name"));
    uint32_t index, call;
    char buf[TURN_ID_LEN];

    if (name.len) {
        weir_write_key(w, "name");
        weir_write_text(w, name);
    }
    if (id.len) {
        weir_write_key(w, "tool_call_id");
        weir_write_text(w, id);
        return;
    }
    call =
        turn->caller == WEIR_JSON_NONE ? WEIR_JSON_NONE : turn_find_call(r, turn, message, &index);
    if (call != WEIR_JSON_NONE) {
        turn_write_id(r, w, "tool_call_id", call, turn->called, index);
        return;
    }
    weir_write_key(w, "tool_call_id");
    weir_write_string(w, turn_id(turn->number, 0, buf));
}

weir_result olm_translate_message(const struct olm_request *r, weir_writer *w, uint32_t message,
                                  const struct olm_turn *turn)
{
    static const char *const known[] = { "role",       "content",   "images",       "thinking",
                                         "tool_calls", "tool_name", "tool_call_id", NULL };
    uint32_t role = weir_json_find(r->doc, message, "role");
    weir_text thinking = weir_json_text(r->doc, weir_json_find(r->doc, message, "thinking"));

    weir_write_begin_object(w);
    weir_write_key(w, "role");
    weir_write_text(w, weir_json_text(r->doc, role));
    if (thinking.len) {
        weir_write_key(w, "reasoning_content");
        weir_write_text(w, thinking);
    }
    olm_translate_content(r, w, weir_json_find(r->doc, message, "content"),
                          weir_json_find(r->doc, message, "images"));
    turn_calls(r, w, message, turn->number);
    if (weir_json_is(r->doc, role, "tool"))
        turn_result(r, w, message, turn);
    olm_translate_vendor(r, w, message, known);
    weir_write_end_object(w);
    return WEIR_OK;
}
