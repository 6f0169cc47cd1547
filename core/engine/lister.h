/*
 * lister.h - asks providers for their models, at the start and every `models_refresh`, and shows
 * the workers what they say.
 *
 * The asking happens on the first worker's loop, beside its requests and never for one of them.
 * What a provider said last is kept until it says something else; that it does not answer is told
 * once.
 */
#pragma once

#include "engine/engine.h"

struct lister;

/* Control thread. Begins when the first worker runs. */
struct lister *lister_new(struct engine *engine);

/* Control thread: the first worker has another generation, or will have when it comes to this. */
void lister_reload(struct lister *l);

/* On the worker's thread: what providers say now. NULL: nothing yet, or nobody is asked. Good until
 * this worker asks again. */
const struct model_lists *lister_lists(struct worker *w);

/* On the first worker's thread, when its loop has ended: nothing runs any more. */
void lister_stop(struct lister *l);

/* When the threads have ended. */
void lister_free(struct lister *l);
