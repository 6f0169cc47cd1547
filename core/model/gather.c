/*
 * gather.c - see gather.h.
 */
#include "model/gather.h"
#include "base/str.h"
#include "model/failure.h"

#include <stdlib.h>

struct gather_block {
    struct gather_block *next;
    weir_block block;
    int32_t number; /* the emitter's */
    bool ended;     /* the number may be another's from now on */
    size_t cap, extra_cap;
};

struct gather_choice {
    struct gather_choice *next;
    weir_choice choice;
};

void gather_init(struct gather *g, struct arena *arena)
{
    *g = (struct gather){ .arena = arena };
    g->blocks_end = &g->blocks;
    g->choices_end = &g->choices;
    usage_clear(&g->usage);
}

/* False: the arena is full. What is empty needs no room. */
static bool keep(struct gather *g, weir_str *to, weir_str from)
{
    *to = arena_copy(g->arena, from);
    return to->len == from.len;
}

/* The block begun last under that number. */
static struct gather_block *find_block(struct gather *g, int32_t choice, int32_t number)
{
    struct gather_block *found = NULL;

    if (g->last && g->last->block.choice == choice && g->last->number == number)
        return g->last;
    for (struct gather_block *b = g->blocks; b; b = b->next) {
        if (b->block.choice == choice && b->number == number)
            found = b;
    }
    if (found)
        g->last = found;
    return found;
}

const weir_block *gather_block(struct gather *g, int32_t choice, int32_t number)
{
    const struct gather_block *b = find_block(g, choice, number);

    return b ? &b->block : NULL;
}

static struct gather_block *open_block(struct gather *g, const weir_event *event)
{
    struct gather_block *b = find_block(g, event->choice, event->block);

    if (b && !(b->ended && event->type == WEIR_EVENT_BLOCK_START))
        return b;
    b = arena_zalloc(g->arena, sizeof(*b));
    if (!b)
        return NULL;
    b->number = event->block;
    b->block = (weir_block){
        .struct_size = sizeof(weir_block),
        .kind = event->kind,
        .choice = event->choice,
    };
    if (!keep(g, &b->block.id, event->id) || !keep(g, &b->block.name, event->name))
        return NULL;
    for (struct gather_block *other = g->blocks; other; other = other->next)
        b->block.index += other->block.choice == event->choice;
    *g->blocks_end = b;
    g->blocks_end = &b->next;
    g->block_count++;
    return g->last = b;
}

/* Room for `need` bytes where `len` are. What a block outgrows stays in the arena: doubling keeps
 * that below what is used. */
static bool reserve(struct arena *arena, char **bytes, size_t *cap, size_t len, size_t need)
{
    size_t size = *cap ? *cap : 256;
    char *bigger;

    if (need <= *cap)
        return true;
    while (size < need)
        size *= 2;
    bigger = arena_alloc(arena, size);
    if (!bigger)
        return false;
    if (len)
        memcpy(bigger, *bytes, len);
    *bytes = bigger;
    *cap = size;
    return true;
}

static bool reserve_text(struct arena *arena, weir_text *text, size_t *cap, size_t more)
{
    char *bytes = (char *)text->ptr;

    if (!reserve(arena, &bytes, cap, text->len, text->len + more))
        return false;
    text->ptr = bytes;
    return true;
}

/* Text in two forms cannot be strung together: a UTF-8 piece after a JSON one is escaped. */
static weir_result add_escaped(struct arena *arena, weir_text *to, size_t *cap, weir_text text)
{
    static const char hex[] = "0123456789abcdef";
    char *bytes;

    if (!reserve_text(arena, to, cap, text.len * 6))
        return WEIR_NO_MEMORY;
    bytes = (char *)to->ptr;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char *at = bytes + to->len;

        if (c == '"' || c == '\\') {
            at[0] = '\\', at[1] = (char)c;
            to->len += 2;
        } else if (c < 0x20) {
            memcpy(at, "\\u00", 4);
            at[4] = hex[c >> 4], at[5] = hex[c & 15];
            to->len += 6;
        } else {
            at[0] = (char)c;
            to->len += 1;
        }
    }
    return WEIR_OK;
}

weir_result gather_text(struct arena *arena, weir_text *to, size_t *cap, weir_text text)
{
    if (text.len == 0)
        return WEIR_OK;
    if (to->len == 0)
        to->form = text.form;
    if (to->form == WEIR_FORM_UTF8 && text.form == WEIR_FORM_JSON) {
        weir_text before = *to;
        weir_result r;

        *to = (weir_text){ NULL, 0, WEIR_FORM_JSON, 0 };
        *cap = 0;
        r = add_escaped(arena, to, cap, before);
        if (r < 0)
            return r;
    }
    if (to->form == WEIR_FORM_JSON && text.form == WEIR_FORM_UTF8)
        return add_escaped(arena, to, cap, text);
    if (!reserve_text(arena, to, cap, text.len))
        return WEIR_NO_MEMORY;
    memcpy((char *)to->ptr + to->len, text.ptr, text.len);
    to->len += text.len;
    return WEIR_OK;
}

