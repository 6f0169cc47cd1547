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
    char *text;
    size_t cap;
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

static struct gather_block *find_block(struct gather *g, int32_t choice, int32_t number)
{
    if (g->last && g->last->block.choice == choice && g->last->number == number)
        return g->last;
    for (struct gather_block *b = g->blocks; b; b = b->next) {
        if (b->block.choice == choice && b->number == number)
            return g->last = b;
    }
    return NULL;
}

static struct gather_block *open_block(struct gather *g, const weir_event *event)
{
    struct gather_block *b = find_block(g, event->choice, event->block);

    if (b)
        return b;
    b = arena_zalloc(g->arena, sizeof(*b));
    if (!b)
        return NULL;
    b->number = event->block;
    b->block = (weir_block){
        .struct_size = sizeof(weir_block),
        .kind = event->kind,
        .choice = event->choice,
        .id = arena_copy(g->arena, event->id),
        .name = arena_copy(g->arena, event->name),
    };
    for (struct gather_block *other = g->blocks; other; other = other->next)
        b->block.index += other->block.choice == event->choice;
    *g->blocks_end = b;
    g->blocks_end = &b->next;
    g->block_count++;
    return g->last = b;
}

static bool reserve_text(struct gather *g, struct gather_block *b, size_t more)
{
    size_t need = b->block.text.len + more, cap = b->cap ? b->cap : 256;
    char *text;

    if (need <= b->cap)
        return true;
    while (cap < need)
        cap *= 2;
    text = arena_alloc(g->arena, cap);
    if (!text)
        return false;
    if (b->block.text.len)
        memcpy(text, b->text, b->block.text.len);
    b->text = text;
    b->cap = cap;
    b->block.text.ptr = text;
    return true;
}

/* Text in two forms cannot be strung together: a UTF-8 piece after a JSON one is escaped. */
static weir_result add_escaped(struct gather *g, struct gather_block *b, weir_text text)
{
    static const char hex[] = "0123456789abcdef";

    if (!reserve_text(g, b, text.len * 6))
        return WEIR_NO_MEMORY;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char *to = b->text + b->block.text.len;

        if (c == '"' || c == '\\') {
            to[0] = '\\', to[1] = (char)c;
            b->block.text.len += 2;
        } else if (c < 0x20) {
            memcpy(to, "\\u00", 4);
            to[4] = hex[c >> 4], to[5] = hex[c & 15];
            b->block.text.len += 6;
        } else {
            to[0] = (char)c;
            b->block.text.len += 1;
        }
    }
    return WEIR_OK;
}

static weir_result add_text(struct gather *g, struct gather_block *b, weir_text text)
{
    if (text.len == 0)
        return WEIR_OK;
    if (b->block.text.len == 0)
        b->block.text.form = text.form;
    if (b->block.text.form == WEIR_FORM_UTF8 && text.form == WEIR_FORM_JSON) {
        weir_text before = b->block.text;
        weir_result r;

        b->block.text = (weir_text){ NULL, 0, WEIR_FORM_JSON, 0 };
        b->cap = 0;
        r = add_escaped(g, b, before);
        if (r < 0)
            return r;
    }
    if (b->block.text.form == WEIR_FORM_JSON && text.form == WEIR_FORM_UTF8)
        return add_escaped(g, b, text);
    if (!reserve_text(g, b, text.len))
        return WEIR_NO_MEMORY;
    memcpy(b->text + b->block.text.len, text.ptr, text.len);
    b->block.text.len += text.len;
    return WEIR_OK;
}

static weir_str join_members(struct arena *arena, weir_str a, weir_str b)
{
    char *joined;

    if (!b.len)
        return a;
    if (!a.len)
        return arena_copy(arena, b);
    joined = arena_alloc(arena, a.len + 1 + b.len);
    if (!joined)
        return a;
    memcpy(joined, a.ptr, a.len);
    joined[a.len] = ',';
    memcpy(joined + a.len + 1, b.ptr, b.len);
    return (weir_str){ joined, a.len + 1 + b.len };
}

static weir_result add_to_block(struct gather *g, const weir_event *event)
{
    struct gather_block *b = open_block(g, event);

    if (!b)
        return WEIR_NO_MEMORY;
    b->block.extra = join_members(g->arena, b->block.extra, event->extra);
    return event->type == WEIR_EVENT_DELTA ? add_text(g, b, event->text) : WEIR_OK;
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
        .raw_reason = arena_copy(g->arena, event->name),
        .extra = arena_copy(g->arena, event->extra),
    };
    *g->choices_end = c;
    g->choices_end = &c->next;
    g->choice_count++;
    return WEIR_OK;
}

weir_result gather_event(struct gather *g, const weir_event *event)
{
    switch (event->type) {
    case WEIR_EVENT_START:
        g->id = arena_copy(g->arena, event->id);
        g->model = arena_copy(g->arena, event->name);
        return WEIR_OK;
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
        g->document = arena_copy(g->arena, (weir_str){ event->text.ptr, event->text.len });
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
    };
    n = 0;
    for (const struct gather_choice *c = g->choices; c; c = c->next)
        choices[n++] = c->choice;
    qsort(choices, n, sizeof(*choices), by_number);
    answer->choices = (weir_array){ choices, n, sizeof(*choices) };
    return answer;
}
