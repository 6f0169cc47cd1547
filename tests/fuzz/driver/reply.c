/*
 * reply.c - what a dialect has written: well-formed, and read again by the provider part of the
 * same API as what it is.
 */
#include "driver.h"

#include "model/framer.h"

#include <stdio.h>

static weir_str reply_of(const struct fuzz_run *r)
{
    return weir_str_make(buf_len(&r->reply) ? buf_at(&r->reply) : "", buf_len(&r->reply));
}

static bool type_is(const struct fuzz_run *r, const char *type)
{
    return weir_str_starts(weir_str_of(r->type), type);
}

/* -- Form ------------------------------------------------------------------------------------- */

/* Server-sent events: lines that a strict reader takes, and in each event JSON or the end mark. */
static void check_sse(weir_str body)
{
    struct framer f;
    struct framer_frame frame;

    framer_init(&f, WEIR_FRAME_SSE);
    while (!f.ended) {
        int64_t n = framer_next(&f, body.ptr, body.len, true, &frame);

        FUZZ_CHECK(n >= 0 && (n > 0 || f.ended), "events can be framed");
        FUZZ_CHECK(!frame.frame.data.len || weir_str_is(frame.frame.data, "[DONE]") ||
                       fuzz_is_json(frame.frame.data),
                   "an event is JSON");
        body = weir_str_skip(body, (size_t)n);
    }
    framer_finish(&f);
}

static void check_lines(weir_str body)
{
    FUZZ_CHECK(!body.len || body.ptr[body.len - 1] == '\n', "the last line is a line");
    while (body.len) {
        weir_str line = weir_str_split(&body, '\n');

        FUZZ_CHECK(line.len && line.ptr[0] == '{' && fuzz_is_json(line), "a line is an object");
    }
}

static void check_form(const struct fuzz_run *r, bool good)
{
    weir_str body = reply_of(r);

    FUZZ_CHECK(r->status, "something is answered");
    FUZZ_CHECK(good || r->status >= 400 || r->streams, "a failure has the status of one");
    if (type_is(r, "text/event-stream"))
        check_sse(body);
    else if (type_is(r, "application/x-ndjson"))
        check_lines(body);
    else if (good || r->status >= 400)
        FUZZ_CHECK(fuzz_is_json(body), "a reply is JSON");
}

/* -- Meaning ---------------------------------------------------------------------------------- */

/* Text of a kind, of the first choice. */
static struct buf text_of(struct fuzz_run *r, uint16_t kind)
{
    const weir_answer *a = gather_answer(&r->told);
    struct buf all = { 0 };

    for (uint32_t i = 0; a && i < a->blocks.count; i++) {
        const weir_block *b = &((const weir_block *)a->blocks.items)[i];
        weir_str text;

        if (b->choice != 0 || b->kind != kind)
            continue;
        text = weir_text_to_utf8(&r->x.arena, b->text);
        if (kind == WEIR_BLOCK_TOOL_CALL)
            text = b->name;
        FUZZ_CHECK(buf_add(&all, text.ptr, text.len), "memory");
    }
    return all;
}

static void check_same(struct fuzz_run *r, struct fuzz_run *again, uint16_t kind, const char *what)
{
    struct buf was = text_of(r, kind), is = text_of(again, kind);

    FUZZ_CHECK(buf_len(&was) == buf_len(&is) &&
                   (!buf_len(&was) || !memcmp(buf_at(&was), buf_at(&is), buf_len(&was))),
               what);
    buf_free(&was);
    buf_free(&is);
}

/* The provider part reads what the dialect of its own API wrote: a whole answer is one, with the
 * same text and calls; and a failure can never be taken for the end of an answer. */
static void check_meaning(struct fuzz_run *r, bool good)
{
    struct fuzz_case what = *r->what;
    struct fuzz_run again;

    what.status = (uint16_t)r->status;
    what.type = r->type;
    fuzz_run_begin(&again, r->api, &what, FUZZ_OWN);
    again.streams = false;
    fuzz_run_body(&again, reply_of(r), 0, !good && r->status < 400);
    FUZZ_CHECK(fuzz_run_complete(&again) == good,
               good ? "a whole answer is read as one" : "a failure is not read as an answer");
    if (good && !r->told.has_document && !r->invented) {
        check_same(r, &again, WEIR_BLOCK_TEXT, "the text is the same");
        check_same(r, &again, WEIR_BLOCK_TOOL_CALL, "the calls are the same");
    }
    fuzz_run_end(&again);
}

void fuzz_reply_check(struct fuzz_run *r, bool good)
{
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "%s, status %u:\n%.*s\n", good ? "whole" : "failed", r->status,
                (int)buf_len(&r->reply), reply_of(r).ptr);
    check_form(r, good);
    if (!r->native && !r->what->unread)
        check_meaning(r, good);
}
