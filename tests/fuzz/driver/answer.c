/*
 * answer.c - an answer on its way: frames to the decoder, its events in order to the dialect, as
 * core/engine does it; see driver.h.
 */
#include "driver.h"

#include "json/again.h"
#include "model/framer.h"

/* What a stream may hold back, as in a configuration that sets nothing. */
enum { HOLD_BYTES = 8 << 20, CORE_BYTES = 256 << 20, PIECES_MAX = 500 };

/* -- Events: what any decoder must keep to ---------------------------------------------------- */

static bool has_ended(const struct fuzz_run *r)
{
    for (int i = 0; i < ORDER_MAX_CHOICES; i++) {
        if (r->ended[i])
            return true;
    }
    return false;
}

static void check_usage(const weir_usage *u)
{
    const int64_t counts[] = { u->input_total,       u->input_uncached,       u->input_cache_read,
                               u->input_cache_write, u->input_cache_write_1h, u->input_audio,
                               u->input_image,       u->output_total,         u->output_text,
                               u->output_reasoning,  u->output_audio,         u->output_image };

    FUZZ_CHECK(u->struct_size >= sizeof(*u), "usage has a size");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        FUZZ_CHECK(counts[i] >= -1, "a count is right or absent");
}

static void check_block(const struct fuzz_run *r, const weir_event *e)
{
    FUZZ_CHECK(e->choice >= 0 && e->block >= 0, "blocks are counted from 0");
    FUZZ_CHECK(e->kind >= WEIR_BLOCK_TEXT && e->kind <= WEIR_BLOCK_OPAQUE, "a block has a kind");
    if (e->choice < ORDER_MAX_CHOICES)
        FUZZ_CHECK(!r->ended[e->choice], "nothing comes behind the end of a choice");
    if (e->type == WEIR_EVENT_BLOCK_START && e->kind == WEIR_BLOCK_TOOL_CALL)
        FUZZ_CHECK(e->id.len && e->name.len, "a call has an id and a name");
}

static void check_finish(struct fuzz_run *r, const weir_event *e)
{
    FUZZ_CHECK(!r->cut, "what was cut off has no end");
    FUZZ_CHECK(e->reason <= WEIR_FINISH_PAUSE, "the end has a reason of the list");
    FUZZ_CHECK(e->choice >= 0, "choices are counted from 0");
    if (e->choice >= ORDER_MAX_CHOICES)
        return;
    FUZZ_CHECK(!r->ended[e->choice], "a choice ends once");
    r->ended[e->choice] = true;
}

static void check_raw(struct fuzz_run *r, const weir_event *e)
{
    FUZZ_CHECK(!r->failed, "nothing comes behind an error");
    FUZZ_CHECK(fuzz_is_members(e->extra), "an extra is members of an object");
    FUZZ_CHECK(fuzz_is_text(e->text), "a text is of its form");
    switch (e->type) {
    case WEIR_EVENT_BLOCK_START:
    case WEIR_EVENT_DELTA:
    case WEIR_EVENT_BLOCK_END:
        check_block(r, e);
        break;
    case WEIR_EVENT_FINISH:
        check_finish(r, e);
        break;
    case WEIR_EVENT_DOCUMENT:
        FUZZ_CHECK(!r->cut && !has_ended(r), "a document is all there is");
        FUZZ_CHECK(fuzz_is_json(weir_str_make(e->text.ptr, e->text.len)), "a document is JSON");
        break;
    case WEIR_EVENT_USAGE:
        check_usage(e->usage);
        break;
    case WEIR_EVENT_ERROR:
        FUZZ_CHECK(e->failure->class_id && e->failure->message.len, "an error says what it is");
        break;
    case WEIR_EVENT_OWNED:
        FUZZ_CHECK(e->text.len, "what is owned is something");
        break;
    default:
        break;
    }
}

/* -- To the dialect --------------------------------------------------------------------------- */

static weir_result on_head(void *ctx, uint32_t status, const weir_header *headers, uint32_t count)
{
    struct fuzz_run *r = (struct fuzz_run *)ctx;
    weir_str type = weir_header_find(headers, count, "content-type");

    FUZZ_CHECK(!r->status, "a head is written once");
    FUZZ_CHECK(status >= 200 && status < 600, "the status is one");
    FUZZ_CHECK(type.len && type.len < sizeof(r->type), "a reply says what it is");
    r->status = status;
    memcpy(r->type, type.ptr, type.len);
    return WEIR_OK;
}

static weir_result on_bytes(void *ctx, weir_str bytes)
{
    struct fuzz_run *r = (struct fuzz_run *)ctx;

    FUZZ_CHECK(r->status, "the head comes first");
    return buf_add(&r->reply, bytes.ptr, bytes.len) ? WEIR_OK : WEIR_NO_MEMORY;
}

