/*
 * layout.c - where every member of every public struct lies, on machines with 64-bit pointers.
 *
 * A plugin that was built once goes by these numbers for ever. A line may be added behind the last
 * one of a struct, with the struct's new size; no other line may change once ABI 1.0 is frozen.
 */
#include <stddef.h>
#include <stdint.h>

#include <weir/base.h>
#include <weir/dialect.h>
#include <weir/event.h>
#include <weir/exchange.h>
#include <weir/filter.h>
#include <weir/host.h>
#include <weir/json.h>
#include <weir/option.h>
#include <weir/plugin.h>
#include <weir/provider.h>
#include <weir/strategy.h>

#if UINTPTR_MAX == UINT64_MAX

#define AT(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member " has moved")
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")

/* -- base.h -------------------------------------------------------------------------------------
 */

AT(weir_str, ptr, 0);
AT(weir_str, len, 8);
SIZE(weir_str, 16);

AT(weir_text, ptr, 0);
AT(weir_text, len, 8);
AT(weir_text, form, 16);
AT(weir_text, zero, 20);
SIZE(weir_text, 24);

AT(weir_array, items, 0);
AT(weir_array, count, 8);
AT(weir_array, stride, 12);
SIZE(weir_array, 16);

AT(weir_header, name, 0);
AT(weir_header, value, 16);
SIZE(weir_header, 32);

AT(weir_arena, owner, 0);
AT(weir_arena, alloc, 8);
SIZE(weir_arena, 16);

AT(weir_failure, struct_size, 0);
AT(weir_failure, class_id, 4);
AT(weir_failure, family, 6);
AT(weir_failure, http_status, 8);
AT(weir_failure, local, 10);
AT(weir_failure, zero, 12);
AT(weir_failure, retry_after_us, 16);
AT(weir_failure, code, 24);
AT(weir_failure, message, 40);
AT(weir_failure, param, 56);
SIZE(weir_failure, 72);

AT(weir_error, struct_size, 0);
AT(weir_error, result, 4);
AT(weir_error, option, 8);
AT(weir_error, message, 72);
SIZE(weir_error, 512);

/* -- dialect.h ----------------------------------------------------------------------------------
 */

AT(weir_endpoint, struct_size, 0);
AT(weir_endpoint, op, 4);
AT(weir_endpoint, optional_key, 5);
AT(weir_endpoint, zero, 6);
AT(weir_endpoint, method, 8);
AT(weir_endpoint, pattern, 16);
AT(weir_endpoint, when_header, 24);
SIZE(weir_endpoint, 32);

AT(weir_ingress, struct_size, 0);
AT(weir_ingress, endpoint, 4);
AT(weir_ingress, id, 8);
AT(weir_ingress, method, 24);
AT(weir_ingress, path, 40);
AT(weir_ingress, query, 56);
AT(weir_ingress, captures, 72);
AT(weir_ingress, capture_count, 80);
AT(weir_ingress, header_count, 84);
AT(weir_ingress, headers, 88);
AT(weir_ingress, body, 96);
AT(weir_ingress, json, 112);
AT(weir_ingress, unix_us, 120);
AT(weir_ingress, arena, 128);
SIZE(weir_ingress, 144);

AT(weir_request_sink, struct_size, 0);
AT(weir_request_sink, zero, 4);
AT(weir_request_sink, ctx, 8);
AT(weir_request_sink, facts, 16);
AT(weir_request_sink, body, 24);
AT(weir_request_sink, opaque, 32);
AT(weir_request_sink, dropped, 40);
AT(weir_request_sink, answer, 48);
AT(weir_request_sink, refuse, 56);
SIZE(weir_request_sink, 64);

AT(weir_reply_sink, struct_size, 0);
AT(weir_reply_sink, zero, 4);
AT(weir_reply_sink, ctx, 8);
AT(weir_reply_sink, head, 16);
AT(weir_reply_sink, bytes, 24);
SIZE(weir_reply_sink, 32);

