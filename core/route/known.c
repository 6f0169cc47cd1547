/*
 * known.c - see known.h. A slot per target: not asked yet, or a record, or the one that says
 * nothing.
 */
#include "route/known.h"

struct known {
    const struct config *config;
    pthread_mutex_t lock;                                 /* guards what follows */
    GPtrArray *records;                                   /* all that were made */
    const struct catalogue_record *slots[TARGET_NUMBERS]; /* by target number; atomic */
};

static const struct catalogue_record nothing = { .context_window = -1 };

struct known *known_new(const struct config *config)
{
    struct known *k = g_new0(struct known, 1);

    k->config = config;
    k->records = g_ptr_array_new_with_free_func((GDestroyNotify)catalogue_record_free);
    pthread_mutex_init(&k->lock, NULL);
    return k;
}

void known_free(struct known *k)
{
    if (!k)
        return;
    g_ptr_array_unref(k->records);
    pthread_mutex_destroy(&k->lock);
    g_free(k);
}

/* Two threads may ask for the same one: then the first record stays. */
static const struct catalogue_record *look_up(struct known *k, const struct config_provider *p,
                                              const struct target *t, weir_str model)
{
    struct catalogue_record *r = config_known(k->config, p, model);
    const struct catalogue_record *there;

    if (r)
        catalogue_record_write(r);
    pthread_mutex_lock(&k->lock);
    there = k->slots[t->number];
    if (!there) {
        there = r ? r : &nothing;
        if (r)
            g_ptr_array_add(k->records, r);
        r = NULL;
        __atomic_store_n(&k->slots[t->number], there, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&k->lock);
    catalogue_record_free(r);
    return there;
}

const struct catalogue_record *known_of(struct known *k, const struct config_provider *p,
                                        const struct target *t, weir_str model)
{
    const struct catalogue_record *r;

    if (!k || !t->number)
        return NULL;
    r = __atomic_load_n(&k->slots[t->number], __ATOMIC_ACQUIRE);
    if (!r)
        r = look_up(k, p, t, model);
    return r == &nothing ? NULL : r;
}
