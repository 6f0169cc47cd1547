// The official openai SDK for Node, unmodified, against the gateway.
//
// The provider behind the gateway answers as the model's name says; what it saw can be asked of
// WEIR_CONTROL_URL by the tag that a test puts into the user field.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const baseURL = process.env.WEIR_BASE_URL;
const direct = Boolean(process.env.WEIR_DIRECT);
const options = { timeout: 60_000 };
const throughGateway = { ...options, skip: direct ? 'there is no gateway' : false };

const client = new OpenAI({ baseURL, apiKey: 'sk-application', maxRetries: 0, timeout: 30_000 });
const messages = [{ role: 'user', content: 'Hi' }];

async function control(path) {
  const answer = await fetch(`${process.env.WEIR_CONTROL_URL}/${path}`);
  assert.equal(answer.status, 200, path);
  return answer.json();
}

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

test('create', options, async () => {
  const answer = await client.chat.completions.create({ model: 'm-plain', messages });
  assert.equal(answer.choices[0].message.content, 'Hello from upstream');
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, 12);
});

test('create keeps every character', options, async () => {
  const tag = randomUUID();
  const text = 'é€😀 \u2028 "\\\n';
  const answer = await client.chat.completions.create({
    model: 'm-unicode', user: tag, messages: [{ role: 'user', content: text }],
  });
  assert.equal(answer.choices[0].message.content, 'é€😀\u2028');
  assert.equal((await control(`last/${tag}`)).messages[0].content, text);
});

test('response headers say who answered', throughGateway, async () => {
  const { response } = await client.chat.completions
    .create({ model: 'm-plain', messages }).withResponse();
  assert.equal(response.headers.get('x-weir-provider'), 'fake');
  assert.equal(response.headers.get('x-weir-attempts'), '1');
});

test('stream', options, async () => {
  const stream = await client.chat.completions.create({
    model: 'm-plain', messages, stream: true, stream_options: { include_usage: true },
  });
  let text = '';
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, 'Hello from upstream');
  assert.equal(usage.completion_tokens, 5);
});

test('stream without usage asked shows none', options, async () => {
  const stream = await client.chat.completions.create({ model: 'm-plain', messages, stream: true });
  for await (const chunk of stream) {
    assert.ok(!chunk.usage);
    assert.ok(chunk.choices.length > 0);
  }
});

test('stream helper', options, async () => {
  const final = await client.chat.completions
    .stream({ model: 'm-plain', messages }).finalChatCompletion();
  assert.equal(final.choices[0].message.content, 'Hello from upstream');
});

test('many streams at once', options, async () => {
  const texts = await Promise.all(Array.from({ length: 50 }, () => client.chat.completions
    .stream({ model: 'm-unicode', messages }).finalContent()));
  assert.ok(texts.every((text) => text === 'é€😀\u2028'));
});

test('tools', options, async () => {
  const answer = await client.chat.completions.create({
    model: 'm-tools', messages, tools: [weather],
  });
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(answer.choices[0].finish_reason, 'tool_calls');
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
});

test('tools, streamed', options, async () => {
  const final = await client.chat.completions
    .stream({ model: 'm-tools', messages, tools: [weather] }).finalChatCompletion();
  const calls = final.choices[0].message.tool_calls;
  assert.equal(calls.length, 1);
  assert.deepEqual(JSON.parse(calls[0].function.arguments), { city: 'Paris' });
});

test('parallel tool calls', options, async () => {
  const asked = { model: 'm-parallel', messages, tools: [weather], parallel_tool_calls: true };
  const cities = (calls) => calls.map((c) => JSON.parse(c.function.arguments).city);
  const whole = await client.chat.completions.create(asked);
  assert.deepEqual(cities(whole.choices[0].message.tool_calls), ['Paris', 'Oslo é']);
  const final = await client.chat.completions.stream(asked).finalChatCompletion();
  assert.deepEqual(cities(final.choices[0].message.tool_calls), ['Paris', 'Oslo é']);
  assert.deepEqual(final.choices[0].message.tool_calls.map((c) => c.id), ['call_0', 'call_1']);
});

