/*
 * options.h - what can be set for an Ollama, beyond what every provider has.
 */
#ifndef WEIR_PLUGINS_OLLAMA_OPTIONS_H
#define WEIR_PLUGINS_OLLAMA_OPTIONS_H

#include <weir/option.h>

#define OLLAMA_OPTIONS(O)                                                                       \
    O(INT, "num_ctx", NULL, NULL, 0,                                                            \
      "context window in tokens for requests of other APIs; Ollama's default is small, and it " \
      "cuts longer prompts silently")                                                           \
    O(STRING, "keep_alive", NULL, NULL, 0,                                                      \
      "how long a model stays loaded after requests of other APIs, e.g. 30m; -1: for ever")

#endif
