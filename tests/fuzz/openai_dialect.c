/*
 * openai_dialect.c - fuzz target: any bytes as a request of an application that speaks Chat
 * Completions, or as a canonical request to it; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "openai",
                               .options = "{\"api\":\"chat\"}",
                               .dialect = "openai" };

static const char *const models[] = { "gpt-4o", "gpt-5", "o3", "other", NULL };

/* The canonical request is nearly this API's own, and goes out as it is but for what must change:
 * what is no request stays none. */
static bool rereads(uint8_t op, const weir_json *canonical)
{
    uint32_t messages = weir_json_find(canonical, 0, "messages");
    bool good = weir_json_is_array(canonical, messages);

    if (op == WEIR_OP_EMBED)
        return weir_json_find(canonical, 0, "input") != WEIR_JSON_NONE;
    WEIR_JSON_EACH_ITEM(canonical, messages, message)
    {
        good = good && weir_json_is_object(canonical, message);
    }
    return good;
}

static const struct fuzz_target target = { &api, models, rereads };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_request(&target, data, size);
    return 0;
}
