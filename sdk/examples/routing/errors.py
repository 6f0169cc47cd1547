"""What can be wrong, as exceptions of the SDK with a code to look at. Configuration: providers.yaml."""

import openai

from weir_client import ask


def attempt(what, *asked, **more):
    try:
        ask("Hello!", *asked, **more)
        print("%-12s answered" % what)
    except openai.APIStatusError as error:
        print("%-12s %s %d %s: %s" % (what, type(error).__name__, error.status_code, error.code,
                                      error.body["message"]))


for model in ("gpt-4o", "claude-3-opus-20240229", "gemini-2.5-flash"):
    attempt("key", model)                  # where the provider's key is not right
attempt("provider", "gpt-4o", headers={"x-weir-provider": "mistral"})
attempt("model", "claude-3-haiku-20240307")  # its vendor has it no more
attempt("any model", "gtp-4o")             # nobody has it
