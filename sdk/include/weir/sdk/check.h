/*
 * check.h - whether bytes that come in pieces are one whole JSON value.
 *
 *     weir_json_check check = weir_json_check_begin();
 *     weir_json_check_text(&check, piece);          as often as pieces come
 *     if (weir_json_check_whole(&check)) ...
 *
 * For the arguments of tool calls, which vendors send in fragments: a fragment that got lost is
 * nearly always seen here, counted brackets alone would miss it. Holds no pointers; zeroed memory
 * is a check that has begun.
 */
#ifndef WEIR_SDK_CHECK_H
#define WEIR_SDK_CHECK_H

#include <string.h>

#include <weir/sdk/str.h>
#include <weir/sdk/text.h>

enum { WEIR_CHECK_DEPTH = 256 };

typedef struct weir_json_check {
    uint8_t state; /* WEIR_CHECK_* */
    uint8_t first; /* the first byte of the value; 0: none came */
    uint8_t key;   /* the open string is a key */
    uint8_t digits;
    uint16_t depth;
    uint16_t literal;                    /* which word, and how much of it came */
    uint8_t array[WEIR_CHECK_DEPTH / 8]; /* a bit for each open container: it is an array */
} weir_json_check;

enum {
    WEIR_CHECK_VALUE = 0,   /* a value must come */
    WEIR_CHECK_ITEM = 1,    /* behind '[': a value, or the end */
    WEIR_CHECK_MEMBER = 2,  /* behind '{': a key, or the end */
    WEIR_CHECK_KEY = 3,     /* behind a comma in an object */
    WEIR_CHECK_COLON = 4,   /* behind a key */
    WEIR_CHECK_BEHIND = 5,  /* behind a value inside a container */
    WEIR_CHECK_STRING = 6,  /* inside a string */
    WEIR_CHECK_ESCAPE = 7,  /* behind a backslash */
    WEIR_CHECK_HEX = 8,     /* inside \uXXXX */
    WEIR_CHECK_LITERAL = 9, /* inside true, false, null */
    WEIR_CHECK_MINUS = 10,  /* numbers: behind '-' */
    WEIR_CHECK_ZERO = 11,
    WEIR_CHECK_INT = 12,
    WEIR_CHECK_POINT = 13,
    WEIR_CHECK_FRACTION = 14,
    WEIR_CHECK_E = 15,
    WEIR_CHECK_E_SIGN = 16,
    WEIR_CHECK_EXPONENT = 17,
    WEIR_CHECK_DONE = 18,
    WEIR_CHECK_BAD = 19,
};

static inline weir_json_check weir_json_check_begin(void)
{
    weir_json_check c;

    memset(&c, 0, sizeof(c));
    return c;
}

static inline void weir_check_value_ended(weir_json_check *c)
{
    c->state = c->depth ? WEIR_CHECK_BEHIND : WEIR_CHECK_DONE;
}

static inline void weir_check_open(weir_json_check *c, bool array)
{
    uint8_t bit = (uint8_t)(1u << (c->depth % 8));

    if (c->depth == WEIR_CHECK_DEPTH) {
        c->state = WEIR_CHECK_BAD;
        return;
    }
    if (array)
        c->array[c->depth / 8] |= bit;
    else
        c->array[c->depth / 8] &= (uint8_t)~bit;
    c->depth++;
    c->state = array ? WEIR_CHECK_ITEM : WEIR_CHECK_MEMBER;
}

static inline bool weir_check_in_array(const weir_json_check *c)
{
    return c->depth && (c->array[(c->depth - 1) / 8] >> ((c->depth - 1) % 8) & 1u);
}

static inline void weir_check_close(weir_json_check *c, bool array)
{
    if (!c->depth || weir_check_in_array(c) != array) {
        c->state = WEIR_CHECK_BAD;
        return;
    }
    c->depth--;
    weir_check_value_ended(c);
}

static inline const char *weir_check_word(unsigned n)
{
    return n == 0 ? "true" : n == 1 ? "false" : "null";
}

static inline void weir_check_begin_value(weir_json_check *c, unsigned char b)
{
    if (!c->first)
        c->first = b;
    if (b == '{' || b == '[') {
        weir_check_open(c, b == '[');
    } else if (b == '"') {
        c->key = 0;
        c->state = WEIR_CHECK_STRING;
    } else if (b == '-') {
        c->state = WEIR_CHECK_MINUS;
    } else if (b >= '0' && b <= '9') {
        c->state = b == '0' ? WEIR_CHECK_ZERO : WEIR_CHECK_INT;
    } else if (b == 't' || b == 'f' || b == 'n') {
        c->literal = (uint16_t)((b == 't' ? 0 : b == 'f' ? 1 : 2) << 8 | 1);
        c->state = WEIR_CHECK_LITERAL;
    } else {
        c->state = WEIR_CHECK_BAD;
    }
}

static inline void weir_check_string(weir_json_check *c, unsigned char b)
{
    if (c->state == WEIR_CHECK_STRING) {
        if (b == '"' && c->key)
            c->state = WEIR_CHECK_COLON;
        else if (b == '"')
            weir_check_value_ended(c);
        else if (b == '\\')
            c->state = WEIR_CHECK_ESCAPE;
        else if (b < 0x20)
            c->state = WEIR_CHECK_BAD;
    } else if (c->state == WEIR_CHECK_ESCAPE) {
        c->digits = 0;
        c->state = b == 'u'                                  ? WEIR_CHECK_HEX
                   : b && memchr("\"\\/bfnrt", b, 8) != NULL ? WEIR_CHECK_STRING
                                                             : WEIR_CHECK_BAD;
    } else {
        unsigned char lower = (unsigned char)(b | 0x20);

        if (!(b >= '0' && b <= '9') && !(lower >= 'a' && lower <= 'f'))
            c->state = WEIR_CHECK_BAD;
        else if (++c->digits == 4)
            c->state = WEIR_CHECK_STRING;
    }
}

