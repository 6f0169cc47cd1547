/*
 * gemini_dialect.c - fuzz target: any bytes as a request of an application that speaks the Gemini
 * API, or as a canonical request to it; see driver/driver.h.
 */
#include "driver/driver.h"

static struct fuzz_api api = { .provider = "gemini", .options = "{}", .dialect = "gemini" };

static const char *const models[] = { "gemini-3-pro", "gemini-2.0-flash", "gemini-2.5-pro",
                                      "tunedModels/x", NULL };

static const struct fuzz_target target = { &api, models, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_request(&target, data, size);
    return 0;
}
