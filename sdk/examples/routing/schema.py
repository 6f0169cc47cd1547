"""One schema, whoever answers: only the name of the model changes. Configuration: providers.yaml.

What each provider calls structured output, or has instead of it, is the gateway's business.
"""

from pydantic import BaseModel

from weir_client import client

NOTE = "Version 2 is faster, smaller, and drops the old protocol."


class Summary(BaseModel):
    title: str
    points: list[str]


for model in ("gpt-4o", "claude-3-5-sonnet-20241022", "gemini-2.5-flash", "llama3.1"):
    answer = client.chat.completions.parse(
        model=model, response_format=Summary,
        messages=[{"role": "user", "content": "Summarize this release note: " + NOTE}])
    summary = answer.choices[0].message.parsed
    print("%-28s %s: %s" % (model, summary.title, "; ".join(summary.points)))
