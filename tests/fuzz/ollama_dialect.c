/*
 * ollama_dialect.c - fuzz target: any bytes as a request of an application that speaks Ollama's
 * API, or as a canonical request to an Ollama; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "ollama", .options = "{}", .dialect = "ollama" };

static const char *const models[] = { "m", "gpt-oss:20b", "qwen3:4b", NULL };

static const struct fuzz_target target = { &api, models, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_request(&target, data, size);
    return 0;
}
