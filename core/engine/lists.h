/*
 * lists.h - which models providers said they have. Immutable once made; workers share them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <weir/base.h>

enum {
    LIST_MAX_MODELS = 20000, /* of one provider; the rest is left out */
    LIST_MAX_ID = 256,
};

/* One model as its provider tells of it. */
struct listed_model {
    const char *id;
    const char *name;  /* for people; NULL: not told */
    const char *owner; /* NULL: not told */
    gint64 created;    /* unix time, seconds; -1: not told */
    gint64 context_window;
    gint64 max_output_tokens;
    guint32 can; /* WEIR_CAN_*; 0: not told */
};

/* What one provider said. */
struct model_list {
    gint ref_count;
    char *provider;
    GArray *models;    /* of struct listed_model, in the provider's order, each id once */
    GHashTable *by_id; /* id -> struct listed_model */
    GStringChunk *text;
};

/* Reads a canonical list. NULL: it is none; `*why` is static text. */
struct model_list *model_list_read(const char *provider, weir_str document, const char **why);
struct model_list *model_list_ref(struct model_list *l);
void model_list_unref(struct model_list *l);

/* What all providers said, as far as they have. */
struct model_lists {
    gint ref_count;
    GPtrArray *lists; /* of struct model_list */
};

struct model_lists *model_lists_new(void);
/* Before others see it. Takes a reference to `list`. */
void model_lists_add(struct model_lists *all, struct model_list *list);
struct model_lists *model_lists_ref(struct model_lists *all);
void model_lists_unref(struct model_lists *all);

/* The provider's list, or NULL. `all` may be NULL. */
const struct model_list *model_lists_of(const struct model_lists *all, weir_str provider);

/* Whether the provider said that it has the model. `all` may be NULL. */
bool model_lists_has(const struct model_lists *all, weir_str provider, weir_str model);
