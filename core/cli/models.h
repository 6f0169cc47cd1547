/*
 * models.h - between the files of `weir models`: what the configured providers were asked and told.
 */
#pragma once

#include "config/config.h"
#include "engine/lists.h"

/* What came of asking one provider. */
struct models_answer {
    const struct config_provider *provider;
    bool asked;              /* false: it cannot be, or is not to be */
    struct model_list *list; /* NULL: it was not asked, or did not answer */
    char *failure;           /* "timeout: ..."; NULL: none */
};

/*
 * Asks the providers (all, or the one named `only`), side by side, each for at most `limit_us`.
 * Of struct models_answer, in the order of the configuration. NULL with `error` set: the engine
 * could not be made.
 */
GPtrArray *models_ask(struct config *config, const char *only, gint64 limit_us, GError **error);
