/*
 * template.c - tests of configurations that nobody wrote: the template, and the environment's.
 */
#include "helper.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A port on which nothing listens, and (`*fd`) one on which something does. */
static char *closed_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&a, &len), ==, 0);
    close(fd);
    return g_strdup_printf("OLLAMA_HOST=127.0.0.1:%u", ntohs(a.sin_port));
}

static char *open_port(int *fd)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(*fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
    g_assert_cmpint(listen(*fd, 1), ==, 0);
    g_assert_cmpint(getsockname(*fd, (struct sockaddr *)&a, &len), ==, 0);
    return g_strdup_printf("127.0.0.1:%u", ntohs(a.sin_port));
}

static struct config *load_template(char **env)
{
    g_autofree char *text = config_template((char **)env);
    struct config_source source = { "weir.yaml", text, env };
    g_autoptr(GError) error = NULL;
    struct config *c = config_load_with(&source, fake_registry(), &error);
    g_assert_no_error(error);
    return c;
}

static void test_template(void)
{
    const char *const none[] = { NULL };
    g_autoptr(config_t) plain = load_template((char **)none);
    g_assert_cmpuint(plain->providers->len, ==, 1);
    g_assert_nonnull(config_find_provider(plain, "sim"));
    g_assert_cmpstr(plain->default_route->name, ==, "main");

    const char *const key[] = { "OPENAI_API_KEY=sk-x", NULL };
    g_autoptr(config_t) keyed = load_template((char **)key);
    g_assert_cmpuint(keyed->providers->len, ==, 2);
    g_assert_nonnull(config_find_provider(keyed, "openai"));
    g_autofree char *text = config_template((char **)key);
    g_assert_null(strstr(text, "sk-x"));
}

/* What stands there as a comment must load too, once it is none. */
static void test_template_comments(void)
{
    const char *const env[] = { "OPENAI_API_KEY=sk-x", NULL };
    g_autofree char *text = config_template((char **)env);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) all = g_string_new(NULL);
    gboolean prose = TRUE;
    for (char **line = lines; *line; line++) {
        char *mark = strstr(*line, "# ");
        const char *blank = *line + strspn(*line, " ");
        const char *after = mark == blank ? mark + 2 : NULL;
        const char *word = after ? after + strspn(after, " ") : NULL;
        gboolean setting = word && strchr(word, ':') && g_ascii_islower(*word) &&
                           strcspn(word, ": ") == (gsize)(strchr(word, ':') - word);
        prose &= *line[0] == '#';
        /* Plugins and key files of the examples are not there. */
        if (setting && !prose && !g_str_has_prefix(word, "plugins:") &&
            !g_str_has_prefix(word, "api_key: file:") && !g_str_has_prefix(word, "on:"))
            g_string_append_printf(all, "%.*s%s\n", (int)(mark - *line), *line, after);
        else if (!after)
            g_string_append_printf(all, "%s\n", *line);
    }
    struct config_source source = { "weir.yaml", all->str, (char **)env };
    g_autoptr(GError) error = NULL;
    g_autoptr(config_t) c = config_load_with(&source, fake_registry(), &error);
    g_assert_no_error(error);
    g_assert_nonnull(config_find_provider(c, "backup"));
    g_assert_nonnull(config_find_route(c, "careful"));
    g_assert_true(c->expose_body);
}

