/*
 * kit.h - an engine with one worker whose loop is stepped by hand, on a clock that the test moves;
 * fronts that record; and parts that are functions of the test, beside the plugins of the build.
 *
 * The provider part `mock` plays kit_mock.script. Its frames are server-sent events: "t:TEXT" is
 * content, "o:TEXT" owned, "d:JSON" a document, "1:JSON" arguments of a call in block 1, "u" usage,
 * "f" the end, "x:CLASS" an error, "k" one that holds the key, else nothing. It has to be
 * translated for; `twin` is the same and takes openai.chat natively.
 *
 * The dialect `stern` refuses at /stern/read while it reads, at /stern/translate while it
 * translates; at /stern/answer it answers by itself. Its errors are the message alone. `clerk`
 * forwards /clerk/ID, where the ID is somebody's; `twin` takes that as well, but does not count as
 * `mock` does. It streams at /clerk-chat, one block at a time and calls as a
 * whole, in a shorthand of its own: "<1 {} 1> finish". It counts at /clerk-count, and lists at
 * /clerk-models and /clerk-models/NAME. Its errors are the class and the message.
 *
 * Filters: `mark-a` and `mark-b` put "[a" "a]" ("[b" "b]") around every text delta; `edit` replaces
 * the text of the last message; `refuse` refuses; `answer` answers by itself, `half` only half;
 * `sick-event` and `sick-request` fail; `deaf` ignores that the next one did.
 */
#pragma once

#include "../route/clock.h"
#include "engine/engine.h"
#include "engine/exchange.h"

#include <glib.h>

struct kit {
    struct engine *engine;
    struct worker *w;
};

/* What the mock does and has seen. */
struct kit_mock {
    weir_script script;
    weir_step steps[64];
    uint32_t count;
    GString *seen; /* bodies it was asked with, each with a line break behind it */
    uint64_t seeds[8];
    char catalogue[512]; /* of the target last asked */
    uint32_t asked;
    bool foreign; /* the last time */
};
extern struct kit_mock kit_mock;

/* Forgets the script, begins another. A NULL `bytes` is a step without. */
void kit_script(unsigned status);
void kit_step(uint32_t what, int64_t after_us, const char *bytes);

/* What a recording front does when called for the n-th time (from 1): cancels the exchange. */
struct front {
    struct exchange *e;
    unsigned status;
    GString *headers; /* "name: value\n" */
    GString *body;
    int64_t length;
    uint32_t calls, cancel_at;
    uint32_t ends, aborts;
    bool full, ended;
};

/* `yaml` is put behind what all configurations share; '@' in it becomes the number of the kit. */
void kit_begin(struct kit *k, const char *yaml);
/* A configuration by itself. Free with config_unref(). */
struct config *kit_config(const char *yaml);
/* Another generation, taken over before this returns. */
void kit_switch(struct kit *k, const char *yaml);
/* Nothing may be left running. */
void kit_end(struct kit *k);

/* Moves the clock and runs what is due. */
void kit_pass(struct kit *k, int64_t us);

/* A chat request for `model`, as of an OpenAI application. Free with front_free(), at the end. */
struct front *kit_chat(struct kit *k, const char *model, bool stream);
struct front *kit_ask(struct kit *k, const char *method, const char *path, const char *body);
void front_free(struct front *f);

/* What the strategy `spy` was told at its last ask: "text=... all=... prefix=N TAG=VALUE". It asks
 * for all there is; `blind` is the same and asks for nothing. */
extern GString *kit_facts;

/* Attempts in flight over all targets. */
int64_t kit_inflight(void);

/* Parts released that were configured, over all parts of the test: 0 when all were. */
extern int kit_configured;

/* The call at which fronts opened from now on cancel; 0: never. */
extern uint32_t kit_cancel_at;
