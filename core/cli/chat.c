/*
 * chat.c - `weir chat`: asks a question, without a server. A program on weir.h like any other.
 */
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

struct chat {
    struct cli_common common;
    char *model, *provider, *system;
    gboolean stream, whole, json, verbose;
};

/* -- the question ----------------------------------------------------------------------------- */

static char *read_stdin(void)
{
    GString *text = g_string_new(NULL);
    char piece[4096];
    size_t n;

    while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
        g_string_append_len(text, piece, (gssize)n);
    while (text->len && text->str[text->len - 1] == '\n')
        g_string_truncate(text, text->len - 1);
    return g_string_free(text, FALSE);
}

/* The arguments, or what comes on stdin. NULL: neither. */
static char *question(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--") == 0)
        argc--, argv++;
    if (argc == 2 && strcmp(argv[1], "-") == 0)
        return read_stdin();
    if (argc > 1)
        return g_strjoinv(" ", argv + 1);
    return isatty(STDIN_FILENO) ? NULL : read_stdin();
}

static weir_request *make_request(const struct chat *chat, const char *text)
{
    weir_request *request = weir_request_new(chat->model);

    if (chat->provider)
        weir_request_provider(request, chat->provider);
    if (chat->system)
        weir_request_system(request, chat->system);
    weir_request_user(request, text);
    return request;
}

/* -- the answer ------------------------------------------------------------------------------- */

/* What has been printed of a stream. */
struct printed {
    bool quiet; /* nothing is: the JSON comes at the end */
    bool any, newline;
};

static int on_event(void *ctx, const weir_event *event)
{
    struct printed *p = ctx;

    if (p->quiet || event->type != WEIR_EVENT_DELTA || event->choice != 0 || !event->text.len)
        return 0;
    if (event->kind != WEIR_BLOCK_TEXT && event->kind != WEIR_BLOCK_REFUSAL)
        return 0;
    p->any = true;
    p->newline = event->text.ptr[event->text.len - 1] == '\n';
    fwrite(event->text.ptr, 1, event->text.len, stdout);
    return fflush(stdout) == 0 ? 0 : 1; /* nobody reads any more */
}

static void add_count(json_t *object, const char *name, int64_t count)
{
    if (count >= 0)
        json_object_set_new(object, name, json_integer(count));
}

static json_t *usage_json(const weir_usage *u)
{
    json_t *object = json_object();

    add_count(object, "input_total", u->input_total);
    add_count(object, "input_cache_read", u->input_cache_read);
    add_count(object, "input_cache_write", u->input_cache_write);
    add_count(object, "output_total", u->output_total);
    add_count(object, "output_reasoning", u->output_reasoning);
    return object;
}

static json_t *string_json(weir_str s)
{
    return json_stringn_nocheck(s.ptr, s.len);
}

