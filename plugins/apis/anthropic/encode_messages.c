/*
 * encode_messages.c - canonical messages as `system` and as turns of user and assistant.
 *
 * What stands between two turns of the assistant is one user message: results of tools first, as
 * the API wants them, then what the user says.
 */
#include "encode.h"

#include <weir/sdk/sink.h>

enum { TURN_NONE, TURN_USER, TURN_ASSISTANT, TURN_SYSTEM };

enum role { ROLE_USER, ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_RESULT };

/* Any other role speaks as the user does. */
static enum role role_of(const struct ant_encoding *e, uint32_t message)
{
    uint32_t role = weir_json_find(e->doc, message, "role");

    if (weir_json_is(e->doc, role, "user"))
        return ROLE_USER;
    if (weir_json_is(e->doc, role, "assistant"))
        return ROLE_ASSISTANT;
    if (weir_json_is(e->doc, role, "system") || weir_json_is(e->doc, role, "developer"))
        return ROLE_SYSTEM;
    if (weir_json_is(e->doc, role, "tool") || weir_json_is(e->doc, role, "function"))
        return ROLE_RESULT;
    return ROLE_USER;
}

static bool message_is_system(const struct ant_encoding *e, uint32_t message)
{
    return role_of(e, message) == ROLE_SYSTEM;
}

bool ant_is_blank(weir_text text)
{
    struct weir_text_cursor cursor = weir_text_open(text);
    weir_str piece;

    while ((piece = weir_text_piece(&cursor)).len) {
        if (weir_str_trim(piece).len)
            return false;
    }
    return true;
}

bool ant_leaves_out(const struct ant_encoding *e, weir_text text)
{
    return !text.len || (!ant_is_own(e) && ant_is_blank(text));
}

bool ant_is_own(const struct ant_encoding *e)
{
    return weir_str_is(e->x->dialect, "anthropic.messages");
}

/* -- System ----------------------------------------------------------------------------------- */

/* Whether a system message stays between the others: where the model takes it there, and where the
 * application wrote it for this API. */
static bool system_stays(const struct ant_encoding *e)
{
    return e->traits.system_later || ant_is_own(e);
}

/* The token of the first message that is no system message, or NONE. */
static uint32_t system_end(const struct ant_encoding *e, uint32_t messages)
{
    WEIR_JSON_EACH_ITEM(e->doc, messages, message)
    {
        if (!message_is_system(e, message))
            return message;
    }
    return WEIR_JSON_NONE;
}

static void system_write_text(struct ant_encoding *e, weir_text text)
{
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "type");
    weir_write_literal(&e->w, "text");
    weir_write_key(&e->w, "text");
    weir_write_text(&e->w, text);
}

/* Whether a part is a text that is left out. */
static bool part_is_empty(const struct ant_encoding *e, uint32_t part)
{
    return weir_json_is(e->doc, weir_json_find(e->doc, part, "type"), "text") &&
           ant_leaves_out(e, weir_block_member(e->doc, part, "text"));
}

/* All parts; what the message says of caching is said with the last. */
static weir_result message_parts(struct ant_encoding *e, uint32_t message, uint32_t content,
                                 uint32_t number)
{
    uint32_t last = WEIR_JSON_NONE;

    WEIR_JSON_EACH_ITEM(e->doc, content, part)
    {
        if (!part_is_empty(e, part))
            last = part;
    }
    e->part = 0;
    WEIR_JSON_EACH_ITEM(e->doc, content, item)
    {
        e->cached = item == last ? message : WEIR_JSON_NONE;
        WEIR_TRY(ant_encode_part(e, item, number));
        e->part++;
    }
    e->cached = WEIR_JSON_NONE;
    return WEIR_OK;
}

/* Parts of one system message, as blocks of `system`. */
static weir_result system_message(struct ant_encoding *e, uint32_t message, uint32_t number)
{
    uint32_t content = weir_json_find(e->doc, message, "content");

    if (weir_json_is_string(e->doc, content)) {
        if (ant_leaves_out(e, weir_json_text(e->doc, content)))
            return WEIR_OK;
        system_write_text(e, weir_json_text(e->doc, content));
        ant_encode_cache(e, message);
        weir_write_end_object(&e->w);
        return ant_drop_vendors(e, message, "messages", number);
    }
    WEIR_TRY(message_parts(e, message, content, number));
    return ant_drop_vendors(e, message, "messages", number);
}

/* What is said where the API has no parameter. */
static void system_instruction(struct ant_encoding *e)
{
    static const char *const any = "Answer with one JSON object and nothing else.";
    static const char *const schema =
        "Answer with one JSON object that is valid under this JSON schema, and nothing else: ";
    weir_str parts[2] = { weir_str_of(any), WEIR_S("") };
    weir_str text;

    if (e->plan.schema != ANT_SCHEMA_INSTRUCTION)
        return;
    if (e->schema != WEIR_JSON_NONE) {
        parts[0] = weir_str_of(schema);
        parts[1] = weir_json_raw(e->doc, e->schema);
    }
    text = weir_str_join(&e->x->arena, parts, 2);
    if (!text.ptr)
        return;
    system_write_text(e, weir_text_from(text));
    weir_write_end_object(&e->w);
}

