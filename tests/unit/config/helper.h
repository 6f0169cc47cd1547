/*
 * helper.h - configurations from text, against the fake registry.
 */
#pragma once

#include "config/load.h"
#include "fake_registry.h"

static const char *const helper_env[] = { "OPENAI_API_KEY=sk-openai-secret",
                                          "ANTHROPIC_API_KEY=sk-anthropic-secret", "HOST=10.0.0.7",
                                          NULL };

/* Loads `text` as weir.yaml. */
static inline struct config *helper_try(const char *text, GError **error)
{
    struct config_source source = { "weir.yaml", text, (char **)helper_env };
    return config_load_with(&source, fake_registry(), error);
}

static inline struct config *helper_load(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct config *c = helper_try(text, &error);
    g_assert_no_error(error);
    g_assert_nonnull(c);
    return c;
}

/* The whole message, line by line, is `expected`; and no secret is in it. */
static inline void helper_refuses(const char *text, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(helper_try(text, &error));
    g_assert_nonnull(error);
    g_assert_cmpstr(error->message, ==, expected);
    g_assert_null(g_strstr_len(error->message, -1, "sk-"));
}
