/*
 * records.h - recorded exchanges, as WEIR_WIRE names them, and those of our own in the tree: a JSON
 * object per line, a file per API.
 */
#pragma once

#include "host.h"

#include <jansson.h>

/* The body of a response as bytes, its lines without carriage returns. The small host wants the
 * blank line behind the last event of a stream, which some recorders cut off; it is there. */
char *wire_body(json_t *response);
/* "name: value\n" */
char *wire_headers(json_t *response);
/* Whether the record's `features` name it. */
bool wire_has_feature(json_t *record, const char *name);

/* The lines of a file; NULL if it is not there, or `folder` is NULL. */
char **wire_lines(const char *folder, const char *api);
/* A line of such a file. */
json_t *wire_record(const char *line);
/* The folder of our own cases. */
char *wire_cases(void);

typedef void (*wire_each_fn)(const weir_provider_v1 *face, void *cfg, json_t *record);

/* Calls `each` for every record, with a provider part of these options (NULL: none). Without a
 * folder or file the test is skipped. */
void wire_each(const char *folder, const char *api, const char *options, wire_each_fn each);
