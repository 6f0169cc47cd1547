"""What the examples share: the official client, pointed at the gateway, and who answered."""

import os

import openai

# The gateway holds the providers' keys; the one that the SDK insists on is none of them.
client = openai.OpenAI(base_url=os.environ.get("WEIR_URL", "http://127.0.0.1:8080") + "/v1",
                       api_key=os.environ.get("WEIR_KEY", "unused"), max_retries=0)
AUTO = "default"                           # leaves provider and model to the configuration


def ask(text, model=AUTO, headers=None, **more):
    """(answer, "provider/model" that gave it)."""
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": text}], extra_headers=headers, **more)
    served = "%s/%s" % (raw.headers["x-weir-provider"], raw.headers["x-weir-model"])
    return raw.parse(), served


def show(what, answer, served):
    print("%-28s %-36s %s" % (what, served, answer.choices[0].message.content[:60]))
