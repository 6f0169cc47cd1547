/*
 * options.h - what can be set for a provider of this API, beyond what every provider has.
 */
#ifndef WEIR_PLUGINS_GEMINI_OPTIONS_H
#define WEIR_PLUGINS_GEMINI_OPTIONS_H

#include <weir/option.h>

#define GEMINI_OPTIONS(O)                                                                         \
    O(STRING, "version", "v1beta", NULL, 0,                                                       \
      "first part of every path; empty if the base URL holds it already")                         \
    O(STRING, "key_header", "x-goog-api-key", NULL, 0,                                            \
      "header for the key; authorization sends it as a Bearer, for OAuth tokens")                 \
    O(STRING, "schema", "auto", "auto|json|openapi", 0,                                           \
      "how tools and answers are described: json (JSON Schema), openapi (the older subset of it " \
      "that every version of the API takes) or auto (by the model)")

#endif
