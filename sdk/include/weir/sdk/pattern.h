/*
 * pattern.h - names in a configuration: as they are, with '*' for any run of characters, or as a
 * regular expression between slashes.
 *
 * Regular expressions are POSIX extended ones (<regex.h>), ignore the case of ASCII letters and are
 * compiled once, in `configure`. What could cost more than a walk over the text is refused there:
 * back references, and counted repeats that multiply. Matching sees a bounded text.
 */
#ifndef WEIR_SDK_PATTERN_H
#define WEIR_SDK_PATTERN_H

#include <regex.h>

#include <weir/sdk/configure.h>
#include <weir/sdk/str.h>

/* Bytes of a text that a regular expression sees. */
#define WEIR_REGEX_TEXT 16384
/* Bytes of a regular expression, and the most that its counted repeats may multiply to. */
#define WEIR_REGEX_LENGTH  1000
#define WEIR_REGEX_REPEATS 1000

/* The highest number in the braces at p. */
static inline unsigned long weir_regex_repeat(const char *p)
{
    unsigned long most = 1;

    while (*p && *p != '}') {
        char *end = NULL;
        unsigned long n = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;

        most = n > most ? n : most;
        p = end ? end : p + 1;
    }
    return most;
}

/* What speaks against a regular expression whatever <regex.h> says of it; NULL: nothing. */
static inline const char *weir_regex_objection(const char *pattern)
{
    unsigned long repeats = 1;

    if (strlen(pattern) > WEIR_REGEX_LENGTH)
        return "is longer than 1000 bytes";
    for (const char *p = pattern; *p; p++) {
        if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
            return "has a back reference, which can take endless time";
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '{')
            repeats *= weir_regex_repeat(p);
        if (repeats > WEIR_REGEX_REPEATS)
            return "repeats too much: its counts in braces multiply to more than 1000";
    }
    return NULL;
}

/* Says what is wrong with a pattern; `code` is of <regex.h> if there is no objection. */
static inline weir_result weir_regex_wrong(const char *option, const char *pattern,
                                           const char *objection, int code, weir_error *error)
{
    char why[120] = "", message[400];

    if (!objection)
        regerror(code, NULL, why, sizeof(why));
    snprintf(message, sizeof(message), "the regular expression '%.160s' %s%s", pattern,
             objection ? objection : "is not valid: ", why);
    return weir_error_set(error, WEIR_INVALID, option, message);
}

/* Compiles `pattern` (terminated) into `out`; `option` is what the error names. Compiled is a
 * pattern that is bound to the beginning and skips anything: a matcher that starts anew at every
 * byte takes seconds for what this does in one walk. */
static inline weir_result weir_regex_compile(regex_t *out, const char *option, const char *pattern,
                                             weir_error *error)
{
    const int flags = REG_EXTENDED | REG_ICASE | REG_NOSUB;
    const char *objection = weir_regex_objection(pattern);
    char bound[WEIR_REGEX_LENGTH + 8];
    int code;

    if (objection)
        return weir_regex_wrong(option, pattern, objection, 0, error);
    code = regcomp(out, pattern, flags);
    if (code)
        return weir_regex_wrong(option, pattern, NULL, code, error);
    regfree(out);
    snprintf(bound, sizeof(bound), "^.*(%s)", pattern);
    code = regcomp(out, bound, flags);
    return code ? weir_regex_wrong(option, pattern, NULL, code, error) : WEIR_OK;
}

/* Whether the expression is found in the first WEIR_REGEX_TEXT bytes of the text. A NUL in it
 * counts as a space. */
static inline bool weir_regex_finds(const regex_t *regex, weir_str text)
{
    char copy[WEIR_REGEX_TEXT + 1];
    size_t len = text.len < WEIR_REGEX_TEXT ? text.len : WEIR_REGEX_TEXT;

    for (size_t i = 0; i < len; i++)
        copy[i] = text.ptr[i] ? text.ptr[i] : ' ';
    copy[len] = '\0';
    return regexec(regex, copy, 0, NULL, 0) == 0;
}

/* A name to compare with. Zeroed memory is safe to free. */
struct weir_pattern {
    char *text; /* terminated */
    bool is_regex;
    regex_t regex;
};

/* Reads the string `value`. */
static inline weir_result weir_pattern_read(struct weir_pattern *p, const weir_json *options,
                                            uint32_t value, const char *option, weir_error *error)
{
    size_t len = weir_json_unescape(options, value, NULL, 0);
    weir_result result;

    p->is_regex = false;
    p->text = (char *)calloc(1, len + 1);
    if (!p->text)
        return weir_error_memory(error);
    weir_json_unescape(options, value, p->text, len);
    if (len < 3 || p->text[0] != '/' || p->text[len - 1] != '/')
        return WEIR_OK;
    p->text[len - 1] = '\0';
    result = weir_regex_compile(&p->regex, option, p->text + 1, error);
    p->is_regex = result == WEIR_OK;
    return result;
}

static inline void weir_pattern_clear(struct weir_pattern *p)
{
    if (p->is_regex)
        regfree(&p->regex);
    free(p->text);
    p->text = NULL;
    p->is_regex = false;
}

/* `default` and `*` match everything, also nothing at all. */
static inline bool weir_pattern_is_any(const struct weir_pattern *p)
{
    return !p->is_regex && (strcmp(p->text, "default") == 0 || strcmp(p->text, "*") == 0);
}

static inline bool weir_pattern_matches(const struct weir_pattern *p, weir_str s)
{
    if (p->is_regex)
        return weir_regex_finds(&p->regex, s);
    return weir_pattern_is_any(p) || weir_glob(weir_str_make(p->text, strlen(p->text)), s);
}

#endif
