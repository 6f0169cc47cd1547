/*
 * label.c - see label.h.
 */
#include "engine/label.h"
#include "base/str.h"

enum {
    START,  /* before an object; events: in the first bytes of a line */
    VALUE,  /* events: behind "data:" */
    BRACE,  /* behind the object's brace: here it goes, before the first member */
    SKIP,   /* until the end of the line */
    INSIDE, /* array: in an element */
    STRING, /* ... in a string in it */
};

void label_init(struct label *l, enum label_form form)
{
    *l = (struct label){ .form = (uint8_t)form };
}

enum label_form label_form_of(weir_str type)
{
    if (memmem(type.ptr, type.len, "event-stream", 12))
        return LABEL_EVENTS;
    if (memmem(type.ptr, type.len, "ndjson", 6) || memmem(type.ptr, type.len, "jsonl", 5))
        return LABEL_LINES;
    return LABEL_ARRAY;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line of events, as far as it tells what it is. */
static void on_line(struct label *l, char c)
{
    if (c == '\n') {
        l->told = l->told && l->n > 0; /* an empty line ends the event */
        l->n = 0;
        return;
    }
    if (c == '\r')
        return;
    l->line[l->n++] = c;
    if (l->n == 5 && memcmp(l->line, "data:", 5) == 0) {
        l->state = l->told ? SKIP : VALUE;
        l->told = true;
    } else if (l->n == sizeof(l->line)) {
        l->typed |= memcmp(l->line, "event:", 6) == 0;
        l->state = SKIP;
    }
}

static void before_object(struct label *l, char c)
{
    if (l->form == LABEL_EVENTS)
        on_line(l, c);
    else if (c == '{')
        l->state = BRACE;
    else if (l->form == LABEL_LINES)
        l->state = is_space(c) ? START : SKIP;
    else if (l->form == LABEL_WHOLE || (c != '[' && c != ',' && c != ']'))
        l->done = !is_space(c);
}

static void inside(struct label *l, char c)
{
    if (c == '"')
        l->state = STRING;
    l->depth += c == '{' || c == '[';
    l->depth -= c == '}' || c == ']';
    if (!l->depth)
        l->state = START;
}

static void in_string(struct label *l, char c)
{
    if (l->escaped)
        l->escaped = false;
    else if (c == '\\')
        l->escaped = true;
    else if (c == '"')
        l->state = INSIDE;
}

/* The first byte behind the brace: the label stands before it. */
static void labelled(struct label *l, char c)
{
    l->state = SKIP;
    l->done = l->form == LABEL_WHOLE || l->typed;
    if (l->form != LABEL_ARRAY)
        return;
    l->state = INSIDE;
    l->depth = 1;
    inside(l, c);
}

/* Takes one byte. True: a label goes in front of it. */
static bool take(struct label *l, char c)
{
    switch (l->state) {
    case START:
        before_object(l, c);
        return false;
    case VALUE:
        if (c != ' ')
            l->state = c == '{' ? BRACE : SKIP;
        break;
    case BRACE:
        if (is_space(c))
            return false;
        labelled(l, c);
        return true;
    case INSIDE:
        inside(l, c);
        return false;
    case STRING:
        in_string(l, c);
        return false;
    default:
        break;
    }
    if (l->state == SKIP && c == '\n') {
        l->state = START;
        l->n = 0;
    }
    return false;
}

/* What is written, or only measured (`bytes` NULL). */
struct output {
    char *bytes;
    size_t len;
};

static void put(struct output *out, const char *bytes, size_t len)
{
    if (out->bytes && len)
        memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

/* How much of what is there can be passed over without a look at each byte. */
static size_t idle(const struct label *l, const char *p, size_t len)
{
    const char *end;

    if (l->done)
        return len;
    if (l->state != SKIP)
        return 0;
    end = memchr(p, '\n', len);
    return end ? (size_t)(end - p) : len;
}

static void run(struct label *l, weir_str piece, weir_str provider, struct output *out)
{
    for (size_t i = 0; i < piece.len; i++) {
        size_t over = idle(l, piece.ptr + i, piece.len - i);

        put(out, piece.ptr + i, over);
        i += over;
        if (i == piece.len)
            return;
        if (take(l, piece.ptr[i])) {
            put(out, "\"provider\":\"", 12);
            put(out, provider.ptr, provider.len);
            put(out, "\",", piece.ptr[i] == '}' ? 1 : 2);
        }
        put(out, piece.ptr + i, 1);
    }
}

weir_str label_add(struct label *l, struct arena *arena, weir_str piece, weir_str provider)
{
    struct label before = *l;
    struct output out = { NULL, 0 };

    if (l->done)
        return piece;
    run(l, piece, provider, &out);
    if (out.len == piece.len)
        return piece;
    out.bytes = arena_alloc(arena, out.len);
    if (!out.bytes)
        return piece;
    out.len = 0;
    run(&before, piece, provider, &out);
    return (weir_str){ out.bytes, out.len };
}
