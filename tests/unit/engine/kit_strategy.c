/*
 * kit_strategy.c - the strategies of the kit: they pick their first child and write down what they
 * were told.
 */
#include "kit_parts.h"

GString *kit_facts;

static weir_result spy_next(void *cfg, const weir_ask *ask, weir_decision *decision)
{
    const weir_facts *f = ask->facts;
    (void)cfg;

    if (!kit_facts)
        kit_facts = g_string_new(NULL);
    g_string_printf(kit_facts, "text=%.*s all=%.*s prefix=%" G_GUINT64_FORMAT, (int)f->text.len,
                    f->text.ptr, (int)f->all_text.len, f->all_text.ptr, f->prefix_hash);
    for (uint32_t i = 0; i < f->tag_count; i++)
        g_string_append_printf(kit_facts, " %.*s=%.*s", (int)f->tags[i].name.len,
                               f->tags[i].name.ptr, (int)f->tags[i].value.len,
                               f->tags[i].value.ptr);
    decision->verb = ask->why == WEIR_ASK_START ? WEIR_PICK : WEIR_GIVE_UP;
    decision->child = 0;
    return WEIR_OK;
}

static const weir_option spy_options[] = {
    { .struct_size = sizeof(weir_option), .type = WEIR_OPTION_CHILDREN, .name = "try" },
};

static weir_result spy_configure(const weir_host *host, const weir_json *options, void **cfg,
                                 weir_error *error)
{
    (void)host, (void)options, (void)error;
    *cfg = NULL;
    return WEIR_OK;
}

static void spy_release(void *cfg)
{
    (void)cfg;
}

#define SPY(name, what)                                                                    \
    static const weir_strategy_v1 name##_face = { .struct_size = sizeof(weir_strategy_v1), \
                                                  .needs = what,                           \
                                                  .options = WEIR_ARRAY_OF(spy_options),   \
                                                  .configure = spy_configure,              \
                                                  .release = spy_release,                  \
                                                  .next = spy_next }

SPY(spy, WEIR_NEEDS_TEXT | WEIR_NEEDS_ALL_TEXT | WEIR_NEEDS_PREFIX_HASH | WEIR_NEEDS_METADATA);
SPY(blind, 0);

const struct kit_part kit_strategies[] = {
    KIT_PART(STRATEGY, "spy", &spy_face),
    KIT_PART(STRATEGY, "blind", &blind_face),
    { 0 },
};
