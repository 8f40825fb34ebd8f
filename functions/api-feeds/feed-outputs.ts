/**
 * What a feed said, page by page in the order of its plan: as the ledger recorded it, or computed again from its plan
 * and its buffer. A replay calls the engine for every run that completed, on what the recorded runs before it left to
 * be remembered: a page may begin anywhere, and when every run is the same on what came before, the whole is the same.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { ChunkRef } from '#contracts/market/engine-run.ts';
import { FeedOutputQuery } from '#contracts/market/feed-replay.ts';
import type { FeedOutputPage, PageBounds } from '#contracts/market/feed-replay.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { executeRun } from '#domain/market/execute-run.ts';
import { orchestratorEvents, terminalOf } from '#domain/market/feed-symbol/run-facts.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { planPage } from '#domain/market/feed/plan-page.ts';
import type { EventRange, PlannedStep, PlanPlace } from '#domain/market/feed/plan-page.ts';
import { engineRunId } from '#domain/market/run-id.ts';
import { isGone } from '#domain/market/feed/pruning.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { runSetting } from '#domain/market/run-setting.ts';
import { countsByEventType, sliceOfTexts } from '#domain/market/slice.ts';
import { feedStream } from '#domain/market/streams.ts';
import type { FeedRef } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { feedNotFound, feedOf } from '#functions/api-feeds/feed-path.ts';
import { rangePruned } from '#functions/api-feeds/range-pruned.ts';
import { readHistory } from '#functions/api-feeds/run-history.ts';
import type { RecordedRun, RunHistory } from '#functions/api-feeds/run-history.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { Operation } from '#functions/shared/http.ts';
import { stateBefore } from '#functions/shared/load-at.ts';
import { loadStream } from '#functions/shared/load.ts';
import { chunkReader, chunksToRead, keepDocuments } from '#functions/shared/market-chunks.ts';
import { cursorOf, numbersAt, numbersText } from '#functions/shared/paging.ts';
import { eachEvent } from '#functions/shared/read-events.ts';

export interface OutputPorts {
  readonly ledger: LedgerReader;
  readonly execute: typeof executeRun;
  readonly bounds: PageBounds;
}

const COMMITS_PER_READ = 50;

/** One page of what the ledger recorded. */
export const listFeedOutputs = (ports: OutputPorts): Operation =>
  pageOf('feed-outputs', ports, () => ({
    tell: ({ recorded }) => Promise.resolve(orchestratorEvents(recorded.run)),
    bytesRead: () => 0,
  }));

/** One page of the same, computed again. */
export const replayFeed = (ports: OutputPorts): Operation =>
  pageOf('feed-replay', ports, (_feed, state) => replayTeller(ports, state));

interface EndedStep {
  readonly step: PlannedStep;
  readonly recorded: RecordedRun;
}

/** Tells the events of a run, and how much of the buffer it has read for all of them. */
interface Teller {
  readonly tell: (ended: EndedStep) => Promise<readonly OrchestratorEvent[]>;
  readonly bytesRead: () => number;
}

const pageOf =
  (
    list: string,
    { ledger, bounds }: OutputPorts,
    tellerOf: (feed: FeedRef, state: ExistingFeed) => Teller,
  ): Operation =>
  async (request) => {
    const feed = feedOf(request);
    const {
      from: fromMs = 0,
      to: toMs = Infinity,
      limit,
      cursor,
    } = parseQuery(FeedOutputQuery, request.query);
    const stream = feedStream(feed);
    const { state } = await loadStream(ledger, feedAggregate, stream);
    if (state.status === 'none') throw feedNotFound(feed.feedId);
    const listKey = `${list}#${stream}#${fromMs}-${toMs}`;
    const [sequence = 1, index = 0] = numbersAt(listKey, cursor, 2) ?? [];
    const before = await stateBefore(ledger, feedAggregate, { stream, sequence });
    const config = before.status === 'none' ? undefined : before.config;
    const range = await eventsFrom(ledger, { stream, sequence }, bounds.eventsMax);
    const { steps, next } = planPage(range, {
      place: { sequence, index },
      config,
      fromMs,
      toMs,
      runsMax: limit,
    });
    const { page, stopped } = await tellSteps(steps, await readHistory(ledger, feed, steps), {
      ...tellerOf(feed, state),
      bounds,
    });
    const rest = page.unfinished ? undefined : (stopped ?? next);
    return {
      status: 200,
      body: { ...page, ...cursorOf(listKey, rest ? { next: numbersText(rest.sequence, rest.index) } : {}) },
    };
  };