AT(weir_block, struct_size, 0);
AT(weir_block, kind, 4);
AT(weir_block, zero, 6);
AT(weir_block, choice, 8);
AT(weir_block, index, 12);
AT(weir_block, text, 16);
AT(weir_block, id, 40);
AT(weir_block, name, 56);
AT(weir_block, extra, 72);
SIZE(weir_block, 88);

AT(weir_choice, struct_size, 0);
AT(weir_choice, choice, 4);
AT(weir_choice, reason, 8);
AT(weir_choice, zero, 10);
AT(weir_choice, zero2, 12);
AT(weir_choice, raw_reason, 16);
AT(weir_choice, extra, 32);
SIZE(weir_choice, 48);

AT(weir_answer, struct_size, 0);
AT(weir_answer, zero, 4);
AT(weir_answer, id, 8);
AT(weir_answer, model, 24);
AT(weir_answer, blocks, 40);
AT(weir_answer, choices, 56);
AT(weir_answer, usage, 72);
AT(weir_answer, extra, 80);
SIZE(weir_answer, 96);

AT(weir_dialect_v1, struct_size, 0);
AT(weir_dialect_v1, encoder_size, 4);
AT(weir_dialect_v1, id, 8);
AT(weir_dialect_v1, endpoints, 16);
AT(weir_dialect_v1, options, 32);
AT(weir_dialect_v1, configure, 48);
AT(weir_dialect_v1, release, 56);
AT(weir_dialect_v1, read, 64);
AT(weir_dialect_v1, translate, 72);
AT(weir_dialect_v1, event, 80);
AT(weir_dialect_v1, answer, 88);
AT(weir_dialect_v1, failure, 96);
AT(weir_dialect_v1, end, 104);
AT(weir_dialect_v1, flags, 112);
AT(weir_dialect_v1, zero, 116);
SIZE(weir_dialect_v1, 120);

/* -- event.h ------------------------------------------------------------------------------------
 */

AT(weir_usage, struct_size, 0);
AT(weir_usage, zero, 4);
AT(weir_usage, input_total, 8);
AT(weir_usage, input_uncached, 16);
AT(weir_usage, input_cache_read, 24);
AT(weir_usage, input_cache_write, 32);
AT(weir_usage, input_cache_write_1h, 40);
AT(weir_usage, input_audio, 48);
AT(weir_usage, input_image, 56);
AT(weir_usage, output_total, 64);
AT(weir_usage, output_text, 72);
AT(weir_usage, output_reasoning, 80);
AT(weir_usage, output_audio, 88);
AT(weir_usage, output_image, 96);
SIZE(weir_usage, 104);

AT(weir_rate, struct_size, 0);
AT(weir_rate, zero, 4);
AT(weir_rate, requests_limit, 8);
AT(weir_rate, requests_left, 16);
AT(weir_rate, requests_reset_us, 24);
AT(weir_rate, tokens_limit, 32);
AT(weir_rate, tokens_left, 40);
AT(weir_rate, tokens_reset_us, 48);
SIZE(weir_rate, 56);

AT(weir_event, struct_size, 0);
AT(weir_event, type, 4);
AT(weir_event, kind, 6);
AT(weir_event, reason, 8);
AT(weir_event, zero, 10);
AT(weir_event, choice, 12);
AT(weir_event, block, 16);
AT(weir_event, text, 24);
AT(weir_event, id, 48);
AT(weir_event, name, 64);
AT(weir_event, extra, 80);
AT(weir_event, usage, 96);
AT(weir_event, rate, 104);
AT(weir_event, failure, 112);
AT(weir_event, at_us, 120);
SIZE(weir_event, 128);

AT(weir_events, ctx, 0);
AT(weir_events, emit, 8);
SIZE(weir_events, 16);

/* -- exchange.h ---------------------------------------------------------------------------------
 */

AT(weir_target, struct_size, 0);
AT(weir_target, zero, 4);
AT(weir_target, name, 8);
AT(weir_target, provider, 24);
AT(weir_target, base_url, 40);
AT(weir_target, model, 56);
AT(weir_target, credential, 72);
AT(weir_target, catalogue, 88);
SIZE(weir_target, 104);

