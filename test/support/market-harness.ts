/** Drives the pure market plane as handlers would: one feed, its symbols, chunks in a map, no clock. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { EventId, StreamId } from '#contracts/ids.ts';
import type { ChunkRef, EngineRunsMessage } from '#contracts/market/engine-run.ts';
import { EngineRunsMessage as EngineRunsBody } from '#contracts/market/engine-run.ts';
import { parseFeedConfig } from '#contracts/market/feed-config-rules.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { FeedSymbolCommand, FinishedRun } from '#contracts/market/feed-symbol.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { Aggregate, ProposedEvent, Rejection } from '#domain/kernel/aggregate.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { recordsOf } from '#domain/market/chunk.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { ingestCommand, planBatch } from '#domain/market/feed/plan-batch.ts';
import type { BatchLimits, BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { chunksOfCut } from '#domain/market/feed/resend.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { decodeRecord } from '#domain/market/ingest.ts';
import { sliceOfTexts } from '#domain/market/slice.ts';
import { feedSymbolStream, parseFeedStream } from '#domain/market/streams.ts';

export const FEED_STREAM = 'feed#acme/prod/demo';

export const validConfig = (value: unknown): FeedConfig => {
  const result = parseFeedConfig(value);
  if (result.kind === 'invalid') throw new Error(result.message);
  return result.config;
};

export const demoConfig = (over: Readonly<Record<string, unknown>> = {}): FeedConfig =>
  validConfig({
    sources: [{ source_id: 'venue', symbols: ['AAA', 'BBB', 'CCC'] }],
    scheduler: { mode: 'boundary', boundary_interval_ms: 1_000, boundary_delay_ms: 0 },
    engine: { engine_mode: 'truth' },
    clock: 'record',
    emit_skipped: false,
    ...over,
  });

/** Stamps proposed events as the command handler would. */
export const stamp = (
  stream: string,
  proposed: readonly ProposedEvent[],
  from: { readonly sequence: number; readonly occurredAtMs?: number },
): readonly RecordedEvent[] =>
  proposed.map((event, index) => ({
    stream: stream as StreamId,
    sequence: from.sequence + index,
    id: '01J00000000000000000000000' as EventId,
    type: event.type,
    schemaVersion: 1,
    idempotencyKey: event.idempotencyKey,
    data: JSON.parse(JSON.stringify(event.data)) as Record<string, unknown>,
    occurredAtMs: from.occurredAtMs ?? 0,
    actor: { kind: 'service', id: 'test' },
  }));

/** One stream in memory. */
export class StreamHarness<State, Command extends { readonly type: string }> {
  readonly events: RecordedEvent[] = [];
  state: State;
  nowMs = 0;
  readonly stream: string;
  readonly aggregate: Aggregate<State, Command, ProposedEvent>;

  constructor(aggregate: Aggregate<State, Command, ProposedEvent>, stream: string) {
    this.aggregate = aggregate;
    this.stream = stream;
    this.state = aggregate.initialState();
  }

  decide(command: Command): Decision<ProposedEvent, Rejection> {
    return this.aggregate.decide(command, this.state, { nowMs: this.nowMs, stream: this.stream });
  }

  /** Commits what a command asks for and answers its events; throws on a refusal. */
  send(command: Command): readonly RecordedEvent[] {
    const decision = this.decide(command);
    if (decision.kind === 'rejected') throw new Error(decision.rejection.message);
    const at = { sequence: this.events.length + 1, occurredAtMs: this.nowMs };
    const events = stamp(this.stream, decision.events, at);
    for (const event of events) this.state = this.aggregate.evolve(this.state, event);
    this.events.push(...events);
    return events;
  }
}

export const marketEvent = (
  over: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> => ({
  schema: 'raw_market_event',
  schema_version: '1',
  event_type: 'MarkPrice',
  source_id: 'venue',
  symbol: 'AAA',
  exchange_ts_ms: null,
  recv_ts_ms: 0,
  raw_payload: '{}',
  normalized: { mark_price: 1 },
  ...over,
});

const encoder = new TextEncoder();

/** A decoded record; `data` other than an object stands for bytes as they are. */
export const batchRecord = (sequenceNumber: number, data: unknown, arrivalMs = 0): BatchRecord => {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const event = decodeRecord({ data: encoder.encode(text), partitionKey: 'key', arrivalMs });
  if (event.kind === 'refused') throw new Error(event.message);
  return { sequenceNumber: String(sequenceNumber), arrivalMs, event };
};

/** A feed with the chunks it stored. */
export class FeedHarness extends StreamHarness<Feed, FeedCommand> {
  readonly chunks = new Map<string, Uint8Array>();
  readonly records: BufferedRecord[] = [];

  constructor(config: FeedConfig, isStarted = true, stream = FEED_STREAM) {
    super(feedAggregate, stream);
    this.send({ type: 'CreateFeed', config, start: isStarted });
  }

  get feed(): ExistingFeed {
    if (this.state.status === 'none') throw new Error('there is no feed');
    return this.state;
  }

  /** Takes in a batch with as many commits as it needs. */
  ingest(records: readonly BatchRecord[], limits?: BatchLimits, shardId = 'shard-0'): void {
    let rest = records;
    while (rest.length > 0) {
      const plan = planBatch(this.feed, { shardId, records: rest }, limits);
      if (plan.kind === 'nothing-new') return;
      this.chunks.set(plan.chunk.hash, plan.chunk.content);
      this.records.push(...plan.records);
      this.send(ingestCommand(plan, 'item'));
      rest = rest.slice(plan.consumedCount);
    }
  }

  /** The messages the feed owes now. */
  messages(): readonly EngineRunsMessage[] {
    return this.aggregate
      .outstanding(this.state, this.nowMs)
      .flatMap((effect) =>
        effect.kind === 'send-message' && effect.queue === 'engine-runs'
          ? [EngineRunsBody.parse(effect.body)]
          : [],
      );
  }

  /** Runs a message as the engine's function would. */
  execute(message: EngineRunsMessage): readonly FinishedRun[] {
    return message.runs.map((run) => ({
      ...run,
      engineMode: message.engineMode,
      attempts: 1,
      outcome: executeRun(
        { ...run, symbol: message.symbol },
        sliceOfTexts(this.slice(message, [run.cutStart, run.cutEnd])),
      ).outcome,
    }));
  }

  private slice(message: EngineRunsMessage, cut: readonly [number, number]): readonly BufferedRecord[] {
    const { isComplete, refs, fromSequence } = message.chunks;
    const listed: readonly ChunkRef[] = isComplete
      ? refs
      : chunksOfCut(this.events.slice(fromSequence - 1), cut);
    return listed.flatMap(({ hash }) => {
      const content = this.chunks.get(hash);
      if (!content) throw new Error(`no chunk ${hash}`);
      return recordsOf(content, message.symbol, cut);
    });
  }
}

export type SymbolHarness = StreamHarness<
  { runNo: number; engineTimestampMs?: number | undefined },
  FeedSymbolCommand
>;

/** The stream of one symbol of the harness's feed. */
export const symbolHarness = (symbol: string): SymbolHarness =>
  new StreamHarness(feedSymbolAggregate, feedSymbolStream({ ...parseFeedStream(FEED_STREAM), symbol }));
