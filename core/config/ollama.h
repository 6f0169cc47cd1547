/*
 * ollama.h - an Ollama on this machine, for a start without a configuration. Private to
 * core/config.
 */
#pragma once

#include <glib.h>

/* What was found. */
struct ollama {
    char *url;         /* "http://127.0.0.1:11434" */
    GPtrArray *models; /* names it has, in its order, without ":latest"; of strings */
    char *chat_model;  /* the first that is not for embeddings; NULL: there is none */
};

/* Asks where OLLAMA_HOST says, or at its usual place, which models there are. Waits a second at
 * most. NULL: nobody answers; then `*odd` (g_free() it) says so if somebody else does. */
struct ollama *ollama_find(char **env, char **odd);
void ollama_free(struct ollama *o);
