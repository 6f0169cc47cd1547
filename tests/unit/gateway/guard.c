/*
 * guard.c - who is let in, from heads as they come in.
 */
#include "gateway/guard.h"

#include "../config/helper.h"

#include <string.h>

#define PROVIDER "providers: { sim: { default_model: s } }\n"
#define KEYED                                                                                      \
    PROVIDER "keys: { team: \"${OPENAI_API_KEY}\", boss: { key: \"${ANTHROPIC_API_KEY}\", admin: " \
             "true } }\n"
#define TEAM "sk-openai-secret"
#define BOSS "sk-anthropic-secret"

enum { HERE = DOOR_LOCAL | DOOR_HOST };

struct asked {
    struct http_request req;
    char *text;
    struct admission in;
};

static struct guard *guard;
static weir_header head_room[HTTP_MAX_HEADERS];

/* `head`: what follows the request line, each line with its end. */
static struct asked ask(const struct config *c, unsigned door, const char *query, const char *head)
{
    static weir_header headers[HTTP_MAX_HEADERS];
    struct asked a = { .req.head.headers = headers };
    const char *why = NULL;

    a.req.head.headers = head_room;
    a.text = g_strdup_printf("GET /v1/models%s HTTP/1.0\r\n%s\r\n", query, head);
    g_assert_cmpint(http_head_parse(&a.req.head, false, a.text, strlen(a.text), 1 << 16, &why), >,
                    0);
    a.in = guard_admit(guard, c, door, &a.req);
    return a;
}

static unsigned outcome(const struct config *c, unsigned door, const char *query, const char *head)
{
    struct asked a = ask(c, door, query, head);

    g_free(a.text);
    g_assert_cmpint(a.in.class_id != 0, ==, a.in.why != NULL);
    return a.in.class_id;
}

static const char *key_of(const struct config *c, const char *query, const char *head)
{
    struct asked a = ask(c, 0, query, head);

    g_free(a.text);
    return a.in.key ? a.in.key->name : NULL;
}

static void test_host(void)
{
    static const char *const good[] = { "localhost", "LocalHost:80", "127.0.0.1:8080", "127.8.8.8",
                                        "[::1]",     "[::1]:80",     "a.localhost:1" };
    static const char *const bad[] = { "evil.test",    "127.evil.test", "localhost.evil.test",
                                       "10.0.0.1",     "127",           "xlocalhost",
                                       "0.0.0.0:8080", "[::2]",         "named.test.evil.test" };
    g_autoptr(config_t) c = helper_load(PROVIDER);
    g_autoptr(config_t) named =
        helper_load(PROVIDER "allowed_hosts: [named.test, \"*.in.test\"]\n");

    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *head = g_strdup_printf("Host: %s\r\n", good[i]);

        g_assert_cmpuint(outcome(c, HERE, "", head), ==, 0);
        g_assert_cmpuint(outcome(named, 0, "", head), ==, 0);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *head = g_strdup_printf("Host: %s\r\n", bad[i]);

        g_assert_cmpuint(outcome(c, HERE, "", head), ==, WEIR_CLASS_PERMISSION);
        g_assert_cmpuint(outcome(named, HERE, "", head), ==, WEIR_CLASS_PERMISSION);
        g_assert_cmpuint(outcome(c, 0, "", head), ==, 0);          /* other names than we know */
        g_assert_cmpuint(outcome(c, DOOR_LOCAL, "", head), ==, 0); /* no browser comes by it */
        g_assert_cmpuint(outcome(named, 0, "", head), ==, WEIR_CLASS_PERMISSION);
        g_assert_cmpuint(outcome(named, DOOR_LOCAL, "", head), ==, 0);
    }
    g_assert_cmpuint(outcome(named, HERE, "", "Host: Named.Test:90\r\n"), ==, 0);
    g_assert_cmpuint(outcome(named, HERE, "", "Host: a.b.in.test\r\n"), ==, 0);
    g_assert_cmpuint(outcome(c, HERE, "", ""), ==, 0); /* HTTP/1.0: no browser */
}

static void test_origin(void)
{
    g_autoptr(config_t) c = helper_load(PROVIDER);
    g_autoptr(config_t) named = helper_load(PROVIDER "allowed_origins: [\"https://a.test\"]\n");
    g_autoptr(config_t) any = helper_load(PROVIDER "allowed_origins: \"*\"\n");

    for (unsigned door = 0; door <= HERE; door++) {
        g_assert_cmpuint(outcome(c, door, "", "Origin: http://a\r\n"), ==, WEIR_CLASS_PERMISSION);
        g_assert_cmpuint(outcome(c, door, "", "Origin: null\r\n"), ==, WEIR_CLASS_PERMISSION);
        g_assert_cmpuint(outcome(c, door, "", "Origin:\r\n"), ==, WEIR_CLASS_PERMISSION);
        g_assert_cmpuint(outcome(named, door, "", "Origin: https://A.test\r\n"), ==, 0);
        g_assert_cmpuint(outcome(named, door, "", "Origin: https://a.test.b\r\n"), ==,
                         WEIR_CLASS_PERMISSION);
        g_assert_cmpuint(outcome(any, door, "", "Origin: null\r\n"), ==, 0);
    }
}

