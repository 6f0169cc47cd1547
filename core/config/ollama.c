/*
 * ollama.c - see ollama.h.
 */
#include "config/ollama.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>

enum {
    OLLAMA_CONNECT_MS = 200,
    OLLAMA_ANSWER_MS = 1000,
    OLLAMA_ANSWER_BYTES = 1 << 20,
    OLLAMA_MODELS_MAX =
        200, /* that are written down; the others are found when they are asked for */
    OLLAMA_NAME_MAX = 200,
};

/* OLLAMA_HOST in any of its forms ("host", "host:port", ":port", a URL) as a URL. NULL: none. */
static GUri *ollama_uri(char **env)
{
    const char *value = g_environ_getenv(env, "OLLAMA_HOST");
    if (!value || !*value)
        value = "127.0.0.1:11434";
    g_autofree char *url = strstr(value, "://") ? g_strdup(value)
                           : *value == ':'      ? g_strdup_printf("http://127.0.0.1%s", value)
                                                : g_strdup_printf("http://%s", value);
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    if (!uri || !g_uri_get_host(uri) || !*g_uri_get_host(uri))
        return NULL;
    gboolean any = strcmp(g_uri_get_host(uri), "0.0.0.0") == 0;
    gint port = g_uri_get_port(uri) > 0                       ? g_uri_get_port(uri)
                : strcmp(g_uri_get_scheme(uri), "https") == 0 ? 443
                                                              : 11434;
    return g_uri_build(G_URI_FLAGS_NONE, g_uri_get_scheme(uri), NULL,
                       any ? "127.0.0.1" : g_uri_get_host(uri), port, "", NULL, NULL);
}

static size_t keep_answer(char *bytes, size_t size, size_t count, void *arg)
{
    GString *answer = arg;
    if (answer->len + size * count > OLLAMA_ANSWER_BYTES)
        return 0;
    g_string_append_len(answer, bytes, (gssize)(size * count));
    return size * count;
}

/* A gateway like this one has the same paths: to follow it may be a loop. */
static size_t look_for_weir(char *bytes, size_t size, size_t count, void *is_weir)
{
    static const char name[] = "x-weir-id:";
    if (size * count > strlen(name) && g_ascii_strncasecmp(bytes, name, strlen(name)) == 0)
        *(gboolean *)is_weir = TRUE;
    return size * count;
}

/* GET /api/tags. */
static CURLcode ask(const char *url, GString *answer, long *status, gboolean *is_weir)
{
    g_autofree char *tags = g_strconcat(url, "/api/tags", NULL);
    CURL *curl = curl_easy_init();
    if (!curl)
        return CURLE_FAILED_INIT;
    curl_easy_setopt(curl, CURLOPT_URL, tags);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)OLLAMA_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)OLLAMA_ANSWER_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, look_for_weir);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, is_weir);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(curl);
    return code;
}

/* Names go into a configuration: none that would mean something else there. */
static gboolean name_is_plain(const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "._:/-";
    return name && *name && strlen(name) < OLLAMA_NAME_MAX && strspn(name, plain) == strlen(name);
}

/* Lists do not say what a model is for; but their names and families do. */
static gboolean is_for_embeddings(const char *name, json_t *model)
{
    json_t *details = json_object_get(model, "details");
    const char *family = json_string_value(json_object_get(details, "family"));
    return strstr(name, "embed") || (family && strstr(family, "bert"));
}

static gboolean read_models(struct ollama *o, const GString *answer)
{
    json_t *doc = json_loadb(answer->str, answer->len, 0, NULL);
    json_t *models = json_object_get(doc, "models"), *model;
    gboolean good = json_is_array(models) || json_is_null(models);
    size_t i;
    json_array_foreach(models, i, model)
    {
        const char *told = json_string_value(json_object_get(model, "model"));
        if (!told)
            told = json_string_value(json_object_get(model, "name"));
        if (!name_is_plain(told) || o->models->len == OLLAMA_MODELS_MAX)
            continue;
        g_autofree char *name = g_strdup(told);
        if (g_str_has_suffix(name, ":latest")) /* the provider part calls it so as well */
            name[strlen(name) - strlen(":latest")] = '\0';
        if (!*name)
            continue;
        if (!o->chat_model && !is_for_embeddings(name, model))
            o->chat_model = g_strdup(name);
        g_ptr_array_add(o->models, g_steal_pointer(&name));
    }
    json_decref(doc);
    return good;
}

struct ollama *ollama_find(char **env, char **odd)
{
    g_autoptr(GUri) uri = ollama_uri(env);
    g_autoptr(GString) answer = g_string_new(NULL);
    gboolean is_weir = FALSE;
    long status = 0;
    *odd = NULL;
    if (!uri)
        return NULL;
    struct ollama *o = g_new0(struct ollama, 1);
    o->url = g_uri_to_string(uri);
    o->models = g_ptr_array_new_with_free_func(g_free);
    CURLcode code = ask(o->url, answer, &status, &is_weir);
    if (code == CURLE_OK && status == 200 && !is_weir && read_models(o, answer))
        return o;
    if (is_weir)
        *odd =
            g_strdup_printf("What answers at %s is a weir, no Ollama; it is not followed.", o->url);
    else if (code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST)
        *odd = g_strdup_printf("What is at %s does not answer as an Ollama does.", o->url);
    ollama_free(o);
    return NULL;
}

void ollama_free(struct ollama *o)
{
    if (!o)
        return;
    g_free(o->url);
    g_free(o->chat_model);
    g_ptr_array_unref(o->models);
    g_free(o);
}
