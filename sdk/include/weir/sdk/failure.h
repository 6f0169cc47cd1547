/*
 * failure.h - failure classes by name, as sets, and from an HTTP status.
 */
#ifndef WEIR_SDK_FAILURE_H
#define WEIR_SDK_FAILURE_H

#include <weir/base.h>
#include <weir/json.h>
#include <weir/sdk/json.h>
#include <weir/sdk/str.h>

/* What is known of one class. */
struct weir_class_row {
    const char *name;
    uint16_t id;
    uint16_t family;
    bool local;
};

/* The rows in order of their numbers. */
static inline const struct weir_class_row *weir_class_rows(void)
{
#define WEIR_CLASS_ROW(id_, number, name_, family_, local_) \
    { name_, number, WEIR_CLASS_##family_, local_ },
    static const struct weir_class_row rows[] = { WEIR_CLASSES(WEIR_CLASS_ROW) };
#undef WEIR_CLASS_ROW
    return rows;
}

/* "rate_limit"; "unknown" for a class newer than this header. */
static inline const char *weir_class_name(unsigned class_id)
{
    return class_id < WEIR_CLASS_COUNT ? weir_class_rows()[class_id].name : "unknown";
}

/* The class called `name`, or 0. */
static inline uint16_t weir_class_by_name(weir_str name)
{
    for (uint16_t i = 1; i < WEIR_CLASS_COUNT; i++) {
        if (weir_str_is(name, weir_class_rows()[i].name))
            return i;
    }
    return 0;
}

/* The class to go by: a class this header does not know counts as its family. */
static inline unsigned weir_class_of(const weir_failure *failure)
{
    return failure->class_id < WEIR_CLASS_COUNT ? failure->class_id : failure->family;
}

/* A set of classes: bit n is class n. The name of a family adds all its members. */
static inline uint32_t weir_classes_add(uint32_t set, weir_str name)
{
    uint16_t id = weir_class_by_name(name);

    if (!id)
        return set;
    set |= 1u << id;
    for (uint16_t i = 1; i < WEIR_CLASS_COUNT; i++) {
        if (weir_class_rows()[i].family == id)
            set |= 1u << i;
    }
    return set;
}

/* The set that an option of type CLASSES names; `fallback` if it is absent. */
static inline uint32_t weir_classes_read(const weir_json *doc, uint32_t list, uint32_t fallback)
{
    uint32_t set = 0;

    if (!weir_json_is_array(doc, list))
        return fallback;
    WEIR_JSON_EACH_ITEM(doc, list, item)
    {
        set = weir_classes_add(set, weir_json_inner(doc, item));
    }
    return set;
}

static inline bool weir_classes_have(uint32_t set, const weir_failure *failure)
{
    return set >> weir_class_of(failure) & 1u;
}

/* What `on:` means when it is not written: everything another target may be able to serve. */
#define WEIR_CLASSES_DEFAULT                                                \
    (((1u << WEIR_CLASS_COUNT) - 2u) &                                      \
     ~(1u << WEIR_CLASS_INVALID_REQUEST | 1u << WEIR_CLASS_CONTENT_FILTER | \
       1u << WEIR_CLASS_CANCELLED | 1u << WEIR_CLASS_POLICY | 1u << WEIR_CLASS_BUDGET))

/* The row of a failure's class in a table of structs that begin with a class (uint16_t), `size`
 * bytes each; the last row if it has none of its own. */
static inline const void *weir_class_pick(const void *rows, size_t count, size_t size,
                                          const weir_failure *failure)
{
    const char *row = (const char *)rows;

    for (size_t i = 0; i + 1 < count; i++, row += size) {
        uint16_t class_id;

        memcpy(&class_id, row, sizeof(class_id));
        if (class_id == weir_class_of(failure))
            break;
    }
    return row;
}

/* The class an HTTP status stands for, when nothing more is known; 0 for a success. */
static inline uint16_t weir_class_from_status(unsigned status)
{
    switch (status) {
    case 401:
        return WEIR_CLASS_AUTHENTICATION;
    case 402:
        return WEIR_CLASS_QUOTA;
    case 403:
        return WEIR_CLASS_PERMISSION;
    case 404:
    case 410:
        return WEIR_CLASS_NOT_FOUND;
    case 408:
    case 504:
    case 524:
        return WEIR_CLASS_TIMEOUT;
    case 429:
        return WEIR_CLASS_RATE_LIMIT;
    case 502:
        return WEIR_CLASS_SERVER_ERROR;
    case 503:
    case 529:
        return WEIR_CLASS_OVERLOADED;
    default:
        if (status >= 500)
            return WEIR_CLASS_SERVER_ERROR;
        if (status >= 400)
            return WEIR_CLASS_INVALID_REQUEST;
        return status >= 200 && status < 300 ? WEIR_CLASS_NONE : WEIR_CLASS_PROTOCOL;
    }
}

/* A failure of that class with nothing else told. */
static inline weir_failure weir_failure_make(uint16_t class_id, unsigned http_status,
                                             weir_str message)
{
    weir_failure f;

    memset(&f, 0, sizeof(f));
    f.struct_size = sizeof(f);
    f.class_id = class_id;
    f.family = class_id < WEIR_CLASS_COUNT ? weir_class_rows()[class_id].family : 0;
    f.local = class_id < WEIR_CLASS_COUNT && weir_class_rows()[class_id].local;
    f.http_status = (uint16_t)http_status;
    f.retry_after_us = -1;
    f.code = weir_str_make("", 0);
    f.param = weir_str_make("", 0);
    f.message = message;
    return f;
}

#endif
