"""One schema, whoever answers: only the name of the model changes. Configuration: providers.yaml.

What each provider calls structured output, or has instead of it, is the gateway's business; and so it
is with the two APIs that the SDK has. With a route for a model it holds for all that the route asks.
"""

import sys

from pydantic import BaseModel

from weir_client import client

NOTE = "Version 2 is faster, smaller, and drops the old protocol."


class Summary(BaseModel):
    title: str
    points: list[str]


MODELS = ("gpt-4o", "claude-3-5-sonnet-20241022", "gemini-2.5-flash", "llama3.1")
ASKED = [{"role": "user", "content": "Summarize this release note: " + NOTE}]

for model in sys.argv[1:] or MODELS:
    answer = client.chat.completions.parse(model=model, response_format=Summary, messages=ASKED)
    summaries = {"chat completions": answer.choices[0].message.parsed}
    answer = client.responses.parse(model=model, text_format=Summary, input=ASKED)
    summaries["responses"] = answer.output_parsed
    for api, summary in summaries.items():
        print("%-28s %s: %s: %s" % (model, api, summary.title, "; ".join(summary.points)))