/* One string where nothing more is said than that. */
static bool system_is_plain(const struct ant_encoding *e, uint32_t messages, uint32_t end,
                            weir_text *text)
{
    uint32_t first = weir_json_first_item(e->doc, messages);
    uint32_t content = weir_json_find(e->doc, first, "content");

    if (e->plan.schema == ANT_SCHEMA_INSTRUCTION || !weir_json_is_string(e->doc, content) ||
        weir_json_find(e->doc, first, "cache_control") != WEIR_JSON_NONE)
        return false;
    *text = weir_json_text(e->doc, content);
    return weir_json_next(e->doc, messages, first) == end;
}

/* `later` true: also what comes between other messages and may not stay there. */
static weir_result system_write(struct ant_encoding *e, uint32_t messages, bool later)
{
    uint32_t end = system_end(e, messages), number = 0;
    bool leading = true;
    weir_text text;

    if (!later && message_is_system(e, weir_json_first_item(e->doc, messages)) &&
        system_is_plain(e, messages, end, &text)) {
        if (ant_is_blank(text))
            return WEIR_OK;
        weir_write_key(&e->w, "system");
        weir_write_text(&e->w, text);
        return WEIR_OK;
    }
    weir_write_key(&e->w, "system");
    weir_write_begin_array(&e->w);
    WEIR_JSON_EACH_ITEM(e->doc, messages, message)
    {
        leading = leading && message_is_system(e, message);
        if (message_is_system(e, message) && (leading || later)) {
            WEIR_TRY(system_message(e, message, number));
            if (!leading)
                WEIR_TRY(ant_drop_in(e, "messages", number, "role",
                                     "the API takes system messages at the beginning only: it was "
                                     "moved there"));
        }
        number++;
    }
    system_instruction(e);
    weir_write_end_array(&e->w);
    return WEIR_OK;
}

/* Whether a system message comes behind others. */
static bool system_comes_later(const struct ant_encoding *e, uint32_t messages)
{
    bool leading = true;

    WEIR_JSON_EACH_ITEM(e->doc, messages, message)
    {
        if (!message_is_system(e, message))
            leading = false;
        else if (!leading)
            return true;
    }
    return false;
}

static weir_result encode_system(struct ant_encoding *e, uint32_t messages)
{
    bool later = system_comes_later(e, messages) && !system_stays(e);
    bool leads = !e->only_system && message_is_system(e, weir_json_first_item(e->doc, messages));

    if (e->only_system) {
        if (e->plan.schema != ANT_SCHEMA_INSTRUCTION)
            return WEIR_OK;
        weir_write_key(&e->w, "system");
        weir_write_begin_array(&e->w);
        system_instruction(e);
        weir_write_end_array(&e->w);
        return WEIR_OK;
    }
    return leads || later || e->plan.schema == ANT_SCHEMA_INSTRUCTION
               ? system_write(e, messages, later)
               : WEIR_OK;
}

/* -- Turns ------------------------------------------------------------------------------------ */

/* A message whose blocks are being written. It begins with its first block. */
struct turn {
    struct ant_encoding *e;
    weir_writer_mark before;
    size_t empty; /* the length with its beginning */
};

static void turn_begin(struct turn *t, struct ant_encoding *e, const char *role)
{
    t->e = e;
    t->before = weir_writer_here(&e->w);
    weir_write_begin_object(&e->w);
    weir_write_key(&e->w, "role");
    weir_write_literal(&e->w, role);
    weir_write_key(&e->w, "content");
    weir_write_begin_array(&e->w);
    t->empty = e->w.len;
}

/* A message with nothing to say is taken back. `message`: whose members in Anthropic's words it
 * gets, or NONE. */
static void turn_end(struct turn *t, uint32_t message)
{
    weir_writer *w = &t->e->w;
    bool said = w->len > t->empty;

    weir_write_end_array(w);
    if (said)
        ant_encode_vendor(t->e, message);
    weir_write_end_object(w);
    if (!said && !w->failed)
        weir_writer_back(w, t->before);
}

/* A message of one role with all its parts. */
static weir_result turn_parts(struct ant_encoding *e, uint32_t message, uint32_t number)
{
    uint32_t content = weir_json_find(e->doc, message, "content");

    if (weir_json_is_string(e->doc, content)) {
        if (ant_leaves_out(e, weir_json_text(e->doc, content)))
            return e->doc->tok[content].len ? ant_drop_in(e, "messages", number, "content",
                                                          "the API takes no blank text")
                                            : WEIR_OK;
        system_write_text(e, weir_json_text(e->doc, content));
        ant_encode_cache(e, message);
        weir_write_end_object(&e->w);
        return WEIR_OK;
    }
    return message_parts(e, message, content, number);
}

