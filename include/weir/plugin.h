/*
 * plugin.h - what a plugin file is: one exported symbol, and an identity that can be read without
 * running any of it.
 *
 * A plugin is a shared object in a plugin directory. It exports exactly one symbol,
 * `weir_plugin_v1`, imports none of ours, and has no ELF constructors. A minimal one:
 *
 *   #include <weir/plugin.h>
 *   static const weir_part part = { sizeof(weir_part), 0, WEIR_PART_PROVIDER, "acme", &face };
 *   static const weir_part *const parts[] = { &part };
 *   WEIR_PLUGIN("org.example.acme", "1.0", parts,
 *               WEIR_TEXT_PART("provider", "acme", ACME_OPTIONS))
 */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <weir/dialect.h>
#include <weir/filter.h>
#include <weir/provider.h>
#include <weir/strategy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the ABI described by these headers; apart from the version of the product.
 * History: 0.1 provisional, until the plugin kit closes; 1.0 will be the first frozen one. */
#define WEIR_ABI_MAJOR 1
#define WEIR_ABI_MINOR 0

#define WEIR_PLUGIN_MAGIC 0x52494557u /* "WEIR" read as a little-endian number */

/* One thing a plugin offers. */
typedef struct weir_part {
    uint32_t struct_size;
    uint32_t zero;
    const char *face; /* WEIR_PART_PROVIDER, ...: says what `vtable` points to */
    const char *name; /* what configuration calls it: "openai", "failover" */
    const void *vtable;
} weir_part;

/* The exported object. `magic` comes first so that a stray symbol is recognised. */
typedef struct weir_plugin {
    uint32_t magic;
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;     /* what it was built with */
    uint16_t abi_minor_min; /* the least it can live with */
    uint16_t zero;
    const char *id;      /* reverse DNS; unique among loaded plugins */
    const char *version; /* of the plugin; free text */
    const weir_part *const *parts;
    uint32_t part_count;
    uint32_t require_count;
    const char *const *requires_; /* ids of host services it cannot live without */
    /* [init] Optional. Once after loading, before anything else. Quick, no threads, no output. */
    weir_result (*init)(const weir_host *host, weir_error *error);
} weir_plugin;

/* -- The identity note ------------------------------------------------------------------------ */

/*
 * An ELF note (section .note.weir, name "Weir", type 1) whose descriptor is text: lines of
 * tab-separated fields.
 *
 *   weir     1 0 0                                   ABI major, minor, least minor
 *   id       org.example.acme
 *   version  1.0
 *   requires weir.json/1                             none to many
 *   part     provider  acme                          each followed by its options
 *   option   retries INT "2" NULL 0 help
 *   child    weight  NUMBER "1" NULL 0 help
 */
#define WEIR_NOTE_NAME    "Weir"
#define WEIR_NOTE_TYPE    1u
#define WEIR_NOTE_SECTION ".note.weir"

#define WEIR_STRING_(x) #x
#define WEIR_STRING(x)  WEIR_STRING_(x)

/* Text of one part and its option table (see option.h); WEIR_NO_OPTIONS for none. */
#define WEIR_NO_OPTIONS(O)
#define WEIR_TEXT_PART(kind, name, options) "part\t" kind "\t" name "\n" options(WEIR_OPTION_LINE)
#define WEIR_CHILD_LINE(type_, name_, default_, choices_, flags_, help_) \
    "child\t" name_ "\t" #type_ "\t" #default_ "\t" #choices_ "\t" #flags_ "\t" help_ "\n"
#define WEIR_TEXT_CHILD(options)    options(WEIR_CHILD_LINE)
#define WEIR_TEXT_REQUIRES(service) "requires\t" service "\n"

#ifdef __cplusplus
#define WEIR_EXTERN_C extern "C"
#else
#define WEIR_EXTERN_C extern
#endif

/* Emits the note. `text` is the concatenation of WEIR_TEXT_* strings. */
#define WEIR_NOTE(id_, version_, text_)                                                    \
    __attribute__((section(WEIR_NOTE_SECTION), used, aligned(4))) static const struct {    \
        uint32_t name_size, text_size, type;                                               \
        char name[8];                                                                      \
        char text[sizeof(WEIR_NOTE_TEXT(id_, version_, text_))];                           \
    } weir_note_ = { sizeof(WEIR_NOTE_NAME), sizeof(WEIR_NOTE_TEXT(id_, version_, text_)), \
                     WEIR_NOTE_TYPE, WEIR_NOTE_NAME, WEIR_NOTE_TEXT(id_, version_, text_) };

#define WEIR_NOTE_TEXT(id_, version_, text_)                                                     \
    "weir\t" WEIR_STRING(WEIR_ABI_MAJOR) "\t" WEIR_STRING(WEIR_ABI_MINOR) "\t0\n"                \
                                                                          "id\t" id_             \
                                                                          "\nversion\t" version_ \
                                                                          "\n" text_

/* Defines the plugin: the exported symbol and the note. `parts_` is an array of
 * `const weir_part *`. For `init` or `requires_`, write out the struct and use WEIR_NOTE. */
#define WEIR_PLUGIN(id_, version_, parts_, text_)                                          \
    WEIR_NOTE(id_, version_, text_)                                                        \
    WEIR_EXTERN_C __attribute__((visibility("default"))) const weir_plugin weir_plugin_v1; \
    const weir_plugin weir_plugin_v1 = {                                                   \
        WEIR_PLUGIN_MAGIC,                                                                 \
        sizeof(weir_plugin),                                                               \
        WEIR_ABI_MAJOR,                                                                    \
        WEIR_ABI_MINOR,                                                                    \
        0,                                                                                 \
        0,                                                                                 \
        id_,                                                                               \
        version_,                                                                          \
        parts_,                                                                            \
        (uint32_t)(sizeof(parts_) / sizeof((parts_)[0])),                                  \
        0,                                                                                 \
        NULL,                                                                              \
        NULL,                                                                              \
    };

#ifdef __cplusplus
}
#endif

#endif
