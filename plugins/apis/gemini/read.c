/*
 * read.c - the facts of a request, in one shallow pass; no text is looked into.
 *
 * The input estimate follows canonical.md: a token for every four bytes of text as it stands in the
 * JSON, and fixed amounts for messages, media and audio.
 */
#include "gemini.h"

#include <weir/sdk/reading.h>
#include <weir/sdk/media.h>

/* The value of a query parameter; not decoded, since keys need no escapes. */
static weir_str read_query(weir_str query, const char *name)
{
    size_t len = strlen(name);

    while (query.len) {
        weir_str pair = weir_str_split(&query, '&');

        if (weir_str_starts(pair, name) && pair.len > len && pair.ptr[len] == '=')
            return weir_str_skip(pair, len + 1);
    }
    return weir_str_make("", 0);
}

weir_str gem_application_key(const weir_ingress *in)
{
    weir_str key = weir_header_find(in->headers, in->header_count, "x-goog-api-key");

    if (!key.len)
        key = read_query(in->query, "key");
    return key.len ? key : weir_application_bearer(in);
}

uint32_t gem_request_root(const weir_json *doc, uint8_t op)
{
    uint32_t inner = gem_find(doc, 0, "generateContentRequest");

    return op == WEIR_OP_COUNT && weir_json_is_object(doc, inner) ? inner : 0;
}

static void read_media(weir_reading *r, uint32_t media)
{
    switch (weir_media_kind(weir_json_inner(r->doc, gem_find(r->doc, media, "mimeType")))) {
    case WEIR_MEDIA_IMAGE:
        weir_reading_media(r, WEIR_CAN_IMAGES);
        break;
    case WEIR_MEDIA_AUDIO:
        weir_reading_media(r, WEIR_CAN_AUDIO);
        break;
    default:
        weir_reading_media(r, WEIR_CAN_DOCUMENTS);
    }
}

/* Only files that lie with Google are somebody's; any other URL is for all to read. */
static weir_result read_file(weir_reading *r, uint32_t file)
{
    uint32_t uri = gem_find(r->doc, file, "fileUri");
    weir_str where = weir_json_inner(r->doc, uri);

    read_media(r, file);
    if (weir_str_starts(where, "gs://") || weir_str_starts(where, "files/") ||
        weir_str_starts(where, "https://generativelanguage.googleapis.com/"))
        return weir_reading_opaque(r, uri, true);
    return WEIR_OK;
}

static weir_result read_part(weir_reading *r, uint32_t part)
{
    const weir_json *doc = r->doc;

    WEIR_JSON_EACH_MEMBER(doc, part, key, value)
    {
        if (gem_key_is(doc, key, "text"))
            weir_reading_text(r, value);
        else if (gem_key_is(doc, key, "inlineData"))
            read_media(r, value);
        else if (gem_key_is(doc, key, "fileData"))
            WEIR_TRY(read_file(r, value));
        else if (gem_key_is(doc, key, "thoughtSignature"))
            WEIR_TRY(weir_reading_opaque(r, value, false));
        else
            weir_reading_raw(r, value);
    }
    return WEIR_OK;
}

static weir_result read_parts(weir_reading *r, uint32_t content)
{
    uint32_t parts = gem_find(r->doc, content, "parts");

    if (weir_json_is_object(r->doc, parts)) /* one part without the list, which Google takes too */
        return read_part(r, parts);
    WEIR_JSON_EACH_ITEM(r->doc, parts, part)
    {
        WEIR_TRY(read_part(r, part));
    }
    return WEIR_OK;
}

static weir_result read_contents(weir_reading *r, uint32_t contents)
{
    WEIR_JSON_EACH_ITEM(r->doc, contents, content)
    {
        if (!weir_json_is_object(r->doc, content))
            return weir_reading_refuse(
                r, "Invalid value at 'contents': expected a list of objects.", "contents", "");
        weir_reading_message(r);
        WEIR_TRY(read_parts(r, content));
    }
    return WEIR_OK;
}

