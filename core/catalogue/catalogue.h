/*
 * catalogue.h - what is known of models before anybody is asked: limits, prices, capabilities.
 *
 * A catalogue is a file, read with the configuration and never fetched. What it does not say is not
 * known, which is another thing than zero. Several catalogues may speak of one model: the member
 * that was said last counts, a price as a whole.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <weir/event.h>

/* US dollars for a million tokens, in millionths of a dollar; -1: not known. */
struct catalogue_price {
    gint64 input, output;
    gint64 cache_read, cache_write, cache_write_1h;
};

/* What is known of one model, or of all that a pattern matches. */
struct catalogue_record {
    guint32 can;              /* WEIR_CAN_* that it is known to have */
    guint32 lacks;            /* WEIR_CAN_* that it is known not to have */
    gint64 context_window;    /* tokens; -1: not known */
    gint64 max_output_tokens; /* likewise */
    bool priced;
    struct catalogue_price price;
    gint64 long_above; /* prompts of more tokens than this cost `long_price`; -1: all cost
                          the same */
    struct catalogue_price long_price;
    gint deprecated;     /* 1: the vendor will end it; 0: it will not; -1: not known */
    char *superseded_by; /* NULL: not known */
    char *source;        /* "OpenAI's price page, 2026-11-05"; NULL: not told */
    char *text;          /* all of it as a JSON object, for weir_target.catalogue; see below */
};

/* A record and the names it is about. */
struct catalogue_entry {
    GPtrArray *match; /* model names, '*' allowed; of strings */
    struct catalogue_record *record;
};

struct catalogue_vendor {
    char *name;
    GPtrArray *hosts;   /* of base URLs, '*' allowed; of strings */
    GPtrArray *entries; /* of struct catalogue_entry */
};

struct catalogue {
    GPtrArray *vendors; /* of struct catalogue_vendor */
};

struct catalogue *catalogue_new(void);
void catalogue_free(struct catalogue *c);

/* A record that knows nothing. */
struct catalogue_record *catalogue_record_new(void);
void catalogue_record_free(struct catalogue_record *r);
typedef struct catalogue_record catalogue_record_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(catalogue_record_t, catalogue_record_free)

/* Takes `record`. */
struct catalogue_entry *catalogue_entry_new(struct catalogue_record *record);
void catalogue_entry_free(gpointer entry);

/* Takes nothing; a vendor without hosts and entries, owned by the catalogue. */
struct catalogue_vendor *catalogue_add_vendor(struct catalogue *c, const char *name);

const struct catalogue_vendor *catalogue_vendor(const struct catalogue *c, const char *name);

/* The vendor whose API is at `host`, or NULL. */
const struct catalogue_vendor *catalogue_vendor_at(const struct catalogue *c, const char *host);

/*
 * The record of `entries` (of struct catalogue_entry) that is about `model`: by its very name, else
 * by the pattern with the most to say (the most bytes besides '*'), the first of equals. NULL:
 * there is none.
 */
const struct catalogue_record *catalogue_find(const GPtrArray *entries, weir_str model);

/* What so many tokens cost, and what those of a usage did, in millionths of a dollar; -1: not
 * known. In an estimate, prices and counts that are not known are nothing. `r` may be NULL. */
gint64 catalogue_estimate(const struct catalogue_record *r, gint64 input, gint64 output);
gint64 catalogue_cost(const struct catalogue_record *r, const weir_usage *usage);

/* What `over` says goes over what `r` says. */
void catalogue_record_merge(struct catalogue_record *r, const struct catalogue_record *over);

/*
 * Makes r->text. Members, each only if known: capabilities and lacks (names of base.h),
 * context_window, max_output_tokens, price {input, output, cache_read, cache_write, cache_write_1h,
 * long_prompt {above, ...}} in dollars for a million tokens, deprecated, superseded_by, source.
 */
void catalogue_record_write(struct catalogue_record *r);

/* The WEIR_CAN_* bit of a capability's name; 0: there is none of that name. */
guint32 catalogue_capability(const char *name);
/* Their names; NULL-terminated. */
extern const char *const catalogue_capabilities[];
/* The names of the bits, divided by `divider`; "" for none. Free with g_free(). */
char *catalogue_capability_list(guint32 can, const char *divider);

/* Whether nothing at all is known. */
bool catalogue_record_is_empty(const struct catalogue_record *r);

/*
 * Where the catalogue that comes with weir is: what WEIR_CATALOGUE names, else where it was
 * installed, else beside the program. NULL: nowhere, or WEIR_CATALOGUE is set to nothing. Free with
 * g_free().
 */
char *catalogue_default_path(void);
