/*
 * everything.c - one variable of every public struct, so that abidw describes them all, and one
 * whose name tells the version of the ABI.
 *
 * The baseline made of it is abi.xml; check.sh compares, update.sh records.
 */
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

#define PASTE_(a, b, c) a##b##_##c
#define PASTE(a, b, c)  PASTE_(a, b, c)
#define SHOW(name)                 \
    extern name everything_##name; \
    name everything_##name

extern const int PASTE(weir_abi_, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
const int PASTE(weir_abi_, WEIR_ABI_MAJOR, WEIR_ABI_MINOR) = 1;

SHOW(weir_answer);
SHOW(weir_arena);
SHOW(weir_array);
SHOW(weir_ask);
SHOW(weir_block);
SHOW(weir_budget);
SHOW(weir_child);
SHOW(weir_children);
SHOW(weir_choice);
SHOW(weir_decision);
SHOW(weir_dialect_v1);
SHOW(weir_edit_sink);
SHOW(weir_endpoint);
SHOW(weir_error);
SHOW(weir_event);
SHOW(weir_events);
SHOW(weir_exchange);
SHOW(weir_facts);
SHOW(weir_failure);
SHOW(weir_filter_v1);
SHOW(weir_frame);
SHOW(weir_header);
SHOW(weir_host);
SHOW(weir_http_sink);
SHOW(weir_ingress);
SHOW(weir_json);
SHOW(weir_json_service);
SHOW(weir_log);
SHOW(weir_metric);
SHOW(weir_option);
SHOW(weir_outcome);
SHOW(weir_part);
SHOW(weir_plugin);
SHOW(weir_provider_v1);
SHOW(weir_rate);
SHOW(weir_reply_sink);
SHOW(weir_request_sink);
SHOW(weir_response_head);
SHOW(weir_script);
SHOW(weir_step);
SHOW(weir_str);
SHOW(weir_strategy_v1);
SHOW(weir_target);
SHOW(weir_text);
SHOW(weir_token);
SHOW(weir_try);
SHOW(weir_usage);
