"""The official ollama SDK."""

import ollama

from cells import WEATHER, Sdk, answer


class Ollama(Sdk):
    name = "ollama"

    def __init__(self, url):
        self.client = ollama.Client(host=url, timeout=30)

    @staticmethod
    def _request(asked):
        messages = [{"role": role, "content": text}
                    for role, text in asked.get("turns", [("user", "Hi")])]
        out = {"messages": messages}
        if "system" in asked:
            messages.insert(0, {"role": "system", "content": asked["system"]})
        if asked.get("tools"):
            out["tools"] = [{"type": "function", "function": {
                "name": "get_weather", "description": "Tells it", "parameters": WEATHER}}]
        if "calls" in asked:
            messages.append({"role": "assistant", "tool_calls": [
                {"function": {"name": name, "arguments": arguments}}
                for _, name, arguments in asked["calls"]]})
            messages += [{"role": "tool", "tool_name": name, "content": text}
                         for _, name, text in asked["results"]]
        if "image" in asked:
            messages[0]["images"] = [asked["image"]]
        if asked.get("think"):
            out["think"] = True
        if "schema" in asked:
            out["format"] = asked["schema"]
        return out

    def _chunks(self, model, streamed, asked):
        got = self.client.chat(model=model, stream=streamed, **self._request(asked))
        return list(got) if streamed else [got]

    def ask(self, model, streamed, asked):
        chunks = self._chunks(model, streamed, asked)
        assert chunks[-1].done
        return answer("".join(c.message.content or "" for c in chunks),
                      "".join(c.message.thinking or "" for c in chunks),
                      [(call.function.name, dict(call.function.arguments)) for c in chunks
                       for call in c.message.tool_calls or []],
                      (chunks[-1].prompt_eval_count, chunks[-1].eval_count))

    def failed(self, model, streamed):
        try:
            self._chunks(model, streamed, {})
        except ollama.ResponseError as error:
            assert error.error, "no words"
            return error.status_code

    def leave(self, model):
        stream = self.client.chat(model=model, stream=True, **self._request({}))
        for _ in stream:
            break
        stream.close()
