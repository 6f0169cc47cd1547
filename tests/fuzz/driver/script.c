/*
 * script.c - events that no decoder of this plugin made: other vendors' decoders, filters and
 * plugins of strangers tell dialects what they like, and the core brings no more than order into
 * it; see driver.h.
 *
 * Behind the two bytes that every answer begins with, each event is a byte that says which it is
 * (bits 0 to 2) and where it belongs (bit 3: the choice, bits 4 and 5: the block), and, as the
 * event needs it, a kind, a text, an extra, a reason. A text is a byte for its length (the highest
 * bit: JSON-escaped) and its bytes. What is missing at the end is 0.
 */
#include "driver.h"

#include <weir/sdk/utf8.h>
#include <weir/sdk/write.h>

struct script {
    struct fuzz_run *run;
    weir_str rest;
};

static uint8_t next_byte(struct script *s)
{
    uint8_t b = s->rest.len ? (uint8_t)*s->rest.ptr : 0;

    s->rest = weir_str_skip(s->rest, 1);
    return b;
}

/* A copy of the next bytes with what is no UTF-8 replaced. */
static weir_str next_plain(struct script *s, size_t len)
{
    char *copy = (char *)s->run->x.arena.alloc(s->run->x.arena.owner, len + 1);

    FUZZ_CHECK(copy, "memory");
    len = len < s->rest.len ? len : s->rest.len;
    for (size_t i = 0; i < len;) {
        size_t n = weir_utf8_length(s->rest.ptr + i, len - i);

        if (n)
            memcpy(copy + i, s->rest.ptr + i, n);
        else
            copy[i] = '?';
        i += n ? n : 1;
    }
    s->rest = weir_str_skip(s->rest, len);
    return weir_str_make(copy, len);
}

static weir_text next_text(struct script *s)
{
    uint8_t how = next_byte(s);
    weir_str plain = next_plain(s, how & 127);
    weir_text text = weir_text_from(plain);
    weir_writer w;

    if (!(how & 128))
        return text;
    weir_writer_init(&w, &s->run->x.arena, 0);
    weir_write_string(&w, plain);
    FUZZ_CHECK(weir_writer_finish(&w, &plain) == WEIR_OK, "memory");
    text.ptr = plain.ptr + 1;
    text.len = plain.len - 2;
    text.form = WEIR_FORM_JSON;
    return text;
}

/* Extras that mean something to some dialect, or what the input has. */
static weir_str next_extra(struct script *s)
{
    static const char *const known[] = {
        "\"signature\":\"c2ln\"",
        "\"type\":\"custom\"",
        "\"thought_signature\":\"c2ln\"",
        "\"encrypted_content\":\"ZW5j\",\"item_id\":\"rs_1\"",
        "\"redacted_data\":\"cmVk\"",
        "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97]}]}",
        ("\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"https://a.test/"
         "\","
         "\"title\":\"A\",\"start_index\":0,\"end_index\":1}}]"),
        "\"citations\":[{\"type\":\"char_location\",\"cited_text\":\"a\",\"document_index\":0}]",
        "\"created\":1700000000,\"system_fingerprint\":\"fp\"",
        "\"anthropic\":{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"t\",\"content\":[]}",
        "\"gemini\":{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}}",
        "\"openai\":{\"type\":\"web_search_call\",\"id\":\"ws_1\",\"status\":\"completed\"}",
        "\"media_type\":\"image/png\",\"mime_type\":\"image/png\"",
        "\"total_duration\":5,\"load_duration\":1",
        "\"stop_sequence\":\"x\"",
    };
    uint8_t which = next_byte(s);
    weir_str members;

    if (which & 128) {
        members = next_plain(s, which & 127);
        return fuzz_is_members(members) ? members : weir_str_make("", 0);
    }
    which &= 31;
    if (which == 0 || which > sizeof(known) / sizeof(known[0]))
        return weir_str_make("", 0);
    return weir_str_of(known[which - 1]);
}

