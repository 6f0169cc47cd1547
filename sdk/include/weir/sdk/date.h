/*
 * date.h - points in time as RFC 3339 writes them, "2025-01-29T23:37:41.068257Z".
 */
#ifndef WEIR_SDK_DATE_H
#define WEIR_SDK_DATE_H

#include <weir/sdk/number.h>
#include <weir/sdk/retry.h>
#include <weir/sdk/str.h>

/* Room for what weir_date_print writes. */
#define WEIR_DATE_ROOM 32

/* `digits` digits of `value`, with zeros before it. */
static inline void weir_date_put(char *out, int64_t value, int digits)
{
    while (digits-- > 0) {
        out[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Writes unix time in microseconds as UTC with nine digits of fraction; not terminated. Returns the
 * length, or 0: the year has not four digits. */
static inline size_t weir_date_print(char out[WEIR_DATE_ROOM], int64_t unix_us)
{
    int64_t us = unix_us % INT64_C(86400000000), days = unix_us / INT64_C(86400000000);
    int64_t era, of_era, year, of_year, month;

    if (us < 0) {
        us += INT64_C(86400000000);
        days--;
    }
    /* The inverse of weir_date_days. */
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    of_era = days - era * 146097;
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);
    month = (5 * of_year + 2) / 153;
    year += era * 400 + (month >= 10);
    if (year < 0 || year > 9999)
        return 0;
    memcpy(out, "0000-00-00T00:00:00.000000000Z", 30);
    weir_date_put(out, year, 4);
    weir_date_put(out + 5, month < 10 ? month + 3 : month - 9, 2);
    weir_date_put(out + 8, of_year - (153 * month + 2) / 5 + 1, 2);
    weir_date_put(out + 11, us / INT64_C(3600000000), 2);
    weir_date_put(out + 14, us / 60000000 % 60, 2);
    weir_date_put(out + 17, us / 1000000 % 60, 2);
    weir_date_put(out + 20, us % 1000000, 6);
    return 30;
}

/* The microseconds of a fraction, which is taken off the front of *s. */
static inline int64_t weir_date_fraction(weir_str *s)
{
    int64_t us = 0, weight = 100000;

    if (!s->len || *s->ptr != '.')
        return 0;
    *s = weir_str_skip(*s, 1);
    for (; s->len && *s->ptr >= '0' && *s->ptr <= '9'; *s = weir_str_skip(*s, 1)) {
        us += (*s->ptr - '0') * weight;
        weight /= 10;
    }
    return us;
}

/* Two or four digits within their limits. */
static inline bool weir_date_number(weir_str s, size_t at, size_t len, int64_t max, int64_t *out)
{
    return weir_number_to_int64(s.ptr + at, len, out) && *out >= 0 && *out <= max;
}

/* Unix time in microseconds of a date with its zone, or -1: it is none, or before 1970. */
static inline int64_t weir_date_read(weir_str s)
{
    int64_t year, month, day, hour, minute, second, us, hours = 0, minutes = 0, sign = 1;

    if (s.len < 20 || s.ptr[4] != '-' || s.ptr[7] != '-' || s.ptr[13] != ':' || s.ptr[16] != ':' ||
        !weir_date_number(s, 0, 4, 9999, &year) || !weir_date_number(s, 5, 2, 12, &month) ||
        !weir_date_number(s, 8, 2, 31, &day) || !weir_date_number(s, 11, 2, 23, &hour) ||
        !weir_date_number(s, 14, 2, 59, &minute) || !weir_date_number(s, 17, 2, 60, &second) ||
        !month || !day)
        return -1;
    s = weir_str_skip(s, 19);
    us = weir_date_fraction(&s);
    if (s.len == 6 && (*s.ptr == '+' || *s.ptr == '-') && s.ptr[3] == ':') {
        if (!weir_date_number(s, 1, 2, 23, &hours) || !weir_date_number(s, 4, 2, 59, &minutes))
            return -1;
        sign = *s.ptr == '-' ? -1 : 1;
    } else if (!weir_str_is_nocase(s, "z")) {
        return -1;
    }
    second += (weir_date_days(year, month, day) * 24 + hour - sign * hours) * 3600 +
              (minute - sign * minutes) * 60;
    return second < 0 ? -1 : second * 1000000 + us;
}

#endif
