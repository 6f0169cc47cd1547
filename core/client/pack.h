/*
 * pack.h - events as bytes.
 *
 * A reply travels through the engine as bytes that are held until the commit. For the library
 * these bytes are events, packed here on the loop's thread and unpacked by whoever reads the
 * answer.
 */
#pragma once

#include <weir/event.h>

/* Packs one event into memory of `arena`. WEIR_NO_MEMORY. */
weir_result pack_event(const weir_arena *arena, const weir_event *event, weir_str *out);

/*
 * Unpacks the event at the beginning of `bytes`; its strings point into them, its usage at `usage`.
 * Returns how many bytes it took; 0: this is no packed event.
 */
size_t unpack_event(weir_str bytes, weir_event *event, weir_usage *usage);