static weir_usage next_usage(struct script *s)
{
    weir_usage u = weir_usage_unknown();
    uint8_t which = next_byte(s);

    if (which & 1)
        u.input_total = next_byte(s);
    if (which & 2)
        u.input_cache_read = u.input_total < 0 ? 0 : u.input_total / 2;
    if (which & 4)
        u.input_cache_write = u.input_total < 0 ? 0 : u.input_total / 4;
    if (which & 8)
        u.output_total = next_byte(s);
    if (which & 16)
        u.output_reasoning = u.output_total < 0 ? 0 : u.output_total / 2;
    if (which & 32)
        u.output_total = INT64_MAX;
    return u;
}

/* An event, and false if it was the last. */
static bool next_event(struct script *s)
{
    static const uint16_t types[] = { WEIR_EVENT_DELTA,     WEIR_EVENT_BLOCK_START,
                                      WEIR_EVENT_BLOCK_END, WEIR_EVENT_FINISH,
                                      WEIR_EVENT_USAGE,     WEIR_EVENT_START,
                                      WEIR_EVENT_DELTA,     WEIR_EVENT_BLOCK_START };
    static const char *const ids[] = { "call_1", "call_2", "call_3", "call_4",
                                       "call_5", "call_6", "call_7", "call_8" };
    uint8_t first = next_byte(s);
    weir_event e = weir_event_make(types[first & 7]);
    weir_usage usage;

    if (e.type != WEIR_EVENT_USAGE && e.type != WEIR_EVENT_START) {
        e.choice = s->run->what->single ? 0 : first >> 3 & 1;
        e.block = first >> 4 & 3;
        if (s->run->ended[e.choice])
            return true; /* what comes too late never gets past the core */
    }
    switch (e.type) {
    case WEIR_EVENT_BLOCK_START:
        e.kind = (uint16_t)(next_byte(s) % WEIR_BLOCK_OPAQUE + 1);
        e.extra = next_extra(s);
        if (e.kind == WEIR_BLOCK_TOOL_CALL) {
            e.id = weir_str_of(ids[first >> 3 & 7]);
            e.name = next_plain(s, next_byte(s) & 15);
            e.name = e.name.len ? e.name : WEIR_S("f");
        }
        break;
    case WEIR_EVENT_DELTA:
        e.kind = (uint16_t)(next_byte(s) % WEIR_BLOCK_OPAQUE + 1);
        e.text = next_text(s);
        e.extra = next_extra(s);
        break;
    case WEIR_EVENT_BLOCK_END:
        e.kind = (uint16_t)(next_byte(s) % WEIR_BLOCK_OPAQUE + 1);
        e.extra = next_extra(s);
        break;
    case WEIR_EVENT_FINISH:
        e.reason = next_byte(s) % (WEIR_FINISH_PAUSE + 1);
        e.name = next_plain(s, next_byte(s) & 15);
        e.extra = next_extra(s);
        break;
    case WEIR_EVENT_START:
        e.id = next_plain(s, next_byte(s) & 63);
        e.name = next_plain(s, next_byte(s) & 15);
        e.extra = next_extra(s);
        break;
    default:
        usage = next_usage(s);
        e.usage = &usage;
        break;
    }
    return fuzz_run_event(s->run, &e) >= 0;
}

void fuzz_events(struct fuzz_api *api, const struct fuzz_case *cases, size_t count,
                 const uint8_t *data, size_t size)
{
    struct fuzz_run r;
    struct script s;

    if (size < 2)
        return;
    fuzz_setup(api);
    fuzz_run_begin(&r, api, &cases[data[0] % count], data[1] & (FUZZ_ASKED_USAGE | FUZZ_OWN));
    r.invented = true;
    s.run = &r;
    s.rest = weir_str_make((const char *)data + 2, size - 2);
    while (s.rest.len && next_event(&s))
        continue;
    fuzz_run_close(&r);
    fuzz_run_end(&r);
}
