/*
 * request.c - see request.h; and the builder of weir.h.
 */
#include "client/request.h"
#include "base/str.h"
#include "json/scan.h"
#include "model/failure.h"

#include <weir/sdk/number.h>
#include <weir/sdk/json.h>

/* One member of the object: a value, or a list that is still being added to. */
struct member {
    char *name;
    char *value;      /* raw JSON; NULL: a list */
    GPtrArray *items; /* of raw JSON */
};

/* The kind of the message that was added last: some functions add to it. */
enum open_message { OPEN_NONE, OPEN_USER, OPEN_ASSISTANT };

struct weir_request {
    GPtrArray *members; /* of struct member, in order */
    enum open_message open;
    GPtrArray *parts; /* of the open message: raw content parts, or raw tool calls */
    char *plain;      /* OPEN_USER: its only part as a raw string; OPEN_ASSISTANT: its content */
    char *fault;      /* the first; NULL: none */
};

/* -- JSON ------------------------------------------------------------------------------------- */

static weir_result fault(struct weir_request *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static weir_result fault(struct weir_request *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!r->fault)
        r->fault = g_strdup_vprintf(format, args);
    va_end(args);
    return WEIR_INVALID;
}

/* Appends a JSON string. */
static void add_string(GString *to, const char *text)
{
    g_string_append_c(to, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(to, '\\');
        if ((unsigned char)*p < 0x20)
            g_string_append_printf(to, "\\u%04x", (unsigned)(unsigned char)*p);
        else
            g_string_append_c(to, *p);
    }
    g_string_append_c(to, '"');
}

/* NULL, and the fault is noted: the text cannot be one. */
static char *make_string(struct weir_request *r, const char *what, const char *text)
{
    GString *json;

    if (!text || !g_utf8_validate(text, -1, NULL)) {
        fault(r, text ? "%s is not UTF-8" : "%s is missing", what);
        return NULL;
    }
    json = g_string_sized_new(strlen(text) + 16);
    add_string(json, text);
    return g_string_free(json, FALSE);
}

static bool is_json(struct weir_request *r, const char *what, const char *json)
{
    struct jscan_tokens tokens;
    struct jscan_fault where;
    weir_json doc;
    bool good;

    if (!json) {
        fault(r, "%s is missing", what);
        return false;
    }
    jscan_tokens_init(&tokens);
    good = jscan(&tokens, str_of(json), &doc, &where) == WEIR_OK;
    jscan_tokens_finish(&tokens);
    if (!good)
        fault(r, "%s is not JSON: %s at byte %zu", what, where.what, where.offset);
    return good;
}

/* -- members ---------------------------------------------------------------------------------- */

static void member_free(gpointer data)
{
    struct member *m = data;

    g_free(m->name);
    g_free(m->value);
    if (m->items)
        g_ptr_array_unref(m->items);
    g_free(m);
}

static struct member *find_member(const struct weir_request *r, const char *name)
{
    for (guint i = 0; i < r->members->len; i++) {
        struct member *m = g_ptr_array_index(r->members, i);

        if (strcmp(m->name, name) == 0)
            return m;
    }
    return NULL;
}

static struct member *need_member(struct weir_request *r, const char *name)
{
    struct member *m = find_member(r, name);

    if (!m) {
        m = g_new0(struct member, 1);
        m->name = g_strdup(name);
        g_ptr_array_add(r->members, m);
    }
    return m;
}

/* Takes `value`. */
static weir_result set_member(struct weir_request *r, const char *name, char *value)
{
    struct member *m = need_member(r, name);

    g_free(m->value);
    m->value = value;
    g_clear_pointer(&m->items, g_ptr_array_unref);
    return WEIR_OK;
}

static weir_result set_string(struct weir_request *r, const char *name, const char *text)
{
    char *value = make_string(r, name, text);

    return value ? set_member(r, name, value) : WEIR_INVALID;
}

static void remove_member(struct weir_request *r, const char *name)
{
    struct member *m = find_member(r, name);

    if (m)
        g_ptr_array_remove(r->members, m);
}

static char *raw_copy(const weir_json *doc, uint32_t token)
{
    weir_str raw = weir_json_raw(doc, token);

    return g_strndup(raw.ptr, raw.len);
}

