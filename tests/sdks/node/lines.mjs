// SDKs asked by lines of JSON: {sdk, what, model, streamed, asked} gives one line with {answer},
// {status} of the SDK's typed error, {left} or {error}.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';

export const turnsOf = (asked) => asked.turns ?? [['user', 'Hi']];
export const join = (list, text) => list.map(text).join('');

async function work(sdks, { sdk, what, model, streamed, asked }) {
  const one = sdks[sdk];
  if (what === 'ask') return { answer: await one.ask(model, streamed, asked) };
  if (what === 'leave') {
    await one.leave(model);
    return { left: true };
  }
  try {
    await one.ask(model, streamed, {});
  } catch (error) {
    if (one.status) return { status: one.status(error) };
    assert.ok(error instanceof one.kinds, String(error));
    return { status: error.status };
  }
  return { status: null };
}

// Each of `sdks` has `ask` and `leave`, and `kinds`, the class of its errors, or `status`.
export async function serve(sdks) {
  for await (const line of createInterface({ input: process.stdin })) {
    const said = await work(sdks, JSON.parse(line))
      .catch((error) => ({ error: String(error.stack) }));
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}
