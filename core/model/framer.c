/*
 * framer.c - see framer.h. SSE follows the WHATWG rules: lines end in LF, CR or CRLF, an empty
 * line ends an event, a colon at the start of a line makes it a comment.
 */
#include "model/framer.h"
#include "base/str.h"

void framer_init(struct framer *f, unsigned framing)
{
    *f = (struct framer){ .framing = (uint8_t)framing };
}

void framer_finish(struct framer *f)
{
    buf_free(&f->join);
}

static void frame_of(struct framer_frame *out, weir_str raw, weir_str data)
{
    *out = (struct framer_frame){ .frame = { .struct_size = sizeof(weir_frame), .data = data },
                                  .raw = raw };
}

/* The first LF or CR in [from, len), or len. */
static size_t line_end(const char *p, size_t from, size_t len)
{
    const char *lf = memchr(p + from, '\n', len - from);
    size_t stop = lf ? (size_t)(lf - p) : len;
    const char *cr = memchr(p + from, '\r', stop - from);

    return cr ? (size_t)(cr - p) : stop;
}

/* The length of the line break at `at`: 1 or 2, or 0 if its end is not to be seen yet. */
static size_t break_len(const char *p, size_t at, size_t len, bool end)
{
    if (p[at] == '\n')
        return 1;
    if (at + 1 < len)
        return p[at + 1] == '\n' ? 2 : 1;
    return end ? 1 : 0;
}

/* Adds one more data line to those gathered in `join`. */
static bool join_line(struct framer *f, weir_str *data, weir_str line)
{
    if (!buf_len(&f->join) && !buf_add(&f->join, data->ptr, data->len))
        return false;
    if (!buf_add(&f->join, "\n", 1) || !buf_add(&f->join, line.ptr, line.len))
        return false;
    *data = (weir_str){ buf_at(&f->join), buf_len(&f->join) };
    return true;
}

static weir_str field_value(weir_str line, size_t name)
{
    weir_str value = { line.ptr + name, line.len - name };

    if (value.len && value.ptr[0] == ':')
        value.ptr++, value.len--;
    if (value.len && value.ptr[0] == ' ')
        value.ptr++, value.len--;
    return value;
}

static bool is_field(weir_str line, weir_str name)
{
    return str_begins(line, name) && (line.len == name.len || line.ptr[name.len] == ':');
}

/* Reads the lines of one event, which ends at `len`. */
static weir_result sse_event(struct framer *f, const char *p, size_t len, struct framer_frame *out)
{
    weir_str data = { NULL, 0 }, name = { NULL, 0 };
    bool have_data = false;
    size_t at = !f->begun && str_begins((weir_str){ p, len }, S("\xEF\xBB\xBF")) ? 3 : 0;

    f->begun = true;
    buf_eat(&f->join, buf_len(&f->join));
    while (at < len) {
        size_t stop = line_end(p, at, len);
        weir_str line = { p + at, stop - at };

        at = stop < len ? stop + break_len(p, stop, len, true) : len;
        if (is_field(line, S("data"))) {
            weir_str value = field_value(line, 4);
            if (!have_data)
                data = value;
            else if (!join_line(f, &data, value))
                return WEIR_NO_MEMORY;
            have_data = true;
        } else if (is_field(line, S("event"))) {
            name = field_value(line, 5);
        }
    }
    frame_of(out, (weir_str){ p, len }, data);
    out->frame.name = name;
    return WEIR_OK;
}

/* An event as most are: one line of data, ended by LF. 0: it is not one, or not whole. */
static size_t plain_event(struct framer *f, const char *p, size_t len, struct framer_frame *out)
{
    const char *lf;

    if (f->scanned || f->seen || len < 7 || memcmp(p, "data:", 5) != 0)
        return 0;
    lf = memchr(p + 5, '\n', len - 6);
    if (!lf || lf[1] != '\n' || memchr(p, '\r', (size_t)(lf - p)))
        return 0;
    f->begun = true;
    frame_of(out, (weir_str){ p, (size_t)(lf - p) + 2 },
             field_value((weir_str){ p, (size_t)(lf - p) }, 4));
    return (size_t)(lf - p) + 2;
}

static int64_t next_sse(struct framer *f, const char *p, size_t len, bool end,
                        struct framer_frame *out)
{
    size_t at = f->scanned, plain = plain_event(f, p, len, out);
    weir_result r;

    if (plain)
        return (int64_t)plain;

