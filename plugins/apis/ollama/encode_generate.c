/*
 * encode_generate.c - canonical messages as one prompt, for an application that asked by
 * /api/generate and reads its answer in that form.
 *
 * What it asked itself comes back as it was: a system message and a user message. If a filter has
 * made a conversation of it, its text is the prompt, and the turns are told as lost.
 */
#include "ollama.h"

#include <weir/sdk/sink.h>

static bool generate_is_system(const weir_json *doc, uint32_t message)
{
    uint32_t role = weir_json_find(doc, message, "role");

    return weir_json_is(doc, role, "system") || weir_json_is(doc, role, "developer");
}

static uint32_t generate_count(const weir_json *doc, uint32_t messages, bool system)
{
    uint32_t count = 0;

    WEIR_JSON_EACH_ITEM(doc, messages, message)
    {
        count += generate_is_system(doc, message) == system;
    }
    return count;
}

/* The text of all system messages, or of all others, as one string. */
static void generate_text(struct olm_message *r, uint32_t messages, bool system)
{
    weir_writer *w = &r->n->w;
    uint32_t index = 0, written = 0;

    weir_write_comma(w);
    weir_write_byte(w, '"');
    WEIR_JSON_EACH_ITEM(r->n->doc, messages, message)
    {
        olm_message_at(r, message, index++);
        if (generate_is_system(r->n->doc, message) != system)
            continue;
        if (written++)
            weir_write_bytes(w, "\\n\\n", 4);
        olm_append_text(r, WEIR_BLOCK_TEXT, WEIR_BLOCK_REFUSAL);
    }
    weir_write_byte(w, '"');
}

static weir_result generate_images(struct olm_message *r, uint32_t messages)
{
    uint32_t index = 0;

    WEIR_JSON_EACH_ITEM(r->n->doc, messages, message)
    {
        olm_message_at(r, message, index++);
        WEIR_TRY(olm_append_images(r));
    }
    olm_end_images(r);
    return WEIR_OK;
}

static weir_result generate_rest(struct olm_message *r, uint32_t messages)
{
    uint32_t index = 0;

    WEIR_JSON_EACH_ITEM(r->n->doc, messages, message)
    {
        weir_str parts[2] = { WEIR_S("messages"), WEIR_S("") };
        uint32_t role = weir_json_find(r->n->doc, message, "role");

        olm_message_at(r, message, index++);
        WEIR_TRY(olm_drop_part_members(r));
        parts[1] = r->number;
        if (!weir_json_is(r->n->doc, role, "user") && !generate_is_system(r->n->doc, message))
            WEIR_TRY(olm_dropped(r->n, "generate has no turns: the text is part of the prompt",
                                 parts, 2));
    }
    return WEIR_OK;
}

weir_result olm_write_prompt(struct olm_encoding *n)
{
    uint32_t messages = weir_json_find(n->doc, 0, "messages");
    struct olm_message r;

    memset(&r, 0, sizeof(r));
    r.n = n;
    if (generate_count(n->doc, messages, true)) {
        weir_write_key(&n->w, "system");
        generate_text(&r, messages, true);
    }
    if (weir_json_find(n->doc, n->vendor, "prompt") == WEIR_JSON_NONE) {
        weir_write_key(&n->w, "prompt");
        generate_text(&r, messages, false);
    }
    WEIR_TRY(generate_images(&r, messages));
    return generate_rest(&r, messages);
}
