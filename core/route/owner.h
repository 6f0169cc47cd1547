/*
 * owner.h - who made what only its maker can read: response ids, signatures, encrypted reasoning.
 *
 * One table per process, bounded, of hashes: the values themselves are not kept. It fills from what
 * provider parts report (WEIR_EVENT_OWNED), and is asked for what dialects find in requests.
 */
#pragma once

#include <weir/base.h>

/* A provider by its name in the configuration, and its part: under another part it is another one.
 * Both interned. */
struct owner {
    const char *provider;
    const char *part;
};

/* [safe] How many values are remembered (about: it is rounded up), and how long after they were
 * last seen. 0 values: none. What is known already stays. */
void owner_configure(uint32_t size, int64_t ttl_us);

/* [safe] `value` was made by `owner`; a later maker replaces an earlier one. */
void owner_note(weir_text value, const struct owner *owner, int64_t now_us);

/* [safe] False: nobody is known to have made it. Both forms of a text are the same value. */
bool owner_find(weir_text value, int64_t now_us, struct owner *owner);