weir_result gather_extra(struct arena *arena, weir_str *to, size_t *cap, weir_str extra)
{
    char *bytes = (char *)to->ptr;
    size_t len = to->len;

    if (!extra.len)
        return WEIR_OK;
    if (!reserve(arena, &bytes, cap, len, len + 1 + extra.len))
        return WEIR_NO_MEMORY;
    if (len)
        bytes[len++] = ',';
    memcpy(bytes + len, extra.ptr, extra.len);
    *to = (weir_str){ bytes, len + extra.len };
    return WEIR_OK;
}

static weir_result add_to_block(struct gather *g, const weir_event *event)
{
    struct gather_block *b = open_block(g, event);
    weir_result r;

    if (!b)
        return WEIR_NO_MEMORY;
    b->ended |= event->type == WEIR_EVENT_BLOCK_END;
    r = gather_extra(g->arena, &b->block.extra, &b->extra_cap, event->extra);
    if (r < 0)
        return r;
    return event->type == WEIR_EVENT_DELTA
               ? gather_text(g->arena, &b->block.text, &b->cap, event->text)
               : WEIR_OK;
}

static weir_result add_choice(struct gather *g, const weir_event *event)
{
    struct gather_choice *c = arena_zalloc(g->arena, sizeof(*c));

    if (!c)
        return WEIR_NO_MEMORY;
    c->choice = (weir_choice){
        .struct_size = sizeof(weir_choice),
        .choice = event->choice,
        .reason = event->reason,
    };
    if (!keep(g, &c->choice.raw_reason, event->name) || !keep(g, &c->choice.extra, event->extra))
        return WEIR_NO_MEMORY;
    *g->choices_end = c;
    g->choices_end = &c->next;
    g->choice_count++;
    return WEIR_OK;
}

weir_result gather_event(struct gather *g, const weir_event *event)
{
    switch (event->type) {
    case WEIR_EVENT_START:
        return keep(g, &g->id, event->id) && keep(g, &g->model, event->name) &&
                       keep(g, &g->extra, event->extra)
                   ? WEIR_OK
                   : WEIR_NO_MEMORY;
    case WEIR_EVENT_BLOCK_START:
    case WEIR_EVENT_DELTA:
    case WEIR_EVENT_BLOCK_END:
        return add_to_block(g, event);
    case WEIR_EVENT_USAGE:
        if (event->usage)
            usage_merge(&g->usage, event->usage);
        return WEIR_OK;
    case WEIR_EVENT_FINISH:
        return add_choice(g, event);
    case WEIR_EVENT_DOCUMENT:
        if (!keep(g, &g->document, (weir_str){ event->text.ptr, event->text.len }))
            return WEIR_NO_MEMORY;
        g->has_document = true;
        return WEIR_OK;
    default:
        return WEIR_OK;
    }
}

static int by_choice(const void *a, const void *b)
{
    const weir_block *x = a, *y = b;

    if (x->choice != y->choice)
        return x->choice < y->choice ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int by_number(const void *a, const void *b)
{
    const weir_choice *x = a, *y = b;

    return x->choice < y->choice ? -1 : x->choice > y->choice;
}

const weir_answer *gather_answer(struct gather *g)
{
    weir_answer *answer = arena_zalloc(g->arena, sizeof(*answer));
    weir_block *blocks = arena_alloc(g->arena, sizeof(*blocks) * (g->block_count + 1));
    weir_choice *choices = arena_alloc(g->arena, sizeof(*choices) * (g->choice_count + 1));
    uint32_t n = 0;

    if (!answer || !blocks || !choices)
        return NULL;
    for (const struct gather_block *b = g->blocks; b; b = b->next)
        blocks[n++] = b->block;
    qsort(blocks, n, sizeof(*blocks), by_choice);
    *answer = (weir_answer){
        .struct_size = sizeof(*answer),
        .id = g->id,
        .model = g->model,
        .blocks = { blocks, n, sizeof(*blocks) },
        .usage = &g->usage,
        .extra = g->extra,
    };
    n = 0;
    for (const struct gather_choice *c = g->choices; c; c = c->next)
        choices[n++] = c->choice;
    qsort(choices, n, sizeof(*choices), by_number);
    answer->choices = (weir_array){ choices, n, sizeof(*choices) };
    return answer;
}