/* The member as a list: what was an array is taken apart, a lone value becomes the first item. */
static GPtrArray *list_of(struct weir_request *r, const char *name)
{
    struct member *m = need_member(r, name);
    struct jscan_tokens tokens;
    weir_json doc;

    if (m->items)
        return m->items;
    m->items = g_ptr_array_new_with_free_func(g_free);
    jscan_tokens_init(&tokens);
    if (m->value && jscan(&tokens, str_of(m->value), &doc, NULL) == WEIR_OK) {
        WEIR_JSON_EACH_ITEM(&doc, 0, item)
        {
            g_ptr_array_add(m->items, raw_copy(&doc, item));
        }
        if (!weir_json_is_array(&doc, 0) && !weir_json_is_null(&doc, 0))
            g_ptr_array_add(m->items, g_strdup(m->value));
    }
    jscan_tokens_finish(&tokens);
    g_clear_pointer(&m->value, g_free);
    return m->items;
}

/* -- life ------------------------------------------------------------------------------------- */

static struct weir_request *request_new(void)
{
    struct weir_request *r = g_new0(struct weir_request, 1);

    r->members = g_ptr_array_new_with_free_func(member_free);
    r->parts = g_ptr_array_new_with_free_func(g_free);
    return r;
}

weir_request *weir_request_new(const char *model)
{
    struct weir_request *r = request_new();

    if (model)
        set_string(r, "model", model);
    list_of(r, "messages");
    return r;
}

static bool read_members(struct weir_request *r, const weir_json *doc)
{
    if (!weir_json_is_object(doc, 0))
        return false;
    WEIR_JSON_EACH_MEMBER(doc, 0, key, value)
    {
        weir_str name = weir_json_inner(doc, key);
        g_autofree char *plain = g_malloc(name.len + 1);
        size_t len = weir_json_unescape(doc, key, plain, name.len);

        plain[len] = '\0';
        set_member(r, plain, raw_copy(doc, value));
    }
    return true;
}

weir_request *weir_request_from_json(const char *json, weir_error *error)
{
    struct weir_request *r = request_new();
    struct jscan_fault where = { .what = "it is no object" };
    struct jscan_tokens tokens;
    weir_json doc;
    bool good;

    jscan_tokens_init(&tokens);
    good = json && jscan(&tokens, str_of(json), &doc, &where) == WEIR_OK && read_members(r, &doc);
    jscan_tokens_finish(&tokens);
    if (good)
        return r;
    if (error) {
        *error = (weir_error){ .struct_size = sizeof(*error), .result = WEIR_INVALID };
        g_snprintf(error->message, sizeof(error->message),
                   "the request is not a JSON object: %s at byte %zu", where.what, where.offset);
    }
    weir_request_free(r);
    return NULL;
}

void weir_request_free(weir_request *r)
{
    if (!r)
        return;
    g_ptr_array_unref(r->members);
    g_ptr_array_unref(r->parts);
    g_free(r->plain);
    g_free(r->fault);
    g_free(r);
}

/* -- writing ---------------------------------------------------------------------------------- */

static void write_list(GString *to, const GPtrArray *items)
{
    g_string_append_c(to, '[');
    for (guint i = 0; i < items->len; i++) {
        if (i)
            g_string_append_c(to, ',');
        g_string_append(to, g_ptr_array_index(items, i));
    }
    g_string_append_c(to, ']');
}

bool request_write(const struct weir_request *r, bool stream, struct arena *arena, weir_str *out,
                   weir_failure *failure)
{
    g_autoptr(GString) json = g_string_new("{");

    for (guint i = 0; r && i < r->members->len; i++) {
        const struct member *m = g_ptr_array_index(r->members, i);

        if (strcmp(m->name, "stream") == 0)
            continue;
        add_string(json, m->name);
        g_string_append_c(json, ':');
        if (m->items)
            write_list(json, m->items);
        else
            g_string_append(json, m->value);
        g_string_append_c(json, ',');
    }
    g_string_append_printf(json, "\"stream\":%s}", stream ? "true" : "false");
    *out = arena_copy(arena, (weir_str){ json->str, json->len });
    *failure = failure_local(WEIR_CLASS_INVALID_REQUEST,
                             r && r->fault ? str_of(r->fault) : S("the request is too large"));
    return out->ptr && !(r && r->fault);
}

/* -- messages --------------------------------------------------------------------------------- */

/* Takes `message`; nothing is added to what came before. */
static weir_result add_message(struct weir_request *r, char *message)
{
    g_ptr_array_add(list_of(r, "messages"), message);
    r->open = OPEN_NONE;
    g_ptr_array_set_size(r->parts, 0);
    g_clear_pointer(&r->plain, g_free);
    return WEIR_OK;
}