static weir_reply_sink sink_for(struct fuzz_run *r)
{
    weir_reply_sink sink = { sizeof(sink), 0, r, on_head, on_bytes };

    return sink;
}

/* State holds no pointers: it may lie elsewhere each time. */
static void *move_state(void *state, size_t size)
{
    char *moved = (char *)malloc(size ? size : 1);

    FUZZ_CHECK(moved, "memory");
    memcpy(moved, state, size);
    free(state);
    return moved;
}

static weir_result give_event(void *ctx, const weir_event *event)
{
    struct fuzz_run *r = (struct fuzz_run *)ctx;
    const weir_dialect_v1 *face = r->api->dialect_face;
    weir_reply_sink sink = sink_for(r);
    weir_event told = *event;
    const weir_block *b;
    weir_result result = gather_event(&r->written, event);

    if (result < 0)
        return result;
    b = gather_block(&r->written, event->choice, event->block);
    if (event->type == WEIR_EVENT_BLOCK_END && b && face->flags & WEIR_DIALECT_GATHERED) {
        told.text = b->text;
        told.id = b->id;
        told.name = b->name;
        told.extra = b->extra;
    }
    r->encoder = move_state(r->encoder, face->encoder_size);
    result = face->event(r->api->dialect_cfg, r->encoder, &r->x, &told, &sink);
    FUZZ_CHECK(result == WEIR_OK || result == WEIR_NO_MEMORY || result == WEIR_TOO_LARGE ||
                   (result == WEIR_PROTOCOL &&
                    (event->type == WEIR_EVENT_FINISH || event->type == WEIR_EVENT_BLOCK_START)),
               "a dialect writes whatever comes in order");
    return result;
}

static weir_result on_ordered(void *ctx, const weir_event *event)
{
    struct fuzz_run *r = (struct fuzz_run *)ctx;
    const weir_events next = { r, give_event };
    weir_result result = gather_event(&r->told, event);

    if (result >= 0 && r->streams && event->type != WEIR_EVENT_DOCUMENT)
        result = r->sequence ? sequence_event(r->sequence, event, &next) : give_event(r, event);
    if (result < 0)
        r->refused = true;
    return result;
}

weir_result fuzz_run_event(void *ctx, const weir_event *event)
{
    struct fuzz_run *r = (struct fuzz_run *)ctx;
    const weir_events next = { r, on_ordered };
    weir_result result;

    check_raw(r, event);
    switch (event->type) {
    case WEIR_EVENT_ERROR:
        r->failed = r->order.failed = true;
        return WEIR_OK;
    case WEIR_EVENT_RATE:
    case WEIR_EVENT_WARNING:
    case WEIR_EVENT_CREDENTIAL:
    case WEIR_EVENT_OWNED:
        return WEIR_OK;
    default:
        break;
    }
    result = order_event(&r->order, event, &next);
    if (result < 0 && !r->refused)
        r->misplaced = true;
    return result;
}

/* -- From the vendor -------------------------------------------------------------------------- */

/* A frame as the decoder is given it: in memory that is gone behind the call. */
static weir_result decode(struct fuzz_run *r, const weir_frame *frame)
{
    const weir_events out = { r, fuzz_run_event };
    struct fuzz_arena *scratch = fuzz_arena_new();
    weir_arena kept = r->x.arena;
    weir_result result;

    r->cut = (frame->flags & WEIR_FRAME_CUT) != 0;
    r->decoder = move_state(r->decoder, r->api->provider_face->decoder_size);
    r->x.arena = fuzz_arena_abi(scratch);
    result = r->api->provider_face->frame(r->api->provider_cfg, r->decoder, &r->x, frame, &out);
    r->x.arena = kept;
    FUZZ_CHECK(result == WEIR_RELAY || result == WEIR_HIDE || result == WEIR_NO_MEMORY ||
                   result == WEIR_TOO_LARGE || result == WEIR_PROTOCOL || r->refused ||
                   r->misplaced,
               "a frame is shown, hidden or refused");
    fuzz_arena_free(scratch);
    return result;
}

struct scanner {
    struct jagain last;
    struct jscan_tokens tokens;
};

static bool looks_like_json(weir_str data)
{
    return data.len && data.ptr[0] == '{';
}