static void print_json(const weir_response *r)
{
    json_t *object = json_object();

    json_object_set_new(object, "text", string_json(weir_response_text(r, 0)));
    json_object_set_new(object, "model", string_json(weir_response_model(r)));
    json_object_set_new(object, "provider", string_json(weir_response_provider(r)));
    json_object_set_new(object, "attempts", json_integer(weir_response_attempts(r)));
    json_object_set_new(object, "usage", usage_json(weir_response_usage(r)));
    json_object_set_new(object, "finish_reason",
                        json_string(weir_finish_name(weir_response_finish(r, 0))));
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void print_text(const weir_response *r)
{
    weir_str text = weir_response_text(r, 0);

    if (!text.len)
        text = weir_response_refusal(r, 0);
    fwrite(text.ptr, 1, text.len, stdout);
    if (!text.len || text.ptr[text.len - 1] != '\n')
        putchar('\n');
}

static void print_details(const weir_response *r)
{
    const weir_usage *u = weir_response_usage(r);

    fprintf(stderr, "%s/%s, attempts: %u", weir_response_provider(r).ptr,
            weir_response_model(r).ptr, weir_response_attempts(r));
    if (u->input_total >= 0)
        fprintf(stderr, ", input tokens: %lld", (long long)u->input_total);
    if (u->output_total >= 0)
        fprintf(stderr, ", output tokens: %lld", (long long)u->output_total);
    fprintf(stderr, ", finish: %s\n", weir_finish_name(weir_response_finish(r, 0)));
    for (uint32_t i = 0; i < weir_response_warnings(r); i++)
        fprintf(stderr, "warning: %s\n", weir_response_warning(r, i).ptr);
}

static int ask(const struct chat *chat, weir_client *client, const weir_request *request)
{
    bool stream = chat->stream || (!chat->whole && !chat->json && isatty(STDOUT_FILENO));
    struct printed printed = { .quiet = chat->json };
    weir_response *r =
        stream ? weir_chat_stream(client, request, on_event, &printed) : weir_chat(client, request);
    const weir_failure *failure = weir_response_failure(r);

    if (printed.any && !printed.newline)
        putchar('\n');
    if (!failure && chat->json)
        print_json(r);
    else if (!failure && !printed.any)
        print_text(r);
    fflush(stdout);
    if (failure)
        cli_error("%s: %s", weir_failure_name(failure), failure->message.ptr);
    if (chat->verbose && weir_response_attempts(r))
        print_details(r);
    weir_response_free(r);
    return failure || ferror(stdout) ? 1 : 0;
}

/* -- the command ------------------------------------------------------------------------------ */

static int run(const struct chat *chat, const char *text)
{
    weir_request *request;
    weir_client *client;
    weir_error error;
    int code;

    if (chat->common.log && weir_log_levels(chat->common.log) != WEIR_OK) {
        cli_error("--log \"%s\" is not a list of levels; write \"info\" or \"error,plugin=debug\"",
                  chat->common.log);
        return EX_USAGE;
    }
    client = weir_client_open(chat->common.config_path, &error);
    if (!client) {
        fprintf(stderr, "%s\n", error.message);
        return EX_CONFIG;
    }
    if (chat->verbose)
        fputs(weir_client_notes(client), stderr);
    request = make_request(chat, text);
    code = ask(chat, client, request);
    weir_request_free(request);
    weir_client_close(client);
    return code;
}

int cli_chat(int argc, char **argv)
{
    struct chat chat = { 0 };
    const GOptionEntry entries[] = {
        { "model", 'm', 0, G_OPTION_ARG_STRING, &chat.model,
          "route, model or provider/model to ask (default: the default route)", "MODEL" },
        { "provider", 0, 0, G_OPTION_ARG_STRING, &chat.provider,
          "ask this provider, past all routes", "NAME" },
        { "system", 0, 0, G_OPTION_ARG_STRING, &chat.system, "instructions that come first",
          "TEXT" },
        { "stream", 's', 0, G_OPTION_ARG_NONE, &chat.stream,
          "print text as it comes (default on a terminal)", NULL },
        { "no-stream", 0, 0, G_OPTION_ARG_NONE, &chat.whole, "wait for the whole answer", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &chat.json,
          "print one JSON object: text, model, provider, attempts, usage, finish_reason", NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &chat.verbose,
          "say who answered, and what it took, on standard error", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *text = NULL;
    int code;

    if (!cli_parse(&argc, &argv, "[TEXT...] - ask a question, without a server",
                   "Asks through the same configuration as the gateway, and prints the answer. "
                   "TEXT \"-\", or none, reads standard input.",
                   entries, &chat.common, &code))
        return code;
    text = question(argc, argv);
    if (!text) {
        cli_error("there is no question; weir chat \"Why is the sky blue?\"");
        return EX_USAGE;
    }
    code = run(&chat, text);
    g_free(chat.model);
    g_free(chat.provider);
    g_free(chat.system);
    return code;
}