/* Steps on in a number. False: it ended before this byte. */
static inline bool weir_check_number(weir_json_check *c, unsigned char b)
{
    bool digit = b >= '0' && b <= '9';

    switch (c->state) {
    case WEIR_CHECK_MINUS:
        c->state = !digit ? WEIR_CHECK_BAD : b == '0' ? WEIR_CHECK_ZERO : WEIR_CHECK_INT;
        return true;
    case WEIR_CHECK_POINT:
        c->state = digit ? WEIR_CHECK_FRACTION : WEIR_CHECK_BAD;
        return true;
    case WEIR_CHECK_E:
        c->state = b == '+' || b == '-' ? WEIR_CHECK_E_SIGN
                   : digit              ? WEIR_CHECK_EXPONENT
                                        : WEIR_CHECK_BAD;
        return true;
    case WEIR_CHECK_E_SIGN:
        c->state = digit ? WEIR_CHECK_EXPONENT : WEIR_CHECK_BAD;
        return true;
    default:
        break;
    }
    if (digit && c->state != WEIR_CHECK_ZERO)
        return true;
    if (b == '.' && (c->state == WEIR_CHECK_ZERO || c->state == WEIR_CHECK_INT)) {
        c->state = WEIR_CHECK_POINT;
        return true;
    }
    if ((b == 'e' || b == 'E') && c->state != WEIR_CHECK_EXPONENT) {
        c->state = WEIR_CHECK_E;
        return true;
    }
    weir_check_value_ended(c);
    return false;
}

static inline void weir_check_between(weir_json_check *c, unsigned char b)
{
    switch (c->state) {
    case WEIR_CHECK_ITEM:
        if (b == ']') {
            weir_check_close(c, true);
            return;
        }
        weir_check_begin_value(c, b);
        return;
    case WEIR_CHECK_VALUE:
        weir_check_begin_value(c, b);
        return;
    case WEIR_CHECK_MEMBER:
    case WEIR_CHECK_KEY:
        if (b == '}' && c->state == WEIR_CHECK_MEMBER) {
            weir_check_close(c, false);
            return;
        }
        c->key = 1;
        c->state = b == '"' ? WEIR_CHECK_STRING : WEIR_CHECK_BAD;
        return;
    case WEIR_CHECK_COLON:
        c->state = b == ':' ? WEIR_CHECK_VALUE : WEIR_CHECK_BAD;
        return;
    case WEIR_CHECK_BEHIND:
        if (b == ',')
            c->state = weir_check_in_array(c) ? WEIR_CHECK_VALUE : WEIR_CHECK_KEY;
        else if (b == ']' || b == '}')
            weir_check_close(c, b == ']');
        else
            c->state = WEIR_CHECK_BAD;
        return;
    default:
        c->state = WEIR_CHECK_BAD; /* something behind the value */
    }
}

static inline void weir_check_byte(weir_json_check *c, unsigned char b)
{
    if (c->state >= WEIR_CHECK_STRING && c->state <= WEIR_CHECK_HEX) {
        weir_check_string(c, b);
        return;
    }
    if (c->state == WEIR_CHECK_LITERAL) {
        const char *word = weir_check_word(c->literal >> 8);

        if ((unsigned char)word[c->literal & 255] != b)
            c->state = WEIR_CHECK_BAD;
        else if (!word[(++c->literal) & 255])
            weir_check_value_ended(c);
        return;
    }
    if (c->state >= WEIR_CHECK_MINUS && c->state <= WEIR_CHECK_EXPONENT && weir_check_number(c, b))
        return;
    if (b == ' ' || b == '\t' || b == '\r' || b == '\n')
        return;
    weir_check_between(c, b);
}

/* The next bytes of the value. */
static inline void weir_json_check_bytes(weir_json_check *c, weir_str bytes)
{
    for (size_t i = 0; i < bytes.len && c->state != WEIR_CHECK_BAD; i++)
        weir_check_byte(c, (unsigned char)bytes.ptr[i]);
}

/* The same of a text: what it means, not how it is escaped. */
static inline void weir_json_check_text(weir_json_check *c, weir_text text)
{
    struct weir_text_cursor cursor = weir_text_open(text);
    weir_str piece;

    while ((piece = weir_text_piece(&cursor)).len)
        weir_json_check_bytes(c, piece);
}

/* Whether anything but white space came. */
static inline bool weir_json_check_any(const weir_json_check *c)
{
    return c->first || c->state == WEIR_CHECK_BAD;
}

/* Whether what came is one value and all of it. */
static inline bool weir_json_check_whole(const weir_json_check *c)
{
    return c->state == WEIR_CHECK_DONE ||
           (!c->depth && (c->state == WEIR_CHECK_ZERO || c->state == WEIR_CHECK_INT ||
                          c->state == WEIR_CHECK_FRACTION || c->state == WEIR_CHECK_EXPONENT));
}

/* The same, and the value is an object. */
static inline bool weir_json_check_object(const weir_json_check *c)
{
    return c->first == '{' && c->state == WEIR_CHECK_DONE;
}

#endif
