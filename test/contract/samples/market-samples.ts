/** A feed told through the real planner and engine, from which the samples of the market plane are taken. */
import { readFileSync } from 'node:fs';
import type { RecordedEvent } from '#contracts/event.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { FinishedRun } from '#contracts/market/feed-symbol.ts';
import { FeedPressureMessage, FeedResumedMessage, FeedTimerMessage } from '#contracts/market/feed-timer.ts';
import { FeedView } from '#contracts/market/feed-view.ts';
import { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { feedSymbolAggregate, terminalRun } from '#domain/market/feed-symbol/feed-symbol.ts';
import { engineRunView, orchestratorEvents } from '#domain/market/feed-symbol/run-facts.ts';
import type { TerminalRun } from '#domain/market/feed-symbol/run-facts.ts';
import { captureHeader } from '#domain/market/feed/capture.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { feedProjection, feedRow } from '#domain/market/feed/projection.ts';
import { prunableChunks } from '#domain/market/feed/pruning.ts';
import { evolveFeed } from '#domain/market/feed/state.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { feedSymbolProjection } from '#domain/market/feed-symbol/projection.ts';
import { layersOf } from '#domain/market/layers/config.ts';
import { analysisView, dashboardOf, gateView, regimeView } from '#domain/market/layers/views.ts';
import { feedSymbolStream } from '#domain/market/streams.ts';
import { cursorOf } from '#functions/shared/paging.ts';
import { ledgerSamples, sampleFile } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';
import { scopeOf } from '#test/contract/samples/scope.ts';
import { batchRecord, FeedHarness, StreamHarness, validConfig } from '#test/support/market-harness.ts';
import { layeredSymbol, layersRow, runAt } from '#test/support/market-layers.ts';
import { inProject } from '#test/support/tracked-files.ts';

const feed = { ...scopeOf, feedId: 'demo' };
const feedStream = `feed#${feed.tenantId}/${feed.workspaceId}/${feed.feedId}`;

const config = {
  sources: [{ source_id: 'demo', symbols: ['BTC-PERP', 'ETH-PERP', 'SOL-PERP'] }],
  scheduler: { mode: 'boundary', boundary_interval_ms: 180_000, boundary_delay_ms: 2_000 },
  engine: { engine_mode: 'truth' },
  clock: 'record',
} as const;

const layersConfig = {
  state_gate: { denylisted_invalidations: ['INVALID_EVIDENCE_SYMBOL_MISMATCH'] },
  analysis_engine: {
    enabled_modules: ['signal.regime', 'signal.persistence'],
    module_configs: [{ module_id: 'signal.persistence', config: {} }],
  },
};

/** The first records of the demo tape, as a venue would send them. */
const tape = (): readonly unknown[] =>
  readFileSync(inProject('events/tapes/demo.jsonl'), 'utf8')
    .split('\n')
    .slice(0, 600)
    .filter((line) => line.startsWith('{"schema"'))
    .map((line) => JSON.parse(line) as unknown);

/** Two batches of the tape, the runs they caused, and their end. */
const marketStory = () => {
  const harness = new FeedHarness(validConfig(config), true, feedStream);
  const events = tape();
  const lastMs = RawMarketEvent.parse(events.at(-1)).recv_ts_ms;
  harness.nowMs = lastMs + 250;
  harness.ingest(events.map((event, index) => batchRecord(index + 1, event, lastMs)));
  // One of its first snapshots is missing on purpose, so that one of its first runs fails.
  const message = harness.messages().find((candidate) => candidate.symbol === 'ETH-PERP');
  if (!message) throw new Error('the tape caused no run');
  const symbol = new StreamHarness(
    feedSymbolAggregate,
    feedSymbolStream({ ...feed, symbol: message.symbol }),
  );
  symbol.nowMs = harness.nowMs + 400;
  const runs = harness.execute(message);
  symbol.send({ type: 'RecordRuns', runs: [...runs] });
  const [last] = runs.slice(-1);
  const skipped = last && skippedAfter(last);
  if (skipped) symbol.send({ type: 'RecordRuns', runs: [skipped] });
  // Of a later configuration, so that the symbol's stream says what its layers go by.
  const layers = layersOf(validConfig({ ...config, ...layersConfig }), message.symbol);
  const publishRetry = { min_delay_ms: 50, max_delay_ms: 500, max_attempts: 5, max_elapsed_ms: 2_000 };
  if (skipped) symbol.send({ type: 'RecordRuns', runs: [skippedAfter(skipped)], layers, publishRetry });
  harness.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: message.symbol, runNo: runs.length }] });
  const blocked = { symbol: message.symbol, blockedSinceMs: harness.nowMs - 900_000 };
  const errorDetail = 'Rate exceeded for shard shardId-000000000000 in stream orchestrator-events';
  harness.send({ type: 'HaltPublication', ...blocked, attempts: 18, errorDetail });
  const { openedSequence } = harness.feed.recovery ?? { openedSequence: 0 };
  const waiting = { openedSequence, generation: 1 };
  harness.send({ type: 'RemindRecovery', ...waiting, reminderNo: 1 });
  harness.send({ type: 'RestartRecovery', ...waiting });
  harness.send({ type: 'ResumeFeed', reason: 'the consumer that used up the stream is stopped' });
  harness.send({ type: 'ConfirmPublication', ...blocked });
  harness.send({ type: 'EndRecovery', ...waiting, generation: 2 });
  lifeStory(harness, events.at(-1));
  return { harness, symbol, message };
};

