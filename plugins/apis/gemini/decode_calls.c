/*
 * decode_calls.c - function calls.
 *
 * Most come whole, in one part. With streamFunctionCallArguments they come in pieces: the name
 * first, then values with the path each belongs to ("$.a[0].b"), strings cut where it suits, and an
 * empty functionCall at the end. Out of the pieces grows the text of one JSON object; what is open
 * of it follows from the path of the value before.
 */
#include "decode.h"

#include "names.h"

#include <weir/sdk/number.h>
#include <weir/sdk/sink.h>
#include <weir/sdk/write.h>

static const weir_str nothing = { "", 0 };

enum { CALL_ID_ROOM = 24 };

/* The id of a call that came without one: the same for the same place in the same exchange. */
static weir_str call_made_id(struct gem_reading *r, char room[CALL_ID_ROOM])
{
    static const char hex[] = "0123456789abcdef";
    uint64_t n = r->x->seed + UINT64_C(0x9e3779b97f4a7c15) * r->d->calls++;
    size_t len = strlen(GEM_MADE_ID);

    memcpy(room, GEM_MADE_ID, len);
    for (int i = 60; i >= 0; i -= 4)
        room[len++] = hex[n >> i & 15];
    return weir_str_make(room, len);
}

/* -- Paths ------------------------------------------------------------------------------------ */

/* A path divided into its steps, each ".name", "[0]" or "['name']". */
struct call_path {
    weir_str text;
    uint16_t end[GEM_LEVELS];
    uint8_t steps;
};

/* The length of the step at the front of s; 0: there is none. */
static size_t path_step(weir_str s)
{
    size_t len = 1;

    if (s.len < 2)
        return 0;
    if (s.ptr[0] == '.') {
        while (len < s.len && s.ptr[len] != '.' && s.ptr[len] != '[')
            len++;
        return len > 1 ? len : 0;
    }
    if (s.ptr[0] != '[')
        return 0;
    if (s.ptr[1] == '\'' || s.ptr[1] == '"') {
        for (len = 2; len < s.len && s.ptr[len] != s.ptr[1]; len++)
            len += s.ptr[len] == '\\';
        return len + 1 < s.len && s.ptr[len + 1] == ']' ? len + 2 : 0;
    }
    while (len < s.len && s.ptr[len] >= '0' && s.ptr[len] <= '9')
        len++;
    return len > 1 && len < 10 && len < s.len && s.ptr[len] == ']' ? len + 1 : 0;
}

static bool path_read(weir_str text, struct call_path *p)
{
    size_t at = 1;

    memset(p, 0, sizeof(*p));
    p->text = text;
    if (!text.len || text.ptr[0] != '$' || text.len > GEM_PATH_MAX)
        return false;
    while (at < text.len) {
        size_t len = path_step(weir_str_skip(text, at));

        if (!len || p->steps == GEM_LEVELS)
            return false;
        at += len;
        p->end[p->steps++] = (uint16_t)at;
    }
    return p->steps > 0;
}

static weir_str path_at(const char *path, const uint16_t *end, int step)
{
    size_t from = step ? end[step - 1] : 1;

    return weir_str_make(path + from, end[step] - from);
}

/* The index that a step is, or -1: it is a name. */
static int64_t path_index(weir_str step)
{
    int64_t n = -1;

    if (step.len > 2 && step.ptr[0] == '[' && weir_number_to_int64(step.ptr + 1, step.len - 2, &n))
        return n;
    return -1;
}

static uint32_t path_hash(const char *path, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)path[i]) * 16777619u;
    return h;
}

static void path_write_key(weir_writer *w, weir_str step)
{
    weir_write_byte(w, '"');
    if (step.ptr[0] == '.') {
        weir_write_escaped(w, step.ptr + 1, step.len - 1);
    } else {
        for (size_t i = 2; i + 2 < step.len; i++) {
            size_t run = 1;

            if (step.ptr[i] == '\\' && i + 3 < step.len)
                i++;
            while (i + run + 2 < step.len && step.ptr[i + run] != '\\')
                run++;
            weir_write_escaped(w, step.ptr + i, run);
            i += run - 1;
        }
    }
    weir_write_bytes(w, "\":", 2);
}

/* -- Pieces ----------------------------------------------------------------------------------- */

/* Closes containers until `keep` steps of the path are left open. What was inside of them cannot
 * come again, and is forgotten. */
static void partial_close(struct gem_partial *p, weir_writer *w, int keep)
{
    if (p->in_string)
        weir_write_byte(w, '"');
    p->in_string = 0;
    for (int i = p->levels - 1; i > keep; i--)
        weir_write_byte(w, path_index(path_at(p->path, p->end, i)) >= 0 ? ']' : '}');
}