AT(weir_exchange, struct_size, 0);
AT(weir_exchange, op, 4);
AT(weir_exchange, stream, 5);
AT(weir_exchange, native, 6);
AT(weir_exchange, foreign, 7);
AT(weir_exchange, attempt, 8);
AT(weir_exchange, zero2, 12);
AT(weir_exchange, id, 16);
AT(weir_exchange, dialect, 32);
AT(weir_exchange, now_us, 48);
AT(weir_exchange, unix_us, 56);
AT(weir_exchange, seed, 64);
AT(weir_exchange, arena, 72);
AT(weir_exchange, request, 88);
AT(weir_exchange, body, 96);
AT(weir_exchange, method, 112);
AT(weir_exchange, path, 128);
AT(weir_exchange, headers, 144);
AT(weir_exchange, header_count, 152);
AT(weir_exchange, asked_usage, 156);
AT(weir_exchange, asked_model, 160);
AT(weir_exchange, target, 176);
AT(weir_exchange, answer, 184);
AT(weir_exchange, keep, 192);
SIZE(weir_exchange, 208);

AT(weir_facts, struct_size, 0);
AT(weir_facts, op, 4);
AT(weir_facts, stream, 5);
AT(weir_facts, zero, 6);
AT(weir_facts, needs, 8);
AT(weir_facts, messages, 12);
AT(weir_facts, model, 16);
AT(weir_facts, provider, 32);
AT(weir_facts, tenant, 48);
AT(weir_facts, user, 64);
AT(weir_facts, session, 80);
AT(weir_facts, dialect, 96);
AT(weir_facts, body_bytes, 112);
AT(weir_facts, input_tokens, 120);
AT(weir_facts, output_tokens, 128);
AT(weir_facts, prefix_hash, 136);
AT(weir_facts, text, 144);
AT(weir_facts, tags, 160);
AT(weir_facts, tag_count, 168);
AT(weir_facts, asked_usage, 172);
AT(weir_facts, all_text, 176);
AT(weir_facts, key, 192);
SIZE(weir_facts, 208);

/* -- filter.h -----------------------------------------------------------------------------------
 */

AT(weir_edit_sink, struct_size, 0);
AT(weir_edit_sink, zero, 4);
AT(weir_edit_sink, ctx, 8);
AT(weir_edit_sink, replace, 16);
AT(weir_edit_sink, answer, 24);
AT(weir_edit_sink, refuse, 32);
SIZE(weir_edit_sink, 40);

AT(weir_filter_v1, struct_size, 0);
AT(weir_filter_v1, ops, 4);
AT(weir_filter_v1, sees, 8);
AT(weir_filter_v1, state_size, 12);
AT(weir_filter_v1, options, 16);
AT(weir_filter_v1, configure, 32);
AT(weir_filter_v1, release, 40);
AT(weir_filter_v1, request, 48);
AT(weir_filter_v1, event, 56);
SIZE(weir_filter_v1, 64);

/* -- host.h -------------------------------------------------------------------------------------
 */

AT(weir_host, struct_size, 0);
AT(weir_host, abi_major, 4);
AT(weir_host, abi_minor, 6);
AT(weir_host, ctx, 8);
AT(weir_host, service, 16);
SIZE(weir_host, 24);

AT(weir_log, struct_size, 0);
AT(weir_log, zero, 4);
AT(weir_log, ctx, 8);
AT(weir_log, enabled, 16);
AT(weir_log, write, 24);
SIZE(weir_log, 32);

AT(weir_json_service, struct_size, 0);
AT(weir_json_service, zero, 4);
AT(weir_json_service, scan, 8);
SIZE(weir_json_service, 16);

AT(weir_metric, struct_size, 0);
AT(weir_metric, zero, 4);
AT(weir_metric, ctx, 8);
AT(weir_metric, counter, 16);
AT(weir_metric, add, 24);
SIZE(weir_metric, 32);

