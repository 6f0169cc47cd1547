/*
 * yaml.c - any bytes as a configuration: parsed, checked against a registry of tables, dumped.
 */
#include "config/load.h"

#include "../unit/config/fake_registry.c"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const env[] = { "OPENAI_API_KEY=sk-fuzz-secret-value", "HOST=10.0.0.7",
                                       "EMPTY=", NULL };
    static const char secret[] = "sk-fuzz-secret-value";
    g_autofree char *text = g_strndup((const char *)data, size);
    struct config_source source = { "fuzz.yaml", text, (char **)env };
    g_autoptr(GError) error = NULL;
    g_autoptr(config_t) config = config_load_with(&source, fake_registry(), &error);

    /* Either a configuration or a reason, and the secret in neither. */
    g_assert_true((config == NULL) != (error == NULL));
    g_autofree char *dump = config ? config_dump(config) : NULL;
    g_assert_true(!dump || !strstr(dump, secret) || strstr(text, secret));
    g_assert_true(!error || !strstr(error->message, secret) || strstr(text, secret));
    return 0;
}
