/*
 * anthropic_decode.c - fuzz target: any bytes as an answer of the Messages API; see
 * driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "anthropic", .options = "{}", .dialect = "anthropic" };

/* A schema that this model has by a tool, whose input is the answer's text. */
#define BY_TOOL                                                                            \
    "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\"," \
    "\"schema\":{\"type\":\"object\"}}}}"

static const struct fuzz_case cases[] = {
    { WEIR_OP_CHAT, 1, 200, "text/event-stream", "/v1/messages", NULL, false, false },
    { WEIR_OP_CHAT, 0, 200, "application/json", "/v1/messages", NULL, false, false },
    { WEIR_OP_CHAT, 1, 200, "text/event-stream", "/v1/messages", BY_TOOL, false, false },
    { WEIR_OP_CHAT, 0, 200, "application/json", "/v1/messages", BY_TOOL, false, false },
    { WEIR_OP_CHAT, 1, 200, "application/json", "/v1/messages", NULL, false, false },
    { WEIR_OP_COUNT, 0, 200, "application/json", "/v1/messages/count_tokens", NULL, false, false },
    { WEIR_OP_MODELS, 0, 200, "application/json", "/v1/models", NULL, false, false },
    { WEIR_OP_CHAT, 0, 400, "application/json", "/v1/messages", NULL, false, false },
    { WEIR_OP_CHAT, 1, 529, "", "/v1/messages", NULL, false, false },
    { WEIR_OP_FORWARD, 1, 200, "text/event-stream", "/v1/messages/batches", NULL, false, false },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answer(&api, cases, sizeof(cases) / sizeof(cases[0]), data, size);
    return 0;
}
