/*
 * call.h - what the core has to know of tool calls: whether their arguments are JSON, and whether
 * all of them have come.
 */
#pragma once

#include <weir/event.h>

/* How far the arguments of one call have come. */
struct call_args {
    uint8_t depth; /* brackets open */
    uint8_t state;
};

/* Nothing has come yet. Of free text everything is whole. */
struct call_args call_args_begin(bool free_text);

/* Takes the next piece, in either form. Brackets and strings are counted; nothing is kept. */
void call_args_add(struct call_args *args, weir_text piece);

/* Whether what came is one object with all its brackets closed. No text at all is an object
 * without members: that is how some vendors write it. */
bool call_args_whole(const struct call_args *args);

/* Whether the extra members of a call's start say that its arguments are free text. */
bool call_is_custom(weir_str extra);

/* Whether a call's text is nothing but white space. */
bool call_is_blank(weir_text text);