static void read_needs(weir_reading *r, uint32_t root, uint32_t config)
{
    const weir_json *doc = r->doc;
    uint32_t thinking = gem_find(doc, config, "thinkingConfig");
    bool flag = false;
    int64_t n = 0;

    weir_reading_tools(r, gem_find(doc, root, "tools"));
    if (gem_find(doc, config, "responseSchema") != WEIR_JSON_NONE ||
        gem_find(doc, config, "responseJsonSchema") != WEIR_JSON_NONE)
        r->facts.needs |= WEIR_CAN_JSON_SCHEMA;
    else if (weir_json_is(doc, gem_find(doc, config, "responseMimeType"), "application/json"))
        r->facts.needs |= WEIR_CAN_JSON_MODE;
    weir_json_bool(doc, gem_find(doc, config, "responseLogprobs"), &flag);
    if (flag)
        r->facts.needs |= WEIR_CAN_LOGPROBS;
    if (weir_json_int64(doc, gem_find(doc, config, "candidateCount"), &n) && n > 1)
        r->facts.needs |= WEIR_CAN_CHOICES;
    if (weir_json_is_number(doc, gem_find(doc, config, "seed")))
        r->facts.needs |= WEIR_CAN_SEED;
    if ((weir_json_int64(doc, gem_find(doc, thinking, "thinkingBudget"), &n) && n > 0) ||
        gem_find(doc, thinking, "thinkingLevel") != WEIR_JSON_NONE)
        r->facts.needs |= WEIR_CAN_REASONING;
}

static weir_result read_chat(weir_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t root = gem_request_root(doc, r->facts.op);
    uint32_t contents = gem_find(doc, root, "contents");
    uint32_t config = gem_find(doc, root, "generationConfig");

    if (contents == WEIR_JSON_NONE)
        return weir_reading_refuse(r, "Missing required field: 'contents'.", "contents", "");
    if (!weir_json_is_array(doc, contents) && !weir_json_is_object(doc, contents))
        return weir_reading_refuse(r, "Invalid value at 'contents': expected a list of objects.",
                                   "contents", "");
    if (weir_json_is_object(doc, contents)) {
        weir_reading_message(r);
        WEIR_TRY(read_parts(r, contents));
    }
    WEIR_TRY(read_contents(r, contents));
    WEIR_TRY(read_parts(r, gem_find(doc, root, "systemInstruction")));
    WEIR_TRY(weir_reading_opaque(r, gem_find(doc, root, "cachedContent"), true));
    read_needs(r, root, config);
    weir_json_int64(doc, gem_find(doc, config, "maxOutputTokens"), &r->facts.output_tokens);
    return WEIR_OK;
}

static weir_result read_embed(weir_reading *r)
{
    const weir_json *doc = r->doc;
    uint32_t requests = gem_find(doc, 0, "requests");
    uint32_t content = gem_find(doc, 0, "content");

    if (!weir_json_count(doc, requests) && !weir_json_is_object(doc, content))
        return weir_reading_refuse(r, "Missing required field: 'content' or 'requests'.", "content",
                                   "");
    r->facts.needs |= WEIR_CAN_EMBEDDINGS;
    WEIR_TRY(read_parts(r, content));
    WEIR_JSON_EACH_ITEM(doc, requests, request)
    {
        WEIR_TRY(read_parts(r, gem_find(doc, request, "content")));
    }
    return WEIR_OK;
}

weir_result gem_read_body(const weir_ingress *in, uint8_t op, weir_str model, bool stream,
                          const weir_request_sink *out)
{
    weir_reading r = weir_reading_begin(in, op, out);

    if (!in->json || !weir_json_is_object(r.doc, 0))
        return weir_reading_refuse(&r,
                                   in->json ? "The body of the request must be a JSON object."
                                            : "Invalid JSON payload received: it is not JSON.",
                                   "", "");
    weir_reading_names(&r, WEIR_JSON_NONE);
    r.facts.model = model;
    weir_reading_stream(&r, stream, true); /* usage comes with every chunk */
    WEIR_TRY(op == WEIR_OP_EMBED ? read_embed(&r) : read_chat(&r));
    return weir_reading_end(&r, gem_application_key(in));
}
