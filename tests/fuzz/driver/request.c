/*
 * request.c - a request on its way: read, translated, encoded; see driver.h.
 */
#include "driver.h"

#include "json/scan.h"

/* What a dialect and a provider part say of one request. */
struct asked {
    const struct fuzz_target *target;
    struct fuzz_arena *arena;
    weir_arena abi;
    struct buf canonical;
    struct buf sent;
    int told, answered, refused, lines;
    bool translating;
};

/* -- What the dialect says -------------------------------------------------------------------- */

static weir_result on_facts(void *ctx, const weir_facts *facts, weir_str key)
{
    struct asked *a = (struct asked *)ctx;

    FUZZ_CHECK(!a->refused && !a->answered && !a->translating, "facts come first");
    FUZZ_CHECK(facts->output_tokens >= -1 && facts->input_tokens >= -1,
               "counts are right or absent");
    FUZZ_CHECK(!key.len || weir_str_is(key, "app-key"), "the key is the application's");
    a->told++;
    return WEIR_OK;
}

static weir_result on_canonical(void *ctx, weir_str bytes)
{
    struct asked *a = (struct asked *)ctx;

    FUZZ_CHECK(a->translating, "only translate() writes");
    FUZZ_CHECK(buf_add(&a->canonical, bytes.ptr, bytes.len), "memory");
    return WEIR_OK;
}

static weir_result on_opaque(void *ctx, weir_text value, bool required)
{
    (void)ctx, (void)required;
    FUZZ_CHECK(value.len && fuzz_is_text(value), "what is opaque is some text");
    return WEIR_OK;
}

static weir_result on_dropped(void *ctx, weir_str pointer, weir_str why)
{
    (void)ctx;
    FUZZ_CHECK(!pointer.len || pointer.ptr[0] == '/', "what is dropped is named by a JSON pointer");
    FUZZ_CHECK(why.len, "what is dropped has a reason");
    return WEIR_OK;
}

static weir_result on_answer(void *ctx, uint32_t status, weir_str type, weir_str body)
{
    struct asked *a = (struct asked *)ctx;

    FUZZ_CHECK(status == 200 && type.len && body.len && a->told == a->translating,
               "an answer of the dialect's own is whole");
    a->answered++;
    return WEIR_STOPPED;
}

static weir_result on_refuse(void *ctx, const weir_failure *failure)
{
    struct asked *a = (struct asked *)ctx;

    FUZZ_CHECK(failure->class_id && failure->message.len, "a refusal has a reason");
    FUZZ_CHECK(a->told == a->translating, "nothing is refused that was told");
    a->refused++;
    return WEIR_STOPPED;
}

/* -- What the provider part says -------------------------------------------------------------- */

static weir_result on_line(void *ctx, weir_str method, weir_str url)
{
    struct asked *a = (struct asked *)ctx;

    FUZZ_CHECK(!a->lines && method.len, "the line comes once");
    FUZZ_CHECK(!url.len || url.ptr[0] == '/' || url.ptr[0] == '?', "a path is put behind the base");
    for (size_t i = 0; i < url.len; i++)
        FUZZ_CHECK((unsigned char)url.ptr[i] > ' ' && url.ptr[i] != 0x7f, "a path is one word");
    a->lines++;
    return WEIR_OK;
}

static weir_result on_header(void *ctx, weir_str name, weir_str value)
{
    (void)ctx;
    FUZZ_CHECK(name.len, "a header has a name");
    for (size_t i = 0; i < value.len; i++)
        FUZZ_CHECK((unsigned char)value.ptr[i] >= ' ', "a header is one line");
    return WEIR_OK;
}

static weir_result on_sent(void *ctx, weir_str bytes)
{
    struct asked *a = (struct asked *)ctx;

    FUZZ_CHECK(a->lines, "the line comes first");
    FUZZ_CHECK(buf_add(&a->sent, bytes.ptr, bytes.len), "memory");
    return WEIR_OK;
}

/* -- Reading ---------------------------------------------------------------------------------- */

enum { PATH_ROOM = 256 };

static const weir_header headers[] = {
    { { "content-type", 12 }, { "application/json", 16 } },
    { { "authorization", 13 }, { "Bearer app-key", 14 } },
};

static const weir_endpoint *endpoint_at(const struct fuzz_api *api, uint32_t i)
{
    const weir_array *all = &api->dialect_face->endpoints;

    return (const weir_endpoint *)(const void *)((const char *)all->items +
                                                 (size_t)i * all->stride);
}