test('a conversation with tools to its end', options, async () => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    model: 'm-tools', messages,
    tools: [{ type: 'function', function: {
      ...weather.function, parse: JSON.parse,
      function: ({ city }) => { asked.push(city); return 'sunny'; },
    } }],
  });
  assert.equal(await runner.finalContent(), 'Hello from upstream');
  assert.deepEqual(asked, ['Paris']);
});

test('JSON schema', options, async () => {
  const Person = z.object({ name: z.string(), age: z.number() });
  const tag = randomUUID();
  const answer = await client.chat.completions.parse({
    model: 'm-schema', user: tag, messages, response_format: zodResponseFormat(Person, 'person'),
  });
  assert.deepEqual(answer.choices[0].message.parsed, { name: 'Ada', age: 36 });
  const sent = await control(`last/${tag}`);
  assert.equal(sent.response_format.json_schema.name, 'person');
  assert.equal(sent.response_format.json_schema.strict, true);
});

test('JSON schema, streamed', options, async () => {
  const Person = z.object({ name: z.string(), age: z.number() });
  const final = await client.chat.completions.stream({
    model: 'm-schema', messages, response_format: zodResponseFormat(Person, 'person'),
  }).finalChatCompletion();
  assert.deepEqual(final.choices[0].message.parsed, { name: 'Ada', age: 36 });
});

test('embeddings', options, async () => {
  for (const encoding_format of [undefined, 'float', 'base64']) {
    const answer = await client.embeddings.create({
      model: 'm-embed', input: ['abc', 'é'], ...(encoding_format && { encoding_format }),
    });
    assert.equal(answer.data.length, 2);
    if (encoding_format !== 'base64') assert.deepEqual([...answer.data[0].embedding], [0.5, -0.25, 3]);
    assert.equal(answer.usage.prompt_tokens, 4);
  }
});

test('models', options, async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes('main'), names.join());
  assert.equal((await client.models.retrieve('main')).id, 'main');
  await assert.rejects(client.models.retrieve('no-such-model'), OpenAI.NotFoundError);
});

test('the Responses API', options, async () => {
  const answer = await client.responses.create({ model: 'm-plain', input: 'Hi' });
  assert.equal(answer.output_text, 'Hello from upstream');
  const events = [];
  const stream = await client.responses.create({ model: 'm-plain', input: 'Hi', stream: true });
  for await (const item of stream) events.push(item);
  assert.equal(events[0].type, 'response.created');
  assert.equal(events.at(-1).type, 'response.completed');
  // The provider without a gateway sends the fewest events there can be.
  const deltas = events.filter((item) => item.type === 'response.output_text.delta');
  assert.equal(deltas.map((item) => item.delta).join(''), direct ? 'Hello' : 'Hello from upstream');
});

const classes = {
  'm-400': [OpenAI.BadRequestError, 400, 'invalid_value'],
  'm-401': [OpenAI.AuthenticationError, 401, 'invalid_api_key'],
  'm-403': [OpenAI.PermissionDeniedError, 403, null],
  'm-404': [OpenAI.NotFoundError, 404, 'model_not_found'],
  'm-429': [OpenAI.RateLimitError, 429, 'rate_limit_exceeded'],
  'm-500': [OpenAI.InternalServerError, direct ? 500 : 502, null],
  'm-503': [OpenAI.InternalServerError, 503, null],
};
for (const [model, [type, status, code]] of Object.entries(classes)) {
  for (const stream of [false, true]) {
    test(`${model} is ${type.name}${stream ? ', streamed' : ''}`, options, async () => {
      await assert.rejects(client.chat.completions.create({ model, messages, stream }), (error) => {
        assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
        assert.equal(error.status, status);
        if (code) assert.equal(error.code, code);
        return true;
      });
    });
  }
}