const eventsFrom = async (
  ledger: LedgerReader,
  { stream, sequence }: { readonly stream: string; readonly sequence: number },
  eventsMax: number,
): Promise<EventRange> => {
  const events: RecordedEvent[] = [];
  for await (const event of eachEvent(ledger, stream, sequence, COMMITS_PER_READ)) {
    if (events.length === eventsMax) return { events, isWhole: false };
    events.push(event);
  }
  return { events, isWhole: true };
};

interface Told {
  readonly page: Pick<FeedOutputPage, 'events' | 'unfinished'>;
  /** The first run that found no room. */
  readonly stopped?: PlanPlace;
}

const tellSteps = async (
  steps: readonly PlannedStep[],
  history: RunHistory,
  { tell, bytesRead, bounds }: Teller & Pick<OutputPorts, 'bounds'>,
): Promise<Told> => {
  const events: OrchestratorEvent[] = [];
  let characters = 0;
  for (const step of steps) {
    if (characters >= bounds.pageCharactersMax || bytesRead() >= bounds.chunkBytesMax)
      return { page: { events }, stopped: step.place };
    const recorded = history(step);
    if (!recorded) return { page: { events, unfinished: unfinishedOf(step) } };
    const told = await tell({ step, recorded });
    events.push(...told);
    characters += JSON.stringify(told).length;
  }
  return { page: { events } };
};

const unfinishedOf = ({ symbol, run, config }: PlannedStep): FeedOutputPage['unfinished'] => ({
  run_id: engineRunId({ ...run, symbol, engineMode: config.engine.engine_mode }),
  symbol,
  engine_timestamp_ms: run.engineTimestampMs,
});

/** Failed and skipped runs are told as they were recorded: the engine is asked for those that completed. */
const replayTeller = ({ ledger, execute }: OutputPorts, feed: ExistingFeed): Teller => {
  const { stream } = feed;
  const documents = keepDocuments(ledger);
  const readRecords = chunkReader(documents);
  const read = new Map<string, number>();
  const tell = async ({ step, recorded }: EndedStep): Promise<readonly OrchestratorEvent[]> => {
    if (recorded.run.type !== 'EngineRunCompleted') return orchestratorEvents(recorded.run);
    const { symbol, run, chunks, config } = step;
    const range = [run.cutStart, run.cutEnd] as const;
    const refs = await chunksToRead(ledger, { feedStream: stream, chunks }, run);
    const needed = refs.filter(overlaps(range));
    if (needed.some((ref) => isGone(feed, ref))) throw await rangePruned(ledger, feed);
    for (const { hash, bytes } of needed) read.set(hash, bytes);
    const slice = sliceOfTexts(await readRecords({ feedStream: stream, symbol }, refs, range));
    const engineMode = config.engine.engine_mode;
    const setting = runSetting(engineMode, config.engine_options);
    const { outcome } = execute({ ...run, symbol }, slice, { setting, memory: recorded.memory });
    const { attempts } = recorded.run.data;
    const finished = { ...run, engineMode, attempts, countsByEventType: countsByEventType(slice), outcome };
    return orchestratorEvents(terminalOf(finished, symbol));
  };
  return { tell, bytesRead: () => [...read.values()].reduce((sum, bytes) => sum + bytes, 0) };
};

const overlaps =
  ([first, last]: readonly [number, number]) =>
  ({ firstSeq, lastSeq }: ChunkRef): boolean =>
    lastSeq >= first && firstSeq <= last;
