/*
 * standin.h - parts that stand in for those of a plugin in quarantine.
 *
 * A configuration that names such a part must still load, or one bad plugin would take down all
 * that it has nothing to do with. A stand-in takes any options and serves nothing: a provider is
 * blocked, so that routes go round it; a strategy or filter refuses what depends on it.
 */
#pragma once

#include "plugin/registry.h"

/* Gives a quarantined file its stand-ins, as its identity note names the parts. */
void plugin_standins(struct plugin_file *file);
