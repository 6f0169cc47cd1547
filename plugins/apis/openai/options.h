/*
 * options.h - what can be set for a provider of this API, beyond what every provider has.
 */
#ifndef WEIR_PLUGINS_OPENAI_OPTIONS_H
#define WEIR_PLUGINS_OPENAI_OPTIONS_H

#include <weir/option.h>

#define OPENAI_OPTIONS(O)                                                                     \
    O(STRING, "organization", NULL, NULL, 0, "sent as OpenAI-Organization")                   \
    O(STRING, "project", NULL, NULL, 0, "sent as OpenAI-Project")                             \
    O(BOOL, "usage_in_stream", "true", NULL, 0,                                               \
      "ask for usage in streams; off for vendors that refuse stream_options")                 \
    O(STRING, "key_header", "authorization", NULL, 0,                                         \
      "header for the key: authorization (as a Bearer) or another, e.g. api-key for Azure")   \
    O(STRING, "query", NULL, NULL, 0, "added to every URL, e.g. api-version=2024-10-21")      \
    O(STRING, "responses", "auto", "auto|yes|no", 0,                                          \
      "whether the vendor has the Responses API; auto: OpenAI and Azure have")                \
    O(STRING, "api", "auto", "auto|chat|responses", 0,                                        \
      "what translated requests use; auto: chat but for models that only Responses serves")   \
    O(STRING, "wording", "auto", "auto|current|classic", 0,                                   \
      "translated requests: current, max_completion_tokens and the role developer; classic, " \
      "max_tokens and system; auto: current for OpenAI, Azure and models of theirs")          \
    O(STRING, "reasoning_field", NULL, "reasoning_content|reasoning", 0,                      \
      "member in which earlier reasoning is sent back; default: it is left out")

#endif
