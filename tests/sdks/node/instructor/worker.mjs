// Instructor over the official openai SDK, asked by lines of JSON (lines.mjs): `sdk` is its mode,
// `asked` the case, what is asked for and the application's key.
import assert from 'node:assert/strict';
import createInstructor from '@instructor-ai/instructor';
import OpenAI from 'openai';
import { z } from 'zod';
import { serve } from './lines.mjs';

const Person = z.object({ name: z.string(), age: z.number().int() });
const kinds = {
  person: { name: 'Person', schema: Person },
  list: { name: 'Texts', schema: z.object({ content: z.array(z.string()) }) },
  team: { name: 'Team', schema: z.object({ title: z.string(), people: z.array(Person) }) },
};
const messages = [{ role: 'system', content: 'Extract.' }, { role: 'user', content: 'Ada is 36' }];

const client = (mode, apiKey) => createInstructor({ mode, logger: () => {},
  client: new OpenAI({ baseURL: `${process.env.WEIR_URL}/v1`, apiKey, maxRetries: 0,
    timeout: 30_000 }) });

const plain = ({ _meta, ...rest }) => rest;

async function create(mode, model, asked, key = 'x') {
  const request = { model, messages, response_model: kinds[asked.kind] };
  if (!asked.partial) {
    const got = await client(mode, key).chat.completions.create(
      { ...request, max_retries: asked.retries ?? 0 });
    assert.ok(got._meta.usage.total_tokens > 0);
    return plain(got);
  }
  const stream = await client(mode, key).chat.completions.create({ ...request, stream: true });
  const seen = [];
  for await (const part of stream) seen.push(JSON.stringify(plain(part)));
  return { last: JSON.parse(seen.at(-1)), different: new Set(seen).size };
}

const withMode = (mode) => ({
  // `models`: the first is asked, and the next if that fails; `tenants`: each with its own key.
  async ask(model, streamed, asked) {
    if (asked.tenants) {
      const of = (tenant) => create(mode, asked.tenants[tenant], asked, `key-of-${tenant}`);
      return { enterprise: await of('enterprise'), other: await of('other') };
    }
    try {
      return await create(mode, model, asked);
    } catch (error) {
      if (!asked.backup) throw error;
      assert.ok(error instanceof OpenAI.InternalServerError, String(error));
      return create(mode, asked.backup, asked);
    }
  },
});

await serve(Object.fromEntries(['FUNCTIONS', 'TOOLS', 'JSON', 'JSON_SCHEMA', 'MD_JSON']
  .map((mode) => [mode, withMode(mode)])));
