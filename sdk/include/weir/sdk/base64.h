/*
 * base64.h - base64 with the plain alphabet (RFC 4648, section 4), for what crosses JSON as bytes.
 */
#ifndef WEIR_SDK_BASE64_H
#define WEIR_SDK_BASE64_H

#include <weir/base.h>

/* Bytes that `len` bytes become. */
static inline size_t weir_base64_size(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes weir_base64_size(len) bytes to `out`. */
static inline void weir_base64_encode(const unsigned char *from, size_t len, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t n = (uint32_t)from[i] << 16;

        n |= i + 1 < len ? (uint32_t)from[i + 1] << 8 : 0;
        n |= i + 2 < len ? from[i + 2] : 0;
        *out++ = alphabet[n >> 18];
        *out++ = alphabet[n >> 12 & 63];
        *out++ = i + 1 < len ? alphabet[n >> 6 & 63] : '=';
        *out++ = i + 2 < len ? alphabet[n & 63] : '=';
    }
}

/* The value of one character, either alphabet; -1: it is none. */
static inline int weir_base64_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Decodes into `out`, which has room for 3 bytes of every 4 begun. The bytes written, or -1: not
 * base64. Padding may be missing. */
static inline int64_t weir_base64_decode(weir_str from, unsigned char *out)
{
    unsigned char *start = out;
    uint32_t bits = 0;
    size_t len = from.len, n = 0;

    while (len && from.ptr[len - 1] == '=')
        len--;
    if (len % 4 == 1 || from.len - len > 2)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int value = weir_base64_value((unsigned char)from.ptr[i]);

        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        if (++n == 4) {
            *out++ = (unsigned char)(bits >> 16);
            *out++ = (unsigned char)(bits >> 8);
            *out++ = (unsigned char)bits;
            bits = 0, n = 0;
        }
    }
    if (n >= 2)
        *out++ = (unsigned char)(bits >> (n == 3 ? 10 : 4));
    if (n == 3)
        *out++ = (unsigned char)(bits >> 2);
    return out - start;
}

#endif
