/*
 * gemini_decode.c - fuzz target: any bytes as an answer of the Gemini API; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "gemini", .options = "{}", .dialect = "gemini" };

#define STREAM "/v1beta/models/m:streamGenerateContent"

static const struct fuzz_case cases[] = {
    { WEIR_OP_CHAT, 1, 200, "text/event-stream", STREAM "?alt=sse", NULL, false, false },
    { WEIR_OP_CHAT, 0, 200, "application/json", "/v1beta/models/m:generateContent", NULL, false,
      false },
    { WEIR_OP_CHAT, 1, 200, "application/json", STREAM, NULL, false, false },
    { WEIR_OP_CHAT, 1, 200, "application/json", STREAM "?alt=sse", NULL, false, false },
    { WEIR_OP_EMBED, 0, 200, "application/json", "/v1beta/models/m:embedContent", NULL, false,
      false },
    { WEIR_OP_EMBED, 0, 200, "application/json", "/v1beta/models/m:batchEmbedContents", NULL,
      false },
    { WEIR_OP_MODELS, 0, 200, "application/json", "/v1beta/models", NULL, false, false },
    { WEIR_OP_COUNT, 0, 200, "application/json", "/v1beta/models/m:countTokens", NULL, false,
      false },
    { WEIR_OP_CHAT, 0, 429, "application/json", "/v1beta/models/m:generateContent", NULL, false,
      false },
    { WEIR_OP_CHAT, 1, 500, "", STREAM, NULL, false, false },
    { WEIR_OP_FORWARD, 1, 200, "application/json", "/v1beta/files", NULL, false, false },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answer(&api, cases, sizeof(cases) / sizeof(cases[0]), data, size);
    return 0;
}
