/*
 * compose.c - what the simulator says: filler, an echo, JSON after a schema, or a tool call. The
 * same request under the same seed is answered the same.
 */
#include "sim.h"

#include <weir/sdk/strategy.h>

#define SIM_MARK "[simulated by Weir]"

enum {
    SIM_TOKEN_BYTES = 12, /* a longer word is more than one token */
    SIM_ECHO_BYTES = 16384,
    SIM_TOKENS_MAX = 100000,
};

static uint64_t compose_fnv(uint64_t h, weir_str s)
{
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * UINT64_C(1099511628211);
    return h;
}

uint64_t sim_hash(const struct sim_config *cfg, const weir_exchange *x)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ cfg->seed;

    if (x->request)
        h = compose_fnv(h, x->request->bytes);
    return weir_random(&h);
}

weir_str sim_filler(uint64_t hash, uint64_t n)
{
    static const char *const words[] = {
        " water",   " flows", " over",  " the",   " weir",   " and",    " keeps",  " its",
        " level",   " while", " gates", " open",  " one",    " after",  " other",  " so",
        " nothing", " is",    " lost",  " below", " stones", " turn",   " slowly", " in",
        " clear",   " light", " under", " a",     " quiet",  " bridge", " today",  " again",
    };
    uint64_t state = hash ^ n * UINT64_C(0xD1B54A32D192ED03);

    return weir_str_of(words[weir_random(&state) % (sizeof(words) / sizeof(words[0]))]);
}

