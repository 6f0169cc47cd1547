"""The official openai SDK for Python, unmodified, against the gateway.

The provider behind the gateway answers as the model's name says; what it saw can be asked of
WEIR_CONTROL_URL by the tag that a test puts into the user field.
"""

import asyncio
import hashlib
import json
import os
import unittest
import urllib.request
import uuid

import openai
from pydantic import BaseModel

BASE_URL = os.environ["WEIR_BASE_URL"]
DIRECT = bool(os.environ.get("WEIR_DIRECT"))
MESSAGES = [{"role": "user", "content": "Hi"}]
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
    "additionalProperties": False}, "strict": True}}
through_gateway = unittest.skipIf(DIRECT, "there is no gateway")


class Person(BaseModel):
    name: str
    age: int


def control(path):
    with urllib.request.urlopen("%s/%s" % (os.environ["WEIR_CONTROL_URL"], path), timeout=30) as f:
        return json.load(f)


def cities(calls):
    return [json.loads(call.function.arguments)["city"] for call in calls]


class SdkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = openai.OpenAI(base_url=BASE_URL, api_key="sk-application", max_retries=0,
                                   timeout=30)
        cls.addClassCleanup(cls.client.close)

    def create(self, model, **more):
        return self.client.chat.completions.create(
            **dict({"model": model, "messages": MESSAGES}, **more))

    def test_create(self):
        answer = self.create("m-plain")
        self.assertEqual(answer.choices[0].message.content, "Hello from upstream")
        self.assertEqual(answer.usage.total_tokens, 12)

    @through_gateway
    def test_headers(self):
        raw = self.client.chat.completions.with_raw_response.create(model="m-plain",
                                                                    messages=MESSAGES)
        self.assertEqual(raw.headers["x-weir-provider"], "fake")

    @through_gateway
    def test_provider_in_the_body(self):
        answer = self.create("m-plain", extra_body={"provider": "fake"})
        self.assertEqual(answer.choices[0].message.content, "Hello from upstream")

    def test_stream(self):
        text, usage = "", None
        for chunk in self.create("m-plain", stream=True, stream_options={"include_usage": True}):
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            usage = chunk.usage or usage
        self.assertEqual(text, "Hello from upstream")
        self.assertEqual(usage.completion_tokens, 5)

    def test_stream_helper(self):
        with self.client.chat.completions.stream(model="m-plain", messages=MESSAGES) as stream:
            final = stream.get_final_completion()
        self.assertEqual(final.choices[0].message.content, "Hello from upstream")

    def test_async(self):
        async def both():
            async with openai.AsyncOpenAI(base_url=BASE_URL, api_key="x", max_retries=0) as client:
                async def one():
                    text = ""
                    stream = await client.chat.completions.create(
                        model="m-unicode", messages=MESSAGES, stream=True)
                    async for chunk in stream:
                        text += chunk.choices[0].delta.content or ""
                    return text
                return await asyncio.gather(*[one() for _ in range(20)])
        self.assertEqual(set(asyncio.run(both())), {"\u00e9\u20ac\U0001f600\u2028"})

    def test_tools(self):
        answer = self.create("m-tools", tools=[WEATHER])
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.assertEqual(cities(answer.choices[0].message.tool_calls), ["Paris"])

    def test_parallel_tool_calls(self):
        answer = self.create("m-parallel", tools=[WEATHER], parallel_tool_calls=True)
        self.assertEqual(cities(answer.choices[0].message.tool_calls), ["Paris", "Oslo \u00e9"])
        with self.client.chat.completions.stream(model="m-parallel", messages=MESSAGES,
                                                 tools=[WEATHER]) as stream:
            final = stream.get_final_completion()
        self.assertEqual(cities(final.choices[0].message.tool_calls), ["Paris", "Oslo \u00e9"])

    def test_json_schema(self):
        tag = str(uuid.uuid4())
        answer = self.client.chat.completions.parse(model="m-schema", messages=MESSAGES, user=tag,
                                                    response_format=Person)
        self.assertEqual(answer.choices[0].message.parsed, Person(name="Ada", age=36))
        sent = control("last/" + tag)["response_format"]
        self.assertEqual((sent["type"], sent["json_schema"]["name"]), ("json_schema", "Person"))

    def test_embeddings(self):
        for more in ({}, {"encoding_format": "float"}):
            answer = self.client.embeddings.create(model="m-embed", input=["abc", "\u00e9"],
                                                   **more)
            self.assertEqual(list(answer.data[0].embedding), [0.5, -0.25, 3.0])

    def test_models(self):
        self.assertIn("main", [model.id for model in self.client.models.list()])
        self.assertEqual(self.client.models.retrieve("main").id, "main")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("no-such-model")

    def test_responses(self):
        answer = self.client.responses.create(model="m-plain", input="Hi")
        self.assertEqual(answer.output_text, "Hello from upstream")

    def test_error_classes(self):
        for model, kind, status, code in (
                ("m-400", openai.BadRequestError, 400, "invalid_value"),
                ("m-401", openai.AuthenticationError, 401, "invalid_api_key"),
                ("m-403", openai.PermissionDeniedError, 403, None),
                ("m-404", openai.NotFoundError, 404, "model_not_found"),
                ("m-429", openai.RateLimitError, 429, "rate_limit_exceeded"),
                ("m-500", openai.InternalServerError, 500 if DIRECT else 502, None),
                ("m-503", openai.InternalServerError, 503, None)):
            for stream in (False, True):
                with self.subTest(model=model, stream=stream):
                    with self.assertRaises(kind) as caught:
                        self.create(model, stream=stream)
                    self.assertEqual(caught.exception.status_code, status)
                    if code:
                        self.assertEqual(caught.exception.code, code)

    @through_gateway
    def test_unknown_model(self):
        with self.assertRaisesRegex(openai.NotFoundError, "main"):
            self.create("mian")

    @through_gateway
    def test_provider_down(self):
        with self.assertRaises(openai.InternalServerError):
            self.create("dead/m")

    def test_no_gateway(self):
        with openai.OpenAI(base_url=os.environ["WEIR_DEAD_URL"], api_key="x",
                           max_retries=0) as lost:
            with self.assertRaises(openai.APIConnectionError):
                lost.chat.completions.create(model="m", messages=MESSAGES)

    def test_error_in_the_stream(self):
        with self.assertRaisesRegex(openai.APIError, "It broke"):
            list(self.create("m-error", stream=True))

    @through_gateway
    def test_cut_stream(self):
        with self.assertRaises(openai.APIError):
            list(self.create("m-cut", stream=True))

    @through_gateway
    def test_spent_budget_is_not_retried(self):
        tag = str(uuid.uuid4())
        with openai.OpenAI(base_url=BASE_URL, api_key="x", max_retries=3) as eager:
            with self.assertRaises(openai.InternalServerError):
                eager.chat.completions.create(model="exhausted", messages=MESSAGES, user=tag)
        self.assertEqual(control("count/" + tag)["count"], 2)

    def test_cancel_midway(self):
        tag = str(uuid.uuid4())
        stream = self.create("m-stall", stream=True, user=tag)
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        stream.close()
        self.assertEqual(control("gone/" + tag), {"gone": True})

    def test_cancel_before_the_answer(self):
        tag = str(uuid.uuid4())

        async def leave():
            async with openai.AsyncOpenAI(base_url=BASE_URL, api_key="x", max_retries=0) as client:
                task = asyncio.ensure_future(client.chat.completions.create(
                    model="m-wait", messages=MESSAGES, user=tag))
                while not (await asyncio.to_thread(control, "count/" + tag))["count"]:
                    pass
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
        asyncio.run(leave())
        self.assertEqual(control("gone/" + tag), {"gone": True})

    def test_file_upload(self):
        sent = []

        def watch(request):
            sent.append(hashlib.sha256(request.read()).hexdigest())

        http = openai.DefaultHttpxClient(event_hooks={"request": [watch]})
        with openai.OpenAI(base_url=BASE_URL, api_key="x", max_retries=0,
                           http_client=http) as client:
            stored = client.files.create(file=("data.bin", os.urandom(300000)),
                                         purpose="assistants")
        self.assertEqual(stored.id, "file-1")
        self.assertEqual(stored.model_extra["sha256"], sent[0])

    @through_gateway
    def test_simulator(self):
        self.assertRegex(self.create("sim/any").choices[0].message.content, "(?i)simulat")


if __name__ == "__main__":
    unittest.main()