/* -- json.h -------------------------------------------------------------------------------------
 */

AT(weir_token, start, 0);
AT(weir_token, len, 4);
AT(weir_token, next, 8);
AT(weir_token, type, 12);
AT(weir_token, flags, 13);
AT(weir_token, depth, 14);
SIZE(weir_token, 16);

AT(weir_json, bytes, 0);
AT(weir_json, tok, 16);
AT(weir_json, count, 24);
SIZE(weir_json, 32);

/* -- option.h -----------------------------------------------------------------------------------
 */

AT(weir_option, struct_size, 0);
AT(weir_option, type, 4);
AT(weir_option, flags, 6);
AT(weir_option, name, 8);
AT(weir_option, default_value, 16);
AT(weir_option, choices, 24);
AT(weir_option, help, 32);
SIZE(weir_option, 40);

AT(weir_children, struct_size, 0);
AT(weir_children, zero, 4);
AT(weir_children, value_option, 8);
AT(weir_children, key_option, 16);
SIZE(weir_children, 24);

/* -- plugin.h -----------------------------------------------------------------------------------
 */

AT(weir_part, struct_size, 0);
AT(weir_part, zero, 4);
AT(weir_part, face, 8);
AT(weir_part, name, 16);
AT(weir_part, vtable, 24);
SIZE(weir_part, 32);

AT(weir_plugin, magic, 0);
AT(weir_plugin, struct_size, 4);
AT(weir_plugin, abi_major, 8);
AT(weir_plugin, abi_minor, 10);
AT(weir_plugin, abi_minor_min, 12);
AT(weir_plugin, zero, 14);
AT(weir_plugin, id, 16);
AT(weir_plugin, version, 24);
AT(weir_plugin, parts, 32);
AT(weir_plugin, part_count, 40);
AT(weir_plugin, require_count, 44);
AT(weir_plugin, requires_, 48);
AT(weir_plugin, init, 56);
SIZE(weir_plugin, 64);

/* -- provider.h ---------------------------------------------------------------------------------
 */

AT(weir_http_sink, struct_size, 0);
AT(weir_http_sink, zero, 4);
AT(weir_http_sink, ctx, 8);
AT(weir_http_sink, line, 16);
AT(weir_http_sink, header, 24);
AT(weir_http_sink, body, 32);
AT(weir_http_sink, dropped, 40);
AT(weir_http_sink, script, 48);
SIZE(weir_http_sink, 56);

AT(weir_step, struct_size, 0);
AT(weir_step, what, 4);
AT(weir_step, after_us, 8);
AT(weir_step, bytes, 16);
SIZE(weir_step, 32);

AT(weir_script, struct_size, 0);
AT(weir_script, status, 4);
AT(weir_script, head_after_us, 8);
AT(weir_script, headers, 16);
AT(weir_script, header_count, 24);
AT(weir_script, zero, 28);
AT(weir_script, steps, 32);
SIZE(weir_script, 48);

AT(weir_response_head, struct_size, 0);
AT(weir_response_head, status, 4);
AT(weir_response_head, headers, 8);
AT(weir_response_head, header_count, 16);
AT(weir_response_head, zero, 20);
SIZE(weir_response_head, 24);

AT(weir_frame, struct_size, 0);
AT(weir_frame, flags, 4);
AT(weir_frame, name, 8);
AT(weir_frame, data, 24);
AT(weir_frame, json, 40);
AT(weir_frame, alike, 48);
AT(weir_frame, changed_count, 52);
AT(weir_frame, changed, 56);
SIZE(weir_frame, 64);

