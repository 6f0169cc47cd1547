/*
 * ollama_decode.c - fuzz target: any bytes as an answer of an Ollama; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "ollama", .options = "{}", .dialect = "ollama" };

static const struct fuzz_case cases[] = {
    { WEIR_OP_CHAT, 1, 200, "application/x-ndjson", "/api/chat", NULL, false, false },
    { WEIR_OP_CHAT, 0, 200, "application/json", "/api/chat", NULL, false, false },
    { WEIR_OP_CHAT, 1, 200, "application/x-ndjson", "/api/generate", NULL, false, false },
    { WEIR_OP_CHAT, 0, 200, "application/json", "/api/generate", NULL, false, false },
    { WEIR_OP_EMBED, 0, 200, "application/json", "/api/embed", NULL, false, false },
    { WEIR_OP_EMBED, 0, 200, "application/json", "/api/embeddings", NULL, false, false },
    { WEIR_OP_MODELS, 0, 200, "application/json", "/api/tags", NULL, false, false },
    { WEIR_OP_MODELS, 0, 200, "application/json", "/api/show", NULL, true, false },
    { WEIR_OP_CHAT, 0, 404, "application/json", "/api/chat", NULL, false, false },
    { WEIR_OP_CHAT, 1, 500, "", "/api/chat", NULL, false, false },
    { WEIR_OP_FORWARD, 1, 200, "application/x-ndjson", "/api/pull", NULL, false, false },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answer(&api, cases, sizeof(cases) / sizeof(cases[0]), data, size);
    return 0;
}