static void take_frame(struct fuzz_run *r, struct scanner *s, unsigned framing, weir_frame *frame)
{
    bool whole = framing == WEIR_FRAME_WHOLE;
    struct jagain_changes changes;
    weir_result result = WEIR_INVALID;
    weir_json doc;

    changes.alike = false;
    if (framing != WEIR_FRAME_RAW && frame->data.len && (whole || looks_like_json(frame->data)))
        result = whole ? jscan(&s->tokens, frame->data, &doc, NULL)
                       : jagain_scan(&s->last, &s->tokens, frame->data, &doc, &changes);
    if (result == WEIR_OK)
        frame->json = &doc;
    else if (framing != WEIR_FRAME_RAW && looks_like_json(frame->data))
        frame->flags |= WEIR_FRAME_BAD_JSON;
    if (changes.alike) {
        frame->alike = 1;
        frame->changed_count = changes.count;
        frame->changed = changes.token;
    }
    result = decode(r, frame);
    r->over = result < 0 || r->misplaced || r->refused || r->failed || r->order.cut_short ||
              (frame->flags & WEIR_FRAME_BAD_JSON && framing != WEIR_FRAME_RAW);
}

/* Takes the frames there are in the first `len` bytes of what is left. */
static void take_frames(struct fuzz_run *r, struct scanner *s, struct framer *f, weir_str *left,
                        size_t len, bool end)
{
    while (!f->ended && !r->over) {
        struct framer_frame frame;
        char *bytes = (char *)malloc(len ? len : 1);
        int64_t n;

        FUZZ_CHECK(bytes, "memory");
        if (len)
            memcpy(bytes, left->ptr, len);
        n = framer_next(f, bytes, len, end, &frame);
        r->over = n < 0;
        if (n > 0 || f->ended)
            take_frame(r, s, f->framing, &frame.frame);
        free(bytes);
        if (n <= 0)
            return;
        left->ptr += n;
        left->len -= (size_t)n;
        len -= (size_t)n;
    }
}

void fuzz_run_body(struct fuzz_run *r, weir_str body, size_t step, bool cut)
{
    const weir_header header = { WEIR_S("content-type"), weir_str_of(r->what->type) };
    const weir_response_head head = { sizeof(head), r->what->status, &header,
                                      r->what->type[0] ? 1u : 0u, 0 };
    const weir_events out = { r, fuzz_run_event };
    weir_frame broken = { .struct_size = sizeof(broken), .flags = WEIR_FRAME_CUT };
    struct scanner s = { 0 };
    size_t seen = 0;
    struct framer f;
    weir_result framing;

    framing = r->api->provider_face->head(r->api->provider_cfg, r->decoder, &r->x, &head, &out);
    FUZZ_CHECK(framing >= WEIR_FRAME_WHOLE && framing <= WEIR_FRAME_RAW, "a body has a framing");
    framer_init(&f, (unsigned)framing);
    if (step && body.len / step > PIECES_MAX) /* or a large body takes all the time */
        step = body.len / PIECES_MAX;
    do {
        seen = !step || body.len - seen < step ? body.len : seen + step;
        take_frames(r, &s, &f, &body, seen, seen == body.len && !cut);
        seen = body.len < seen ? body.len : seen;
    } while (seen < body.len && !r->over && !f.ended);
    if (cut && !r->over && !order_complete(&r->order))
        decode(r, &broken);
    framer_finish(&f);
    jagain_finish(&s.last);
    jscan_tokens_finish(&s.tokens);
}

bool fuzz_run_complete(const struct fuzz_run *r)
{
    return !r->over && !r->failed && !r->refused && !r->misplaced && order_complete(&r->order);
}

/* -- Ends ------------------------------------------------------------------------------------- */

/* Whether what the dialect has written so far has gone out. */
static bool is_committed(const struct fuzz_run *r)
{
    return r->streams && (r->sequence ? r->sequence->content : r->order.content);
}

static weir_result close_well(struct fuzz_run *r)
{
    const weir_dialect_v1 *face = r->api->dialect_face;
    weir_event event = weir_event_make(WEIR_EVENT_DOCUMENT);
    weir_reply_sink sink = sink_for(r);

    if (r->told.has_document) {
        event.text = weir_text_from(r->told.document);
        event.usage = &r->told.usage;
        return face->event(r->api->dialect_cfg, r->encoder, &r->x, &event, &sink);
    }
    if (!r->streams)
        return face->answer(r->api->dialect_cfg, &r->x, gather_answer(&r->told), &sink);
    if (face->flags & WEIR_DIALECT_GATHERED)
        r->x.answer = gather_answer(&r->written);
    return face->end ? face->end(r->api->dialect_cfg, r->encoder, &r->x, &sink) : WEIR_OK;
}

static void close_badly(struct fuzz_run *r)
{
    const weir_failure f =
        weir_failure_make(WEIR_CLASS_PROTOCOL, 200, WEIR_S("it broke \"off\"\n"));
    weir_reply_sink sink = sink_for(r);
    bool begun = is_committed(r);

    if (!begun) {
        r->status = 0;
        memset(r->type, 0, sizeof(r->type));
        buf_free(&r->reply);
        memset(&r->reply, 0, sizeof(r->reply));
    }
    FUZZ_CHECK(r->api->dialect_face->failure(r->api->dialect_cfg, begun ? r->encoder : NULL, &r->x,
                                             &f, &sink) == WEIR_OK,
               "a failure can be told");
}

