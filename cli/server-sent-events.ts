/** Follows a stream of server-sent events over its leases: each ends, and the next begins behind the last number seen. */
import { setTimeout as pause } from 'node:timers/promises';
import type { HttpClient } from '#cli/client.ts';

/** One event of a stream. */
export interface ServerSentEvent {
  readonly id: string;
  readonly data: string;
}

const RETRY_MS = 1_000;

/** The events behind an id, in order and each once, until the server says that none follows. */
export async function* serverSentEvents(
  client: Pick<HttpClient, 'open'>,
  path: string,
  after: string,
  retryMs = RETRY_MS,
): AsyncGenerator<ServerSentEvent> {
  let last = after;
  for (;;) {
    const response = await client.open('GET', path, { headers: { 'last-event-id': last } });
    if (response.status === 204) return;
    for await (const event of eventsIn(response.body ?? [])) {
      last = event.id;
      yield event;
    }
    await pause(retryMs);
  }
}

async function* eventsIn(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const lines = part.split('\n');
      const [id, data] = ['id: ', 'data: '].map((name) =>
        lines.find((line) => line.startsWith(name))?.slice(name.length),
      );
      if (id !== undefined && data !== undefined) yield { id, data };
    }
  }
}
