/*
 * health.c - see health.h.
 */
#include "cli/health.h"

#include <curl/curl.h>
#include <string.h>

static size_t on_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
    g_string_append_len(ctx, bytes, (gssize)(size * count));
    return size * count;
}

/* The record of that name, made if need be. Takes `name`. */
static gpointer record_of(GHashTable *all, char *name, gsize size)
{
    gpointer record = g_hash_table_lookup(all, name);

    if (record) {
        g_free(name);
        return record;
    }
    record = g_malloc0(size);
    g_hash_table_insert(all, name, record);
    return record;
}

/* The value of a label, to be freed; NULL: it is not there. */
static char *label_of(const char *line, const char *name)
{
    g_autofree char *begin = g_strdup_printf("%s=\"", name);
    const char *at = strchr(line, '{');
    GString *value;

    while (at && (at = strstr(at + 1, begin)) && at[-1] != '{' && at[-1] != ',')
        ;
    if (!at)
        return NULL;
    value = g_string_new(NULL);
    for (at += strlen(begin); *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at++;
        g_string_append_c(value, *at);
    }
    return g_string_free(value, FALSE);
}

/* What a line says of a target. */
static void take_target(struct health *h, const char *line, int kind, gdouble n)
{
    g_autofree char *class_name = label_of(line, "class");

    if (g_str_has_prefix(line, "weir_target_up{"))
        h->up = n != 0;
    else if (g_str_has_prefix(line, "weir_target_inflight{"))
        h->inflight = (guint)n;
    else if (g_str_has_prefix(line, "weir_target_learned_requests_per_minute{"))
        h->learned = n;
    else if (g_str_has_prefix(line, "weir_target_told_limit{"))
        h->told[kind] = (gint64)n;
    else if (g_str_has_prefix(line, "weir_target_told_left{"))
        h->left[kind] = (gint64)n;
    else if (g_str_has_prefix(line, "weir_attempts_total{") && g_strcmp0(class_name, "ok") == 0)
        h->good += (guint64)n;
    else if (g_str_has_prefix(line, "weir_attempts_total{") &&
             g_strcmp0(class_name, "cancelled") != 0) /* nobody waited for it any more */
        h->failed += (guint64)n;
}

/* name{label="...",...} value */
static void take_line(struct health_page *page, const char *line)
{
    const char *value = strrchr(line, ' ');
    gdouble n = value ? g_ascii_strtod(value + 1, NULL) : 0;
    g_autofree char *target = label_of(line, "target"), *of = label_of(line, "of");
    g_autofree char *name = label_of(line, "name"), *limit = label_of(line, "limit");
    int kind = g_strcmp0(limit, "tokens") == 0 ? HEALTH_TOKENS : HEALTH_REQUESTS;
    struct health_limit *l;

    if (*line == '#')
        return;
    if (target)
        take_target(record_of(page->targets, g_steal_pointer(&target), sizeof(struct health)), line,
                    kind, n);
    if (!of || !name)
        return;
    l = record_of(page->limits, g_strconcat(of, " ", name, NULL), sizeof(*l));
    if (g_str_has_prefix(line, "weir_limit_booked_seconds{"))
        l->booked_s[kind] = n;
    else if (g_str_has_prefix(line, "weir_limit_inflight{"))
        l->inflight = (guint)n;
}

static struct health_page *parse(const char *text)
{
    struct health_page *page = g_new0(struct health_page, 1);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    page->targets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    page->limits = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (char **line = lines; *line; line++)
        take_line(page, *line);
    return page;
}

void health_free(struct health_page *page)
{
    if (!page)
        return;
    g_hash_table_unref(page->targets);
    g_hash_table_unref(page->limits);
    g_free(page);
}

/* Who listens for everybody is at home on this machine; at [::] for IPv6 alone. */
static char *url_of(const char *address)
{
    if (g_str_has_prefix(address, "unix:"))
        return g_strdup("http://localhost/metrics");
    if (g_str_has_prefix(address, "0.0.0.0:"))
        return g_strdup_printf("http://127.0.0.1%s/metrics", address + strlen("0.0.0.0"));
    if (g_str_has_prefix(address, "[::]:"))
        return g_strdup_printf("http://[::1]%s/metrics", address + strlen("[::]"));
    return g_strdup_printf("http://%s/metrics", address);
}

struct health_page *health_ask(const char *address, const char *key, char **why)
{
    gboolean local = g_str_has_prefix(address, "unix:");
    g_autofree char *url = url_of(address);
    g_autofree char *secret = key ? g_strdup_printf("authorization: Bearer %s", key) : NULL;
    g_autoptr(GString) page = g_string_new(NULL);
    struct curl_slist *headers = secret ? curl_slist_append(NULL, secret) : NULL;
    CURL *curl = g_str_has_suffix(address, ":0") ? NULL : curl_easy_init();
    struct health_page *all = NULL;
    long status = 0;

    *why = NULL;
    if (!curl)
        goto out;
    if (local)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, address + strlen("unix:"));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 500L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 3000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, page);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200 && strstr(page->str, "weir_inflight"))
        all = parse(page->str);
    else if (status == 401 || status == 403)
        *why =
            g_strdup_printf("the gateway at %s tells an admin only (status %ld): give an admin's "
                            "key with --key, or ask at a loopback address or its admin.listen",
                            address, status);
    curl_easy_cleanup(curl);
out:
    curl_slist_free_all(headers);
    return all;
}
