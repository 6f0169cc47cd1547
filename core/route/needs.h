/*
 * needs.h - what a request uses and a target cannot do, and whether that keeps it away.
 *
 * Some of it is the question: without the picture, the tools or the text it is to go on from, the
 * answer would be one to another question, and an application that asked for several choices reads
 * the second one. A target that lacks such a thing is not asked.
 *
 * The rest shapes the answer: a seed, a schema, how much is thought, whether it comes in pieces.
 * Most applications would rather have the answer without: the provider part leaves it out, and the
 * warning says so. With `loss: strict` nothing may be lost, and so it keeps away as well.
 */
#pragma once

#include <weir/base.h>

/* WEIR_CAN_* bits of `needs` that `can` lacks and that keep the request away; 0: it may go there.
 */
uint32_t needs_missing(uint32_t needs, uint32_t can, bool strict);

/* Their names, "images, tools", in `text`; cut short if there is no room. */
void needs_names(uint32_t bits, char *text, size_t size);
