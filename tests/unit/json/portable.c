/*
 * portable.c - see portable.h.
 */
#define JSCAN_PORTABLE      1
#define jscan               jscan_portable
#define jscan_arena         jscan_arena_portable
#define jscan_tokens_init   jscan_tokens_init_portable
#define jscan_tokens_finish jscan_tokens_finish_portable

#include "json/scan.c"

#include "portable.h"