/* A path that the pattern takes. */
static size_t path_of(const char *pattern, char path[PATH_ROOM], uint32_t *captures)
{
    size_t len = 0;

    *captures = 0;
    while (*pattern && len < PATH_ROOM - 2) {
        if (*pattern == '{') {
            ++*captures;
            path[len++] = 'm';
            pattern = strchr(pattern, '}');
        } else {
            path[len++] = *pattern == '*' ? 'x' : *pattern;
        }
        pattern++;
    }
    return len;
}

static bool has_json(uint8_t op)
{
    return op == WEIR_OP_CHAT || op == WEIR_OP_EMBED || op == WEIR_OP_COUNT;
}

/* Reads, and translates if asked to. True: it was told, and is translated. */
static bool read_request(struct asked *a, uint32_t endpoint, weir_str body, const weir_json *json,
                         bool translate)
{
    static const weir_str captures[] = { { "m", 1 }, { "m", 1 }, { "m", 1 } };
    const struct fuzz_api *api = a->target->api;
    const weir_endpoint *at = endpoint_at(api, endpoint);
    const weir_request_sink sink = { sizeof(sink), 0,          a,         on_facts, on_canonical,
                                     on_opaque,    on_dropped, on_answer, on_refuse };
    char path[PATH_ROOM];
    weir_result result;
    weir_ingress in;

    memset(&in, 0, sizeof(in));
    in.struct_size = sizeof(in);
    in.endpoint = endpoint;
    in.id = WEIR_S("x-1");
    in.method = weir_str_of(at->method[0] == '*' ? "POST" : at->method);
    in.path = weir_str_make(path, path_of(at->pattern, path, &in.capture_count));
    in.query = WEIR_S("");
    in.captures = captures;
    in.headers = headers;
    in.header_count = sizeof(headers) / sizeof(headers[0]);
    in.body = body;
    in.json = has_json(at->op) ? json : NULL;
    in.unix_us = INT64_C(1700000000) * 1000000;
    in.arena = a->abi;
    a->told = a->answered = a->refused = 0;
    a->translating = false;
    result = api->dialect_face->read(api->dialect_cfg, &in, &sink);
    FUZZ_CHECK(a->told + a->answered + a->refused == 1, "a request is told, answered or refused");
    FUZZ_CHECK(result == (a->told ? WEIR_OK : WEIR_STOPPED), "read() goes by what it was answered");
    if (!a->told || !translate || !in.json)
        return a->told;
    a->translating = true;
    result = api->dialect_face->translate(api->dialect_cfg, &in, &sink);
    FUZZ_CHECK(result == (a->answered || a->refused ? WEIR_STOPPED : WEIR_OK) ||
                   result == WEIR_NO_MEMORY,
               "what was told can be translated");
    return result == WEIR_OK;
}

/* -- Encoding --------------------------------------------------------------------------------- */

struct sending {
    uint8_t op;
    bool native;
    uint8_t flags; /* FUZZ_FOREIGN, ...; the lower bits choose the model */
    const char *path;
    uint32_t endpoint; /* that what is sent is read at */
};

static weir_result encode(struct asked *a, const struct sending *s, const weir_json *request)
{
    const struct fuzz_api *api = a->target->api;
    const weir_http_sink sink = {
        sizeof(sink), 0, a, on_line, on_header, on_sent, on_dropped, NULL
    };
    weir_target target;
    weir_exchange x;
    size_t models = 0;
    bool stream = (s->flags & FUZZ_STREAM) != 0;

    while (a->target->models[models])
        models++;
    memset(&target, 0, sizeof(target));
    memset(&x, 0, sizeof(x));
    target.struct_size = sizeof(target);
    target.name = WEIR_S("test/m");
    target.provider = WEIR_S("test");
    target.base_url = WEIR_S("https://upstream.test/v1");
    target.model = weir_str_of(a->target->models[(s->flags & 15) % models]);
    target.credential = WEIR_S("KEY");
    target.catalogue = WEIR_S("{\"max_output_tokens\":64000}");
    weir_json_bool(request, weir_json_find(request, 0, "stream"), &stream);
    x.struct_size = sizeof(x);
    x.op = s->op;
    x.stream = stream && s->op == WEIR_OP_CHAT;
    x.native = s->native;
    x.foreign = (s->flags & FUZZ_FOREIGN) != 0;
    x.attempt = 1;
    x.id = WEIR_S("x-1");
    x.dialect =
        weir_str_of(s->native || !(s->flags & FUZZ_OTHER) ? api->dialect_face->id : "other");
    x.unix_us = INT64_C(1700000000) * 1000000;
    x.seed = 42;
    x.arena = a->abi;
    x.request = request;
    x.body = request->bytes;
    x.method = WEIR_S("POST");
    x.path = weir_str_of(s->path);
    x.headers = headers;
    x.header_count = sizeof(headers) / sizeof(headers[0]);
    x.asked_model = WEIR_S("m");
    x.target = &target;
    buf_free(&a->sent);
    memset(&a->sent, 0, sizeof(a->sent));
    a->lines = 0;
    return api->provider_face->encode(api->provider_cfg, &x, &sink);
}

