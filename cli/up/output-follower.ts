/** Follows the output stream like any consumer and keeps count of what was published. */
import { addOutput, openOutputHash } from '#domain/market/output-hash.ts';
import type { OutputHash, SaidEvent } from '#domain/market/output-hash.ts';
import { follow, localKinesis } from '#cli/up/stream-reader.ts';

/** What has come out so far. */
export interface Published {
  /** Records on the stream. */
  records: number;
  /** Terminal runs by run id, each once however often its events were delivered. */
  readonly terminal: Map<string, 'EngineRunCompleted' | 'EngineRunFailed'>;
  lastAtMs: number;
  /** The regime each symbol was last seen in. */
  readonly regimes: Map<string, string>;
  /** The hash of everything on the stream. */
  readonly hash: OutputHash;
}

interface OutputEvent extends SaidEvent {
  readonly run_id: string;
  readonly payload?: { readonly regime_output?: { readonly regime: string } } | null;
}

/** Starts following from the oldest record; `done` settles after the signal, and rejects when reading fails. */
export const followOutput = (
  { awsUrl, streamName }: { readonly awsUrl: string; readonly streamName: string },
  signal: AbortSignal,
): { readonly published: Published; readonly done: Promise<void> } => {
  const published: Published = {
    records: 0,
    terminal: new Map(),
    lastAtMs: 0,
    regimes: new Map(),
    hash: openOutputHash(),
  };
  const client = localKinesis(awsUrl);
  const done = follow({ client, streamName, signal }, (data) => note(published, data)).finally(() =>
    client.destroy(),
  );
  return { published, done };
};

const note = (published: Published, data: Uint8Array): void => {
  published.records += 1;
  published.lastAtMs = Date.now();
  const event = JSON.parse(Buffer.from(data).toString('utf8')) as OutputEvent;
  addOutput(published.hash, event);
  if (event.event_type === 'EngineRunCompleted' || event.event_type === 'EngineRunFailed')
    published.terminal.set(event.run_id, event.event_type);
  const regime = event.payload?.regime_output?.regime;
  if (regime !== undefined) published.regimes.set(event.symbol, regime);
};
