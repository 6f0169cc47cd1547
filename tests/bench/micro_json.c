/*
 * micro_json.c - how fast the JSON scanner is, for requests and for events of a stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/scan.h"
#include "micro.h"

static const char chunk[] =
    "{\"id\":\"chatcmpl-9zXk3vT1qLw0Rj5s\",\"object\":\"chat.completion.chunk\","
    "\"created\":1730000000,\"model\":\"some-model-2024-08-06\",\"system_fingerprint\":null,"
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" gateway\"},\"logprobs\":null,"
    "\"finish_reason\":null}]}";

static const char prose[] =
    "The quick brown fox jumps over the lazy dog, and the gateway carries what it said. "
    "A line ends here.\\nAnother begins with \\\"quoted words\\\" and goes on for a while, as "
    "lines "
    "in conversations do, before it too comes to its end. ";

static const char foreign[] = "\xD0\x91\xD1\x8B\xD1\x81\xD1\x82\xD1\x80\xD0\xB0\xD1\x8F "
                              "\xE8\xB5\xB7\xE5\x8A\xA8\xE9\x80\x9F\xE5\xBA\xA6\xE3\x80\x82 ";

/* A chat request of about `size` bytes, with messages of about `message` bytes each. */
static char *chat(const char *text, size_t size, size_t message)
{
    char *body = malloc(size + message + 4096);
    char *p = body;
    const char *role = "user";

    if (!body)
        exit(1);
    p += sprintf(p, "{\"model\":\"m\",\"stream\":true,\"messages\":[");
    while ((size_t)(p - body) < size) {
        char *until = p + message;

        p += sprintf(p, "%s{\"role\":\"%s\",\"content\":\"", p[-1] == '[' ? "" : ",", role);
        role = role[0] == 'u' ? "assistant" : "user";
        while (p < until)
            p = stpcpy(p, text);
        p = stpcpy(p, "\"}");
    }
    strcpy(p, "],\"temperature\":0.7,\"max_tokens\":1024}");
    return body;
}

struct scan {
    weir_str bytes;
    struct jscan_tokens table;
    size_t tokens;
};

static void scan_once(void *ctx)
{
    struct scan *s = ctx;
    weir_json doc;

    if (jscan(&s->table, s->bytes, &doc, NULL) != WEIR_OK)
        exit(1);
    s->tokens = doc.count;
}

static void report(const char *name, const char *text)
{
    struct scan s = { .bytes = { text, strlen(text) } };
    char title[96];

    jscan_tokens_init(&s.table);

    double ns = micro_ns(scan_once, &s);

    snprintf(title, sizeof title, "JSON scan: %s, %zu tokens", name, s.tokens);
    micro_report(title, (double)s.bytes.len / ns * 1000, "MB/s");
    jscan_tokens_finish(&s.table);
}

int main(void)
{
    char *small = chat(prose, 57 << 10, 2500);
    char *large = chat(prose, 2 << 20, 4000);
    char *other = chat(foreign, 57 << 10, 2500);

    report("chat, 57 KB", small);
    report("chat, 2 MB", large);
    report("chat, 57 KB, not ASCII", other);
    report("stream chunk", chunk);
    free(small);
    free(large);
    free(other);
    return 0;
}
