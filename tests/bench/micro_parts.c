/*
 * micro_parts.c - what the parts of an API cost: one event of a stream decoded and written again,
 * and a request passed on.
 *
 *   micro_parts PLUGINS
 */
#include "micro.h"

#include "json/again.h"

#include <weir/sdk/str.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char first[] =
    "{\"id\":\"chatcmpl-9zXk3vT1qLw0Rj5s\",\"object\":\"chat.completion.chunk\","
    "\"created\":1722852000,\"model\":\"bench-model-2024-08-06\",\"system_fingerprint\":null,"
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"
    ",\"logprobs\":null,\"finish_reason\":null}]}";

/* Two that take turns: each differs from the one before in a word, as the events of a stream do. */
#define DELTA(word)                                                                            \
    "{\"id\":\"chatcmpl-9zXk3vT1qLw0Rj5s\",\"object\":\"chat.completion.chunk\","              \
    "\"created\":1722852000,\"model\":\"bench-model-2024-08-06\",\"system_fingerprint\":null," \
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" word "\"},\"logprobs\":null,"        \
    "\"finish_reason\":null}]}"
static const char delta[] = DELTA(" gateway");
static const char delta_2[] = DELTA(" what it\\n");

struct stream {
    const weir_provider_v1 *provider;
    const weir_dialect_v1 *dialect;
    void *provider_cfg, *dialect_cfg;
    void *decoder, *encoder;
    weir_exchange x;
    weir_target target;
    weir_json request;
    struct jscan_tokens tokens;
    struct jagain again;
    weir_str event, next;
    bool decode, encode;
    uint64_t events, bytes;
    char out[1 << 18];
    size_t out_len;
};

static void must(weir_result result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %d\n", what, (int)result);
        exit(1);
    }
}

/* -- Sinks ------------------------------------------------------------------------------------ */

static weir_result reply_head(void *ctx, uint32_t status, const weir_header *headers,
                              uint32_t count)
{
    (void)ctx, (void)status, (void)headers, (void)count;
    return WEIR_OK;
}

static weir_result reply_bytes(void *ctx, weir_str bytes)
{
    struct stream *s = ctx;

    s->out_len = 0;
    memcpy(s->out, bytes.ptr, bytes.len);
    s->bytes += bytes.len;
    return WEIR_OK;
}

static weir_result emit(void *ctx, const weir_event *event)
{
    struct stream *s = ctx;
    const weir_reply_sink sink = { sizeof sink, 0, s, reply_head, reply_bytes };

    s->events++;
    return s->encode ? s->dialect->event(s->dialect_cfg, s->encoder, &s->x, event, &sink) : WEIR_OK;
}

static weir_result http_pair(void *ctx, weir_str a, weir_str b)
{
    (void)ctx, (void)a, (void)b;
    return WEIR_OK;
}

static weir_result http_body(void *ctx, weir_str bytes)
{
    struct stream *s = ctx;

    if (bytes.len > sizeof s->out - s->out_len)
        return WEIR_TOO_LARGE;
    memcpy(s->out + s->out_len, bytes.ptr, bytes.len);
    s->out_len += bytes.len;
    return WEIR_OK;
}

static weir_result http_script(void *ctx, const struct weir_script *script)
{
    (void)ctx, (void)script;
    return WEIR_INTERNAL;
}

/* -- What is timed ---------------------------------------------------------------------------- */

static void one_event(void *ctx)
{
    struct stream *s = ctx;
    const weir_events out = { s, emit };
    weir_json doc;
    weir_frame frame = { sizeof frame, 0, { "", 0 }, s->event, &doc, 0, 0, NULL };
    struct jagain_changes changes;
    weir_str event = s->event;

    must(jagain_scan(&s->again, &s->tokens, event, &doc, &changes), "scan");
    frame.alike = changes.alike;
    frame.changed_count = changes.count;
    frame.changed = changes.token;
    s->event = s->next;
    s->next = event;
    if (s->decode)
        must(s->provider->frame(s->provider_cfg, s->decoder, &s->x, &frame, &out), "frame");
    micro_arena_reset();
}

static void one_request(void *ctx)
{
    struct stream *s = ctx;
    const weir_http_sink sink = { sizeof sink, 0,         s,         http_pair,
                                  http_pair,   http_body, http_pair, http_script };

    s->out_len = 0;
    must(s->provider->encode(s->provider_cfg, &s->x, &sink), "encode");
    micro_arena_reset();
}

/* -- Setting up ------------------------------------------------------------------------------- */

