/*
 * catalogue.h - readers of what is known of models. Private to core/config, but for what config.h
 * shows.
 */
#pragma once

#include "config/load.h"

/* The catalogue that comes with weir, then the file that `catalogue:` names. */
void catalogues_read(struct load *l, const struct ynode *root);

/* Whose models a provider has: `vendor:`, else by its base URL. */
void provider_vendor(struct load *l, struct config_provider *p, const struct ynode *map,
                     const char *what);

/* An entry of a provider's `models` that is a map: a name, and what is known of it. The name, or
 * NULL with a fault noted. Free with g_free(). */
char *provider_model_entry(struct load *l, struct config_provider *p, const struct ynode *n,
                           const char *what);

/* A provider's `catalogue`: what is known of models by name or pattern. */
void provider_catalogue(struct load *l, struct config_provider *p, const struct ynode *map,
                        const char *what);
