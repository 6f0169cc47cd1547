"""Who is asked: by name, by the model, by an alias, or by default. Configuration: providers.yaml."""

from weir_client import ask, show

QUANTUM = "Explain quantum computing."
HAIKU = "Write a haiku about AI."

# The provider by name, in a header, in the body, or before the model.
show("header", *ask(QUANTUM, "gpt-4o", {"x-weir-provider": "openai"}))
show("body", *ask(QUANTUM, "claude-3-opus-20240229", extra_body={"provider": "anthropic"}))
show("prefix", *ask(HAIKU, "gemini/gemini-2.5-flash"))

# By the model: each provider knows which are its own.
for model in ("gpt-4o", "claude-3-opus-20240229", "gemini-2.5-flash", "llama3.1"):
    show(model, *ask(HAIKU, model))

# Short names that stand for models, and a provider's default model.
show("gpt-4-latest", *ask(HAIKU, "gpt-4-latest"))
show("gpt-3.5", *ask(HAIKU, "gpt-3.5"))
show("anthropic's default", *ask(HAIKU, headers={"x-weir-provider": "anthropic"}))

# Nothing said: the default provider and its default model.
show("nothing", *ask("Hello!"))