AT(weir_provider_v1, struct_size, 0);
AT(weir_provider_v1, ops, 4);
AT(weir_provider_v1, decoder_size, 8);
AT(weir_provider_v1, can, 12);
AT(weir_provider_v1, native, 16);
AT(weir_provider_v1, forward_headers, 24);
AT(weir_provider_v1, model_globs, 32);
AT(weir_provider_v1, default_base_url, 40);
AT(weir_provider_v1, key_variable, 48);
AT(weir_provider_v1, options, 56);
AT(weir_provider_v1, configure, 72);
AT(weir_provider_v1, release, 80);
AT(weir_provider_v1, encode, 88);
AT(weir_provider_v1, head, 96);
AT(weir_provider_v1, frame, 104);
AT(weir_provider_v1, sign, 112);
AT(weir_provider_v1, speaks, 120);
SIZE(weir_provider_v1, 128);

/* -- strategy.h ---------------------------------------------------------------------------------
 */

AT(weir_child, struct_size, 0);
AT(weir_child, blocked, 4);
AT(weir_child, name, 8);
AT(weir_child, state, 24);
AT(weir_child, ready_us, 32);
AT(weir_child, inflight, 40);
AT(weir_child, can, 44);
AT(weir_child, inflight_tokens, 48);
AT(weir_child, ttft_us, 56);
AT(weir_child, ttft_p95_us, 64);
AT(weir_child, tpot_ns, 72);
AT(weir_child, samples, 80);
AT(weir_child, error_ppm, 84);
AT(weir_child, headroom_ppm, 88);
AT(weir_child, max_retries, 92);
AT(weir_child, price_in, 96);
AT(weir_child, price_out, 104);
AT(weir_child, context_window, 112);
AT(weir_child, max_output_tokens, 120);
SIZE(weir_child, 128);

AT(weir_try, struct_size, 0);
AT(weir_try, child, 4);
AT(weir_try, running, 8);
AT(weir_try, committed, 9);
AT(weir_try, silent, 10);
AT(weir_try, zero, 11);
AT(weir_try, zero2, 12);
AT(weir_try, start_us, 16);
AT(weir_try, end_us, 24);
AT(weir_try, failure, 32);
SIZE(weir_try, 40);

AT(weir_budget, struct_size, 0);
AT(weir_budget, attempts_left, 4);
AT(weir_budget, deadline_us, 8);
AT(weir_budget, money_left, 16);
SIZE(weir_budget, 24);

AT(weir_ask, struct_size, 0);
AT(weir_ask, why, 4);
AT(weir_ask, now_us, 8);
AT(weir_ask, seed, 16);
AT(weir_ask, facts, 24);
AT(weir_ask, budget, 32);
AT(weir_ask, state, 40);
AT(weir_ask, children, 48);
AT(weir_ask, tries, 64);
SIZE(weir_ask, 80);

AT(weir_decision, struct_size, 0);
AT(weir_decision, verb, 4);
AT(weir_decision, child, 8);
AT(weir_decision, shadow_child, 12);
AT(weir_decision, start_us, 16);
AT(weir_decision, ask_again_us, 24);
AT(weir_decision, failure_class, 32);
AT(weir_decision, zero, 36);
AT(weir_decision, reason, 40);
AT(weir_decision, number, 48);
SIZE(weir_decision, 64);

AT(weir_outcome, struct_size, 0);
AT(weir_outcome, child, 4);
AT(weir_outcome, now_us, 8);
AT(weir_outcome, start_us, 16);
AT(weir_outcome, first_us, 24);
AT(weir_outcome, end_us, 32);
AT(weir_outcome, failure, 40);
AT(weir_outcome, usage, 48);
SIZE(weir_outcome, 56);

AT(weir_strategy_v1, struct_size, 0);
AT(weir_strategy_v1, needs, 4);
AT(weir_strategy_v1, state_size, 8);
AT(weir_strategy_v1, child_state_size, 12);
AT(weir_strategy_v1, state_version, 16);
AT(weir_strategy_v1, zero, 20);
AT(weir_strategy_v1, options, 24);
AT(weir_strategy_v1, child_options, 40);
AT(weir_strategy_v1, children, 56);
AT(weir_strategy_v1, configure, 64);
AT(weir_strategy_v1, release, 72);
AT(weir_strategy_v1, next, 80);
AT(weir_strategy_v1, observe, 88);
SIZE(weir_strategy_v1, 96);

#endif
