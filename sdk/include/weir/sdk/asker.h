/*
 * asker.h - who asks, as an option `by` names it, and a number that stays the same for the same
 * asker: for strategies that give each asker its own share of something.
 */
#ifndef WEIR_SDK_ASKER_H
#define WEIR_SDK_ASKER_H

#include <weir/sdk/configure.h>
#include <weir/sdk/strategy.h>

/* Draws are numbers below this one. */
#define WEIR_DRAW_WHOLE 1000000u

enum {
    WEIR_BY_REQUEST = 0, /* nobody: every request is drawn anew */
    WEIR_BY_SESSION = 1,
    WEIR_BY_TENANT = 2,
    WEIR_BY_KEY = 3,
    WEIR_BY_USER = 4,
    WEIR_BY_CONVERSATION = 5, /* the session, or else how the prompt begins: needs PREFIX_HASH */
};

/* Reads the option `by`: one of "request", "session", "tenant", "key", "user", "conversation". */
static inline uint8_t weir_by_read(const weir_json *options)
{
    static const char *const names[] = { "request", "session",      "tenant", "key",
                                         "user",    "conversation", NULL };

    return weir_option_choice(options, "by", names);
}

/* Empty: the request does not say it. */
static inline weir_str weir_asker(uint8_t by, const weir_facts *f)
{
    switch (by) {
    case WEIR_BY_SESSION:
    case WEIR_BY_CONVERSATION:
        return f->session;
    case WEIR_BY_TENANT:
        return f->tenant;
    case WEIR_BY_KEY:
        return f->key;
    case WEIR_BY_USER:
        return f->user;
    default:
        return weir_str_make("", 0);
    }
}

/* From 0 to below WEIR_DRAW_WHOLE. `*sticky`: the next request of the same asker gets the same.
 * Another `salt` draws anew. */
static inline uint32_t weir_draw(uint8_t by, uint64_t salt, const weir_ask *ask, bool *sticky)
{
    weir_str who = weir_asker(by, ask->facts);
    uint64_t seed = ask->seed;

    *sticky = true;
    if (who.len)
        return (uint32_t)(weir_hash(salt, who) % WEIR_DRAW_WHOLE);
    if (by == WEIR_BY_CONVERSATION && ask->facts->prefix_hash)
        seed = salt ^ ask->facts->prefix_hash;
    else
        *sticky = false;
    return (uint32_t)(weir_random(&seed) % WEIR_DRAW_WHOLE);
}

/* What a percentage is of WEIR_DRAW_WHOLE. */
static inline uint32_t weir_draw_share(double percent)
{
    return (uint32_t)(percent * (WEIR_DRAW_WHOLE / 100.0) + 0.5);
}

#endif