/* Whether the value may stand here: an array goes on by one, a name has not been there. */
static bool partial_fits(struct gem_partial *p, const struct call_path *path, int step)
{
    weir_str here = path_at(path->text.ptr, path->end, step);
    uint32_t hash = path_hash(path->text.ptr, path->end[step]);
    int64_t index = path_index(here);
    bool array = p->levels && path_index(path_at(p->path, p->end, step)) >= 0;

    if (p->levels && array != (index >= 0))
        return false;
    if (index >= 0) {
        int64_t before = p->levels ? path_index(path_at(p->path, p->end, step)) : -1;
        return step > 0 && index == before + 1;
    }
    for (uint8_t i = 0; i < p->closed_count; i++) {
        if (p->closed[i] == hash)
            return false;
    }
    return true;
}

static void partial_remember(struct gem_partial *p, const struct call_path *path)
{
    for (int i = 0; i < path->steps; i++) {
        uint32_t hash = path_hash(path->text.ptr, path->end[i]);
        bool there = false;

        for (uint8_t n = 0; n < p->closed_count; n++)
            there = there || p->closed[n] == hash;
        if (!there && p->closed_count < GEM_CLOSED)
            p->closed[p->closed_count++] = hash;
    }
    memcpy(p->path, path->text.ptr, path->text.len);
    memcpy(p->end, path->end, sizeof(p->end));
    p->path_len = (uint16_t)path->text.len;
    p->levels = path->steps;
}

/* From the place of the value before to the place of this one. False: there is no way. */
static bool partial_move(struct gem_partial *p, weir_writer *w, const struct call_path *path)
{
    int same = 0;

    while (same < p->levels - 1 && same < path->steps - 1 &&
           weir_str_equal(path_at(p->path, p->end, same), path_at(path->text.ptr, path->end, same)))
        same++;
    if (!partial_fits(p, path, same))
        return false;
    partial_close(p, w, same);
    weir_write_byte(w, p->levels ? ',' : '{');
    for (int i = same; i < path->steps; i++) {
        weir_str step = path_at(path->text.ptr, path->end, i);
        int64_t index = path_index(step);

        if (i > same) {
            weir_write_byte(w, index >= 0 ? '[' : '{');
            if (index > 0)
                return false;
        }
        if (index < 0)
            path_write_key(w, step);
    }
    partial_remember(p, path);
    return true;
}

static void partial_value(struct gem_reading *r, weir_writer *w, uint32_t arg, bool continues)
{
    const weir_json *doc = r->doc;
    struct gem_partial *p = &r->d->partial;
    uint32_t string = gem_find(doc, arg, "stringValue");
    uint32_t number = gem_find(doc, arg, "numberValue");
    uint32_t boolean = gem_find(doc, arg, "boolValue");
    weir_str inner = weir_json_inner(doc, string);

    if (weir_json_is_string(doc, string)) {
        if (!p->in_string)
            weir_write_byte(w, '"');
        weir_write_bytes(w, inner.ptr, inner.len); /* JSON inside JSON needs no other escapes */
        p->in_string = continues;
        if (!continues)
            weir_write_byte(w, '"');
    } else if (weir_json_is_number(doc, number)) {
        weir_write_bytes(w, weir_json_raw(doc, number).ptr, weir_json_raw(doc, number).len);
    } else if (weir_json_is_bool(doc, boolean)) {
        weir_write_bytes(w, weir_json_raw(doc, boolean).ptr, weir_json_raw(doc, boolean).len);
    } else {
        weir_write_bytes(w, "null", 4);
    }
}

static weir_result partial_argument(struct gem_reading *r, weir_writer *w, uint32_t arg)
{
    struct gem_partial *p = &r->d->partial;
    weir_str text = weir_json_str(r->doc, gem_find(r->doc, arg, "jsonPath"), &r->x->arena);
    struct call_path path;
    bool continues = false, goes_on;

    weir_json_bool(r->doc, gem_find(r->doc, arg, "willContinue"), &continues);
    goes_on = p->in_string && weir_str_equal(text, weir_str_make(p->path, p->path_len)) &&
              weir_json_is_string(r->doc, gem_find(r->doc, arg, "stringValue"));
    if (!goes_on && (!path_read(text, &path) || !partial_move(p, w, &path)))
        return gem_emit_protocol(r->d, "the arguments of a function call do not fit together",
                                 r->out);
    partial_value(r, w, arg, continues);
    return WEIR_OK;
}

