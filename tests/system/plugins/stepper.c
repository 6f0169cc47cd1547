/*
 * stepper.c - a strategy that goes through its children by steps. The tests build it with:
 *   STEPPER_STEP     how many children it goes on with each request
 *   STEPPER_VERSION  the version of its state
 *   STEPPER_REFUSES  1: does not like its options
 */
#include <weir/plugin.h>

#ifndef STEPPER_VERSION
#define STEPPER_VERSION 1
#endif
#ifndef STEPPER_REFUSES
#define STEPPER_REFUSES 0
#endif

#define STEPPER_OPTIONS(O) O(CHILDREN, "across", NULL, NULL, WEIR_OPTION_REQUIRED, "children")

static const weir_option stepper_options[] = { STEPPER_OPTIONS(WEIR_OPTION_ROW) };

static weir_result stepper_configure(const weir_host *host, const weir_json *options, void **cfg,
                                     weir_error *error)
{
    static int nothing;

    (void)host, (void)options, (void)error;
    *cfg = &nothing;
    return STEPPER_REFUSES ? WEIR_INVALID : WEIR_OK;
}

static void stepper_release(void *cfg)
{
    (void)cfg;
}

static weir_result stepper_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    uint32_t *at = (uint32_t *)ask->state;

    (void)cfg;
    if (ask->why != WEIR_ASK_START) {
        d->verb = WEIR_GIVE_UP;
        return WEIR_OK;
    }
    d->verb = WEIR_PICK;
    d->child = *at % ask->children.count;
    d->reason = "the next step";
    *at += STEPPER_STEP;
    return WEIR_OK;
}

static const weir_strategy_v1 stepper_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .state_size = sizeof(uint32_t),
    .state_version = STEPPER_VERSION,
    .options = { stepper_options, 1, sizeof(weir_option) },
    .configure = stepper_configure,
    .release = stepper_release,
    .next = stepper_next,
};

static const weir_part stepper_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "stepper",
                                        &stepper_face };
static const weir_part *const stepper_parts[] = { &stepper_part };

WEIR_PLUGIN("test.stepper", "1.0", stepper_parts,
            WEIR_TEXT_PART("strategy", "stepper", STEPPER_OPTIONS))
