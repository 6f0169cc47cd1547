/*
 * fake_registry.h - a registry with parts that are tables only, made by hand, for tests of the
 * configuration. No plugin file is read.
 */
#pragma once

#include "plugin/registry.h"

/* The one registry of this process; it stays until the end.
 *
 * Providers: openai (key variable, address, secret and map options), anthropic, ollama, sim, bare
 * (no address of its own). Strategies: failover, round-robin, weighted, model, tenant, content,
 * pair (two options of type CHILD). Filters: noop, guard. Dialects: openai. Beside them a file
 * cohere.so that was refused. */
struct plugin_registry *fake_registry(void);

/* The same without the strategy failover. */
struct plugin_registry *fake_registry_poor(void);
