/*
 * told.h - what a dialect says of a request, written down.
 */
#pragma once

#include "host.h"

struct told {
    weir_request_sink sink;
    weir_facts facts; /* struct_size 0: it told none */
    char *model;      /* of the facts */
    char *key;        /* of the application */
    char *refusal;    /* NULL: none */
    char *param;
    uint16_t class_id; /* of the refusal */
    GString *body;     /* the canonical request */
    GString *opaque;   /* "text! " for what is required, else "text " */
    GString *dropped;  /* "pointer\n" */
    unsigned status;   /* of an answer of its own; 0: none */
    char *type;
    char *answer;
    struct host_arena arena; /* for what is read */
};

/* Hand `sink` to the dialect then; the struct stays where it is. */
void told_init(struct told *t);
void told_clear(struct told *t);