void fuzz_run_close(struct fuzz_run *r)
{
    bool good = fuzz_run_complete(r);
    weir_result result = WEIR_OK;

    r->encoder = move_state(r->encoder, r->api->dialect_face->encoder_size);
    if (good)
        result = close_well(r);
    FUZZ_CHECK(result == WEIR_OK || result == WEIR_NO_MEMORY || result == WEIR_TOO_LARGE ||
                   (result == WEIR_PROTOCOL && !r->streams),
               "a dialect writes the end");
    if (!good || result < 0)
        close_badly(r);
    fuzz_reply_check(r, good && result >= 0);
}

/* -- One run ---------------------------------------------------------------------------------- */

void fuzz_run_begin(struct fuzz_run *r, struct fuzz_api *api, const struct fuzz_case *what,
                    uint8_t flags)
{
    uint32_t wants =
        api->dialect_face->flags & (WEIR_DIALECT_SEQUENTIAL | WEIR_DIALECT_WHOLE_CALLS);

    memset(r, 0, sizeof(*r));
    r->api = api;
    r->what = what;
    r->arena = fuzz_arena_new();
    arena_init(&r->core, CORE_BYTES);
    r->x.struct_size = sizeof(r->x);
    r->x.op = what->op;
    r->x.stream = what->stream;
    r->x.native = (flags & FUZZ_NATIVE) != 0;
    r->x.attempt = 1;
    r->x.id = WEIR_S("x-1");
    r->x.dialect = weir_str_of(flags & (FUZZ_OWN | FUZZ_NATIVE) ? api->dialect_face->id : "other");
    r->x.unix_us = INT64_C(1700000000) * 1000000;
    r->x.seed = 42;
    r->x.arena = r->x.keep = r->order.memory = fuzz_arena_abi(r->arena);
    r->request = (weir_json){ { "", 0 }, NULL, 0 };
    if (what->op == WEIR_OP_CHAT || what->op == WEIR_OP_COUNT || what->op == WEIR_OP_EMBED)
        FUZZ_CHECK(jscan_arena(&r->x.arena, weir_str_of(what->request ? what->request : "{}"),
                               &r->request, NULL) == WEIR_OK,
                   "the case's request is JSON");
    r->x.request = &r->request;
    r->x.method = WEIR_S("POST");
    r->x.path = weir_str_of(what->path ? what->path : "/");
    r->x.asked_usage = (flags & FUZZ_ASKED_USAGE) != 0;
    r->x.target = &r->target;
    r->target.struct_size = sizeof(r->target);
    r->target.name = WEIR_S("test/m");
    r->target.provider = WEIR_S("test");
    r->target.base_url = WEIR_S("https://upstream.test/v1");
    r->target.model = WEIR_S("m");
    r->target.credential = WEIR_S("KEY");
    r->streams = what->stream && what->op == WEIR_OP_CHAT;
    r->native = r->x.native;
    r->decoder = calloc(1, api->provider_face->decoder_size);
    r->encoder = calloc(1, api->dialect_face->encoder_size);
    FUZZ_CHECK(r->decoder && r->encoder, "memory");
    gather_init(&r->told, &r->core);
    gather_init(&r->written, &r->core);
    if (!wants)
        return;
    r->sequence = (struct sequence *)malloc(sizeof(*r->sequence));
    FUZZ_CHECK(r->sequence, "memory");
    sequence_init(r->sequence, wants, HOLD_BYTES);
}

void fuzz_run_end(struct fuzz_run *r)
{
    if (r->sequence)
        sequence_clear(r->sequence);
    free(r->sequence);
    free(r->decoder);
    free(r->encoder);
    buf_free(&r->reply);
    arena_reset(&r->core);
    fuzz_arena_free(r->arena);
}

void fuzz_answer(struct fuzz_api *api, const struct fuzz_case *cases, size_t count,
                 const uint8_t *data, size_t size)
{
    static const size_t steps[] = {
        0, 1, 2, 3, 4, 7, 11, 16, 31, 64, 100, 128, 255, 512, 999, 4096
    };
    struct fuzz_run r;

    if (size < 2)
        return;
    fuzz_setup(api);
    fuzz_run_begin(&r, api, &cases[data[0] % count], data[1] & 0xF0);
    /* What passes through is not written, but for a failure. */
    r.streams = r.streams && !r.native;
    fuzz_run_body(&r, weir_str_make((const char *)data + 2, size - 2), steps[data[1] & 15],
                  (data[1] & FUZZ_CUT) != 0);
    /* Of what is forwarded no event is written. */
    if (r.what->op != WEIR_OP_FORWARD && (!r.native || !fuzz_run_complete(&r)))
        fuzz_run_close(&r);
    fuzz_run_end(&r);
}
