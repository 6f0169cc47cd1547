/*
 * split - sends a share of the requests to each child, and the same asker always to the same one:
 * for canaries and comparisons.
 *
 *   split: { main: 95, openai/gpt-5: 5 }
 *   split:
 *     by: session
 *     into: { main: 50, other: 50 }
 *     salt: second-round
 *
 * into  the children and their percentages, 100 in all
 * by    what stays with its child: `conversation` (the session if the request names one, else how
 *       the prompt begins), `session`, `tenant`, `key`, `user`, or `request`: every request is
 *       drawn anew. Where a request does not say it, it is drawn anew as well
 * salt  any text; another one deals the cards anew, so that two splits do not choose the same
 * askers
 *
 * When percentages move, only those askers change whose share does. If the child that was drawn is
 * blocked or fails, the node gives up: put a failover around it or inside for more.
 */
#include <weir/plugin.h>
#include <weir/sdk/asker.h>
#include <weir/sdk/router.h>

#define SPLIT_BY "conversation|session|tenant|key|user|request"
#define SPLIT_OPTIONS(O)                                                                          \
    O(CHILDREN, "into", NULL, NULL, WEIR_OPTION_REQUIRED, "children and percentages, 100 in all") \
    O(STRING, "by", "conversation", SPLIT_BY, 0, "what stays with its child")                     \
    O(STRING, "salt", NULL, NULL, 0, "another text draws anew")
#define SPLIT_CHILD_OPTIONS(O) \
    O(NUMBER, "percent", NULL, NULL, WEIR_OPTION_REQUIRED, "share of the requests, of 100")

static const weir_option split_options[] = { SPLIT_OPTIONS(WEIR_OPTION_ROW) };
static const weir_option split_child_options[] = { SPLIT_CHILD_OPTIONS(WEIR_OPTION_ROW) };
static const weir_children split_children = { sizeof(weir_children), 0, "percent", NULL };

struct split_share {
    uint32_t child;
    uint32_t share; /* of WEIR_DRAW_WHOLE */
};

struct split {
    uint64_t salt;
    uint8_t by;
    uint32_t count;
    struct split_share shares[];
};

static weir_result split_read(struct split *s, const weir_json *options, weir_error *error)
{
    uint64_t sum = 0;

    WEIR_JSON_EACH_ITEM(options, weir_json_find(options, 0, "into"), item)
    {
        struct split_share *share = &s->shares[s->count++];
        double percent = -1;

        weir_json_double(options, weir_json_find(options, item, "percent"), &percent);
        share->child = weir_route_child(options, item);
        if (!(percent >= 0 && percent <= 100) || share->child == WEIR_NO_CHILD)
            return weir_error_set(error, WEIR_INVALID, "percent", "must be from 0 to 100");
        share->share = weir_draw_share(percent);
        sum += share->share;
    }
    if (sum + 100 < WEIR_DRAW_WHOLE || sum > WEIR_DRAW_WHOLE + 100) {
        char message[120];

        snprintf(message, sizeof(message), "the percentages make %g; let them make 100",
                 (double)sum / (WEIR_DRAW_WHOLE / 100.0));
        return weir_error_set(error, WEIR_INVALID, "into", message);
    }
    return WEIR_OK;
}

static weir_result split_configure(const weir_host *host, const weir_json *options, void **cfg,
                                   weir_error *error)
{
    uint32_t count = weir_json_count(options, weir_json_find(options, 0, "into"));
    struct split *s = (struct split *)calloc(1, sizeof(*s) + (size_t)count * sizeof(s->shares[0]));
    char *salt = weir_option_string(options, "salt");
    weir_result result;
    (void)host;

    if (!s || !salt) {
        free(s);
        free(salt);
        return weir_error_memory(error);
    }
    s->by = weir_by_read(options);
    s->salt = weir_hash(0, weir_str_make(salt, strlen(salt)));
    free(salt);
    result = split_read(s, options, error);
    if (result != WEIR_OK)
        free(s);
    else
        *cfg = s;
    return result;
}

static void split_release(void *cfg)
{
    free(cfg);
}

static weir_result split_next(void *cfg, const weir_ask *ask, weir_decision *d)
{
    const struct split *s = (const struct split *)cfg;
    uint32_t point, last = WEIR_NO_CHILD, at = 0;
    bool sticky;

    if (weir_route_is_over(ask, d))
        return WEIR_OK;
    point = weir_draw(s->by, s->salt, ask, &sticky);
    d->number[1] = point;
    for (uint32_t i = 0, sum = 0; i < s->count; i++) {
        if (!s->shares[i].share)
            continue;
        sum += s->shares[i].share;
        last = s->shares[i].child;
        at = i;
        if (point < sum)
            break;
    }
    return weir_route_to(ask, d, last, at, sticky ? "where this asker belongs" : "drawn");
}

static const weir_strategy_v1 split_face = {
    .struct_size = sizeof(weir_strategy_v1),
    .needs = WEIR_NEEDS_PREFIX_HASH,
    .options = WEIR_ARRAY_OF(split_options),
    .child_options = WEIR_ARRAY_OF(split_child_options),
    .children = &split_children,
    .configure = split_configure,
    .release = split_release,
    .next = split_next,
};

static const weir_part split_part = { sizeof(weir_part), 0, WEIR_PART_STRATEGY, "split",
                                      &split_face };
static const weir_part *const split_parts[] = { &split_part };

WEIR_PLUGIN("weir.split", "1.0", split_parts,
            WEIR_TEXT_PART("strategy", "split", SPLIT_OPTIONS) WEIR_TEXT_CHILD(SPLIT_CHILD_OPTIONS))