static void test_simulator(void)
{
    g_autofree char *nothing = closed_port();
    const char *const env[] = { nothing, NULL };
    g_autofree char *told = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(config_t) c =
        config_from_environment_with((char **)env, fake_registry(), &told, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(c->providers->len, ==, 1);
    g_assert_cmpuint(c->files->len, ==, 0);
    g_assert_nonnull(config_find_provider(c, "sim"));
    g_assert_cmpstr(c->default_route->root->children->len == 1 ? "one" : "more", ==, "one");
    g_assert_true(g_str_has_prefix(told, "No provider key is set and no Ollama answers: the "
                                         "simulator answers"));
}

static void test_keys(void)
{
    g_autofree char *nothing = closed_port();
    const char *const env[] = { nothing,
                                "OPENAI_API_KEY=sk-o",
                                "OPENAI_BASE_URL=http://10.0.0.1/v1",
                                "ANTHROPIC_API_KEY=sk-a",
                                "ANTHROPIC_BASE_URL=http://localhost:8080",
                                NULL };
    g_autofree char *told = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(config_t) c =
        config_from_environment_with((char **)env, fake_registry(), &told, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(c->providers->len, ==, 2);
    g_assert_cmpstr(config_find_provider(c, "openai")->base_url, ==, "http://10.0.0.1/v1");
    g_assert_cmpstr(config_find_provider(c, "openai")->api_key, ==, "sk-o");
    g_assert_cmpstr(config_find_provider(c, "anthropic")->base_url, ==,
                    "https://api.anthropic.com");
    g_assert_cmpuint(c->default_route->root->children->len, ==, 2);
    g_assert_cmpstr(told, ==,
                    "Provider 'anthropic' is on: ANTHROPIC_API_KEY is set.\n"
                    "ANTHROPIC_BASE_URL is the gateway itself; it is not followed.\n"
                    "Provider 'openai' is on: OPENAI_API_KEY is set.\n"
                    "Its address is taken from OPENAI_BASE_URL.\n");
}

/* What the listener at `fd` answers to the first request; nothing if NULL. */
struct answering {
    int fd;
    const char *answer;
};

static gpointer answer_once(gpointer data)
{
    const struct answering *a = data;
    char request[4096];
    int fd = accept(a->fd, NULL, NULL);
    ssize_t got = recv(fd, request, sizeof(request) - 1, 0);
    g_assert_cmpint(got, >, 0);
    request[got] = '\0';
    g_assert_true(g_str_has_prefix(request, "GET /api/tags HTTP/1.1\r\n"));
    if (a->answer)
        g_assert_cmpint(send(fd, a->answer, strlen(a->answer), MSG_NOSIGNAL), >, 0);
    else /* until it is given up */
        g_assert_cmpint(recv(fd, request, sizeof(request), 0), ==, 0);
    close(fd);
    return NULL;
}

/* The configuration where an Ollama answers like that. */
static struct config *with_ollama(const char *answer, char **url, char **told)
{
    struct answering a = { 0, answer };
    g_autofree char *address = open_port(&a.fd);
    g_autofree char *variable = g_strdup_printf("OLLAMA_HOST=%s", address);
    const char *const env[] = { variable, NULL };
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_new("ollama", answer_once, &a);
    struct config *c = config_from_environment_with((char **)env, fake_registry(), told, &error);
    g_thread_join(thread);
    close(a.fd);
    g_assert_no_error(error);
    *url = g_strdup_printf("http://%s", address);
    return c;
}

#define TAGS(models)                                                    \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: " \
    "close\r\n\r\n{\"models\":" models "}"

static void test_ollama(void)
{
    g_autofree char *url = NULL, *told = NULL;
    g_autoptr(config_t) c = with_ollama(
        TAGS("[{\"name\":\"nomic-embed-text:latest\"},{\"name\":\"minilm\",\"details\":{\"family\":"
             "\"bert\"}},{\"name\":\"x\",\"model\":\"llama3.2:latest\"},{\"name\":\"${HOME}\"},"
             "{\"name\":\"qwen3:4b\"}]"),
        &url, &told);
    const struct config_provider *p = config_find_provider(c, "ollama");
    g_assert_cmpuint(c->providers->len, ==, 1);
    g_assert_cmpstr(p->base_url, ==, url);
    g_assert_cmpstr(p->part->name, ==, "ollama");
    g_assert_cmpstr(p->default_model, ==, "llama3.2");
    g_assert_cmpuint(p->models->len, ==, 4);
    g_assert_cmpstr(g_ptr_array_index(p->models, 3), ==, "qwen3:4b");
    g_assert_nonnull(strstr(told, "Provider 'ollama' is on: it answers at http://127.0.0.1:"));
    g_assert_nonnull(strstr(told, "with 4 models; 'llama3.2' is its default.\n"));
}

static void test_ollama_empty(void)
{
    g_autofree char *url = NULL, *told = NULL;
    g_autoptr(config_t) c = with_ollama(TAGS("null"), &url, &told);
    const struct config_provider *p = config_find_provider(c, "ollama");
    g_assert_cmpstr(p->base_url, ==, url);
    g_assert_null(p->default_model);
    g_assert_nonnull(strstr(told, "has no model to chat with"));
}

/* Somebody else is at that port, or nobody that speaks. */
static void test_ollama_odd(void)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nX-Weir-Id: 1\r\nContent-Length: 13\r\n\r\n{\"models\":[]}",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "SSH-2.0-OpenSSH\r\n",
        NULL,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *url = NULL, *told = NULL;
        g_autoptr(config_t) c = with_ollama(answers[i], &url, &told);
        g_assert_null(config_find_provider(c, "ollama"));
        g_assert_nonnull(config_find_provider(c, "sim"));
        g_assert_nonnull(
            strstr(told, i ? "does not answer as an Ollama does" : "no Ollama; it is "));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/template/loads", test_template);
    g_test_add_func("/template/comments", test_template_comments);
    g_test_add_func("/environment/simulator", test_simulator);
    g_test_add_func("/environment/keys", test_keys);
    g_test_add_func("/environment/ollama", test_ollama);
    g_test_add_func("/environment/ollama-empty", test_ollama_empty);
    g_test_add_func("/environment/ollama-odd", test_ollama_odd);
    return g_test_run();
}
