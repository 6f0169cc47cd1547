/*
 * expand.h - ${VARIABLE} and ${VARIABLE:-default} in the values of a tree.
 *
 * Done once over the whole tree, before anything is read from it. Keys are left alone. An unset or
 * empty variable takes its default; without one, an unset variable is a fault, and an empty one is
 * empty. `$${` stands for a literal `${`.
 */
#pragma once

#include "config/yaml.h"

/* Replaces `text` of every scalar value, noting what may not be printed in `secrets` (strings):
 * values of variables whose names speak of keys, tokens, secrets or passwords. */
void expand_tree(const struct ytree *tree, char **env, GPtrArray *secrets, struct faults *faults);