/* What stands between two turns of the assistant: from `first` to before `end`. */
static weir_result encode_user_turn(struct ant_encoding *e, uint32_t messages, uint32_t first,
                                    uint32_t end, uint32_t number, uint32_t calls)
{
    uint32_t n = number, speaker = WEIR_JSON_NONE;
    struct turn t;

    turn_begin(&t, e, "user");
    for (uint32_t i = first; i != end; i = weir_json_next(e->doc, messages, i), n++) {
        if (role_of(e, i) == ROLE_RESULT)
            WEIR_TRY(ant_encode_result(e, i, n, calls));
    }
    n = number;
    for (uint32_t i = first; i != end; i = weir_json_next(e->doc, messages, i), n++) {
        enum role role = role_of(e, i);
        bool system = role == ROLE_SYSTEM;

        if (role == ROLE_RESULT || (system && !e->only_system))
            continue;
        speaker = i;
        WEIR_TRY(turn_parts(e, i, n));
        WEIR_TRY(ant_drop_vendors(e, i, "messages", n));
        if (system)
            WEIR_TRY(ant_drop_in(e, "messages", n, "role",
                                 "the API wants a user message: it was sent as one"));
    }
    turn_end(&t, speaker);
    return WEIR_OK;
}

static weir_result encode_system_turn(struct ant_encoding *e, uint32_t message, uint32_t number)
{
    struct turn t;

    turn_begin(&t, e, "system");
    WEIR_TRY(turn_parts(e, message, number));
    turn_end(&t, message);
    return WEIR_OK;
}

static weir_result encode_assistant_turn(struct ant_encoding *e, uint32_t messages,
                                         uint32_t message, uint32_t number, uint32_t *calls)
{
    struct turn t;
    bool last = weir_json_next(e->doc, messages, message) == WEIR_JSON_NONE;

    turn_begin(&t, e, "assistant");
    WEIR_TRY(ant_encode_assistant(e, message, number, last, calls));
    turn_end(&t, message);
    return ant_drop_vendors(e, message, "messages", number);
}

/* Where the run of messages that `first` begins ends: before the next assistant, or before a system
 * message that stays where it is. */
static uint32_t turn_run_end(const struct ant_encoding *e, uint32_t messages, uint32_t first,
                             uint32_t *count)
{
    uint32_t i = first;

    *count = 0;
    for (; i != WEIR_JSON_NONE; i = weir_json_next(e->doc, messages, i), (*count)++) {
        enum role role = role_of(e, i);

        if (role == ROLE_ASSISTANT || (role == ROLE_SYSTEM && !e->only_system && system_stays(e)))
            break;
    }
    return i;
}

/* Members that have no place in a message of that role. */
static weir_result message_drop(struct ant_encoding *e, uint32_t message, uint32_t number)
{
    static const char *const said[] = { "role", "content", "cache_control", "vendor", NULL };
    static const char *const answered[] = { "role",    "content",           "cache_control",
                                            "vendor",  "tool_calls",        "function_call",
                                            "refusal", "reasoning_content", NULL };
    static const char *const result[] = { "role",         "content",  "cache_control", "vendor",
                                          "tool_call_id", "is_error", "name",          NULL };

    enum role role = role_of(e, message);

    return ant_drop_unknown(e, "messages", number, WEIR_JSON_NONE, message,
                            role == ROLE_ASSISTANT ? answered
                            : role == ROLE_RESULT  ? result
                                                   : said);
}

weir_result ant_encode_messages(struct ant_encoding *e)
{
    uint32_t messages = weir_json_find(e->doc, 0, "messages");
    uint32_t i = weir_json_first_item(e->doc, messages);
    uint32_t number = 0, calls = 0, count;

    WEIR_JSON_EACH_ITEM(e->doc, messages, message)
    {
        WEIR_TRY(message_drop(e, message, number++));
    }
    number = 0;
    e->only_system = system_end(e, messages) == WEIR_JSON_NONE;
    WEIR_TRY(encode_system(e, messages));
    weir_write_key(&e->w, "messages");
    weir_write_begin_array(&e->w);
    while (!e->only_system && i != WEIR_JSON_NONE && message_is_system(e, i)) {
        i = weir_json_next(e->doc, messages, i);
        number++;
    }
    while (i != WEIR_JSON_NONE) {
        enum role role = role_of(e, i);

        if (role == ROLE_ASSISTANT) {
            WEIR_TRY(encode_assistant_turn(e, messages, i, number, &calls));
        } else if (role == ROLE_SYSTEM && !e->only_system && system_stays(e)) {
            WEIR_TRY(encode_system_turn(e, i, number));
        } else {
            uint32_t end = turn_run_end(e, messages, i, &count);

            WEIR_TRY(encode_user_turn(e, messages, i, end, number, calls));
            number += count;
            i = end;
            continue;
        }
        i = weir_json_next(e->doc, messages, i);
        number++;
    }
    weir_write_end_array(&e->w);
    return WEIR_OK;
}