static void configure(struct stream *s, const char *plugins)
{
    static const char provider_options[] =
        "{\"usage_in_stream\":true,\"key_header\":\"authorization\"}";
    weir_error error = { .struct_size = sizeof error };
    weir_json options = micro_scan((weir_str){ provider_options, sizeof provider_options - 1 });
    weir_json none = micro_scan((weir_str){ "{}", 2 });

    s->provider = micro_part(plugins, "openai", WEIR_PART_PROVIDER);
    s->dialect = micro_part(plugins, "openai", WEIR_PART_DIALECT);
    must(s->provider->configure(&micro_host, &options, &s->provider_cfg, &error), "configure");
    must(s->dialect->configure(&micro_host, &none, &s->dialect_cfg, &error), "configure");
}

static void exchange(struct stream *s)
{
    s->target = (weir_target){ .struct_size = sizeof s->target,
                               .name = WEIR_S("main/model"),
                               .provider = WEIR_S("main"),
                               .base_url = WEIR_S("http://127.0.0.1/v1"),
                               .model = WEIR_S("model"),
                               .credential = WEIR_S("key"),
                               .catalogue = WEIR_S("") };
    s->x = (weir_exchange){ .struct_size = sizeof s->x,
                            .op = WEIR_OP_CHAT,
                            .stream = 1,
                            .attempt = 1,
                            .id = WEIR_S("x-1"),
                            .dialect = WEIR_S("openai.chat"),
                            .unix_us = INT64_C(1722852000) * 1000000,
                            .seed = 42,
                            .arena = micro_arena,
                            .keep = micro_arena,
                            .request = &s->request,
                            .target = &s->target };
    s->decoder = calloc(1, s->provider->decoder_size);
    s->encoder = calloc(1, s->dialect->encoder_size + 1);
}

static void events(struct stream *s)
{
    static const weir_header type = { { "content-type", 12 }, { "text/event-stream", 17 } };
    weir_response_head head = { sizeof head, 200, &type, 1, 0 };
    const weir_events out = { s, emit };

    s->decode = s->encode = true;
    must(s->provider->head(s->provider_cfg, s->decoder, &s->x, &head, &out), "head");
    s->event = (weir_str){ first, sizeof first - 1 };
    one_event(s);
    s->event = (weir_str){ delta, sizeof delta - 1 };
    s->next = (weir_str){ delta_2, sizeof delta_2 - 1 };

    double both = micro_ns(one_event, s);

    if (s->bytes < s->events / 2 * 100) {
        fprintf(stderr, "%llu events became %llu bytes\n", (unsigned long long)s->events,
                (unsigned long long)s->bytes);
        exit(1);
    }
    s->encode = false;

    double decode = micro_ns(one_event, s);

    s->decode = false;

    double scan = micro_ns(one_event, s);

    micro_report("stream event: scan, decode, encode", both, "ns");
    micro_report("stream event: scan, decode", decode, "ns");
    micro_report("stream event: scan", scan, "ns");
}

static char *conversation(size_t size)
{
    static const char turn[] = ",{\"role\":\"user\",\"content\":\"The quick brown fox jumps over "
                               "the lazy dog, and the gateway carries \\\"what\\\" it said.\"}";
    char *text = malloc(size + 1024);
    char *p = text;

    if (!text)
        abort();
    p += sprintf(p, "{\"model\":\"main\",\"messages\":[{\"role\":\"system\",\"content\":\"\"}");
    while ((size_t)(p - text) < size)
        p = stpcpy(p, turn);
    strcpy(p, "],\"temperature\":0.7}");
    return text;
}

static void requests(struct stream *s)
{
    char *body = conversation(57000);

    micro_arena_reset();
    s->request = micro_scan((weir_str){ body, strlen(body) });
    micro_arena_keep();
    s->x.body = s->request.bytes;
    s->x.stream = 0;
    s->x.native = 1;
    micro_report("request of 57 KB: encode and copy, native",
                 (double)s->request.bytes.len / micro_ns(one_request, s) * 1000, "MB/s");
    s->x.native = 0;
    micro_report("request of 57 KB: encode and copy, canonical",
                 (double)s->request.bytes.len / micro_ns(one_request, s) * 1000, "MB/s");
    free(body);
}

int main(int argc, char **argv)
{
    static struct stream s;

    if (argc != 2)
        return 2;
    jscan_tokens_init(&s.tokens);
    configure(&s, argv[1]);
    exchange(&s);
    events(&s);
    requests(&s);
    return 0;
}
