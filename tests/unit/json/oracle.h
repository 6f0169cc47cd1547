/*
 * oracle.h - compares scanner, reader and writer with Jansson, on any bytes.
 *
 * Used by the unit tests and by the fuzzer. Where only the scanner accepts, the document must hold
 * something that Jansson is known to refuse: a surrogate without its partner, a key with U+0000 in
 * it, a number out of range. Where only Jansson accepts, the document must be nested too deep, or
 * hold a zero byte where none can be: Jansson loses one that stands behind a number or a word.
 */
#ifndef WEIR_TEST_JSON_ORACLE_H
#define WEIR_TEST_JSON_ORACLE_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <weir/sdk/json.h>
#include <weir/sdk/write.h>

#include "arena.h"
#include "json/scan.h"

/* Checks token i and all it contains; returns its `next`, or 0 if something is wrong. */
static inline uint32_t oracle_token(const weir_json *doc, uint32_t i, uint32_t depth, size_t end)
{
    const weir_token *tok = &doc->tok[i];
    size_t close = (size_t)tok->start + tok->len;
    uint32_t child = i + 1;
    bool container = tok->type == WEIR_JSON_ARRAY || tok->type == WEIR_JSON_OBJECT;

    if (tok->type < WEIR_JSON_NULL || tok->type > WEIR_JSON_OBJECT || tok->depth != depth)
        return 0;
    if (close > end || tok->next <= i || tok->next > doc->count)
        return 0;
    if (!container)
        return tok->next == i + 1 ? tok->next : 0;
    if (depth >= JSCAN_DEPTH_MAX || tok->flags || tok->len < 2)
        return 0;
    for (size_t from = tok->start; child && child < tok->next;) {
        if (doc->tok[child].start <= from)
            return 0;
        from = (size_t)doc->tok[child].start + doc->tok[child].len - (doc->tok[child].len > 0);
        child = oracle_token(doc, child, depth + 1, close - 1);
    }
    return child == tok->next ? child : 0;
}

/* Whether keys are where keys must be, and only there. */
static inline bool oracle_keys(const weir_json *doc)
{
    for (uint32_t i = 0; i < doc->count; i++) {
        uint32_t n = 0;

        for (uint32_t c = weir_json_first(doc, i); c != WEIR_JSON_NONE;
             c = weir_json_next(doc, i, c), n++) {
            bool key = doc->tok[c].flags & WEIR_TOKEN_KEY;

            if (key != (weir_json_is_object(doc, i) && n % 2 == 0))
                return false;
            if (key && doc->tok[c].type != WEIR_JSON_STRING)
                return false;
        }
        if (weir_json_is_object(doc, i) && n % 2)
            return false;
    }
    return doc->count && !(doc->tok[0].flags & WEIR_TOKEN_KEY);
}

static inline bool oracle_equal(const weir_json *doc, uint32_t i, const json_t *value);

static inline bool oracle_equal_string(const weir_json *doc, uint32_t i, const char *bytes,
                                       size_t len)
{
    char *buf = malloc(doc->tok[i].len + 1);
    size_t n = weir_json_unescape(doc, i, buf, doc->tok[i].len);
    bool equal = n == len && memcmp(buf, bytes, len) == 0 && weir_json_key_is(doc, i, bytes, len);

    free(buf);
    return equal;
}

static inline bool oracle_equal_object(const weir_json *doc, uint32_t i, const json_t *value)
{
    const char *name;
    json_t *member;
    size_t found = 0;

    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        uint32_t at = weir_json_find(doc, i, name);

        if (at == WEIR_JSON_NONE || !oracle_equal(doc, at, member))
            return false;
        WEIR_JSON_EACH_MEMBER(doc, i, key, same)
        {
            (void)same;
            found += weir_json_is(doc, key, name);
        }
    }
    return found == weir_json_count(doc, i);
}

static inline bool oracle_equal(const weir_json *doc, uint32_t i, const json_t *value)
{
    int64_t integer;
    double real;
    size_t n = 0;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return weir_json_is_object(doc, i) && oracle_equal_object(doc, i, value);
    case JSON_ARRAY:
        WEIR_JSON_EACH_ITEM(doc, i, item)
        {
            if (n >= json_array_size(value) || !oracle_equal(doc, item, json_array_get(value, n)))
                return false;
            n++;
        }
        return weir_json_is_array(doc, i) && n == json_array_size(value);
    case JSON_STRING:
        return weir_json_is_string(doc, i) &&
               oracle_equal_string(doc, i, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return weir_json_int64(doc, i, &integer) && integer == json_integer_value(value);
    case JSON_REAL:
        return weir_json_double(doc, i, &real) && real == json_real_value(value);
    case JSON_TRUE:
    case JSON_FALSE:
        return weir_json_is_bool(doc, i) &&
               (doc->tok[i].type == WEIR_JSON_TRUE) == json_is_true(value);
    case JSON_NULL:
        return weir_json_is_null(doc, i);
    }
    return false;
}

/* A four-digit escape at p, taken for granted by the scanner. */
static inline unsigned oracle_hex4(const char *p)
{
    char digits[5] = { p[0], p[1], p[2], p[3], 0 };
    return (unsigned)strtoul(digits, NULL, 16);
}