static weir_result add_plain(struct weir_request *r, const char *role, const char *text)
{
    g_autofree char *content = make_string(r, "the text of a message", text);

    if (!content)
        return WEIR_INVALID;
    return add_message(r, g_strdup_printf("{\"role\":\"%s\",\"content\":%s}", role, content));
}

/* Writes the open message again, with all its parts. */
static void rewrite_open(struct weir_request *r)
{
    GPtrArray *messages = list_of(r, "messages");
    char **last = (char **)&g_ptr_array_index(messages, messages->len - 1);
    GString *json = g_string_new(NULL);

    if (r->open == OPEN_USER) {
        g_string_append(json, "{\"role\":\"user\",\"content\":");
        if (r->plain && r->parts->len == 1)
            g_string_append(json, r->plain);
        else
            write_list(json, r->parts);
    } else {
        g_string_append_printf(json, "{\"role\":\"assistant\",\"content\":%s",
                               r->plain ? r->plain : "null");
        if (r->parts->len) {
            g_string_append(json, ",\"tool_calls\":");
            write_list(json, r->parts);
        }
    }
    g_string_append_c(json, '}');
    g_free(*last);
    *last = g_string_free(json, FALSE);
}

/* Begins a message that may be added to. Takes `plain`. */
static void open_message(struct weir_request *r, enum open_message kind, char *plain)
{
    add_message(r, NULL);
    r->open = kind;
    r->plain = plain;
}

weir_result weir_request_system(weir_request *r, const char *text)
{
    return add_plain(r, "system", text);
}

weir_result weir_request_user(weir_request *r, const char *text)
{
    char *content = make_string(r, "the text of a message", text);

    if (!content)
        return WEIR_INVALID;
    open_message(r, OPEN_USER, content);
    g_ptr_array_add(r->parts, g_strdup_printf("{\"type\":\"text\",\"text\":%s}", content));
    rewrite_open(r);
    return WEIR_OK;
}

weir_result weir_request_assistant(weir_request *r, const char *text)
{
    char *content = make_string(r, "the text of a message", text);

    if (!content)
        return WEIR_INVALID;
    open_message(r, OPEN_ASSISTANT, content);
    rewrite_open(r);
    return WEIR_OK;
}

weir_result weir_request_image_url(weir_request *r, const char *url)
{
    g_autofree char *quoted = make_string(r, "the URL of a picture", url);

    if (!quoted)
        return WEIR_INVALID;
    if (r->open != OPEN_USER)
        open_message(r, OPEN_USER, NULL);
    g_ptr_array_add(r->parts,
                    g_strdup_printf("{\"type\":\"image_url\",\"image_url\":{\"url\":%s}}", quoted));
    rewrite_open(r);
    return WEIR_OK;
}

weir_result weir_request_image(weir_request *r, const char *media_type, const void *bytes,
                               size_t len)
{
    g_autofree char *encoded = NULL, *url = NULL;

    if (!media_type || !*media_type || strpbrk(media_type, ";, \t\r\n"))
        return fault(r, "the media type of a picture must be like image/png");
    if (!bytes || !len)
        return fault(r, "a picture is empty");
    encoded = g_base64_encode(bytes, len);
    url = g_strdup_printf("data:%s;base64,%s", media_type, encoded);
    return weir_request_image_url(r, url);
}

weir_result weir_request_tool_call(weir_request *r, const char *id, const char *name,
                                   const char *arguments)
{
    g_autofree char *quoted_id = make_string(r, "the id of a tool call", id);
    g_autofree char *quoted_name = make_string(r, "the name of a tool", name);
    g_autofree char *quoted = make_string(r, "the arguments of a tool call", arguments);

    if (!quoted_id || !quoted_name || !quoted)
        return WEIR_INVALID;
    if (r->open != OPEN_ASSISTANT)
        open_message(r, OPEN_ASSISTANT, NULL);
    g_ptr_array_add(r->parts, g_strdup_printf("{\"id\":%s,\"type\":\"function\",\"function\":{"
                                              "\"name\":%s,\"arguments\":%s}}",
                                              quoted_id, quoted_name, quoted));
    rewrite_open(r);
    return WEIR_OK;
}

/* An assistant's message without text, for tool calls to be added to. */
static weir_result add_calls_only(struct weir_request *r)
{
    open_message(r, OPEN_ASSISTANT, NULL);
    rewrite_open(r);
    return WEIR_OK;
}

