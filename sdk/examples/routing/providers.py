"""Who is asked: by name, by the model, by an alias, or by default. Configuration: providers.yaml."""

from weir_client import ask, show

HAIKU = "Write a haiku about AI."

# The provider by name, in a header, in the body, or before the model.
show("header", *ask(HAIKU, "gpt-4o", {"x-weir-provider": "openai"}))
show("body", *ask(HAIKU, "claude-3-opus-20240229", extra_body={"provider": "anthropic"}))
show("prefix", *ask(HAIKU, "gemini/gemini-2.5-flash"))

# By the model: each provider knows which are its own.
for model in ("gpt-4o", "claude-3-opus-20240229", "gemini-2.5-flash", "llama3.1"):
    show(model, *ask(HAIKU, model))

# A short name that stands for a model, and a provider's default model.
show("gpt-4-latest", *ask(HAIKU, "gpt-4-latest"))
show("anthropic's default", *ask(HAIKU, headers={"x-weir-provider": "anthropic"}))

# Nothing said: the default provider and its default model.
show("nothing", *ask(HAIKU))
