/*
 * secret.h - keeping resolved secrets out of what people read.
 */
#pragma once

#include <glib.h>

#define SECRET_HIDDEN "(secret)"

/* `text` with every one of `secrets` (strings) in it replaced. Very short ones are left: hiding
 * them would blot out unrelated text. Free with g_free(). */
char *secret_hide(const GPtrArray *secrets, const char *text);

/* Longest first, so that a secret that is part of another does not uncover the rest of it. To be
 * done before secret_hide(). */
void secret_sort(GPtrArray *secrets);
