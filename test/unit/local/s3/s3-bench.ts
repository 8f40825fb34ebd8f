/** The S3 engine behind a plain HTTP server, as the real SDK meets it. */
import http from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';
import { virtualClock } from '#local/kernel/clock.ts';
import type { Engine, Json } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { createS3 } from '#local/s3/engine.ts';
import { handleS3 } from '#local/s3/rest-protocol.ts';
import type { WireRequest, WireResponse } from '#local/wire/message.ts';

export const startAtMs = Date.parse('2026-01-01T00:00:00Z');

export interface S3Bench {
  readonly engine: Engine;
  readonly clock: ReturnType<typeof virtualClock>;
  readonly entries: readonly JournalEntry[];
  readonly call: (operation: string, input: Json) => Json;
  readonly send: (request: Partial<WireRequest>) => Promise<WireResponse>;
}

export const startS3 = (): S3Bench => {
  const entries: JournalEntry[] = [];
  const clock = virtualClock(startAtMs);
  const engine = createS3({
    clock,
    journal: {
      append: (_engine, entry) => entries.push(JSON.parse(JSON.stringify(entry)) as JournalEntry),
      durable: () => Promise.resolve(),
    },
    chance: () => 0.5,
    region: 'us-east-1',
    accountId: '000000000000',
  });
  const call = (operation: string, input: Json): Json => engine.operations[operation]?.(input) as Json;
  return {
    engine,
    clock,
    entries,
    call,
    send: (request) =>
      handleS3(
        {
          method: 'GET',
          path: '/',
          query: '',
          headers: { host: '127.0.0.1' },
          body: new Uint8Array(),
          ...request,
        },
        call,
      ),
  };
};

export interface ServedS3 extends S3Bench {
  readonly client: S3Client;
  /** What came over the wire, newest last. */
  readonly requests: readonly WireRequest[];
  readonly stop: () => Promise<void>;
}

export const serveS3 = async (): Promise<ServedS3> => {
  const bench = startS3();
  const requests: WireRequest[] = [];
  const server = http.createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const [path = '/', query = ''] = (incoming.url ?? '/').split('?', 2);
      const request: WireRequest = {
        method: incoming.method ?? 'GET',
        path,
        query,
        headers: Object.fromEntries(
          Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: Buffer.concat(chunks),
      };
      requests.push(request);
      const { status, headers, body } = await bench.send(request);
      outgoing.writeHead(status, headers).end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${String(port)}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  return {
    ...bench,
    client,
    requests,
    stop: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