static weir_result partial_piece(struct gem_reading *r, uint32_t call)
{
    weir_str text;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 0);
    WEIR_JSON_EACH_ITEM(r->doc, gem_find(r->doc, call, "partialArgs"), arg)
    {
        WEIR_TRY(partial_argument(r, &w, arg));
        if (r->d->failed)
            return WEIR_OK;
    }
    WEIR_TRY(weir_writer_finish(&w, &text));
    return text.len ? gem_block_delta(r, weir_text_from(text), nothing) : WEIR_OK;
}

weir_result gem_partial_end(struct gem_reading *r, weir_str extra)
{
    struct gem_partial *p = &r->d->partial;
    weir_str text;
    weir_writer w;

    weir_writer_init(&w, &r->x->arena, 64);
    if (!p->levels)
        weir_write_byte(&w, '{');
    partial_close(p, &w, 0);
    weir_write_byte(&w, '}');
    WEIR_TRY(weir_writer_finish(&w, &text));
    p->active = 0; /* from here on it is a block like any other */
    WEIR_TRY(gem_block_delta(r, weir_text_from(text), nothing));
    return gem_block_close(r, extra);
}

/* -- Calls ------------------------------------------------------------------------------------ */

static weir_result call_extra(struct gem_reading *r, uint32_t signature, weir_str *extra)
{
    weir_writer w;

    *extra = nothing;
    if (signature == WEIR_JSON_NONE)
        return WEIR_OK;
    WEIR_TRY(gem_emit_owned(r->out, weir_json_text(r->doc, signature)));
    weir_writer_init(&w, &r->x->arena, weir_json_raw(r->doc, signature).len + 24);
    weir_write_key(&w, "thought_signature");
    weir_write_value(&w, r->doc, signature);
    return weir_writer_finish(&w, extra);
}

static weir_result call_open(struct gem_reading *r, uint32_t call, weir_str name, weir_str extra)
{
    weir_str id = weir_json_str(r->doc, gem_find(r->doc, call, "id"), &r->x->arena);
    char room[CALL_ID_ROOM];

    if (!id.len)
        id = call_made_id(r, room);
    r->choice->called = 1;
    return gem_block_open(r, WEIR_BLOCK_TOOL_CALL, id, name, extra);
}

/* The first piece of a call. Its signature is told at once: the state has no room to keep it. */
static weir_result call_begin(struct gem_reading *r, uint32_t call, weir_str name, weir_str extra)
{
    struct gem_partial *p = &r->d->partial;

    WEIR_TRY(call_open(r, call, name, extra));
    if (r->d->failed)
        return WEIR_OK;
    if (p->active)
        return gem_emit_protocol(r->d, "two function calls come in pieces at once", r->out);
    memset(p, 0, sizeof(*p));
    p->active = 1;
    p->choice = (uint16_t)r->number;
    return WEIR_OK;
}

weir_result gem_decode_call(struct gem_reading *r, uint32_t call, uint32_t signature)
{
    const weir_json *doc = r->doc;
    struct gem_partial *p = &r->d->partial;
    weir_str name = weir_json_str(doc, gem_find(doc, call, "name"), &r->x->arena);
    uint32_t args = gem_find(doc, call, "args");
    bool continues = false, piece = p->active && p->choice == r->number && !name.len;
    weir_str extra;

    weir_json_bool(doc, gem_find(doc, call, "willContinue"), &continues);
    if (!name.len && !piece)
        return gem_emit_protocol(r->d, "a function call has no name", r->out);
    if (args != WEIR_JSON_NONE && !weir_json_is_null(doc, args) && !weir_json_is_object(doc, args))
        return gem_emit_protocol(r->d, "the arguments of a function call are no object", r->out);
    WEIR_TRY(call_extra(r, signature, &extra));
    if (!piece && !continues && gem_find(doc, call, "partialArgs") == WEIR_JSON_NONE) {
        WEIR_TRY(call_open(r, call, name, nothing));
        if (r->d->failed)
            return WEIR_OK;
        WEIR_TRY(gem_block_delta(
            r, weir_text_from(weir_json_is_object(doc, args) ? gem_flat(r, args) : WEIR_S("{}")),
            nothing));
        return gem_block_close(r, extra);
    }
    if (!piece)
        WEIR_TRY(call_begin(r, call, name, extra));
    if (r->d->failed)
        return WEIR_OK;
    WEIR_TRY(partial_piece(r, call));
    if (continues || r->d->failed)
        return WEIR_OK;
    return gem_partial_end(r, piece ? extra : nothing);
}
