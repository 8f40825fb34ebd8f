import { describe, expect, it } from 'vitest';
import { serverSentEvents } from '#cli/server-sent-events.ts';

/** A server whose answers come in these chunks, one answer for each request. */
const serving = (...answers: readonly (readonly string[] | number)[]) => {
  const asked: (string | undefined)[] = [];
  const open = (
    _method: string,
    _path: string,
    options: { headers?: Readonly<Record<string, string>> } = {},
  ) => {
    const answer = answers[asked.length] ?? 204;
    asked.push(options.headers?.['last-event-id']);
    if (typeof answer === 'number') return Promise.resolve(new Response(null, { status: answer }));
    const bytes = answer.map((text) => Buffer.from(text, 'latin1'));
    return Promise.resolve(new Response(ReadableStream.from(bytes)));
  };
  return { asked, client: { open } };
};

const idsOf = async (given: ReturnType<typeof serving>): Promise<readonly string[]> => {
  const seen: string[] = [];
  for await (const { id, data } of serverSentEvents(given.client, '/stream', '7', 0))
    seen.push(`${id}=${data}`);
  return seen;
};

describe('a stream of events', () => {
  it('is read across chunks and leases, from the last number seen, until nothing follows', async () => {
    const utf8 = Buffer.from('é').toString('latin1');
    const given = serving(
      [
        'retry: 1\n\n',
        'id: 8\nevent: A\nda',
        `ta: ${utf8.slice(0, 1)}`,
        `${utf8.slice(1)}\n`,
        '\n: heartbeat\n\nid: 9',
      ],
      [],
      ['id: 9\ndata: {}\n\nid: 10\n\n'],
    );
    expect(await idsOf(given)).toEqual(['8=é', '9={}']);
    expect(given.asked).toEqual(['7', '8', '8', '9']);
  });

  it('may be over at once, or come without a body', async () => {
    expect(await idsOf(serving())).toEqual([]);
    expect(await idsOf(serving(200))).toEqual([]);
  });
});
