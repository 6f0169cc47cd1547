/*
 * option.h - what can be configured, as a table.
 *
 * The host validates against the table, prints it, fills in defaults and resolves secrets; the part
 * gets the result in `configure` as one JSON object in which every option is present in its
 * normal form.
 */
#ifndef WEIR_OPTION_H
#define WEIR_OPTION_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Types: id, number, name in text tables, normal form in the object given to `configure`. */
#define WEIR_OPTION_TYPES(X)                                                                   \
    X(STRING, 1, "string", "string")                                                           \
    X(BOOL, 2, "bool", "true or false")                                                        \
    X(INT, 3, "int", "integer")                                                                \
    X(NUMBER, 4, "number", "number")                                                           \
    X(DURATION, 5, "duration", "integer, microseconds; written 250ms, 30s, 5m, 1h or seconds") \
    X(SIZE, 6, "size", "integer, bytes; written 64KB, 8MB, 1GB or bytes")                      \
    X(SECRET, 7, "secret", "string; written only as ${VARIABLE} or file:PATH; never printed")  \
    X(LIST, 8, "list", "array of strings; one string is written as itself")                    \
    X(MAP, 9, "map", "object of strings")                                                      \
    X(JSON, 10, "json", "any value, as written")                                               \
    X(CLASSES, 11, "classes", "array of failure class names")                                  \
    X(CHILD, 12, "child", "integer, index of the child; written as a target, route or node")   \
    X(CHILDREN, 13, "children", "array of {child: index, ...child options}; see weir_children")

#define WEIR_OPTION_ENUM(id, number, name, form) WEIR_OPTION_##id = number,
enum { WEIR_OPTION_TYPES(WEIR_OPTION_ENUM) };
#undef WEIR_OPTION_ENUM

enum {
    WEIR_OPTION_REQUIRED = 1,
    WEIR_OPTION_RELOADABLE = 2, /* a change does not reset the node's state */
};

typedef struct weir_option {
    uint32_t struct_size;
    uint16_t type;  /* WEIR_OPTION_* */
    uint16_t flags; /* WEIR_OPTION_REQUIRED, ... */
    const char *name;
    const char *default_value; /* as it would be written in YAML; NULL: absent when not given */
    const char *choices;       /* "a|b|c": the values a string may have; NULL: any */
    const char *help;          /* one sentence */
} weir_option;

/*
 * How the children of a strategy may be written. All ways arrive as an array of objects in which
 * "child" is the index of the child and the child options stand beside it:
 *   a list of children             [a, b]
 *   a list of objects              [{ to: a, weight: 7 }]
 *   a map from child to one option { a: 7, b: 3 }     if `value_option` names it
 *   a map from one option to child { enterprise: a }  if `key_option` names it
 */
typedef struct weir_children {
    uint32_t struct_size;
    uint32_t zero;
    const char *value_option; /* NULL: the first form of map is not allowed */
    const char *key_option;   /* NULL: the second is not; at most one of the two is set */
} weir_children;

/*
 * Tables are written once, as a list, from which come the array for the host and the text for the
 * identity note:
 *
 *   #define FAILOVER_OPTIONS(O)                                                             \
 *       O(CHILDREN, "try", NULL, NULL, WEIR_OPTION_REQUIRED, "children in order of preference") \
 *       O(INT, "retries", "0", NULL, 0, "further tries at the same child")
 *   static const weir_option options[] = { FAILOVER_OPTIONS(WEIR_OPTION_ROW) };
 *   ... WEIR_TEXT("failover", FAILOVER_OPTIONS)
 */
#define WEIR_OPTION_ROW(type_, name_, default_, choices_, flags_, help_) \
    { sizeof(weir_option), WEIR_OPTION_##type_, (flags_), name_, default_, choices_, help_ },

/* One line of a note: option, type, default, choices, flags, help, divided by tabs. */
#define WEIR_OPTION_LINE(type_, name_, default_, choices_, flags_, help_) \
    "option\t" name_ "\t" #type_ "\t" #default_ "\t" #choices_ "\t" #flags_ "\t" help_ "\n"

/* The array that stands for a table defined as above. */
#define WEIR_ARRAY_OF(table)                                                                  \
    {                                                                                         \
        (table), (uint32_t)(sizeof(table) / sizeof((table)[0])), (uint32_t)sizeof((table)[0]) \
    }

#ifdef __cplusplus
}
#endif

#endif
