/*
 * number.h - decimal numbers as JSON writes them, without regard to the locale.
 *
 * Reading is correctly rounded; what is printed reads back as the same value.
 */
#ifndef WEIR_SDK_NUMBER_H
#define WEIR_SDK_NUMBER_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Room for any number printed here. */
    WEIR_NUMBER_ROOM = 40,
    /* No decision between two neighbouring doubles needs more significant digits than 768; what
     * comes behind them only matters by being there. */
    WEIR_NUMBER_DIGITS = 768,
};

/* Reads -?digits that fit. Refuses everything else, fractions and exponents included. */
static inline bool weir_number_to_int64(const char *p, size_t len, int64_t *out)
{
    const char *end = p + len;
    bool minus = len > 0 && *p == '-';
    uint64_t value = 0;

    if (minus)
        p++;
    if (p == end)
        return false;
    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX + (minus ? 1 : 0))
        return false;
    if (minus)
        *out = value ? -(int64_t)(value - 1) - 1 : 0;
    else
        *out = (int64_t)value;
    return true;
}

/* A decimal taken apart: digits * 10^exponent. */
struct weir_number_parts {
    char digits[WEIR_NUMBER_DIGITS + 32]; /* without leading zeros */
    size_t count;
    int64_t exponent;
    bool minus;
};

static inline bool weir_number_exponent(const char *p, const char *end, int64_t *exponent)
{
    bool minus = p < end && *p == '-';
    int64_t value = 0;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        if (value < INT64_C(1000000000000))
            value = value * 10 + (*p - '0');
    }
    *exponent += minus ? -value : value;
    return true;
}

static inline bool weir_number_split(const char *p, size_t len, struct weir_number_parts *n)
{
    const char *end = p + len;
    bool point = false;
    bool rest = false; /* a digit other than 0 was left out */

    n->count = 0;
    n->exponent = 0;
    n->minus = p < end && *p == '-';
    if (n->minus)
        p++;
    if (p == end || *p < '0' || *p > '9')
        return false;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            return false;
        n->exponent -= point;
        if (n->count == 0 && *p == '0')
            continue;
        if (n->count < WEIR_NUMBER_DIGITS) {
            n->digits[n->count++] = *p;
            continue;
        }
        n->exponent++;
        rest |= *p != '0';
    }
    if (rest) {
        n->digits[n->count++] = '1';
        n->exponent--;
    }
    return p == end || weir_number_exponent(p + 1, end, &n->exponent);
}

/* Few digits and a small exponent: one rounding, so the result is exact. */
static inline bool weir_number_small(const struct weir_number_parts *n, double *out)
{
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
    static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    int64_t value = 0;

    if (n->count > 15 || n->exponent < -22 || n->exponent > 22)
        return false;
    for (size_t i = 0; i < n->count; i++)
        value = value * 10 + (n->digits[i] - '0');
    *out =
        n->exponent < 0 ? (double)value / power[-n->exponent] : (double)value * power[n->exponent];
    return true;
#else
    (void)n;
    (void)out;
    return false;
#endif
}

/* Reads a JSON number; refuses what is out of a double's range. Too small a value becomes 0. */
static inline bool weir_number_to_double(const char *p, size_t len, double *out)
{
    struct weir_number_parts n;
    double value = 0;

    if (!weir_number_split(p, len, &n))
        return false;
    if (n.count && !weir_number_small(&n, &value)) {
        int exponent = n.exponent > 100000    ? 100000
                       : n.exponent < -100000 ? -100000
                                              : (int)n.exponent;

        /* Digits and exponent, but no decimal point: strtod reads this alike in every locale. */
        snprintf(n.digits + n.count, sizeof(n.digits) - n.count, "e%d", exponent);
        value = strtod(n.digits, NULL);
        if (!isfinite(value))
            return false;
    }
    *out = n.minus ? -value : value;
    return true;
}

/* The print functions need WEIR_NUMBER_ROOM bytes, terminate nothing and return the length. */
static inline size_t weir_number_print_uint64(char *out, uint64_t value)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

static inline size_t weir_number_print_int64(char *out, int64_t value)
{
    if (value >= 0)
        return weir_number_print_uint64(out, (uint64_t)value);
    out[0] = '-';
    return 1 + weir_number_print_uint64(out + 1, 0 - (uint64_t)value);
}

/* `value` must be finite. Whole numbers up to 2^53 are printed as such. */
static inline size_t weir_number_print_double(char *out, double value)
{
    size_t n = 0;

    if (fabs(value) <= 9007199254740992.0) {
        int64_t whole = (int64_t)value;

        if (whole == 0 && signbit(value) && !(value < 0)) {
            memcpy(out, "-0", 2);
            return 2;
        }
        if (!(value < (double)whole) && !(value > (double)whole))
            return weir_number_print_int64(out, whole);
    }
    for (int precision = 15; precision <= 17; precision++) {
        char text[WEIR_NUMBER_ROOM];
        double again;
        bool point = false;

        snprintf(text, sizeof(text), "%.*g", precision, value);
        n = 0;
        for (const char *p = text; *p; p++) {
            if ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == 'e') {
                out[n++] = *p;
            } else if (!point) {
                out[n++] = '.'; /* whatever the locale has, it may be several bytes */
                point = true;
            }
        }
        if (weir_number_to_double(out, n, &again) && memcmp(&again, &value, sizeof(value)) == 0)
            break;
    }
    return n;
}

#endif
