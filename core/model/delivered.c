/*
 * delivered.c - what of an answer has reached the application; see splice.h.
 */
#include "base/str.h"
#include "model/splice.h"

#include <weir/sdk/text.h>

void delivered_init(struct delivered *d, size_t limit)
{
    *d = (struct delivered){ .limit = limit, .highest = -1 };
}

void delivered_free(struct delivered *d)
{
    for (uint32_t i = 0; i < d->count; i++) {
        g_free(d->blocks[i].id);
        g_free(d->blocks[i].name);
        g_string_free(d->blocks[i].text, TRUE);
    }
    g_free(d->blocks);
    g_free(d->id);
    g_free(d->model);
    d->blocks = NULL;
    d->id = d->model = NULL;
    d->count = 0;
}

/* The block begun last under that number. */
static struct delivered_block *find(const struct delivered *d, int32_t number)
{
    for (uint32_t i = d->count; i > 0; i--) {
        if (d->blocks[i - 1].number == number)
            return &d->blocks[i - 1];
    }
    return NULL;
}

static char *keep(weir_str s)
{
    return s.len ? g_strndup(s.ptr, s.len) : NULL;
}

static bool comparable(const weir_event *event)
{
    return event->choice == 0 &&
           (event->kind == WEIR_BLOCK_TEXT || event->kind == WEIR_BLOCK_REFUSAL ||
            event->kind == WEIR_BLOCK_TOOL_CALL || event->kind == WEIR_BLOCK_REASONING);
}

static void begin(struct delivered *d, const weir_event *event)
{
    if (!comparable(event) || d->count == DELIVERED_MAX_BLOCKS) {
        d->lost = true;
        return;
    }
    if ((d->count & (d->count - 1)) == 0) /* room doubles */
        d->blocks = g_renew(struct delivered_block, d->blocks, d->count ? d->count * 2 : 1);
    d->blocks[d->count++] = (struct delivered_block){
        .number = event->block,
        .kind = event->kind,
        .open = true,
        .id = keep(event->id),
        .name = event->kind == WEIR_BLOCK_TOOL_CALL ? g_strndup(event->name.ptr, event->name.len)
                                                    : NULL,
        .text = g_string_new(NULL),
    };
    if (event->block > d->highest)
        d->highest = event->block;
}

static void add(struct delivered *d, const weir_event *event)
{
    struct delivered_block *b = find(d, event->block);
    size_t most = event->text.len, had;

    if (!b || !comparable(event)) {
        d->lost = true;
        return;
    }
    if (!most)
        return;
    if (d->held + most > d->limit) {
        d->lost = true;
        return;
    }
    had = b->text->len;
    if (event->text.form == WEIR_FORM_UTF8) {
        g_string_append_len(b->text, event->text.ptr, (gssize)most);
    } else {
        g_string_set_size(b->text, had + most);
        most = weir_text_decode(event->text, b->text->str + had, most);
        g_string_truncate(b->text, had + most);
    }
    d->held += most;
    b->deltas++;
}

void delivered_event(struct delivered *d, const weir_event *event)
{
    struct delivered_block *b;

    d->events++;
    if (d->lost)
        return;
    switch (event->type) {
    case WEIR_EVENT_START:
        if (!d->id && !d->model) {
            d->id = keep(event->id);
            d->model = keep(event->name);
        }
        break;
    case WEIR_EVENT_BLOCK_START:
        begin(d, event);
        break;
    case WEIR_EVENT_DELTA:
        add(d, event);
        break;
    case WEIR_EVENT_BLOCK_END:
        b = find(d, event->block);
        if (b)
            b->open = false;
        break;
    case WEIR_EVENT_FINISH:
        d->finished = true;
        break;
    case WEIR_EVENT_DOCUMENT:
        d->lost = true;
        break;
    default:
        break;
    }
}

bool delivered_open(const struct delivered *d)
{
    return !d->lost && !d->finished;
}

bool delivered_has_text(const struct delivered *d)
{
    for (uint32_t i = 0; i < d->count; i++) {
        if (d->blocks[i].kind == WEIR_BLOCK_TEXT && d->blocks[i].text->len)
            return true;
    }
    return false;
}

bool delivered_is_text(const struct delivered *d)
{
    for (uint32_t i = 0; i < d->count; i++) {
        if (d->blocks[i].kind != WEIR_BLOCK_TEXT && d->blocks[i].kind != WEIR_BLOCK_REASONING)
            return false;
    }
    return true;
}

GString *delivered_text(const struct delivered *d)
{
    GString *text = g_string_new(NULL);

    for (uint32_t i = 0; i < d->count; i++) {
        if (d->blocks[i].kind == WEIR_BLOCK_TEXT)
            g_string_append_len(text, d->blocks[i].text->str, (gssize)d->blocks[i].text->len);
    }
    return text;
}

/* -- once more -------------------------------------------------------------------------------- */

static weir_result tell(const weir_events *to, const struct delivered_block *b, uint16_t type,
                        weir_str text)
{
    const weir_event event = {
        .struct_size = sizeof(event),
        .type = type,
        .kind = b->kind,
        .block = b->number,
        .text = weir_text_from(text),
        .id = type == WEIR_EVENT_BLOCK_START ? str_of(b->id ? b->id : "") : S(""),
        .name = type == WEIR_EVENT_BLOCK_START ? str_of(b->name ? b->name : "") : S(""),
    };

    return to->emit(to->ctx, &event);
}

/* Where the piece that begins at `from` ends, of `left` pieces for the rest. */
static size_t piece_end(const GString *text, size_t from, uint32_t left)
{
    size_t to = from + (text->len - from) / left;

    while (to < text->len && weir_utf8_is_tail((unsigned char)text->str[to]))
        to++;
    return to;
}

static weir_result replay_block(const struct delivered_block *b, const weir_events *to)
{
    weir_result r = tell(to, b, WEIR_EVENT_BLOCK_START, S(""));
    size_t at = 0;

    for (uint32_t left = b->deltas; r >= 0 && left > 0; left--) {
        size_t end = piece_end(b->text, at, left);

        if (end > at)
            r = tell(to, b, WEIR_EVENT_DELTA, (weir_str){ b->text->str + at, end - at });
        at = end;
    }
    if (r >= 0 && !b->open)
        r = tell(to, b, WEIR_EVENT_BLOCK_END, S(""));
    return r;
}

weir_result delivered_replay(const struct delivered *d, const weir_events *to)
{
    const weir_event start = {
        .struct_size = sizeof(start),
        .type = WEIR_EVENT_START,
        .id = str_of(d->id ? d->id : ""),
        .name = str_of(d->model ? d->model : ""),
    };
    weir_result r = to->emit(to->ctx, &start);

    for (uint32_t i = 0; r >= 0 && i < d->count; i++)
        r = replay_block(&d->blocks[i], to);
    return r;
}
