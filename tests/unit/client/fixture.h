/*
 * fixture.h - a client of the simulator. Everything goes through weir.h.
 */
#pragma once

#include <glib.h>
#include <string.h>
#include <weir/weir.h>

static const char fixture_yaml[] =
    "providers:\n"
    "  sim: { plugin: sim, mark: false, default_model: echo }\n"
    "  down: { plugin: sim, fail: server_error }\n"
    "routes:\n"
    "  main: { failover: { try: [ down/x, sim/echo ], retries: 0 } }\n"
    "default_route: main\n";

static inline weir_client *fixture_open(void)
{
    weir_error error;
    weir_client *client = weir_client_open_text(fixture_yaml, &error);

    if (!client)
        g_error("%s", error.message);
    return client;
}

static inline weir_request *fixture_request(const char *model, const char *text)
{
    weir_request *request = weir_request_new(model);

    g_assert_cmpint(weir_request_user(request, text), ==, WEIR_OK);
    return request;
}

static inline weir_response *fixture_ask(weir_client *client, const char *model, const char *text)
{
    weir_request *request = fixture_request(model, text);
    weir_response *response = weir_chat(client, request);

    weir_request_free(request);
    return response;
}

static inline void fixture_no_failure(const weir_response *r)
{
    if (weir_response_failure(r))
        g_error("%s: %s", weir_failure_name(weir_response_failure(r)),
                weir_response_failure(r)->message.ptr);
}

static inline void fixture_failed(const weir_response *r, unsigned class_id)
{
    g_assert_nonnull(weir_response_failure(r));
    g_assert_cmpuint(weir_response_failure(r)->class_id, ==, class_id);
}
