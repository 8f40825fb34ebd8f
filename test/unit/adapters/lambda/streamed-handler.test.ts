import { PassThrough } from 'node:stream';
import type { Writable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { streamedHandler } from '#adapters/lambda/streamed-handler.ts';
import type { StreamHead } from '#adapters/lambda/streamed-handler.ts';

const head: StreamHead = { statusCode: 200, headers: { a: 'b' } };

/** A runtime whose streams take four bytes at once. */
const install = () => {
  const stream = new PassThrough({ highWaterMark: 4 });
  const heads: StreamHead[] = [];
  vi.stubGlobal('awslambda', {
    streamifyResponse: (handler: (event: unknown, out: Writable) => Promise<void>) => (event: unknown) =>
      handler(event, stream),
    HttpResponseStream: {
      from: (out: Writable, given: StreamHead) => {
        heads.push(given);
        return out;
      },
    },
  });
  return { stream, heads };
};

describe('a streamed handler', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('sends its head, waits for a slow receiver, and ends', async () => {
    const { stream, heads } = install();
    const seen: string[] = [];
    const done = streamedHandler(async (event, open) => {
      const body = open(head);
      for (const text of [String(event), 'longer than four', 'end'])
        expect(await body.write(text)).toBe(true);
    })('one');
    for await (const chunk of stream) seen.push(String(chunk));
    await done;
    expect(heads).toEqual([head]);
    expect(seen.join('')).toBe('onelonger than fourend');
  });

  it.each([undefined, new Error('reset')])('tells that the receiver has gone: %s', async (reason) => {
    const { stream } = install();
    const told: boolean[] = [];
    await streamedHandler(async (_event, open) => {
      const body = open(head);
      const waiting = body.write('longer than four');
      stream.destroy(reason);
      told.push(await waiting, await body.write('more'));
    })('one');
    expect(told.at(-1)).toBe(false);
  });

  it('is refused at its first event by a runtime that cannot stream', async () => {
    vi.stubGlobal('awslambda', undefined);
    await expect(streamedHandler(() => Promise.resolve())('one')).rejects.toThrow('streams no answers');
  });
});
