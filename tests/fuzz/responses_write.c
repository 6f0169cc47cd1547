/*
 * responses_write.c - fuzz target: any events as an answer for an application that speaks the
 * Responses API; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "openai",
                               .options = "{\"api\":\"responses\"}",
                               .dialect = "openai-responses" };

static const struct fuzz_case cases[] = {
    { WEIR_OP_CHAT, 1, 200, "", "/v1/responses", NULL, false, false },
    { WEIR_OP_CHAT, 0, 200, "", "/v1/responses", NULL, false, false },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_events(&api, cases, sizeof(cases) / sizeof(cases[0]), data, size);
    return 0;
}