static inline bool oracle_string_excused(const weir_json *doc, uint32_t i)
{
    const char *p = doc->bytes.ptr + doc->tok[i].start;
    const char *end = p + doc->tok[i].len;

    for (; p < end; p++) {
        unsigned code;

        if (*p != '\\' || *++p != 'u')
            continue;
        code = oracle_hex4(p + 1);
        p += 4;
        if (code == 0 && doc->tok[i].flags & WEIR_TOKEN_KEY)
            return true;
        if (code < 0xD800 || code > 0xDFFF)
            continue;
        if (code > 0xDBFF || end - p < 7 || p[1] != '\\' || p[2] != 'u')
            return true;
        code = oracle_hex4(p + 3);
        if (code < 0xDC00 || code > 0xDFFF)
            return true;
        p += 6;
    }
    return false;
}

/* Whether Jansson takes the number for a real. */
static inline bool oracle_is_real(const weir_json *doc, uint32_t i)
{
    weir_str raw = weir_json_raw(doc, i);

    return memchr(raw.ptr, '.', raw.len) || memchr(raw.ptr, 'e', raw.len) ||
           memchr(raw.ptr, 'E', raw.len);
}

/* Whether the document holds something that Jansson refuses and RFC 8259 does not. */
static inline bool oracle_excused(const weir_json *doc)
{
    for (uint32_t i = 0; i < doc->count; i++) {
        int64_t integer;
        double real;

        if (weir_json_is_string(doc, i) && oracle_string_excused(doc, i))
            return true;
        if (!weir_json_is_number(doc, i))
            continue;
        if (oracle_is_real(doc, i)) {
            if (!weir_json_double(doc, i, &real))
                return true;
        } else if (!weir_json_int64(doc, i, &integer)) {
            return true;
        }
    }
    return false;
}

/* Writes value i again from what it means. */
static inline void oracle_rewrite(weir_writer *w, const weir_json *doc, uint32_t i)
{
    weir_str text = { "", 0 };
    int64_t integer;
    double real;

    switch (weir_json_type(doc, i)) {
    case WEIR_JSON_OBJECT:
        weir_write_begin_object(w);
        WEIR_JSON_EACH_MEMBER(doc, i, key, value)
        {
            weir_write_key_text(w, weir_text_from(weir_json_str(doc, key, w->arena)));
            oracle_rewrite(w, doc, value);
        }
        weir_write_end_object(w);
        break;
    case WEIR_JSON_ARRAY:
        weir_write_begin_array(w);
        WEIR_JSON_EACH_ITEM(doc, i, item)
        {
            oracle_rewrite(w, doc, item);
        }
        weir_write_end_array(w);
        break;
    case WEIR_JSON_STRING:
        text = weir_json_str(doc, i, w->arena);
        if (text.len % 2)
            weir_write_text(w, weir_json_text(doc, i));
        else
            weir_write_string(w, text);
        break;
    case WEIR_JSON_NUMBER:
        if (weir_json_int64(doc, i, &integer) && integer)
            weir_write_int64(w, integer);
        else if (oracle_is_real(doc, i) && weir_json_double(doc, i, &real) && real != trunc(real))
            weir_write_double(w, real);
        else
            weir_write_value(w, doc, i); /* a whole real must stay one for Jansson */
        break;
    default:
        weir_write_value(w, doc, i);
    }
}

/* The whole comparison. NULL if all is well, else what is not. *result is the scanner's. */
static inline const char *oracle_check(const char *data, size_t len, weir_result *result)
{
    weir_str bytes = { data, len };
    struct test_arena arena;
    struct jscan_fault fault;
    weir_json doc, again;
    weir_writer w;
    weir_str text;
    json_error_t error;
    const char *wrong = NULL;
    json_t *value = json_loadb(data, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    test_arena_init(&arena, SIZE_MAX);
    *result = jscan_arena(&arena.arena, bytes, &doc, &fault);
    if (*result) {
        bool nul = fault.offset < len && data[fault.offset] == 0;

        if (value && *result != WEIR_TOO_LARGE && !nul)
            wrong = "only Jansson accepts it";
        else if (fault.offset > len || !fault.what)
            wrong = "the fault is not explained";
        goto out;
    }
    if (oracle_token(&doc, 0, 0, len) != doc.count || !oracle_keys(&doc))
        wrong = "the token table is not sound";
    else if (!value && !oracle_excused(&doc))
        wrong = "Jansson refuses it";
    else if (value && !oracle_equal(&doc, 0, value))
        wrong = "it means something else to Jansson";
    if (wrong)
        goto out;

    weir_writer_init(&w, &arena.arena, 0);
    oracle_rewrite(&w, &doc, 0);
    if (weir_writer_finish(&w, &text) || jscan_arena(&arena.arena, text, &again, NULL))
        wrong = "it is not JSON once written";
    else if (again.count != doc.count || (value && !oracle_equal(&again, 0, value)))
        wrong = "it is something else once written";
out:
    json_decref(value);
    test_arena_finish(&arena);
    return wrong;
}

#endif
