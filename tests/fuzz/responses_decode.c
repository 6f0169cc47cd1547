/*
 * responses_decode.c - fuzz target: any bytes as an answer of the Responses API or a count
 * of tokens; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "openai",
                               .options = "{\"api\":\"responses\"}",
                               .dialect = "openai-responses" };

static const struct fuzz_case cases[] = {
    { WEIR_OP_CHAT, 1, 200, "text/event-stream", "/v1/responses", NULL, false, false },
    { WEIR_OP_CHAT, 0, 200, "application/json", "/v1/responses", NULL, false, false },
    { WEIR_OP_CHAT, 1, 200, "", "/v1/responses", NULL, false, false },
    { WEIR_OP_CHAT, 1, 200, "application/json", "/v1/responses", NULL, false, false },
    { WEIR_OP_COUNT, 0, 200, "application/json", "/v1/responses/input_tokens", NULL, false, false },
    { WEIR_OP_CHAT, 0, 400, "application/json", "/v1/responses", NULL, false, false },
    { WEIR_OP_CHAT, 1, 503, "", "/v1/responses", NULL, false, false },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answer(&api, cases, sizeof(cases) / sizeof(cases[0]), data, size);
    return 0;
}
