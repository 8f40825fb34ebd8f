/** Follows the output stream like any consumer and keeps count of what was published. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { setTimeout as pause } from 'node:timers/promises';

/** What has come out so far. */
export interface Published {
  /** Records on the stream. */
  records: number;
  /** Terminal runs by run id, each once however often its events were delivered. */
  readonly terminal: Map<string, 'EngineRunCompleted' | 'EngineRunFailed'>;
  lastAtMs: number;
  /** The regime each symbol was last seen in. */
  readonly regimes: Map<string, string>;
}

interface OutputEvent {
  readonly event_type: string;
  readonly run_id: string;
  readonly symbol: string;
  readonly payload?: { readonly regime_output?: { readonly regime: string } };
}

const POLL_MS = 400;

/** Starts following from the oldest record; stops with the signal. */
export const followOutput = (
  { awsUrl, streamName }: { readonly awsUrl: string; readonly streamName: string },
  signal: AbortSignal,
): { readonly published: Published; readonly done: Promise<void> } => {
  const published: Published = { records: 0, terminal: new Map(), lastAtMs: 0, regimes: new Map() };
  const client = new KinesisClient({
    endpoint: awsUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const done = follow(client, streamName, { published, signal }).finally(() => client.destroy());
  return { published, done };
};

const follow = async (
  client: KinesisClient,
  StreamName: string,
  { published, signal }: { readonly published: Published; readonly signal: AbortSignal },
): Promise<void> => {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
  const iterators = await Promise.all(
    Shards.map(({ ShardId }) =>
      client.send(new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' })),
    ),
  );
  let open = iterators.map(({ ShardIterator }) => ShardIterator);
  while (!signal.aborted) {
    open = await Promise.all(
      open.map(async (ShardIterator) => {
        if (ShardIterator === undefined) return undefined;
        const answer = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 10_000 }));
        for (const record of answer.Records ?? []) note(published, record.Data);
        return answer.NextShardIterator;
      }),
    );
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
};

const note = (published: Published, data: Uint8Array | undefined): void => {
  published.records += 1;
  published.lastAtMs = Date.now();
  const event = JSON.parse(Buffer.from(data ?? []).toString('utf8')) as OutputEvent;
  if (event.event_type === 'EngineRunCompleted' || event.event_type === 'EngineRunFailed')
    published.terminal.set(event.run_id, event.event_type);
  const regime = event.payload?.regime_output?.regime;
  if (regime !== undefined) published.regimes.set(event.symbol, regime);
};