weir_result weir_request_answer(weir_request *r, const weir_response *response)
{
    weir_str text = weir_response_text(response, 0);
    uint32_t calls = weir_response_tool_calls(response, 0);
    weir_result result;

    if (weir_response_failure(response) || !weir_response_choices(response))
        return fault(r, "a response without an answer cannot be added to a request");
    if (text.len || !calls)
        result = weir_request_assistant(r, text.ptr);
    else
        result = add_calls_only(r);
    for (uint32_t i = 0; result == WEIR_OK && i < calls; i++)
        result = weir_request_tool_call(r, weir_response_tool_id(response, 0, i).ptr,
                                        weir_response_tool_name(response, 0, i).ptr,
                                        weir_response_tool_arguments(response, 0, i).ptr);
    return result;
}

weir_result weir_request_tool_result(weir_request *r, const char *id, const char *text)
{
    g_autofree char *quoted_id = make_string(r, "the id of a tool call", id);
    g_autofree char *content = make_string(r, "the result of a tool call", text);

    if (!quoted_id || !content)
        return WEIR_INVALID;
    return add_message(r, g_strdup_printf("{\"role\":\"tool\",\"tool_call_id\":%s,\"content\":%s}",
                                          quoted_id, content));
}

/* -- parameters ------------------------------------------------------------------------------- */

weir_result weir_request_model(weir_request *r, const char *model)
{
    if (model)
        return set_string(r, "model", model);
    remove_member(r, "model");
    return WEIR_OK;
}

weir_result weir_request_provider(weir_request *r, const char *provider)
{
    if (provider)
        return set_string(r, "provider", provider);
    remove_member(r, "provider");
    return WEIR_OK;
}

weir_result weir_request_tool(weir_request *r, const char *name, const char *description,
                              const char *schema)
{
    g_autofree char *quoted = make_string(r, "the name of a tool", name);
    g_autofree char *described =
        description ? make_string(r, "the description of a tool", description) : NULL;
    g_autoptr(GString) json = g_string_new("{\"type\":\"function\",\"function\":{\"name\":");

    if (!quoted || (description && !described) ||
        (schema && !is_json(r, "the schema of a tool", schema)))
        return WEIR_INVALID;
    g_string_append(json, quoted);
    if (described)
        g_string_append_printf(json, ",\"description\":%s", described);
    if (schema)
        g_string_append_printf(json, ",\"parameters\":%s", schema);
    g_string_append(json, "}}");
    g_ptr_array_add(list_of(r, "tools"), g_strdup(json->str));
    return WEIR_OK;
}

weir_result weir_request_schema(weir_request *r, const char *name, const char *schema)
{
    g_autofree char *quoted = make_string(r, "the name of a schema", name);

    if (!quoted || !is_json(r, "the schema of the answer", schema))
        return WEIR_INVALID;
    return set_member(r, "response_format",
                      g_strdup_printf("{\"type\":\"json_schema\",\"json_schema\":{\"name\":%s,"
                                      "\"strict\":true,\"schema\":%s}}",
                                      quoted, schema));
}

weir_result weir_request_max_tokens(weir_request *r, int64_t tokens)
{
    return set_member(r, "max_completion_tokens", g_strdup_printf("%" G_GINT64_FORMAT, tokens));
}

weir_result weir_request_temperature(weir_request *r, double temperature)
{
    char text[WEIR_NUMBER_ROOM];

    if (!(temperature >= 0 && temperature <= 1e6))
        return fault(r, "the temperature must be a number that is not negative");
    return set_member(r, "temperature",
                      g_strndup(text, weir_number_print_double(text, temperature)));
}

weir_result weir_request_stop(weir_request *r, const char *text)
{
    char *quoted = make_string(r, "a text to stop at", text);

    if (!quoted)
        return WEIR_INVALID;
    g_ptr_array_add(list_of(r, "stop"), quoted);
    return WEIR_OK;
}

weir_result weir_request_seed(weir_request *r, int64_t seed)
{
    return set_member(r, "seed", g_strdup_printf("%" G_GINT64_FORMAT, seed));
}

weir_result weir_request_member(weir_request *r, const char *name, const char *json)
{
    g_autofree char *quoted = make_string(r, "the name of a member", name);

    if (!quoted)
        return WEIR_INVALID;
    if (strcmp(name, "messages") == 0)
        r->open = OPEN_NONE;
    if (!json) {
        remove_member(r, name);
        return WEIR_OK;
    }
    if (!is_json(r, name, json))
        return WEIR_INVALID;
    return set_member(r, name, g_strdup(json));
}
