/*
 * splice.h - changes a few members of a JSON object and leaves every other byte as it is.
 *
 *     weir_splice edits[] = {
 *         weir_splice_set("model", model_json),
 *         weir_splice_remove("provider"),
 *     };
 *     result = weir_splice_write(doc, 0, edits, 2, out->body, out->ctx);
 *
 * What is kept goes out as spans of the document, so a sink that takes those by reference copies
 * nothing. Of a duplicated key every occurrence is changed.
 */
#ifndef WEIR_SDK_SPLICE_H
#define WEIR_SDK_SPLICE_H

#include <weir/sdk/json.h>
#include <weir/sdk/str.h>

enum {
    WEIR_SPLICE_REPLACE = 1, /* if it is there */
    WEIR_SPLICE_SET = 2,     /* replaced, or else added at the end */
    WEIR_SPLICE_REMOVE = 3,
};

typedef struct weir_splice {
    const char *key;
    weir_str json; /* the new value */
    unsigned how;  /* WEIR_SPLICE_* */
    bool found;    /* set by weir_splice_write */
} weir_splice;

static inline weir_splice weir_splice_make(unsigned how, const char *key, weir_str json)
{
    weir_splice edit;

    memset(&edit, 0, sizeof(edit));
    edit.key = key;
    edit.json = json;
    edit.how = how;
    return edit;
}

static inline weir_splice weir_splice_replace(const char *key, weir_str json)
{
    return weir_splice_make(WEIR_SPLICE_REPLACE, key, json);
}

static inline weir_splice weir_splice_set(const char *key, weir_str json)
{
    return weir_splice_make(WEIR_SPLICE_SET, key, json);
}

static inline weir_splice weir_splice_remove(const char *key)
{
    return weir_splice_make(WEIR_SPLICE_REMOVE, key, weir_str_make("", 0));
}

/* Where a spliced document goes, piece by piece. The `body` of the sinks has this form. */
typedef weir_result (*weir_splice_out)(void *ctx, weir_str bytes);

/* A splice on its way: what of the document has gone out. */
struct weir_splicing {
    const char *from; /* the first byte that has not */
    const char *last; /* behind the member before this one */
    bool kept;        /* some member stays, so that a comma is in place */
    weir_splice_out out;
    void *ctx;
};

static inline weir_result weir_splicing_flush(struct weir_splicing *s, const char *to)
{
    weir_str span = weir_str_make(s->from, to > s->from ? (size_t)(to - s->from) : 0);

    s->from = to > s->from ? to : s->from;
    return span.len ? s->out(s->ctx, span) : WEIR_OK;
}

static inline weir_result weir_splicing_member(struct weir_splicing *s, weir_splice *edit,
                                               weir_str key, weir_str value, const char *next_key)
{
    const char *end = value.ptr + value.len;

    if (edit && edit->how == WEIR_SPLICE_REMOVE) {
        /* Either the comma before it goes with it, or, if nothing is before it, the one behind. */
        WEIR_TRY(weir_splicing_flush(s, s->kept ? s->last : key.ptr));
        s->from = s->kept ? end : next_key;
    } else {
        if (edit) {
            WEIR_TRY(weir_splicing_flush(s, value.ptr));
            WEIR_TRY(s->out(s->ctx, edit->json));
            s->from = end;
        }
        s->kept = true;
    }
    s->last = end;
    return WEIR_OK;
}

static inline weir_result weir_splicing_add(struct weir_splicing *s, const weir_splice *edit)
{
    WEIR_TRY(s->out(s->ctx, weir_str_of(s->kept ? ",\"" : "\"")));
    WEIR_TRY(s->out(s->ctx, weir_str_of(edit->key)));
    WEIR_TRY(s->out(s->ctx, weir_str_of("\":")));
    s->kept = true;
    return s->out(s->ctx, edit->json);
}

/* Writes the document with the members of `object`, one of its values, edited. Keys in `edits` are
 * plain ASCII that needs no escaping. WEIR_INVALID if it is no object; or what the sink says. */
static inline weir_result weir_splice_write(const weir_json *doc, uint32_t object,
                                            weir_splice *edits, size_t count, weir_splice_out out,
                                            void *ctx)
{
    weir_str whole = weir_json_raw(doc, object);
    struct weir_splicing s;

    if (!weir_json_is_object(doc, object))
        return WEIR_INVALID;
    memset(&s, 0, sizeof(s));
    s.from = doc->bytes.ptr;
    s.last = whole.ptr + 1;
    s.out = out;
    s.ctx = ctx;
    WEIR_JSON_EACH_MEMBER(doc, object, key, value)
    {
        uint32_t next = weir_json_next(doc, object, value);
        weir_str raw = weir_json_raw(doc, value);
        weir_splice *edit = NULL;

        for (size_t i = 0; i < count && !edit; i++) {
            if (weir_json_is(doc, key, edits[i].key))
                edit = &edits[i];
        }
        if (edit)
            edit->found = true;
        WEIR_TRY(weir_splicing_member(&s, edit, weir_json_raw(doc, key), raw,
                                      next == WEIR_JSON_NONE ? raw.ptr + raw.len
                                                             : weir_json_raw(doc, next).ptr));
    }
    for (size_t i = 0; i < count; i++) {
        if (edits[i].how != WEIR_SPLICE_SET || edits[i].found)
            continue;
        WEIR_TRY(weir_splicing_flush(&s, s.last));
        WEIR_TRY(weir_splicing_add(&s, &edits[i]));
    }
    return weir_splicing_flush(&s, doc->bytes.ptr + doc->bytes.len);
}

#endif