test('an unknown model is NotFoundError with near names', throughGateway, async () => {
  await assert.rejects(client.chat.completions.create({ model: 'mian', messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.match(error.message, /main/);
    return true;
  });
});

test('a provider that is down is InternalServerError', throughGateway, async () => {
  await assert.rejects(client.chat.completions.create({ model: 'dead/m', messages }),
    OpenAI.InternalServerError);
});

test('no gateway at all is APIConnectionError', options, async () => {
  const lost = new OpenAI({ baseURL: process.env.WEIR_DEAD_URL, apiKey: 'x', maxRetries: 0 });
  await assert.rejects(lost.chat.completions.create({ model: 'm', messages }),
    OpenAI.APIConnectionError);
});

test('an error in the stream is raised', options, async () => {
  const stream = await client.chat.completions.create({ model: 'm-error', messages, stream: true });
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
  }, (error) => error instanceof OpenAI.APIError && /It broke/.test(error.message));
  assert.equal(text, 'begun');
});

test('a cut stream is raised, not taken for the whole', throughGateway, async () => {
  const stream = await client.chat.completions.create({ model: 'm-cut', messages, stream: true });
  await assert.rejects(async () => {
    for await (const chunk of stream) assert.ok(!chunk.choices[0]?.finish_reason);
  }, OpenAI.APIError);
});

test('failover is not seen by the application', throughGateway, async () => {
  const answer = await client.chat.completions.create({ model: 'rescued', messages });
  assert.equal(answer.choices[0].message.content, 'Hello from upstream');
});

test('a spent budget is not retried by the SDK', throughGateway, async () => {
  const tag = randomUUID();
  const eager = new OpenAI({ baseURL, apiKey: 'x', maxRetries: 3 });
  await assert.rejects(eager.chat.completions.create({ model: 'exhausted', user: tag, messages }),
    OpenAI.InternalServerError);
  assert.equal((await control(`count/${tag}`)).count, 2);
});

test('cancel midway', options, async () => {
  const tag = randomUUID();
  const abort = new AbortController();
  const stream = await client.chat.completions.create(
    { model: 'm-stall', user: tag, messages, stream: true }, { signal: abort.signal });
  const leave = async () => {
    for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) abort.abort();
  };
  await leave().catch((error) => assert.ok(error instanceof OpenAI.APIUserAbortError));
  assert.deepEqual(await control(`gone/${tag}`), { gone: true });
});

test('cancel by leaving the loop', options, async () => {
  const tag = randomUUID();
  const stream = await client.chat.completions.create(
    { model: 'm-stall', user: tag, messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
  assert.deepEqual(await control(`gone/${tag}`), { gone: true });
});

test('cancel before the answer', options, async () => {
  const tag = randomUUID();
  const abort = new AbortController();
  const asked = client.chat.completions.create(
    { model: 'm-wait', user: tag, messages }, { signal: abort.signal });
  const failed = assert.rejects(asked, OpenAI.APIUserAbortError);
  while ((await control(`count/${tag}`)).count === 0);
  abort.abort();
  await failed;
  assert.deepEqual(await control(`gone/${tag}`), { gone: true });
});

test('file upload, byte for byte', options, async () => {
  let sent;
  const watched = new OpenAI({
    baseURL, apiKey: 'x', maxRetries: 0,
    fetch: async (url, init) => {
      const request = new Request(url, { ...init, duplex: 'half' });
      const body = Buffer.from(await request.arrayBuffer());
      sent = createHash('sha256').update(body).digest('hex');
      return fetch(url, { method: request.method, headers: request.headers, body });
    },
  });
  const file = await toFile(randomBytes(300_000), 'data.bin');
  const stored = await watched.files.create({ file, purpose: 'assistants' });
  assert.equal(stored.id, 'file-1');
  assert.equal(stored.sha256, sent);
});

test('file upload as the SDK streams it', options, async () => {
  const file = await toFile(randomBytes(1_000_000), 'data.bin');
  assert.equal((await client.files.create({ file, purpose: 'assistants' })).id, 'file-1');
});

test('the simulator', throughGateway, async () => {
  const whole = await client.chat.completions.create({ model: 'sim/any', messages });
  assert.match(whole.choices[0].message.content, /simulat/i);
  const final = await client.chat.completions
    .stream({ model: 'sim/any', messages }).finalContent();
  assert.match(final, /simulat/i);
});