static void test_keys(void)
{
    g_autoptr(config_t) c = helper_load(KEYED);

    g_assert_cmpstr(key_of(c, "", "Authorization: Bearer " TEAM "\r\n"), ==, "team");
    g_assert_cmpstr(key_of(c, "", "authorization:bEARER   " TEAM "\r\n"), ==, "team");
    g_assert_cmpstr(key_of(c, "", "X-Api-Key: " TEAM "\r\n"), ==, "team");
    g_assert_cmpstr(key_of(c, "", "api-key: " BOSS "\r\n"), ==, "boss");
    g_assert_cmpstr(key_of(c, "", "X-Goog-Api-Key: " BOSS "\r\n"), ==, "boss");
    g_assert_cmpstr(key_of(c, "?alt=sse&key=" TEAM, ""), ==, "team");
    g_assert_cmpstr(key_of(c, "?key=" TEAM "&x", ""), ==, "team");
    g_assert_cmpstr(key_of(c, "?key=none", "X-Api-Key: x\r\nApi-Key: " TEAM "\r\n"), ==, "team");
    g_assert_null(key_of(c, "?monkey=" TEAM, ""));
    g_assert_null(key_of(c, "?key=", "Authorization: Bearer \r\nX-Key: " TEAM "\r\n"));
    g_assert_null(key_of(c, "", "X-Api-Key: " TEAM "0\r\n"));
    /* Only the first of a kind: nobody tries a hundred keys at a time. */
    g_assert_null(key_of(c, "", "X-Api-Key: x\r\nX-Api-Key: " TEAM "\r\n"));
    g_assert_cmpuint(outcome(c, 0, "", ""), ==, WEIR_CLASS_AUTHENTICATION);
    g_assert_cmpuint(outcome(c, HERE, "", "Api-Key: x\r\n"), ==, WEIR_CLASS_AUTHENTICATION);
    g_assert_cmpuint(outcome(c, HERE, "", "Api-Key: " TEAM "\r\n"), ==, 0);
}

/* Nobody sees them behind the guard; without keys of ours they are not ours to take away. */
static void test_blotted_out(void)
{
    static const char head[] = "Api-Key: x\r\nX-Api-Key: y\r\nAccept: z\r\nX-Api-Key: " TEAM "\r\n";
    g_autoptr(config_t) c = helper_load(KEYED);
    g_autoptr(config_t) open = helper_load(PROVIDER);
    struct asked a = ask(c, 0, "", head);

    g_assert_cmpuint(a.req.head.header_count, ==, 4);
    for (guint i = 0; i < 4; i++)
        g_assert_cmpuint(a.req.head.headers[i].value.len, ==, i == 2 ? 1 : 0);
    g_free(a.text);
    a = ask(open, 0, "", head);
    g_assert_cmpuint(a.req.head.headers[3].value.len, ==, strlen(TEAM));
    g_free(a.text);
}

static void test_admin(void)
{
    static const char team[] = "Api-Key: " TEAM "\r\n", boss[] = "Api-Key: " BOSS "\r\n";
    g_autoptr(config_t) c = helper_load(PROVIDER);
    g_autoptr(config_t) apart = helper_load(PROVIDER "admin: { listen: 127.0.0.1:1 }\n");
    g_autoptr(config_t) open = helper_load(PROVIDER "auth: none\n");
    g_autoptr(config_t) keyed = helper_load(KEYED);
    const struct {
        const struct config *c;
        unsigned door;
        const char *head;
        bool admin;
    } rows[] = {
        { c, HERE, "", true },
        { c, DOOR_LOCAL, "", true },
        { apart, HERE, "", false },
        { apart, HERE | DOOR_ADMIN, "", true },
        { open, HERE, "", true },
        { open, 0, "", false },
        { open, DOOR_ADMIN, "", true },
        { keyed, HERE, "", false },
        { keyed, HERE, team, false },
        { keyed, HERE, boss, true },
        { keyed, 0, boss, true },
        { keyed, HERE | DOOR_ADMIN, "", true },
        { keyed, DOOR_ADMIN, "", false },
        { keyed, DOOR_ADMIN, team, false },
        { keyed, DOOR_ADMIN, boss, true },
        { keyed, HERE, "Api-Key: " BOSS "\r\nOrigin: http://x\r\n", false },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct asked a = ask(rows[i].c, rows[i].door, "", rows[i].head);

        g_test_message("row %u", i);
        g_assert_cmpint(a.in.admin, ==, rows[i].admin);
        g_free(a.text);
    }
}

static void test_cors(void)
{
    g_autoptr(config_t) c = helper_load(PROVIDER "allowed_origins: [\"https://a.test\"]\n");
    weir_header headers[GUARD_CORS];
    struct asked a = ask(c, HERE, "", "Origin: https://a.test\r\n");

    g_assert_cmpuint(guard_cors(c, &a.req, headers), ==, GUARD_CORS);
    g_assert_cmpmem(headers[0].value.ptr, headers[0].value.len, "https://a.test", 14);
    g_free(a.text);
    a = ask(c, HERE, "", "Origin: https://b.test\r\n");
    g_assert_cmpuint(guard_cors(c, &a.req, headers), ==, 0);
    g_free(a.text);
    a = ask(c, HERE, "", "");
    g_assert_cmpuint(guard_cors(c, &a.req, headers), ==, 0);
    g_free(a.text);
}

int main(int argc, char **argv)
{
    int rc;

    g_test_init(&argc, &argv, NULL);
    guard = guard_new();
    g_test_add_func("/gateway/guard/host", test_host);
    g_test_add_func("/gateway/guard/origin", test_origin);
    g_test_add_func("/gateway/guard/keys", test_keys);
    g_test_add_func("/gateway/guard/blotted-out", test_blotted_out);
    g_test_add_func("/gateway/guard/admin", test_admin);
    g_test_add_func("/gateway/guard/cors", test_cors);
    rc = g_test_run();
    guard_free(guard);
    return rc;
}
