"""Which SDK is tried on what. The suites play what is said here, and tests/matrix tells of it; nothing
but Python's library is needed to read it."""

# Provider parts behind the gateway: name -> the API they speak.
PART_APIS = {"openai": "openai.chat", "responses": "openai.responses",
             "anthropic": "anthropic.messages", "gemini": "gemini", "ollama": "ollama.chat"}
# Chat completions go to a provider part of OpenAI's as they are, whatever it uses for the rest.
NOT_RESPONSES = tuple(part for part in PART_APIS if part != "responses")

COMMON = ("text", "system", "turns", "calls", "results", "image", "thinking", "schema")
FAILURES = ("error-400", "error-429", "error-503")
LEAVE = "leave"
# Case: its feature in the matrix.
FEATURES = {"text": "text", "system": "system message", "turns": "several turns",
            "calls": "parallel tool calls", "results": "tool results", "image": "images in",
            "thinking": "reasoning", "schema": "JSON schema", "loop": "tool results",
            "output": "JSON schema", LEAVE: "left by the application"}
FEATURES.update({name: "errors" for name in FAILURES})


class Tried:
    """`lock`: (file under tests/sdks, package). `suite`: of tests/sdks/run. `known`: (case, part,
    streamed), None for any -> why it is left out."""

    def __init__(self, dialect, suite, lock, parts=tuple(PART_APIS), cases=COMMON, known=None):
        self.dialect, self.suite, self.lock = dialect, suite, lock
        self.parts, self.cases, self.known = parts, cases, known or {}

    def cells(self):
        """(case, part, streamed) of all that is played."""
        for part in self.parts:
            for name in self.cases + FAILURES:
                yield name, part, False
                yield name, part, True
            yield LEAVE, part, True


def left_out(table, *cell):
    """Why a cell is left out, if it is. `None` in a key stands for any."""
    for key, why in table.items():
        if all(want in (None, have) for want, have in zip(key, cell)):
            return why
    return None


PYTHON, NODE = "dialects/requirements.txt", "node/dialects/package.json"
SDKS = {
    "anthropic": Tried("anthropic.messages", "dialects", (PYTHON, "anthropic")),
    "google-genai": Tried("gemini", "dialects", (PYTHON, "google-genai")),
    "ollama": Tried("ollama.chat", "dialects", (PYTHON, "ollama")),
    "openai-responses": Tried("openai.responses", "dialects", (PYTHON, "openai")),
    "openai-chat": Tried("openai.chat", "dialects", (PYTHON, "openai"), NOT_RESPONSES),
    "node anthropic": Tried("anthropic.messages", "node-dialects", (NODE, "@anthropic-ai/sdk")),
    "node genai": Tried("gemini", "node-dialects", (NODE, "@google/genai")),
    "node ollama": Tried("ollama.chat", "node-dialects", (NODE, "ollama")),
    "node openai-responses": Tried("openai.responses", "node-dialects", (NODE, "openai")),
    "node openai-chat": Tried("openai.chat", "node-dialects", (NODE, "openai"), NOT_RESPONSES),
    "node ai": Tried("openai.chat", "node-ai", ("node/ai/package.json", "@ai-sdk/openai-compatible"),
                     NOT_RESPONSES, COMMON + ("loop", "output")),
}


class Extracting:
    """An Instructor; every case in every mode against each part. `dialects`: of a mode, if it is not
    Chat Completions."""

    def __init__(self, suite, lock, modes, dialects=None, known=None):
        self.suite, self.lock, self.modes = suite, lock, modes
        self.dialects, self.known = dialects or {}, known or {}


# Part: who is asked instead where it fails.
EXTRACTING_PARTS = {"openai": "anthropic", "anthropic": "gemini", "gemini": "ollama",
                    "ollama": "openai"}
EXTRACTING = {"person": "`response_model`", "list": "a list of strings", "nested": "nested models",
              "retry": "retries after a validation error", "partial": "partial streaming",
              "tenant": "a client for each tenant", "fallback": "fallback by the application",
              "failover": "failover by a route"}
INSTRUCTORS = {
    "instructor": Extracting("instructor", ("dialects/instructor.txt", "instructor"),
                             ("TOOLS", "JSON", "JSON_SCHEMA", "RESPONSES_TOOLS"),
                             {"RESPONSES_TOOLS": "openai.responses"}),
    "node instructor": Extracting("node-instructor", (
        "node/instructor/package.json", "@instructor-ai/instructor"),
        ("FUNCTIONS", "TOOLS", "JSON", "JSON_SCHEMA", "MD_JSON")),
}
