/*
 * Requests of the provider part anthropic: what becomes of a canonical request, model by model.
 */
#include "host.h"

struct encode_case {
    const char *name;
    const char *body;
    const char *expected;
    const char *dropped;
    const char *model; /* NULL: claude-sonnet-4-5 */
    const char *options;
    const char *catalogue;
    bool foreign;
    uint8_t op; /* 0: chat */
};

static const struct encode_case bodies[] = {
    { "limits",
      "{\"max_tokens\":5,\"max_completion_tokens\":7,\"stream\":true,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":7,\"stream\":true,\"messages\":[{\"role\":"
      "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "" },
    { "limit-of-the-option", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":99,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "", .options = "{\"max_tokens\":99}" },
    { "system",
      "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"}"
      "]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"system\":\"s\",\"messages\":[{"
      "\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "" },
    { "systems",
      "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"developer\",\"content\":["
      "{\"type\":\"text\",\"text\":\"d\",\"cache_control\":{\"type\":\"ephemeral\"}}]},{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"system\":[{\"type\":\"text\","
      "\"text\":\"s\"},{\"type\":\"text\",\"text\":\"d\",\"cache_control\":{\"type\":\"ephemeral\"}"
      "}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "" },
    { "system-later",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"system\",\"content\":\"s\"}"
      ",{\"role\":\"user\",\"content\":\"b\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"system\":[{\"type\":\"text\","
      "\"text\":\"s\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
      "\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}]}",
      "/messages/1/role\n" },
    { "system-later-where-it-may",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"system\",\"content\":\"s\"}"
      ",{\"role\":\"user\",\"content\":\"b\"}]}",
      "{\"model\":\"claude-opus-4-8\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"system\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"s\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"b\"}]}]}",
      "", .model = "claude-opus-4-8" },
    { "system-alone", "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"s\"}]}]}",
      "/messages/0/role\n" },
    { "merged-users",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"b\"},{\"type\":\"text\",\"text\":\"\"}],\"cache_control\":{"
      "\"type\":\"ephemeral\"}}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\",\"cache_"
      "control\":{\"type\":\"ephemeral\"}}]}]}",
      "" },
    { "blank",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
      "\"\"},{\"role\":\"user\",\"content\":\"  \"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/messages/2/content\n" },
    { "results-first",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
      "\"t\",\"tool_calls\":[{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{\\\"x\\\": "
      "1}\"}},{\"id\":\"j.1\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
      "\"\"}}]},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"tool\",\"tool_call_id\":\"i\","
      "\"content\":\"r\"},{\"role\":\"tool\",\"tool_call_id\":\"j.1\",\"content\":[{\"type\":"
      "\"text\",\"text\":\"no\"}],\"is_error\":true}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"t\"},{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\","
      "\"input\":{\"x\": "
      "1}},{\"type\":\"tool_use\",\"id\":\"j_1\",\"name\":\"g\",\"input\":{}}]},{\"role\":\"user\","
      "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"i\",\"content\":\"r\"},{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"j_1\",\"content\":[{\"type\":\"text\",\"text\":\"no\"}],"
      "\"is_error\":true},{\"type\":\"text\",\"text\":\"b\"}]}]}",
      "" },
    { "bad-arguments",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"tool_calls\":"
      "[{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{"
      "\\\"x\\\":\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":\"\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{\"input\":\"{\\\"x\\\":\"}}]},{"
      "\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"i\"}]}]}",
      "/messages/1/tool_calls\n" },
    { "old-spelling",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
      "null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"role\":\"function\","
      "\"name\":\"f\",\"content\":\"r\"}],\"functions\":[{\"name\":\"f\",\"description\":\"d\","
      "\"parameters\":{\"type\":\"object\"}}],\"function_call\":\"auto\"}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
      "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\",\"content\":\"r\"}]}],"
      "\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"}}],"
      "\"tool_choice\":{\"type\":\"auto\"}}",
      "" },
    { "ordered",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"reasoning\",\"text\":\"h\",\"signature\":\"s\"},{\"type\":\"reasoning\",\"text\":"
      "\"\",\"redacted_data\":\"r\"},{\"type\":\"text\",\"text\":\"t\",\"vendor\":{\"anthropic\":{"
      "\"citations\":[]},\"gemini\":{\"x\":1}}},{\"type\":\"tool_call\",\"id\":\"i\",\"name\":"
      "\"f\",\"arguments\":\"{}\"},{\"type\":\"server_tool\",\"api\":\"anthropic\",\"block\":{"
      "\"type\":\"server_tool_use\",\"id\":\"s1\"}},{\"type\":\"opaque\",\"api\":\"gemini\","
      "\"block\":{}}]},{\"role\":\"user\",\"content\":\"b\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"thinking\",\"thinking\":\"h\",\"signature\":\"s\"},{\"type\":\"redacted_"
      "thinking\",\"data\":\"r\"},{\"type\":\"text\",\"text\":\"t\",\"citations\":[]},{\"type\":"
      "\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{}},{\"type\":\"server_tool_use\",\"id\":"
      "\"s1\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"b\"}]}]}",
      "/messages/1/content/2/vendor/gemini/x\n/messages/1/content/5\n" },
    { "foreign",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":"
      "\"f1\"}},{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"reasoning\",\"text\":\"h\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":"
      "\"t\"},{\"type\":\"opaque\",\"api\":\"anthropic\",\"block\":{\"type\":\"compaction\"}}]},{"
      "\"role\":\"user\",\"content\":\"b\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"t\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"b\"}]}]}",
      "/messages/0/content/0\n/messages/1/content/0\n/messages/1/content/2\n", .foreign = true },
    { "unsigned-reasoning",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"reasoning_"
      "content\":\"h\",\"content\":\"t\",\"refusal\":\"no\"},{\"role\":\"user\",\"content\":\"b\"}]"
      "}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"t\"},{\"type\":\"text\",\"text\":\"no\"}]},{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"b\"}]}]}",
      "/messages/1/content\n" },
    { "prefill",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
      "\"so \\n\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"so\"}]}]}",
      "/messages/1/content\n" },
    { "images",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
      "\"url\":\"https://e/"
      "x.png\",\"detail\":\"low\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/"
      "png;base64,AAAA\"}},{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":"
      "\"wav\"}}]}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://e/"
      "x.png\"}},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
      "png\",\"data\":\"AAAA\"}}]}]}",
      "/messages/0/content/0\n/messages/0/content/2\n" },
    { "files",
      "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"filename\":"
      "\"a.pdf\",\"file_data\":\"data:application/"
      "pdf;base64,JVBE\"}},{\"type\":\"file\",\"file\":{\"filename\":\"t\",\"file_data\":\"data:"
      "text/"
      "plain;base64,aGkK\"},\"vendor\":{\"anthropic\":{\"citations\":{\"enabled\":true}}}},{"
      "\"type\":\"file\",\"file\":{\"file_url\":\"https://e/"
      "d.pdf\"}},{\"type\":\"file\",\"file\":{\"file_id\":\"f1\"}},{\"type\":\"file\",\"file\":{"
      "\"file_data\":\"data:video/"
      "mp4;base64,AAAA\"}},{\"type\":\"file\",\"file\":{\"file_data\":\"data:image/"
      "gif;base64,AAAA\"}}]}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
      "\"application/"
      "pdf\",\"data\":\"JVBE\"},\"title\":\"a.pdf\"},{\"type\":\"document\",\"source\":{\"type\":"
      "\"text\",\"media_type\":\"text/"
      "plain\",\"data\":\"hi\\n\"},\"title\":\"t\",\"citations\":{\"enabled\":true}},{\"type\":"
      "\"document\",\"source\":{\"type\":\"url\",\"url\":\"https://e/"
      "d.pdf\"}},{\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":\"f1\"}},{"
      "\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
      "gif\",\"data\":\"AAAA\"}}]}]}",
      "/messages/0/content/4\n" },
    { "tools",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
      "\"parameters\":{\"properties\":{}},\"strict\":false}},{\"type\":\"function\",\"function\":{"
      "\"name\":\"g\"}},{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}},{\"type\":\"server_"
      "tool\",\"api\":\"anthropic\",\"tool\":{\"type\":\"bash_20250124\",\"name\":\"bash\"}},{"
      "\"type\":\"server_tool\",\"api\":\"gemini\",\"tool\":{}},{\"type\":\"function\","
      "\"function\":{\"name\":\"h\",\"parameters\":{\"type\":\"object\"}},\"cache_control\":{"
      "\"type\":\"ephemeral\"},\"vendor\":{\"anthropic\":{\"defer_loading\":true}}}],\"tool_"
      "choice\":\"required\",\"parallel_tool_calls\":false,\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\","
      "\"description\":\"d\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"name\":"
      "\"g\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"type\":\"bash_20250124\","
      "\"name\":\"bash\"},{\"name\":\"h\",\"input_schema\":{\"type\":\"object\"},\"cache_control\":"
      "{\"type\":\"ephemeral\"},\"defer_loading\":true}],\"tool_choice\":{\"type\":\"any\","
      "\"disable_parallel_tool_use\":true}}",
      "/tools/2\n/tools/4\n" },
    { "choice-one",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":{"
      "\"type\":\"function\",\"function\":{\"name\":\"f\"}},\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"tool\","
      "\"name\":\"f\"}}",
      "" },
    { "choice-none",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"none\","
      "\"parallel_tool_calls\":false,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"none\"}}",
      "" },
    { "choice-single",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"parallel_tool_calls\":"
      "false,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"auto\","
      "\"disable_parallel_tool_use\":true}}",
      "" },
    { "choice-allowed",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\","
      "\"function\":{\"name\":\"g\"}}],\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_"
      "tools\":{\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"
      "}},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"g\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"auto\"}}",
      "/tools/0\n/tool_choice/allowed_tools/tools\n" },
    { "choice-custom",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":{"
      "\"type\":\"custom\",\"custom\":{\"name\":\"c\"}},\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{}}}]}",
      "/tool_choice\n" },
    { "no-tools",
      "{\"tools\":[],\"tool_choice\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"
      "}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "" },
    { "strict-tool",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
      "\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}},\"strict\":true}}],"
      "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}},"
      "\"additionalProperties\":false},\"strict\":true}]}",
      "/tools/0/function/parameters\n" },
    { "strict-tool-before",
      "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
      "\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}},\"strict\":true}}],"
      "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-3-5-haiku-latest\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}}}]"
      "}",
      "/tools/0/function/strict\n", .model = "claude-3-5-haiku-latest" },
    { "sampling",
      "{\"temperature\":1.5,\"top_p\":0.5,\"top_k\":3,\"stop\":\"x\",\"messages\":[{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-3-5-haiku-latest\",\"max_tokens\":4096,\"temperature\":1,\"top_p\":0.5,"
      "\"top_k\":3,\"stop_sequences\":[\"x\"],\"messages\":[{\"role\":\"user\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/temperature\n", .model = "claude-3-5-haiku-latest" },
    { "sampling-both",
      "{\"temperature\":0.5,\"top_p\":0.5,\"stop\":[\"x\",\" "
      "\",\"y\"],\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"temperature\":0.5,\"stop_sequences\":"
      "[\"x\",\"y\"],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
      "\"a\"}]}]}",
      "/top_p\n/stop\n" },
    { "sampling-gone",
      "{\"temperature\":0.5,\"top_p\":0.5,\"top_k\":3,\"messages\":[{\"role\":\"user\",\"content\":"
      "\"a\"}]}",
      "{\"model\":\"claude-opus-4-7\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/temperature\n/top_p\n/top_k\n", .model = "claude-opus-4-7" },
    { "effort-budget",
      "{\"reasoning_effort\":\"medium\",\"temperature\":0.5,\"top_k\":3,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":12288,\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":8192},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]}]}",
      "/temperature\n/top_k\n" },
    { "effort-small-limit",
      "{\"reasoning_effort\":\"high\",\"max_completion_tokens\":4000,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4000,\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":3000},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]}]}",
      "" },
    { "effort-no-room",
      "{\"reasoning_effort\":\"high\",\"max_completion_tokens\":500,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":500,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/reasoning_effort\n" },
    { "effort-adaptive",
      "{\"reasoning_effort\":\"xhigh\",\"reasoning_summary\":\"auto\",\"messages\":[{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-opus-4-7\",\"max_tokens\":4096,\"thinking\":{\"type\":\"adaptive\","
      "\"display\":\"summarized\"},\"output_config\":{\"effort\":\"xhigh\"},\"messages\":[{"
      "\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "", .model = "claude-opus-4-7" },
    { "effort-lowered",
      "{\"reasoning_effort\":\"xhigh\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-opus-4-6\",\"max_tokens\":4096,\"thinking\":{\"type\":\"adaptive\"},"
      "\"output_config\":{\"effort\":\"high\"},\"messages\":[{\"role\":\"user\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/reasoning_effort\n", .model = "claude-opus-4-6" },
    { "effort-4-5",
      "{\"reasoning_effort\":\"low\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-opus-4-5\",\"max_tokens\":6144,\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":2048},\"output_config\":{\"effort\":\"low\"},\"messages\":[{\"role\":"
      "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "", .model = "claude-opus-4-5" },
    { "effort-none",
      "{\"reasoning_effort\":\"none\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-opus-4-7\",\"max_tokens\":4096,\"thinking\":{\"type\":\"disabled\"},"
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "", .model = "claude-opus-4-7" },
    { "effort-never",
      "{\"reasoning_effort\":\"low\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-3-5-haiku-latest\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/reasoning_effort\n", .model = "claude-3-5-haiku-latest" },
    { "budget",
      "{\"reasoning_budget_tokens\":2000,\"max_completion_tokens\":9000,\"reasoning_effort\":"
      "\"high\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":9000,\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":2000},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]}]}",
      "" },
    { "budget-raised",
      "{\"reasoning_budget_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5120,\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":1024},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]}]}",
      "/reasoning_budget_tokens\n" },
    { "budget-as-effort",
      "{\"reasoning_budget_tokens\":3000,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-opus-4-7\",\"max_tokens\":4096,\"thinking\":{\"type\":\"adaptive\"},"
      "\"output_config\":{\"effort\":\"medium\"},\"messages\":[{\"role\":\"user\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/reasoning_budget_tokens\n", .model = "claude-opus-4-7" },
    { "budget-free",
      "{\"reasoning_budget_tokens\":-1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-opus-4-7\",\"max_tokens\":4096,\"thinking\":{\"type\":\"adaptive\"},"
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "", .model = "claude-opus-4-7" },
    { "budget-none",
      "{\"reasoning_budget_tokens\":0,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"thinking\":{\"type\":\"disabled\"},"
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "" },
    { "forced-tool-thinks-not",
      "{\"reasoning_effort\":\"low\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
      "\"f\"}}],\"tool_choice\":\"required\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"any\"}}",
      "/reasoning_effort\n" },
    { "thought-missing",
      "{\"reasoning_effort\":\"low\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":"
      "\"assistant\",\"tool_calls\":[{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":"
      "\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"i\",\"content\":\"r\"}]"
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"assistant\",\"content\":[{"
      "\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
      "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"i\",\"content\":\"r\"}]}],"
      "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]}",
      "/reasoning_effort\n" },
    { "schema",
      "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
      "\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}}}},"
      "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"output_config\":{\"format\":{"
      "\"type\":\"json_schema\",\"schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":"
      "\"integer\"}},\"additionalProperties\":false}}},\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/response_format/json_schema/schema\n" },
    { "schema-beside-json-object",
      "{\"response_format\":{\"type\":\"json_object\",\"schema\":{\"type\":\"object\","
      "\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}}},"
      "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"output_config\":{\"format\":{"
      "\"type\":\"json_schema\",\"schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":"
      "\"integer\"}},\"additionalProperties\":false}}},\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/response_format/schema\n" },
    { "schema-by-tool",
      "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
      "\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}}}},"
      "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-3-5-haiku-latest\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"json_answer\","
      "\"description\":\"Takes the "
      "answer.\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\","
      "\"minimum\":1}}}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"json_answer\"}}",
      "", .model = "claude-3-5-haiku-latest" },
    { "schema-in-words",
      "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
      "\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}}}},"
      "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"messages\":[{\"role\":"
      "\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-3-5-haiku-latest\",\"max_tokens\":4096,\"system\":[{\"type\":\"text\","
      "\"text\":\"Answer with one JSON object that is valid under this JSON schema, and nothing "
      "else: "
      "{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"x\\\":{\\\"type\\\":\\\"integer\\\","
      "\\\"minimum\\\":1}}}\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\","
      "\"properties\":{}}}]}",
      "/response_format/json_schema/schema\n", .model = "claude-3-5-haiku-latest" },
    { "schema-option",
      "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
      "\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":1}}}}},"
      "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"json_answer\","
      "\"description\":\"Takes the "
      "answer.\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\","
      "\"minimum\":1}}}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"json_answer\"}}",
      "", .options = "{\"structured_output\":\"tool\"}" },
    { "json-mode",
      "{\"response_format\":{\"type\":\"json_object\"},\"messages\":[{\"role\":\"system\","
      "\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"system\":[{\"type\":\"text\","
      "\"text\":\"s\"},{\"type\":\"text\",\"text\":\"Answer with one JSON object and nothing "
      "else.\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"
      "]}",
      "/response_format\n" },
    { "user",
      "{\"user\":\"u\",\"service_tier\":\"flex\",\"metadata\":{\"k\":\"v\"},\"messages\":[{"
      "\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"metadata\":{\"user_id\":\"u\"},"
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/service_tier\n/metadata\n" },
    { "tier", "{\"service_tier\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"service_tier\":\"standard_only\","
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "" },
    { "nothing-there",
      "{\"seed\":1,\"n\":2,\"logprobs\":true,\"frequency_penalty\":0.5,\"presence_penalty\":0,"
      "\"logit_bias\":{\"1\":2},\"modalities\":[\"text\"],\"store\":false,\"prompt_cache_key\":"
      "\"k\",\"stream_options\":{\"include_usage\":true},\"audio\":{\"voice\":\"x\"},\"vendor\":{"
      "\"gemini\":{\"a\":1},\"anthropic\":{\"container\":\"c\"}},\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"container\":\"c\"}",
      "/seed\n/n\n/logprobs\n/frequency_penalty\n/logit_bias\n/prompt_cache_key\n/audio\n/vendor/"
      "gemini/a\n" },
    { "nested-words",
      "{\"vendor\":{\"gemini\":{\"a/b\":{\"c\":{\"d\":1},\"e\":2}},\"ollama\":{}},\"messages\":[{"
      "\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/vendor/gemini/a~1b/c/d\n/vendor/gemini/a~1b/e\n/vendor/ollama\n" },
    { "cached",
      "{\"cache_control\":{\"type\":\"ephemeral\"},\"vendor\":{\"anthropic\":{\"output_config\":{"
      "\"task_budget\":{\"type\":\"tokens\"}},\"thinking\":{\"type\":\"between_tools\"}}},"
      "\"reasoning_effort\":\"high\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-opus-4-7\",\"max_tokens\":4096,\"output_config\":{\"effort\":\"high\","
      "\"task_budget\":{\"type\":\"tokens\"}},\"messages\":[{\"role\":\"user\",\"content\":[{"
      "\"type\":\"text\",\"text\":\"a\"}]}],\"cache_control\":{\"type\":\"ephemeral\"},"
      "\"thinking\":{\"type\":\"between_tools\"}}",
      "", .model = "claude-opus-4-7" },
    { "catalogue",
      "{\"max_tokens\":100000,\"reasoning_effort\":\"high\",\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":30000,\"thinking\":{\"type\":\"enabled\","
      "\"budget_tokens\":24576},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]}]}",
      "/max_tokens\n", .catalogue = "{\"max_output_tokens\":30000}" },
    { "limits-that-are-none-negative",
      "{\"max_completion_tokens\":-5,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/max_completion_tokens\n" },
    { "limits-that-are-none-text",
      "{\"max_tokens\":\"5\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/max_tokens\n" },
    { "limits-that-are-none-huge",
      "{\"max_completion_tokens\":null,\"max_tokens\":1e30,\"messages\":[{\"role\":\"user\","
      "\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "/max_tokens\n" },
    { "limits-nothing-said",
      "{\"max_tokens\":null,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "" },
    { "catalogue-alone", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":30000,\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}",
      "", .catalogue = "{\"max_output_tokens\":30000}" },
    { "count",
      "{\"max_tokens\":5,\"temperature\":0.5,\"stream\":true,\"user\":\"u\",\"messages\":[{"
      "\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{"
      "\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}",
      "{\"model\":\"claude-sonnet-4-5\",\"system\":\"s\",\"messages\":[{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],\"tools\":[{\"name\":\"f\",\"input_"
      "schema\":{\"type\":\"object\",\"properties\":{}}}]}",
      "", .op = WEIR_OP_COUNT },
    { "other-vendor",
      "{\"reasoning_effort\":\"low\",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
      "{\"name\":\"n\",\"schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\","
      "\"minimum\":1}}}}},\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
      "{\"model\":\"kimi-k2\",\"max_tokens\":6144,\"thinking\":{\"type\":\"enabled\",\"budget_"
      "tokens\":2048},\"system\":[{\"type\":\"text\",\"text\":\"Answer with one JSON object that "
      "is valid under this JSON schema, and nothing else: "
      "{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"x\\\":{\\\"type\\\":\\\"integer\\\","
      "\\\"minimum\\\":1}}}\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"a\"}]}]}",
      "/response_format/json_schema/schema\n", .model = "kimi-k2" },
};

static void test_body(gconstpointer data)
{
    const weir_provider_v1 *face = host_part(WEIR_PART_PROVIDER);
    const struct encode_case *c = data;
    struct host_exchange *e =
        host_exchange_new(c->op, c->body, c->model ? c->model : "claude-sonnet-4-5");
    void *cfg = host_provider(c->options ? c->options : "{}");
    struct host_sent *s;

    e->x.foreign = c->foreign;
    if (c->catalogue)
        e->target.catalogue = weir_str_of(c->catalogue);
    s = host_encode(face, cfg, e);
    g_assert_cmpstr(s->body->str, ==, c->expected);
    g_assert_cmpstr(s->dropped->str, ==, c->dropped);
    host_sent_free(s);
    face->release(cfg);
    host_exchange_free(e);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *path = g_strconcat("/anthropic/encode/", bodies[i].name, NULL);

        g_test_add_data_func(path, &bodies[i], test_body);
    }
    return g_test_run();
}