/** The run of the next tick, if nothing had come meanwhile. */
const skippedAfter = (run: FinishedRun): FinishedRun => ({
  ...run,
  runNo: run.runNo + 1,
  plannedTsMs: run.plannedTsMs + 180_000,
  engineTimestampMs: run.engineTimestampMs + 180_000,
  cutStart: run.cutEnd + 1,
  outcome: { kind: 'skipped' },
});

/** Pressure both ways, a failure, and the end of a life. */
const lifeStory = (harness: FeedHarness, last: unknown): void => {
  const later = (index: number) => ({
    ...RawMarketEvent.parse(last),
    recv_ts_ms: RawMarketEvent.parse(last).recv_ts_ms + index * 400_000,
  });
  const ingest = (index: number) =>
    harness.ingest([batchRecord(10_000 + index, later(index), later(index).recv_ts_ms)]);
  harness.send({ type: 'PauseScheduling', reason: 'queue_depth', observed: 1_204, limit: 1_000 });
  ingest(1);
  harness.send({ type: 'ResumeScheduling' });
  harness.send({ type: 'RecordDispatch', throughSequence: harness.feed.version });
  harness.send({ type: 'PauseIngestion', reason: 'capacity', observed: 50_000, limit: 50_000 });
  harness.send({
    type: 'DegradeFeed',
    failureDomain: 'buffer',
    errorKind: 'buffer_append_failure',
    errorDetail: 'Please reduce your request rate.',
  });
  ingest(2);
  harness.send({ type: 'DrainFeed' });
  const symbols = [...harness.feed.symbols].map(([symbol, { runNo }]) => ({
    symbol: symbol as MarketSymbol,
    runNo,
  }));
  harness.send({ type: 'AcknowledgeRuns', symbols });
  const buffer_retention = { delete_pruned: true, on_full: 'spill' };
  const next = validConfig({ ...config, emit_skipped: false, buffer_retention });
  harness.send({ type: 'CreateFeed', config: next, start: false });
  const chunks = prunableChunks(harness.feed, harness.events);
  if (chunks) harness.send({ type: 'PruneChunks', ...chunks });
  if (chunks) harness.send({ type: 'ConfirmDeletion', throughSequence: chunks.throughSequence });
  harness.send({ type: 'StartFeed' });
  const spilled = {
    hash: sha256Hex('records'),
    bytes: 41_873,
    count: 120,
    shardId: 'shardId-000000000000',
    lastSequenceNumber: '49590338271490256608559692538361571095921575989136588898',
  };
  harness.send({ type: 'SpillRecords', basedOnVersion: harness.feed.planVersion, spilled });
  harness.send({ type: 'StopFeed' });
};

const users = new Set([
  'FeedCreated',
  'FeedConfigured',
  'FeedStarted',
  'FeedDrained',
  'FeedStopped',
  'FeedResumed',
]);

const actorOf = ({ type }: RecordedEvent): RecordedEvent['actor'] =>
  users.has(type) ? { kind: 'user', id: 'ada@example.com' } : { kind: 'service', id: serviceOf(type) };