/* How much of the front of s is one token: a word with the blank before it, or a part of it. */
static size_t compose_token(weir_str s)
{
    size_t n = 1;

    while (n < s.len && n < SIM_TOKEN_BYTES && s.ptr[n] != ' ' && s.ptr[n] != '\n')
        n++;
    while (n < s.len && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
        n++; /* not inside a character */
    return n;
}

static bool compose_add(struct sim_answer *a, uint32_t limit, weir_str token)
{
    if (a->count == limit) {
        a->cut_short = true;
        return false;
    }
    a->token[a->count++] = token;
    return true;
}

static void compose_text(struct sim_answer *a, uint32_t limit, weir_str text)
{
    while (text.len) {
        size_t n = compose_token(text);

        if (!compose_add(a, limit, weir_str_make(text.ptr, n)))
            return;
        text = weir_str_skip(text, n);
    }
}

/* The text of a message, decoded: its string, or the text parts of its list. */
static weir_str compose_message_text(const weir_exchange *x, uint32_t message)
{
    const weir_json *doc = x->request;
    uint32_t content = weir_json_find(doc, message, "content");
    weir_str piece[8];
    size_t n = 0;

    if (weir_json_is_string(doc, content))
        return weir_json_str(doc, content, &x->arena);
    WEIR_JSON_EACH_ITEM(doc, content, part)
    {
        uint32_t text = weir_json_find(doc, part, "text");

        if (n < sizeof(piece) / sizeof(piece[0]) && weir_json_is_string(doc, text))
            piece[n++] = weir_json_str(doc, text, &x->arena);
    }
    return weir_str_join(&x->arena, piece, n);
}

/* The last message, if it has that role; else, with `search`, the last that has. */
static uint32_t compose_last(const weir_json *doc, const char *role, bool search)
{
    uint32_t found = WEIR_JSON_NONE;

    WEIR_JSON_EACH_ITEM(doc, weir_json_find(doc, 0, "messages"), message)
    {
        if (weir_json_is(doc, weir_json_find(doc, message, "role"), role))
            found = message;
        else if (!search)
            found = WEIR_JSON_NONE;
    }
    return found;
}

/* The schema that response_format asks for; 0 if it asks for any JSON, NONE if for none. */
static uint32_t compose_schema(const weir_json *doc, bool asked)
{
    uint32_t format = weir_json_find(doc, 0, "response_format");
    uint32_t schema = weir_json_path(doc, format, "json_schema.schema");

    if (weir_json_is_object(doc, schema))
        return schema;
    if (asked || weir_json_is(doc, weir_json_find(doc, format, "type"), "json_object"))
        return 0;
    return WEIR_JSON_NONE;
}

/* The function to call, or NONE. Once a tool has answered, text follows, so that loops end. */
static uint32_t compose_tool(const struct sim_plan *plan, const weir_json *doc)
{
    uint32_t choice = weir_json_find(doc, 0, "tool_choice");
    uint32_t wanted = weir_json_path(doc, choice, "function.name");
    uint32_t tools = weir_json_find(doc, 0, "tools");

    if (!plan->tools && !weir_json_is(doc, choice, "required") && wanted == WEIR_JSON_NONE)
        return WEIR_JSON_NONE;
    if (compose_last(doc, "tool", false) != WEIR_JSON_NONE)
        return WEIR_JSON_NONE;
    WEIR_JSON_EACH_ITEM(doc, tools, tool)
    {
        uint32_t function = weir_json_find(doc, tool, "function");

        if (wanted == WEIR_JSON_NONE ||
            weir_text_equal(weir_json_text(doc, weir_json_find(doc, function, "name")),
                            weir_json_text(doc, wanted)))
            return function;
    }
    return WEIR_JSON_NONE;
}

static weir_result compose_call(const weir_exchange *x, uint32_t function, uint32_t limit,
                                struct sim_answer *a)
{
    const weir_json *doc = x->request;
    weir_writer w;
    weir_str text;

    weir_writer_init(&w, &x->arena, 256);
    sim_write_example(&w, doc, weir_json_find(doc, function, "parameters"), 0);
    WEIR_TRY(weir_writer_finish(&w, &text));
    a->tool = weir_json_str(doc, weir_json_find(doc, function, "name"), &x->arena);
    compose_text(a, limit, text);
    return WEIR_OK;
}

static weir_result compose_json(const weir_exchange *x, uint32_t schema, uint32_t limit,
                                struct sim_answer *a)
{
    weir_writer w;
    weir_str text;

    weir_writer_init(&w, &x->arena, 256);
    if (schema) {
        sim_write_example(&w, x->request, schema, 0);
    } else {
        weir_write_begin_object(&w);
        weir_write_key(&w, "simulated");
        weir_write_bool(&w, true);
        weir_write_key(&w, "by");
        weir_write_literal(&w, "Weir");
        weir_write_end_object(&w);
    }
    WEIR_TRY(weir_writer_finish(&w, &text));
    compose_text(a, limit, text);
    return WEIR_OK;
}

static void compose_reply(const struct sim_config *cfg, const weir_exchange *x,
                          const struct sim_plan *plan, uint32_t limit, struct sim_answer *a)
{
    if (cfg->mark)
        compose_text(a, limit, WEIR_S(SIM_MARK));
    if (plan->echo) {
        weir_str said = compose_message_text(x, compose_last(x->request, "user", true));

        if (said.len > SIM_ECHO_BYTES)
            said.len = SIM_ECHO_BYTES;
        if (cfg->mark && said.len)
            compose_add(a, limit, WEIR_S(" "));
        compose_text(a, limit, said);
    } else if (plan->count < 0 && cfg->reply[0]) {
        if (cfg->mark)
            compose_add(a, limit, WEIR_S(" "));
        compose_text(a, limit, weir_str_of(cfg->reply));
    } else {
        int64_t count = plan->count >= 0 ? plan->count : cfg->tokens;

        while (a->count < count && compose_add(a, limit, sim_filler(a->hash, a->count)))
            ;
        if (plan->count >= 0 && a->count > count)
            a->count = (uint32_t)count;
    }
}

static uint32_t compose_limit(const weir_json *doc)
{
    int64_t limit = SIM_TOKENS_MAX;

    weir_json_int64(doc, weir_json_find(doc, 0, "max_tokens"), &limit);
    weir_json_int64(doc, weir_json_find(doc, 0, "max_completion_tokens"), &limit);
    return limit < 0 ? 0 : limit > SIM_TOKENS_MAX ? SIM_TOKENS_MAX : (uint32_t)limit;
}

weir_result sim_compose(const struct sim_config *cfg, const weir_exchange *x,
                        const struct sim_plan *plan, struct sim_answer *a)
{
    uint32_t limit = compose_limit(x->request);
    uint32_t room = SIM_ECHO_BYTES;
    uint32_t function = compose_tool(plan, x->request);
    uint32_t schema = compose_schema(x->request, plan->json);

    memset(a, 0, sizeof(*a));
    a->hash = sim_hash(cfg, x);
    a->prompt_tokens = (int64_t)(x->request->bytes.len / 4 + 1);
    a->reasoning = (uint32_t)plan->reasoning;
    if (room < plan->count + 16)
        room = (uint32_t)plan->count + 16;
    if (room < strlen(cfg->reply) + 64)
        room = (uint32_t)strlen(cfg->reply) + 64;
    if (room < cfg->tokens + 16)
        room = (uint32_t)cfg->tokens + 16;
    if (limit > room)
        limit = room;
    a->token = (weir_str *)x->arena.alloc(x->arena.owner, ((size_t)limit + 1) * sizeof(weir_str));
    if (!a->token)
        return WEIR_NO_MEMORY;
    if (function != WEIR_JSON_NONE)
        return compose_call(x, function, limit, a);
    if (schema != WEIR_JSON_NONE)
        return compose_json(x, schema, limit, a);
    compose_reply(cfg, x, plan, limit, a);
    return WEIR_OK;
}
