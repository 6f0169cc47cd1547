/*
 * responses_dialect.c - fuzz target: any bytes as a request of an application that speaks the
 * Responses API, or as a canonical request to it; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "openai",
                               .options = "{\"api\":\"responses\"}",
                               .dialect = "openai-responses" };

static const char *const models[] = { "gpt-4o", "gpt-5", "o3", "other", NULL };

static const struct fuzz_target target = { &api, models, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_request(&target, data, size);
    return 0;
}
