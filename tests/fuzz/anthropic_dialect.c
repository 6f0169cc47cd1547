/*
 * anthropic_dialect.c - fuzz target: any bytes as a request of an application that speaks the
 * Messages API, or as a canonical request to it; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "anthropic", .options = "{}", .dialect = "anthropic" };

static const char *const models[] = { "claude-opus-4-7", "claude-sonnet-4-5",
                                      "claude-3-5-haiku-latest", "other", NULL };

/* In Anthropic's own words an application may say what it likes. */
static bool rereads(uint8_t op, const weir_json *canonical)
{
    return weir_json_find(canonical, 0, "vendor") == WEIR_JSON_NONE;
}

static const struct fuzz_target target = { &api, models, rereads };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_request(&target, data, size);
    return 0;
}
