/*
 * options.h - what can be set for a provider of this API, beyond what every provider has.
 */
#ifndef WEIR_PLUGINS_ANTHROPIC_OPTIONS_H
#define WEIR_PLUGINS_ANTHROPIC_OPTIONS_H

#include <weir/option.h>

#define ANTHROPIC_OPTIONS(O)                                                                   \
    O(STRING, "version", "2023-06-01", NULL, 0,                                                \
      "anthropic-version of requests whose application sent none")                             \
    O(LIST, "beta", NULL, NULL, 0, "features asked for with every request, as anthropic-beta") \
    O(STRING, "key_header", "x-api-key", NULL, 0,                                              \
      "header for the key: x-api-key, another, or authorization (as a Bearer)")                \
    O(INT, "max_tokens", "4096", NULL, 0,                                                      \
      "limit of the answer where neither the request nor the catalogue has one")               \
    O(STRING, "thinking", "auto", "auto|adaptive|enabled|none", 0,                             \
      "how thinking is asked for; auto: as the model of that name has it")                     \
    O(STRING, "structured_output", "auto", "auto|format|tool|instruction", 0,                  \
      "how a schema is asked for; auto: as the model has it, else by a tool it must call")

#endif
