/*
 * openai_decode.c - fuzz target: any bytes as an answer of Chat Completions, embeddings or a list
 * of models; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "openai",
                               .options = "{\"api\":\"chat\"}",
                               .dialect = "openai" };

static const struct fuzz_case cases[] = {
    { WEIR_OP_CHAT, 1, 200, "text/event-stream", "/v1/chat/completions", NULL, false, false },
    { WEIR_OP_CHAT, 0, 200, "application/json", "/v1/chat/completions", NULL, false, false },
    { WEIR_OP_CHAT, 1, 200, "", "/v1/chat/completions", NULL, false, false },
    { WEIR_OP_CHAT, 1, 200, "application/json", "/v1/chat/completions", NULL, false, false },
    { WEIR_OP_EMBED, 0, 200, "application/json", "/v1/embeddings", NULL, false, false },
    { WEIR_OP_EMBED, 0, 200, "application/json", "/v1/embeddings",
      "{\"input\":\"a\",\"encoding_format\":\"base64\"}", false, false },
    { WEIR_OP_MODELS, 0, 200, "application/json", "/v1/models", NULL, false, false },
    { WEIR_OP_CHAT, 0, 400, "application/json", "/v1/chat/completions", NULL, false, false },
    { WEIR_OP_CHAT, 1, 503, "", "/v1/chat/completions", NULL, false, false },
    { WEIR_OP_FORWARD, 1, 200, "text/event-stream", "/v1/images/generations", NULL, false, false },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answer(&api, cases, sizeof(cases) / sizeof(cases[0]), data, size);
    return 0;
}
