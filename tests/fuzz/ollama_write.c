/*
 * ollama_write.c - fuzz target: any events as an answer for an application that speaks Ollama's
 * API; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "ollama", .options = "{}", .dialect = "ollama" };

static const struct fuzz_case cases[] = {
    { WEIR_OP_CHAT, 1, 200, "", "/api/chat", NULL, false, true },
    { WEIR_OP_CHAT, 0, 200, "", "/api/chat", NULL, false, true },
    { WEIR_OP_CHAT, 1, 200, "", "/api/generate", NULL, false, true },
    { WEIR_OP_CHAT, 0, 200, "", "/api/generate", NULL, false, true },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_events(&api, cases, sizeof(cases) / sizeof(cases[0]), data, size);
    return 0;
}