    while (at < len) {
        size_t stop = line_end(p, at > f->seen ? at : f->seen, len);
        size_t brk;

        f->seen = stop;
        if (stop == len)
            break;
        brk = break_len(p, stop, len, end);
        if (brk == 0)
            break;
        if (stop == at) { /* an empty line: the event ends here */
            f->scanned = f->seen = 0;
            r = sse_event(f, p, stop + brk, out);
            return r < 0 ? r : (int64_t)(stop + brk);
        }
        at = stop + brk;
    }
    f->scanned = at;
    if (!end || len == 0)
        return 0;
    /* The body is complete and its last event lacks the empty line: servers do that. */
    f->scanned = f->seen = 0;
    r = sse_event(f, p, len, out);
    return r < 0 ? r : (int64_t)len;
}

static int64_t next_line(struct framer *f, const char *p, size_t len, bool end,
                         struct framer_frame *out)
{
    const char *lf = memchr(p + f->scanned, '\n', len - f->scanned);
    size_t size = lf ? (size_t)(lf - p) + 1 : len;
    weir_str line = { p, lf ? size - 1 : len };

    if (!lf && (!end || len == 0)) {
        f->scanned = len;
        return 0;
    }
    f->scanned = 0;
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    frame_of(out, (weir_str){ p, size }, line);
    return (int64_t)size;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of the JSON value that begins at p[0], or 0 if it is not all there; then the framer
 * remembers how far it looked. Only brackets and strings matter here; the scanner checks the rest.
 */
static size_t value_end(struct framer *f, const char *p, size_t len, bool end)
{
    size_t i = f->scanned;

    for (; i < len; i++) {
        char c = p[i];

        if (f->quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                f->quoted = false;
            if (!f->quoted && f->depth == 0)
                return i + 1;
        } else if (c == '"') {
            f->quoted = true;
        } else if (c == '{' || c == '[') {
            f->depth++;
        } else if (c == '}' || c == ']') {
            if (f->depth == 0)
                return i;
            if (--f->depth == 0)
                return i + 1;
        } else if (f->depth == 0 && (c == ',' || is_space(c))) {
            return i;
        }
    }
    f->scanned = i; /* one further than `len`, if the next byte is escaped */
    return end ? len : 0;
}

enum { ARRAY_BEFORE = 0, ARRAY_INSIDE, ARRAY_AFTER };

/* The elements of one JSON array. A body that begins with something else (an error document, say)
 * is one frame. */
static int64_t next_element(struct framer *f, const char *p, size_t len, bool end,
                            struct framer_frame *out)
{
    size_t at = 0, size;

    while (at < len) {
        if (is_space(p[at]) || (f->array_state == ARRAY_INSIDE && p[at] == ',')) {
            at++;
        } else if (f->array_state == ARRAY_BEFORE && p[at] == '[') {
            f->array_state = ARRAY_INSIDE;
            at++;
        } else if (f->array_state == ARRAY_INSIDE && p[at] == ']') {
            f->array_state = ARRAY_AFTER;
            at++;
        } else if (f->array_state == ARRAY_AFTER) {
            return WEIR_PROTOCOL;
        } else {
            break;
        }
    }
    if (at < len && (p[at] == ',' || p[at] == ']' || p[at] == '}')) /* no value begins so */
        return WEIR_PROTOCOL;
    size = at < len ? value_end(f, p + at, len - at, end) : 0;
    if (size == 0 && !(end && at)) /* keep what was skipped: it is relayed with its element */
        return 0;
    f->scanned = f->depth = 0;
    f->quoted = false;
    frame_of(out, (weir_str){ p, at + size }, (weir_str){ p + at, size });
    return (int64_t)(at + size);
}

static int64_t next_whole(const char *p, size_t len, bool end, struct framer_frame *out)
{
    if (!end)
        return 0;
    frame_of(out, (weir_str){ p, len }, (weir_str){ p, len });
    return (int64_t)len;
}

int64_t framer_next(struct framer *f, const char *bytes, size_t len, bool end,
                    struct framer_frame *out)
{
    int64_t used;
    uint8_t before = f->array_state;

    if (f->ended)
        return 0;
    if (!bytes) /* an empty buffer has no memory */
        bytes = "";
    switch (f->framing) {
    case WEIR_FRAME_SSE:
        used = next_sse(f, bytes, len, end, out);
        break;
    case WEIR_FRAME_LINES:
        used = next_line(f, bytes, len, end, out);
        break;
    case WEIR_FRAME_ARRAY:
        used = next_element(f, bytes, len, end, out);
        if (used == 0)
            f->array_state = before;
        break;
    case WEIR_FRAME_RAW:
        frame_of(out, (weir_str){ bytes, len }, (weir_str){ bytes, len });
        used = (int64_t)len;
        break;
    default:
        used = next_whole(bytes, len, end, out);
        break;
    }
    if (used < 0 || !end)
        return used;
    if (used == 0 && len == 0)
        frame_of(out, (weir_str){ bytes, 0 }, (weir_str){ bytes, 0 });
    if ((size_t)used == len) {
        out->frame.flags |= WEIR_FRAME_END;
        f->ended = true;
    }
    return used;
}