const serviceOf = (type: string): string => {
  if (type.startsWith('EngineRun') || type === 'LayersConfigured') return 'run-engine';
  if (type.startsWith('Chunks') || type === 'RecoveryRestarted') return 'sweeper';
  if (type.startsWith('Recovery')) return 'feed-recovery';
  return type.startsWith('Publication') ? 'publish' : 'ingest-market';
};

/** Samples of feed events, of what goes in and of what comes out. */
export const marketSamples = (): Samples => {
  const { harness, symbol, message } = marketStory();
  const terminal = symbol.events.flatMap((event) => {
    const run = terminalRun(event);
    return run ? [{ run, atMs: event.occurredAtMs }] : [];
  });
  const views = terminal.flatMap(({ run, atMs }) =>
    run.type === 'EngineRunSkipped' ? [] : [engineRunView(run, atMs)],
  );
  const { regime_output: _output, ...record } = views[0] ?? {};
  const outputs = terminal.flatMap(({ run, atMs }) =>
    orchestratorEvents(run).map((event) => ({ ...event, published_ts_ms: atMs + 180 })),
  );
  const [chunk] = harness.chunks.values();
  const [directory = ''] = new TextDecoder().decode(chunk).split('\n');
  return {
    ...ledgerSamples('feed', harness.events, actorOf),
    ...ledgerSamples('feed-symbol', symbol.events, actorOf),
    ...Object.fromEntries(
      outputs.reverse().map((event) => [sampleFile('orchestrator-events', event.event_type), event]),
    ),
    ...marketEventSamples(),
    ...feedReadSamples(harness.events, views),
    ...replaySamples(harness, terminal),
    ...layerSamples(),
    [sampleFile('records', 'EngineRunRecord')]: record,
    [sampleFile('stored', 'ChunkDirectory')]: JSON.parse(directory) as unknown,
    [sampleFile('messages', 'EngineRunsMessage')]: message,
    [sampleFile('messages', 'FeedTimerMessage')]: FeedTimerMessage.parse({
      kind: 'feed-tick',
      feedStream,
      beforeMs: harness.nowMs,
    }),
    [sampleFile('messages', 'FeedPressureMessage')]: FeedPressureMessage.parse({
      kind: 'feed-pressure',
      feedStream,
      dueMs: harness.nowMs,
    }),
    [sampleFile('messages', 'FeedResumedMessage')]: FeedResumedMessage.parse({
      kind: 'feed-resumed',
      feedStream,
      openedSequence: 6,
      generation: 2,
    }),
    [sampleFile('messages', 'FeedRecoveryInput')]: {
      ...feed,
      openedSequence: 6,
      generation: 2,
      reminderSeconds: 3_600,
      remindersMax: 168,
    },
    [sampleFile('requests', 'FeedConfig')]: config,
    [sampleFile('messages', 'CompactionMessage')]: { stream: feedStream },
    [sampleFile('messages', 'PublicationMessage')]: {
      stream: feedSymbolStream({ ...feed, symbol: message.symbol }),
      attempt: 2,
    },
    [sampleFile('requests', 'PlanFeedTicksRequest')]: { passedMs: 1_767_226_320_000 },
    [sampleFile('requests', 'ResumeFeedRequest')]: {
      reason: 'the consumer that used up the stream is stopped',
    },
  };
};

/** The first runs as the feed tells them, and its first records as a capture of it begins. */
const replaySamples = (harness: FeedHarness, terminal: readonly { readonly run: TerminalRun }[]): Samples => {
  const capture = captureHeader(firstStretch(harness), undefined);
  const records = harness.records.slice(0, 2).map(({ ingestSeq, ingestTsMs, text }) => ({
    ingest_seq: ingestSeq,
    ingest_ts_ms: ingestTsMs,
    event: JSON.parse(text) as unknown,
  }));
  const cursor = (list: string, place: string) => cursorOf(`${list}#${feedStream}`, { next: place });
  return {
    [sampleFile('answers', 'FeedOutputPage')]: {
      events: terminal.slice(0, 2).flatMap(({ run }) => orchestratorEvents(run)),
      ...cursor('feed-outputs', '4:2'),
    },
    [sampleFile('answers', 'FeedBufferPage')]: {
      capture,
      records,
      ...cursor('feed-buffer', `3:2:${String(capture?.record_count)}`),
    },
    [sampleFile('lines', 'FeedCaptureHeader')]: capture,
  };
};

