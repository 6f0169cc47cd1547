/*
 * model_list.c - fuzz target: model lists as providers write them. What is taken from one are names
 * that can be sent, listed and logged, each once.
 */
#include "base/str.h"
#include "engine/lists.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct model_list *list)
{
    for (guint i = 0; i < list->models->len; i++) {
        const struct listed_model *m = &g_array_index(list->models, struct listed_model, i);
        size_t len = strlen(m->id);

        if (!len || len > LIST_MAX_ID || !g_utf8_validate(m->id, -1, NULL) ||
            g_hash_table_lookup(list->by_id, m->id) != m || m->context_window < -1)
            abort();
        for (size_t k = 0; k < len; k++) {
            if ((unsigned char)m->id[k] <= ' ')
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    /* A copy of exactly this size, so that a read past the end is seen. */
    char *copy = g_memdup2(data, size);
    struct model_list *list = model_list_read("p", (weir_str){ copy, size }, &why);

    if (!list == !why)
        abort();
    if (list)
        check(list);
    model_list_unref(list);
    g_free(copy);
    return 0;
}
