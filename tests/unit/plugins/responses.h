/*
 * responses.h - what the tests of recorded exchanges of the Responses API share.
 */
#pragma once

#include "records.h"

/* Says what is wrong with a record, and leaves it. */
#define WRONG(...)                   \
    do {                             \
        g_test_message(__VA_ARGS__); \
        g_test_fail();               \
        return;                      \
    } while (0)

/* How the provider part is told to speak this API. */
#define RESPONSES "{\"api\":\"responses\",\"responses\":\"yes\"}"

static const char *const responses_apis[] = {
    "openai.responses",     "azure.responses",    "xai.responses",       "deepseek.responses",
    "openrouter.responses", "lmstudio.responses", "mistralrs.responses", "bedrock_mantle.responses",
};
