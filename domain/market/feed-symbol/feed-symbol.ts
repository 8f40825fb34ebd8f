/**
 * One symbol of a feed: the outcomes of its runs in order. Run n + 1 is refused until run n is terminal, so what
 * is published for a symbol is in order however often and in whatever order outcomes arrive.
 */
import type { CommitOutput, RecordedEvent } from '#contracts/event.ts';
import { feedSymbolEvents } from '#contracts/market/feed-symbol.ts';
import { feedRetryDefault } from '#contracts/market/feed-config.ts';
import type { FeedRetry } from '#contracts/market/feed-config.ts';
import { FeedSymbolState } from '#contracts/market/feed-state.ts';
import type {
  EngineRunCompleted,
  EngineRunFailed,
  EngineRunSkipped,
  FeedSymbolCommand,
  FinishedRun,
  LayersConfigured,
  PublicationConfigured,
} from '#contracts/market/feed-symbol.ts';
import type { Aggregate, ProposedEvent, Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { orchestratorEvents, terminalOf } from '#domain/market/feed-symbol/run-facts.ts';
import type { TerminalRun } from '#domain/market/feed-symbol/run-facts.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { retryBounds } from '#domain/market/feed/retry-bounds.ts';
import { defaultLayers, layersHash } from '#domain/market/layers/config.ts';
import { memoryAfter } from '#domain/market/run-memory.ts';
import { orderKey, parseFeedSymbolStream } from '#domain/market/streams.ts';

const conflict = (message: string, details: Readonly<Record<string, unknown>>): Decision<never, Rejection> =>
  reject({ code: 'feed_state_conflict', message, details });

const finish = (run: FinishedRun, symbol: string): ProposedEvent => {
  const { type, data } = terminalOf(run, symbol);
  return { type, idempotencyKey: `engine-run:${data.runId}`, data };
};

const decide = (
  { runs, layers, publishRetry }: FeedSymbolCommand,
  state: FeedSymbolState,
  { stream }: { readonly stream: string },
): Decision<ProposedEvent, Rejection> => {
  const { symbol } = parseFeedSymbolStream(stream);
  let { runNo, engineTimestampMs = 0 } = state;
  const fresh = runs.filter((run) => run.runNo > state.runNo).sort((left, right) => left.runNo - right.runNo);
  const events: ProposedEvent[] = [];
  for (const run of fresh) {
    if (run.runNo === runNo) continue;
    if (run.runNo !== runNo + 1)
      return conflict(`run ${run.runNo} cannot be recorded before run ${runNo + 1}`, {
        state: `run ${runNo}`,
        expectedRunNo: runNo + 1,
        receivedRunNo: run.runNo,
      });
    if (run.engineTimestampMs < engineTimestampMs)
      return conflict('engine_timestamp_ms must be monotonic per symbol', {
        state: `run ${runNo}`,
        lastEngineTimestampMs: engineTimestampMs,
        receivedEngineTimestampMs: run.engineTimestampMs,
      });
    events.push(finish(run, symbol));
    ({ runNo, engineTimestampMs } = run);
  }
  if (events.length === 0) return accept();
  return accept(...configuration(layers, state), ...publication(publishRetry, state), ...events);
};

/** What the later layers go by is recorded with the first runs it is for, when it is another than before. */
const configuration = (
  layers: LayersConfigured | undefined,
  state: FeedSymbolState,
): readonly ProposedEvent[] => {
  if (!layers || layersHash(layers) === (state.layers ?? layersHash(defaultLayers))) return [];
  return [{ type: 'LayersConfigured', idempotencyKey: `layers:${state.runNo + 1}`, data: layers }];
};

/** The same of how refused outputs are tried again. */
const publication = (retry: FeedRetry | undefined, state: FeedSymbolState): readonly ProposedEvent[] => {
  if (!retry || canonicalJson(retry) === canonicalJson(state.publishRetry ?? feedRetryDefault)) return [];
  return [
    {
      type: 'PublicationConfigured',
      idempotencyKey: `publication-configured:${state.runNo + 1}`,
      data: { retry },
    },
  ];
};

/** The terminal run an event records; undefined for other types. */
export const terminalRun = (event: RecordedEvent): TerminalRun | undefined => {
  const { symbol } = parseFeedSymbolStream(event.stream);
  switch (event.type) {
    case 'EngineRunCompleted':
      return { type: event.type, symbol, data: event.data as EngineRunCompleted };
    case 'EngineRunFailed':
      return { type: event.type, symbol, data: event.data as EngineRunFailed };
    case 'EngineRunSkipped':
      return { type: event.type, symbol, data: event.data as EngineRunSkipped };
    default:
      return undefined;
  }
};

/** The configuration an event records; undefined for other types. */
export const configuredLayers = (event: RecordedEvent): LayersConfigured | undefined =>
  event.type === 'LayersConfigured' ? (event.data as LayersConfigured) : undefined;

const evolve = (state: FeedSymbolState, event: RecordedEvent): FeedSymbolState => {
  const configured = configuredLayers(event);
  if (configured) return { ...state, layers: layersHash(configured) };
  if (event.type === 'PublicationConfigured')
    return { ...state, publishRetry: (event.data as PublicationConfigured).retry };
  const run = terminalRun(event);
  if (!run) return state;
  const { runNo, engineTimestampMs } = run.data;
  const { decision, belief, candles } = memoryAfter(state, run.data);
  return {
    runNo,
    engineTimestampMs,
    ...(decision ? { decision } : {}),
    ...(belief ? { belief } : {}),
    ...(candles ? { candles: [...candles] } : {}),
    ...(state.layers === undefined ? {} : { layers: state.layers }),
    ...(state.publishRetry === undefined ? {} : { publishRetry: state.publishRetry }),
  };
};

const outputs = (
  events: readonly RecordedEvent[],
  { publishRetry }: FeedSymbolState,
): readonly CommitOutput[] => {
  const runs = events.map(terminalRun).filter((run) => run !== undefined);
  const [first] = events;
  if (!first || runs.length === 0) return [];
  return [
    {
      key: orderKey(parseFeedSymbolStream(first.stream)),
      destination: 'orchestrator-events',
      bodies: runs.flatMap(orchestratorEvents).map((event) => JSON.stringify(event)),
      ...(publishRetry === undefined ? {} : { retry: retryBounds(publishRetry) }),
    },
  ];
};

/** It waits for nothing: the feed that planned the runs looks after them. */
export const feedSymbolAggregate: Aggregate<FeedSymbolState, FeedSymbolCommand, ProposedEvent> = {
  kind: 'feed-symbol',
  foldVersion: 5,
  eventTypes: new Set(Object.keys(feedSymbolEvents)),
  initialState: () => ({ runNo: 0 }),
  decide,
  evolve,
  outstanding: () => [],
  waiting: () => [],
  sweepCommand: () => ({ type: 'RecordRuns', runs: [] }),
  isTerminal: () => false,
  outputs,
  encodeState: (state) => JSON.stringify(state),
  decodeState: (text) => FeedSymbolState.parse(JSON.parse(text)),
};
