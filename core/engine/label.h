/*
 * label.h - the provider's name in what an application reads: "provider" as the first member of
 * the objects of an answer.
 *
 * Streams of objects of one kind (chunks of a chat, lines, elements of an array) are labelled
 * object by object: readers look at any of them. In a stream of named events each kind of event has
 * members of its own, and only the first one, with which the answer begins (or goes on under
 * another name), is labelled.
 */
#pragma once

#include "base/arena.h"

enum label_form {
    LABEL_WHOLE, /* one object */
    LABEL_EVENTS,
    LABEL_LINES,
    LABEL_ARRAY,
};

/* Where in the output it is. Pieces may end anywhere. */
struct label {
    uint8_t form; /* enum label_form */
    uint8_t state;
    uint8_t n;  /* bytes of the line in `line` */
    bool told;  /* events: this one has had its first line of data */
    bool typed; /* events: they have names */
    bool done;  /* nothing more is to be labelled */
    bool escaped;
    char line[6];
    uint32_t depth;
};

void label_init(struct label *l, enum label_form form);

/* What a stream of that content type is made of. */
enum label_form label_form_of(weir_str content_type);

/* The next piece with its labels, in the arena; the piece itself if there is nothing to add, or no
 * memory. `provider` needs no escapes. */
weir_str label_add(struct label *l, struct arena *arena, weir_str piece, weir_str provider);
