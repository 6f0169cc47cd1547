/*
 * Tests of the strategy match.
 */
#include "router.h"

/* Whether a request with these facts meets the condition. */
static bool holds(const char *when, const weir_facts *facts)
{
    g_autofree char *options =
        g_strdup_printf("{\"rules\":[{\"child\":0,\"when\":%s},{\"child\":1}]}", when);
    struct host_node *n = router(options, 2);
    bool first;

    n->facts = *facts;
    first = router_pick(n) == 0;
    host_node_free(n);
    return first;
}

static const weir_header tags[] = { { WEIR_S("x-team"), WEIR_S("research-1") },
                                    { WEIR_S("metadata.tier"), WEIR_S("gold") } };
static const weir_facts facts = {
    .struct_size = sizeof(weir_facts),
    .op = WEIR_OP_CHAT,
    .stream = 1,
    .needs = WEIR_CAN_TOOLS | WEIR_CAN_JSON_SCHEMA,
    .messages = 3,
    .model = WEIR_S("gpt-4o"),
    .tenant = WEIR_S("acme"),
    .dialect = WEIR_S("anthropic"),
    .body_bytes = 1000,
    .input_tokens = 250,
    .output_tokens = -1,
    .tags = tags,
    .tag_count = 2,
};

static void test_conditions(void)
{
    static const char *const yes[] = {
        "{\"model\":\"gpt-*\"}",
        "{\"model\":[\"claude\",\"/^gpt/\"]}",
        "{\"tenant\":\"acme\",\"dialect\":\"anthropic\"}",
        "{\"operation\":\"chat\"}",
        "{\"user\":\"\"}",
        "{\"tag\":{\"X-Team\":\"research-*\"}}",
        "{\"header\":{\"x-team\":\"research-1\"},\"metadata\":{\"tier\":[\"silver\",\"gold\"]}}",
        "{\"has\":\"tools\"}",
        "{\"has\":[\"tools\",\"schema\"]}",
        "{\"stream\":true}",
        "{\"tokens_over\":249,\"bytes_over\":999,\"messages_over\":2}",
    };
    static const char *const no[] = {
        "{\"model\":\"gpt\"}",
        "{\"tenant\":\"acme\",\"dialect\":\"openai\"}",
        "{\"operation\":\"embed\"}",
        "{\"tag\":{\"x-team\":\"research-1\",\"other\":\"x\"}}",
        "{\"metadata\":{\"x-team\":\"research-1\"}}",
        "{\"has\":[\"tools\",\"images\"]}",
        "{\"stream\":false}",
        "{\"tokens_over\":250}",
        "{\"output_over\":0}",
        "{\"messages_over\":3}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(yes); i++)
        g_assert_true(holds(yes[i], &facts));
    for (size_t i = 0; i < G_N_ELEMENTS(no); i++)
        g_assert_false(holds(no[i], &facts));
}

#define T "{\"has\":\"tools\"}"
#define F "{\"has\":\"images\"}"

static void test_logic(void)
{
    g_assert_true(holds("{\"all\":[" T "," T "]}", &facts));
    g_assert_false(holds("{\"all\":[" T "," F "]}", &facts));
    g_assert_true(holds("{\"any\":[" F "," T "]}", &facts));
    g_assert_false(holds("{\"any\":[" F "," F "]}", &facts));
    g_assert_true(holds("{\"not\":" F "}", &facts));
    g_assert_false(holds("{\"not\":" T "}", &facts));
    g_assert_true(holds("{\"not\":{\"any\":[" F ",{\"not\":" T "}]},\"stream\":true}", &facts));
    g_assert_true(holds("{\"not\":{\"has\":\"tools\",\"stream\":false}}", &facts));
}

static void test_order(void)
{
    struct host_node *n = router("{\"rules\":[{\"child\":1,\"when\":" T "},{\"child\":0,\"when\":"
                                 "{\"stream\":true}}]}",
                                 2);

    router_refuses(n);
    n->facts.stream = 1;
    g_assert_cmpuint(router_pick(n), ==, 0);
    n->facts.needs = WEIR_CAN_TOOLS;
    g_assert_cmpuint(router_pick(n), ==, 1);
    router_stays(n, 1);
    host_node_free(n);
}

static void invalid(const char *when, const char *says)
{
    g_autofree char *options = g_strdup_printf("{\"rules\":[{\"child\":0,\"when\":%s}]}", when);

    router_invalid(options, "when", says);
}

static void test_configure(void)
{
    invalid("{}", "leave `when` out");
    invalid("\"tools\"", "are a map");
    invalid("{\"modle\":\"x\"}", "'modle' is no condition");
    invalid("{\"has\":\"wings\"}", "takes abilities");
    invalid("{\"model\":4}", "a name or a list");
    invalid("{\"model\":[\"a\",4]}", "numbers in quotes");
    invalid("{\"model\":\"/[/\"}", "not valid");
    invalid("{\"stream\":1}", "true or false");
    invalid("{\"tokens_over\":-1}", "whole number");
    invalid("{\"any\":" T "}", "a list of conditions");
    invalid("{\"tag\":\"x\"}", "takes a map");
    invalid("{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":" T "}}}}}}}}",
            "8 deep");
    router_invalid("{\"rules\":[{\"child\":0},{\"child\":0,\"when\":" T "}]}", "rules",
                   "make it the last");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/match/conditions", test_conditions);
    g_test_add_func("/match/logic", test_logic);
    g_test_add_func("/match/order", test_order);
    g_test_add_func("/match/configure", test_configure);
    return g_test_run();
}
