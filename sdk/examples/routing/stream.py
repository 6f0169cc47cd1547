"""The same, streamed: the pieces of any provider's answer come in one form. providers.yaml."""

from weir_client import client

for model in ("gpt-4o", "claude-3-opus-20240229", "gemini-2.5-flash", "llama3.1"):
    pieces = client.chat.completions.create(
        model=model, stream=True, messages=[{"role": "user", "content": "Count to three."}])
    print("%-28s" % model, end="")
    for piece in pieces:
        if piece.choices and piece.choices[0].delta.content:
            print(piece.choices[0].delta.content, end="", flush=True)
    print()
