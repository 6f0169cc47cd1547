/*
 * template.c - what `weir init` writes: a configuration to start from.
 *
 * Everything that is on loads with the plugins that come with weir; what needs a key, or a choice,
 * is there as a comment.
 */
#include "config/config.h"

static const char head[] =
    "# Configuration of weir. `weir check` says what is wrong with it without starting anything;\n"
    "# a running weir takes up changes of this file by itself, all of them or none.\n"
    "# Durations: 250ms, 30s, 5m, 1h, or seconds. Sizes: 64KB, 8MB, 1GB (powers of 1024).\n"
    "# ${NAME} is the value of an environment variable, ${NAME:-text} has a default. Keys may "
    "only\n"
    "# be written so, or as file:PATH. More files may stand in conf.d/*.yaml beside this one.\n"
    "\n"
    "listen: 127.0.0.1:8080          # or a list; [::1]:8080, unix:/run/weir.sock, 0.0.0.0:8080\n"
    "# keys:                         # who may ask; without them, only this machine, unless it "
    "says\n"
    "#                               # auth: none. `weir key new` prints a key and its hash\n"
    "#   team-a: { key: "
    "\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\n"
    "#     tenant: a, routes: [main], admin: false }\n"
    "# allowed_hosts: [weir.example.com]\n"
    "# allowed_origins: [\"https://app.example.com\"]     # of pages that may ask\n"
    "# admin: { listen: 127.0.0.1:9090 }               # for /metrics only\n"
    "# workers: 4                    # threads; as many as there are processors unless said\n"
    "\n"
    "# Who answers. The name is yours, and plugin says which API it speaks.\n"
    "providers:\n"
    "  sim: { plugin: sim, default_model: sim-fast }   # simulated answers, which say so\n";

static const char openai_on[] = "  openai:\n"
                                "    plugin: openai\n"
                                "    api_key: ${OPENAI_API_KEY}\n"
                                "    default_model: gpt-4o-mini  # when a request names no model\n"
                                "    # base_url: https://api.openai.com/v1\n"
                                "    # model_aliases: { fast: gpt-4o-mini }\n"
                                "    # timeout: { connect: 5s, first_token: 30s, total: 120s }\n"
                                "    # rate_limit: { requests_per_minute: 3500 }\n"
                                "    # max_retries: 2\n";

static const char openai_off[] = "  # openai:                     # set OPENAI_API_KEY first\n"
                                 "  #   plugin: openai\n"
                                 "  #   api_key: ${OPENAI_API_KEY}\n"
                                 "  #   default_model: gpt-4o-mini\n";

static const char others[] =
    "  # local:                      # anything that speaks OpenAI's API: vLLM, llama.cpp, Ollama\n"
    "  #   plugin: openai\n"
    "  #   base_url: http://127.0.0.1:11434/v1\n"
    "  #   models: [\"llama*\", \"qwen*\"]   # requests for these come here\n"
    "  #   catalogue: { \"qwen*\": { context_window: 32768, price: { input: 0.1, output: 0.2 } } "
    "}\n"
    "  #   list_models: false        # do not ask it which models it has\n"
    "  # backup:\n"
    "  #   plugin: openai\n"
    "  #   base_url: https://llm.example.com/v1\n"
    "  #   api_key: file:backup.key  # a file beside this one\n"
    "\n"
    "# Where requests go. Applications see a route's name as a model. A route is one strategy, "
    "whose\n"
    "# children are targets (provider or provider/model), other routes, or nested strategies.\n"
    "routes:\n";

static const char route_openai[] =
    "  main:\n"
    "    failover:\n"
    "      try: [openai]             # in this order\n"
    "      retries: 1                # further tries at the same one\n"
    "      delay: 500ms\n";

static const char route_sim[] = "  main:\n"
                                "    failover:\n"
                                "      try: [sim]                # in this order\n"
                                "      retries: 1                # further tries at the same one\n"
                                "      delay: 500ms\n";

static const char tail[] =
    "    # on: [rate_limit, timeout, server_error]   # an option of failover: when to go on\n"
    "    # loss: strict              # refuse what a target cannot express instead of dropping it\n"
    "    # timeout: 60s\n"
    "    # budget: { deadline: 2m, attempts: 6, money: 0.10 }    # money: dollars\n"
    "    # filters: [noop]\n"
    "  # spread: { round-robin: [openai, backup] }\n"
    "  # mixed: { weighted: { openai: 0.7, backup: 0.3 } }\n"
    "  # by-model: { model: { \"gpt-*\": openai, \"*\": local } }\n"
    "  # careful: { failover: [{ weighted: { openai: 7, backup: 3 } }, local] }\n"
    "\n"
    "default_route: main             # for requests that name no model\n"
    "# unknown_model: default_route  # instead of an error for models that nobody knows\n"
    "\n"
    "# models_refresh: 10m           # how often providers are asked for their models; 0: never\n"
    "#                               # (catalogue: FILE says more of models than weir knows "
    "itself)\n"
    "# filters: [noop]               # for every request\n"
    "# expose: body                  # tell the provider in the body of every answer, too\n"
    "# tenant_header: x-tenant       # for strategies that choose by tenant\n"
    "# tags: { x-team: team }        # headers that strategies may see\n"
    "# timeout: { connect: 10s, first_byte: 60s, first_token: 60s, idle: 60s, total: 10m }\n"
    "# breaker: { failures: 5, rate_percent: 50, cooldown: 2s, max_cooldown: 10s }\n"
    "# tenants: { acme: { requests_per_minute: 600, concurrency: 20, priority: 1 } }\n"
    "# limits: { json_size: 32MB, connections: 10000, queue: 1000 }\n"
    "# log: { access: stderr, level: info }      # access: off, or a path such as ./access.log\n"
    "#                                           # (decisions: ./decisions.jsonl keeps what\n"
    "#                                           # weir simulate reads)\n"
    "# plugins: { path: [plugins] }              # looked at before the installed ones\n";

char *config_template(char **env)
{
    g_auto(GStrv) own = env ? g_strdupv(env) : g_get_environ();
    const char *key = g_environ_getenv(own, "OPENAI_API_KEY");
    gboolean openai = key && *key;

    return g_strconcat(head, openai ? openai_on : openai_off, others,
                       openai ? route_openai : route_sim, tail, NULL);
}
