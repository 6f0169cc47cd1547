/*
 * fool.c - a strategy that makes no sense. The tests build it with FOOL, one of:
 *   FOOL_RANGE    picks a child that is not there
 *   FOOL_SAME     picks the first child, however often it has failed
 *   FOOL_LATE     picks a child for a time that never comes
 *   FOOL_SLEEP    waits for an hour, though nothing runs
 *   FOOL_RESTLESS wants to be asked again at once, for ever
 *   FOOL_VERB     says what is no word
 *   FOOL_BEYOND   writes behind its state
 *   FOOL_CRASH    does not come back
 */
#include <stdlib.h>
#include <weir/plugin.h>

enum {
    FOOL_RANGE,
    FOOL_SAME,
    FOOL_LATE,
    FOOL_SLEEP,
    FOOL_RESTLESS,
    FOOL_VERB,
    FOOL_BEYOND,
    FOOL_CRASH
};

enum { FOOL_STATE = 8 };

#define FOOL_OPTIONS(O) O(CHILDREN, "across", NULL, NULL, WEIR_OPTION_REQUIRED, "children")

static const weir_option fool_options[] = { FOOL_OPTIONS(WEIR_OPTION_ROW) };

static weir_result fool_configure(const weir_host *host, const weir_json *options, void **cfg,
                                  weir_error *error)
{
    static int nothing;

    (void)host, (void)options, (void)error;
    *cfg = &nothing;
    return WEIR_OK;
}

static void fool_release(void *cfg)
{
    (void)cfg;
}

static weir_result fool_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const int64_t hour_us = INT64_C(3600) * 1000000;

    (void)cfg;
    d->verb = FOOL == FOOL_VERB                             ? 77
              : FOOL == FOOL_SLEEP || FOOL == FOOL_RESTLESS ? WEIR_WAIT
                                                            : WEIR_PICK;
    d->child = FOOL == FOOL_RANGE ? ask->children.count : 0;
    if (FOOL == FOOL_CRASH)
        abort();
    if (FOOL == FOOL_BEYOND)
        ((char *)ask->state)[FOOL_STATE + 3] = 'x';
    if (FOOL == FOOL_LATE)
        d->start_us = INT64_MAX;
    if (FOOL == FOOL_SLEEP)
        d->ask_again_us = ask->now_us + hour_us;
    if (FOOL == FOOL_RESTLESS)
        d->ask_again_us = ask->now_us + 1;
    return WEIR_OK;
}

static const weir_strategy_v1 fool_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .state_size = FOOL_STATE,
    .options = { fool_options, 1, sizeof(weir_option) },
    .configure = fool_configure,
    .release = fool_release,
    .next = fool_next,
};

static const weir_part fool_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "fool", &fool_face };
static const weir_part *const fool_parts[] = { &fool_part };

WEIR_PLUGIN("test.fool", "1.0", fool_parts, WEIR_TEXT_PART("strategy", "fool", FOOL_OPTIONS))