/** The feed before its configuration was changed. */
const firstStretch = ({ events }: FeedHarness): ExistingFeed => {
  const end = events.findIndex(({ type }) => type === 'FeedConfigured');
  const feed = events.slice(0, end).reduce(evolveFeed, feedAggregate.initialState());
  if (feed.status === 'none') throw new Error('there is no feed');
  return feed;
};

const feedReadSamples = (events: readonly RecordedEvent[], views: readonly object[]): Samples => {
  const key = feedRow(feedStream);
  const row = events.reduce<ReturnType<typeof feedProjection.apply>>(
    (known, event) => feedProjection.apply(known, key, event),
    undefined,
  );
  const view = FeedView.parse(row?.data);
  return {
    [sampleFile('answers', 'FeedView')]: view,
    [sampleFile('answers', 'FeedPage')]: { feeds: [view] },
    [sampleFile('answers', 'EngineRunPage')]: { runs: views.slice(-2).reverse() },
  };
};

/** What the later layers answer of a symbol that was let through, held back, and let through again. */
const layerSamples = (): Samples => {
  const symbol = layeredSymbol({
    state_gate: { denylisted_invalidations: ['INVALID_EVIDENCE_SYMBOL_MISMATCH'] },
    analysis_engine: { enabled_modules: analysisModules.map(({ id }) => id) },
  });
  const said = { regime: 'TREND_BUILD_UP', invalidations: ['INVALID_EVIDENCE_SYMBOL_MISMATCH'] } as const;
  symbol.send(runAt(1), runAt(2, said), runAt(3, { regime: 'TREND_BUILD_UP' }));
  const row = layersRow(symbol.events);
  const view = symbol.events.reduce<ReturnType<typeof feedSymbolProjection.apply>>(
    (known, event) => feedSymbolProjection.apply(known, feedSymbolProjection.cursor(event.stream), event),
    undefined,
  );
  return {
    [sampleFile('answers', 'FeedSymbolPage')]: { symbols: [view?.data] },
    [sampleFile('answers', 'FeedGatePage')]: { gates: [gateView(row)] },
    [sampleFile('answers', 'FeedAnalysisPage')]: { analyses: [analysisView(row)] },
    [sampleFile('answers', 'FeedRegimePage')]: { key: 'truth', regimes: [regimeView(row, 'truth')] },
    [sampleFile('answers', 'FeedDashboard')]: dashboardOf([row], { asOfMs: 240_000, windowMs: 0 }),
  };
};

/** One event of each type: from the tape where it has one, else as the venue's documentation shows it. */
const marketEventSamples = (): Samples => {
  const events = [...tape(), ...otherEvents].map((event) => RawMarketEvent.parse(event));
  const samples: Record<string, unknown> = {};
  for (const event of events) samples[sampleFile('market-events', event.event_type)] ??= event;
  return samples;
};

const otherEvent = (event_type: string, channel: string, normalized: object): object => ({
  schema: 'raw_market_event',
  schema_version: '1',
  event_type,
  source_id: 'demo',
  symbol: 'BTC-PERP',
  exchange_ts_ms: 1_767_225_661_120,
  recv_ts_ms: 1_767_225_661_164,
  raw_payload: JSON.stringify(normalized),
  normalized,
  source_event_id: `BTC-PERP-${channel}-1`,
  source_seq: 1,
  channel,
  payload_content_type: 'application/json',
  payload_hash: null,
});

const otherEvents = [
  otherEvent('BookDelta', 'book_delta', {
    bids: [
      [93_308.5, 1.204],
      [93_308, 0],
    ],
    asks: [[93_309, 0.75]],
  }),
  otherEvent('IndexPrice', 'index_price', { index_price: 93_301.7 }),
  otherEvent('LiquidationPrint', 'liquidations', { price: 93_120, quantity: 2.5, side: 'sell' }),
  otherEvent('DecodeFailure', 'trades', { error_kind: 'parse_error', error_detail: 'invalid price' }),
  otherEvent('BookTop', 'book_top', {
    best_bid_price: 93_308.5,
    best_bid_quantity: 1.204,
    best_ask_price: 93_309,
    best_ask_quantity: 0.75,
  }),
  otherEvent('FundingRate', 'funding', { funding_rate: -0.000058 }),
  otherEvent('MarkPrice', 'mark_price', { mark_price: 93_308.5 }),
];
