/*
 * retry.h - what vendors say about time: Retry-After in its spellings, and rate limit headers.
 */
#ifndef WEIR_SDK_RETRY_H
#define WEIR_SDK_RETRY_H

#include <weir/event.h>
#include <weir/sdk/number.h>
#include <weir/sdk/str.h>

/* Longer than anybody means; keeps sums far from overflow. */
#define WEIR_DURATION_MAX_US (INT64_C(366) * 86400 * 1000000)

/* The unit in microseconds at the front of s, which is taken off; seconds if there is none. */
static inline double weir_duration_unit(weir_str *s)
{
    static const struct {
        const char *name;
        double us;
    } units[] = { { "ms", 1e3 },     { "us", 1 },         { "ns", 1e-3 },      { "s", 1e6 },
                  { "m", 60 * 1e6 }, { "h", 3600 * 1e6 }, { "d", 86400 * 1e6 } };

    if (!s->len)
        return 1e6;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (weir_str_starts(*s, units[i].name)) {
            *s = weir_str_skip(*s, strlen(units[i].name));
            return units[i].us;
        }
    }
    return -1;
}

/* "1m19.156s", "13ms", "6s", "2.5": microseconds, or -1. Bare numbers are seconds. */
static inline int64_t weir_duration_us(weir_str s)
{
    double total = 0;

    s = weir_str_trim(s);
    if (!s.len)
        return -1;
    while (s.len) {
        size_t digits = 0;
        double number, unit;

        while (digits < s.len &&
               ((s.ptr[digits] >= '0' && s.ptr[digits] <= '9') || s.ptr[digits] == '.'))
            digits++;
        if (!weir_number_to_double(s.ptr, digits, &number))
            return -1;
        s = weir_str_skip(s, digits);
        unit = weir_duration_unit(&s);
        if (unit < 0)
            return -1;
        total += number * unit;
    }
    return total < (double)WEIR_DURATION_MAX_US ? (int64_t)total : WEIR_DURATION_MAX_US;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static inline int64_t weir_date_days(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2);
    int64_t era = y / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* An HTTP date, "Sun, 06 Nov 1994 08:49:37 GMT", as unix seconds, or -1. */
static inline int64_t weir_http_date(weir_str s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const uint8_t at[] = { 5, 12, 17, 20, 23 }, len[] = { 2, 4, 2, 2, 2 };
    int64_t n[5], month = 0;

    if (s.len != 29 || !weir_str_ends(s, " GMT"))
        return -1;
    for (int i = 0; i < 5; i++) {
        if (!weir_number_to_int64(s.ptr + at[i], len[i], &n[i]) || n[i] < 0)
            return -1;
    }
    while (month < 12 && memcmp(months + month * 3, s.ptr + 8, 3) != 0)
        month++;
    if (month == 12)
        return -1;
    return weir_date_days(n[1], month + 1, n[0]) * 86400 + n[2] * 3600 + n[3] * 60 + n[4];
}

/* A point in time as RFC 3339 writes it, "2026-07-24T00:00:00Z", with or without a fraction, the
 * offset as Z or +hh:mm: unix seconds, rounded down, or -1. */
static inline int64_t weir_rfc3339(weir_str s)
{
    static const uint8_t at[] = { 0, 5, 8, 11, 14, 17 }, len[] = { 4, 2, 2, 2, 2, 2 };
    int64_t n[6], hours, minutes, offset = 0;

    if (s.len < 20 || s.ptr[4] != '-' || s.ptr[7] != '-' || s.ptr[13] != ':' || s.ptr[16] != ':')
        return -1;
    for (int i = 0; i < 6; i++) {
        if (!weir_number_to_int64(s.ptr + at[i], len[i], &n[i]) || n[i] < 0)
            return -1;
    }
    s = weir_str_skip(s, 19);
    if (*s.ptr == '.') {
        do
            s = weir_str_skip(s, 1);
        while (s.len && *s.ptr >= '0' && *s.ptr <= '9');
    }
    if (s.len == 6 && (*s.ptr == '+' || *s.ptr == '-') &&
        weir_number_to_int64(s.ptr + 1, 2, &hours) && weir_number_to_int64(s.ptr + 4, 2, &minutes))
        offset = (*s.ptr == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    else if (s.len != 1 || (*s.ptr != 'Z' && *s.ptr != 'z'))
        return -1;
    return weir_date_days(n[0], n[1], n[2]) * 86400 + n[3] * 3600 + n[4] * 60 + n[5] - offset;
}

/* A header that is a duration, a number of seconds, or a point in time (HTTP date, RFC 3339, unix
 * seconds or milliseconds): microseconds from now, never negative; -1 if it is none of these. */
static inline int64_t weir_reset_us(weir_str value, int64_t unix_us)
{
    int64_t number, date;

    if (weir_number_to_int64(value.ptr, value.len, &number) && number > 1000000000) {
        int64_t then = number > INT64_C(100000000000) ? number : number * 1000;

        if (then > INT64_MAX / 1000)
            return -1;
        return then * 1000 > unix_us ? then * 1000 - unix_us : 0;
    }
    date = weir_http_date(value);
    if (date < 0)
        date = weir_rfc3339(value);
    if (date >= 0)
        return date * 1000000 > unix_us ? date * 1000000 - unix_us : 0;
    return weir_duration_us(value);
}

/* How long the answer says to stay away: retry-after-ms, else retry-after; -1 if neither is there
 * or can be read. */
static inline int64_t weir_retry_after_us(const weir_header *headers, uint32_t count,
                                          int64_t unix_us)
{
    weir_str ms = weir_header_find(headers, count, "retry-after-ms");
    weir_str after = weir_header_find(headers, count, "retry-after");
    double number;

    if (weir_number_to_double(ms.ptr, ms.len, &number) && number >= 0)
        return number < (double)WEIR_DURATION_MAX_US / 1e3 ? (int64_t)(number * 1e3)
                                                           : WEIR_DURATION_MAX_US;
    return after.len ? weir_reset_us(after, unix_us) : -1;
}

/* The members of weir_rate, by number. */
static inline int64_t *weir_rate_member(weir_rate *rate, unsigned which)
{
    switch (which) {
    case 0:
        return &rate->requests_limit;
    case 1:
        return &rate->requests_left;
    case 2:
        return &rate->requests_reset_us;
    case 3:
        return &rate->tokens_limit;
    case 4:
        return &rate->tokens_left;
    default:
        return &rate->tokens_reset_us;
    }
}

/* One header of the family, named by what follows its prefix. For each member the spellings of
 * OpenAI and those who follow it, the best with rank 0. */
static inline void weir_rate_take(weir_rate *rate, uint8_t rank[6], weir_str name, weir_str value,
                                  int64_t unix_us)
{
    static const struct {
        weir_str name;
        uint8_t which, rank;
    } known[] = {
        { { "limit-requests", 14 }, 0, 0 },
        { { "limit-req-minute", 16 }, 0, 1 },
        { { "limit", 5 }, 0, 2 },
        { { "limit-requests-day", 18 }, 0, 3 },
        { { "requests-limit", 14 }, 0, 4 },
        { { "remaining-requests", 18 }, 1, 0 },
        { { "remaining-req-minute", 20 }, 1, 1 },
        { { "remaining", 9 }, 1, 2 },
        { { "remaining-requests-day", 22 }, 1, 3 },
        { { "requests-remaining", 18 }, 1, 4 },
        { { "reset-requests", 14 }, 2, 0 },
        { { "reset-req-minute", 16 }, 2, 1 },
        { { "reset", 5 }, 2, 2 },
        { { "reset-requests-day", 18 }, 2, 3 },
        { { "requests-reset", 14 }, 2, 4 },
        { { "limit-tokens", 12 }, 3, 0 },
        { { "limit-tokens-minute", 19 }, 3, 1 },
        { { "tokens-limit", 12 }, 3, 2 },
        { { "input-tokens-limit", 18 }, 3, 3 },
        { { "remaining-tokens", 16 }, 4, 0 },
        { { "remaining-tokens-minute", 23 }, 4, 1 },
        { { "tokens-remaining", 16 }, 4, 2 },
        { { "input-tokens-remaining", 22 }, 4, 3 },
        { { "reset-tokens", 12 }, 5, 0 },
        { { "reset-tokens-minute", 19 }, 5, 1 },
        { { "tokens-reset", 12 }, 5, 2 },
        { { "input-tokens-reset", 18 }, 5, 3 },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        unsigned which = known[i].which;
        int64_t number = -1;

        if (name.len != known[i].name.len || known[i].rank >= rank[which] ||
            !weir_str_is_nocase(name, known[i].name.ptr))
            continue;
        if (which == 2 || which == 5)
            number = weir_reset_us(value, unix_us);
        else if (!weir_number_to_int64(value.ptr, value.len, &number) || number < 0)
            return;
        rank[which] = known[i].rank;
        *weir_rate_member(rate, which) = number;
        return;
    }
}

/* The length of the family's prefix, if the name has it. */
static inline size_t weir_rate_prefix(weir_str name)
{
    char first = name.len ? (char)(name.ptr[0] | 0x20) : '\0';

    if (first == 'x' && name.len > 12 &&
        weir_str_is_nocase(weir_str_make(name.ptr, 12), "x-ratelimit-"))
        return 12;
    if (first == 'a' && name.len > 20 &&
        weir_str_is_nocase(weir_str_make(name.ptr, 20), "anthropic-ratelimit-"))
        return 20;
    return 0;
}

/* The x-ratelimit-* family and Anthropic's. False if the answer has none of them. */
static inline bool weir_rate_read(const weir_header *headers, uint32_t count, int64_t unix_us,
                                  weir_rate *rate)
{
    uint8_t rank[6] = { 9, 9, 9, 9, 9, 9 };

    memset(rate, 0, sizeof(*rate));
    rate->struct_size = sizeof(*rate);
    for (unsigned which = 0; which < 6; which++)
        *weir_rate_member(rate, which) = -1;
    for (uint32_t i = 0; i < count; i++) {
        weir_str name = headers[i].name, value;
        size_t prefix = weir_rate_prefix(name);

        if (!prefix)
            continue;
        value = weir_str_trim(headers[i].value);
        if (value.len)
            weir_rate_take(rate, rank, weir_str_skip(name, prefix), value, unix_us);
    }
    return rate->requests_limit >= 0 || rate->requests_left >= 0 || rate->tokens_limit >= 0 ||
           rate->tokens_left >= 0;
}

#endif