/* What was sent, scanned; false: nothing was sent, or what is too deep for what it is wrapped in.
 */
static bool scan_sent(struct asked *a, weir_result result, weir_json *doc)
{
    weir_str body = weir_str_make(buf_at(&a->sent), buf_len(&a->sent));

    FUZZ_CHECK(result == WEIR_OK || result == WEIR_UNSUPPORTED || result == WEIR_NO_MEMORY ||
                   result == WEIR_TOO_LARGE,
               "a request is encoded, or is not for this API");
    if (result != WEIR_OK || !body.len)
        return false;
    result = jscan_arena(&a->abi, body, doc, NULL);
    FUZZ_CHECK(result != WEIR_INVALID, "what is sent is JSON");
    return result == WEIR_OK;
}

/* The dialect's endpoint for an operation, the first there is; the count if there is none. */
static uint32_t endpoint_for(const struct fuzz_api *api, uint8_t op)
{
    uint32_t i = 0;

    while (i < api->dialect_face->endpoints.count && endpoint_at(api, i)->op != op)
        i++;
    return i;
}

/* A canonical request goes out in words that the dialect of the same API reads. */
static void encode_canonical(struct asked *a, const struct sending *s, const weir_json *canonical)
{
    weir_json doc;
    bool same = !a->target->rereads || a->target->rereads(s->op, canonical);

    if (!weir_json_is_object(canonical, 0) || !scan_sent(a, encode(a, s, canonical), &doc))
        return;
    if (!same || s->endpoint >= a->target->api->dialect_face->endpoints.count)
        return;
    FUZZ_CHECK(read_request(a, s->endpoint, doc.bytes, &doc, false),
               "what is sent is a request of its API");
}

static void from_dialect(struct asked *a, uint32_t endpoint, uint8_t flags, weir_str body)
{
    const weir_endpoint *at = endpoint_at(a->target->api, endpoint);
    struct sending s = { at->op, false, flags, "", endpoint };
    char path[PATH_ROOM];
    weir_json doc, canonical;
    bool json = jscan_arena(&a->abi, body, &doc, NULL) == WEIR_OK;
    uint32_t captures;
    weir_result result;

    path[path_of(at->pattern, path, &captures)] = '\0';
    s.path = path;
    if (flags & FUZZ_OTHER)
        s.endpoint = endpoint_for(a->target->api, at->op);
    if (!read_request(a, endpoint, body, json ? &doc : NULL, true) || !json || !has_json(at->op))
        return;
    result = jscan_arena(&a->abi, weir_str_make(buf_at(&a->canonical), buf_len(&a->canonical)),
                         &canonical, NULL);
    FUZZ_CHECK(result != WEIR_INVALID, "the canonical request is JSON");
    if (result == WEIR_OK)
        encode_canonical(a, &s, &canonical);
    s.native = true;
    scan_sent(a, encode(a, &s, &doc), &doc);
}

void fuzz_request(const struct fuzz_target *target, const uint8_t *data, size_t size)
{
    static const uint8_t ops[] = { WEIR_OP_CHAT, WEIR_OP_EMBED, WEIR_OP_COUNT };
    struct asked a;
    weir_str body;
    weir_json doc;
    char *copy;

    if (size < 2)
        return;
    fuzz_setup(target->api);
    memset(&a, 0, sizeof(a));
    a.target = target;
    a.arena = fuzz_arena_new();
    a.abi = fuzz_arena_abi(a.arena);
    copy = (char *)malloc(size > 2 ? size - 2 : 1); /* so that a byte too far is seen */
    FUZZ_CHECK(copy, "memory");
    memcpy(copy, data + 2, size - 2);
    body = weir_str_make(copy, size - 2);
    if (data[1] & FUZZ_CANONICAL) {
        uint8_t op = ops[data[0] % sizeof(ops)];
        struct sending s = { op, false, data[1], "/", endpoint_for(target->api, op) };

        if (jscan_arena(&a.abi, body, &doc, NULL) == WEIR_OK)
            encode_canonical(&a, &s, &doc);
    } else {
        from_dialect(&a, data[0] % target->api->dialect_face->endpoints.count, data[1], body);
    }
    buf_free(&a.canonical);
    buf_free(&a.sent);
    free(copy);
    fuzz_arena_free(a.arena);
}
