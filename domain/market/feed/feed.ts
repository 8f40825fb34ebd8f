/**
 * The feed: an endless stream that takes in market records and plans engine runs. A batch is planned and its
 * chunk stored before the commit (`planBatch`); the decider then only checks that nothing moved meanwhile.
 */
import type { FeedCommand, IngestBatch, PlanTicks } from '#contracts/market/feed.ts';
import type {
  AcknowledgeRuns,
  ConfirmBatch,
  CutChunks,
  RecordsIngested,
  TicksPlanned,
} from '#contracts/market/feed.ts';
import type { SpillRecords } from '#contracts/market/feed-spill.ts';
import { FEED_SYMBOLS_EVER_MAX } from '#contracts/market/feed-config.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { Aggregate, DecideContext, ProposedEvent, Rejection } from '#domain/kernel/aggregate.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import { outstandingOf, waitingOf } from '#domain/market/feed/effects.ts';
import {
  pauseIngestion,
  pauseScheduling,
  recordDispatch,
  resumeScheduling,
} from '#domain/market/feed/flow-control.ts';
import { confirmPublication, haltPublication, resumeFeed } from '#domain/market/feed/halts.ts';
import { degradeFeed, drainFeed, startFeed, stopFeed, takesRecords } from '#domain/market/feed/lifecycle.ts';
import { endRecovery, remindRecovery, restartRecovery } from '#domain/market/feed/recovery.ts';
import { batchLimits, compareSequenceNumbers } from '#domain/market/feed/plan-batch.ts';
import { confirmDeletion, pruneChunks } from '#domain/market/feed/pruning.ts';
import { isInTurn, spillRecords } from '#domain/market/feed/spill.ts';
import { evolveFeed } from '#domain/market/feed/state.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { listedSymbols, placesAlike } from '#domain/market/feed/simulated-config.ts';
import { draftTicks, planBefore, ticksOf } from '#domain/market/feed/tick-draft.ts';
import type * as z from 'zod';

type FeedDecision = Decision<ProposedEvent, Rejection>;
type Ingest = z.infer<typeof IngestBatch>;
type Plan = z.infer<typeof PlanTicks>;
type Acknowledge = z.infer<typeof AcknowledgeRuns>;

const createFeed = (feed: Feed, config: FeedConfig, start: boolean, stream: string): FeedDecision => {
  if (feed.status === 'none') {
    const created: ProposedEvent = {
      type: 'FeedCreated',
      idempotencyKey: `feed-created:${stream}`,
      data: { config },
    };
    return start ? accept(created, startedEvent(stream)) : accept(created);
  }
  if (canonicalJson(feed.config) !== canonicalJson(config)) return configureFeed(feed, config);
  return start && feed.status === 'created' ? startFeed(feed) : accept();
};

/** Runs in flight read the configuration: it changes only between them. */
const configureFeed = (feed: ExistingFeed, config: FeedConfig): FeedDecision => {
  if (feed.status !== 'created' && feed.status !== 'drained')
    return reject({
      code: 'feed_exists',
      message: `a feed of this name is ${feed.status} with another configuration; drain it to change it, or choose another name`,
    });
  if (feed.unacknowledged)
    return reject({
      code: 'feed_state_conflict',
      message: 'runs of the feed are still at work; change its configuration when they are terminal',
      details: { state: feed.status },
    });
  if (feed.spill && !placesAlike(config, feed.config))
    return reject({
      code: 'feed_state_conflict',
      message: `${feed.spill.recordCount} spilled records of the feed wait to be placed by its sources, clock, scheduler and engine; start it and let them be taken in first, or change the rest alone`,
      details: { state: feed.status },
    });
  const symbolsEver = new Set([...feed.symbols.keys(), ...listedSymbols(config)]).size;
  if (symbolsEver > FEED_SYMBOLS_EVER_MAX)
    return reject({
      code: 'invalid_feed_config',
      message: `the feed would have listed ${symbolsEver} symbols over its life; ${FEED_SYMBOLS_EVER_MAX} are allowed: create another feed`,
    });
  return accept({
    type: 'FeedConfigured',
    idempotencyKey: `FeedConfigured:${feed.stream}:${feed.version}`,
    data: { config },
  });
};

const startedEvent = (stream: string): ProposedEvent => ({
  type: 'FeedStarted',
  idempotencyKey: `feed-started:${stream}`,
  data: {},
});

const notFound = (): FeedDecision =>
  reject({ code: 'feed_not_found', message: 'there is no such feed in this workspace; create it first' });

const notStarted = (feed: ExistingFeed): FeedDecision =>
  reject({
    code: 'feed_state_conflict',
    message: `the feed is ${feed.status}; it takes in records only while it runs`,
    details: { state: feed.status },
  });

const chunksFor = (feed: ExistingFeed, own: CutChunks['refs']): CutChunks => {
  const isComplete = feed.openChunksFrom === undefined;
  const open = feed.openChunks.map(({ sequence: _sequence, ...ref }) => ref);
  return {
    isComplete,
    fromSequence: feed.openChunksFrom ?? feed.openChunks[0]?.sequence ?? feed.version + 1,
    refs: isComplete ? [...open, ...own] : [],
  };
};

const ticksPlanned = (data: TicksPlanned): ProposedEvent => ({
  type: 'TicksPlanned',
  idempotencyKey: `ticks-planned:${data.lastTickMs}`,
  data,
});

/** Whether records were taken in or spilled before, or taken in after they had been spilled. */
const isTaken = (
  { shards, spill }: Pick<ExistingFeed, 'shards' | 'spill'>,
  {
    shardId,
    lastSequenceNumber,
    fromSpill,
  }: Pick<RecordsIngested, 'shardId' | 'lastSequenceNumber' | 'fromSpill'>,
): boolean => {
  if (fromSpill)
    return !spill || !isInTurn(spill, { sequence: fromSpill.sequence, index: fromSpill.count - 1 });
  const taken = shards.get(shardId);
  return taken !== undefined && compareSequenceNumbers(lastSequenceNumber, taken) <= 0;
};

const spill = (feed: ExistingFeed, command: z.infer<typeof SpillRecords>): FeedDecision => {
  if (!takesRecords(feed)) return notStarted(feed);
  return isTaken(feed, command.spilled) ? accept() : spillRecords(feed, command);
};

const ingestBatch = (feed: ExistingFeed, command: Ingest): FeedDecision => {
  if (!takesRecords(feed)) return notStarted(feed);
  const { ingested, ticks, idleCount, lastTickMs } = command;
  if (isTaken(feed, ingested)) return accept();
  // Nothing newer goes before what was spilled.
  if (command.basedOnVersion !== feed.planVersion || (feed.spill && !ingested.fromSpill))
    return reject({
      code: 'contention',
      message: 'the feed has moved since the batch was planned; plan it again',
      details: { planVersion: feed.planVersion, basedOnVersion: command.basedOnVersion },
    });
  const appended: ProposedEvent = {
    type: 'RecordsIngested',
    idempotencyKey: `records-ingested:${ingested.shardId}:${ingested.lastSequenceNumber}`,
    data: ingested,
  };
  const events = [...recoveries(feed), appended];
  if (lastTickMs === undefined) return accept(...events);
  const chunks = ticks.length === 0 ? noChunks(feed) : chunksFor(feed, [ingested.chunk]);
  return accept(...events, ticksPlanned({ ticks, idleCount, lastTickMs, chunks }));
};

/** The answer of an append may be lost and its batch come again: then the feed was degraded for nothing. */
const confirmBatch = (feed: ExistingFeed, batch: z.infer<typeof ConfirmBatch>): FeedDecision =>
  isTaken(feed, batch) ? accept(...recoveryFromDegraded(feed)) : accept();

const recoveryFromDegraded = ({ status, stream, version }: ExistingFeed): readonly ProposedEvent[] =>
  status === 'degraded'
    ? [{ type: 'FeedRecovered', idempotencyKey: `FeedRecovered:${stream}:${version}`, data: {} }]
    : [];

/** What is over because a batch could be kept. */
const recoveries = (feed: ExistingFeed): readonly ProposedEvent[] => [
  ...recoveryFromDegraded(feed),
  ...(feed.ingestionPaused
    ? [
        {
          type: 'IngestionResumed',
          idempotencyKey: `IngestionResumed:${feed.stream}:${feed.version}`,
          data: {},
        },
      ]
    : []),
];

const noChunks = (feed: ExistingFeed): CutChunks => ({
  isComplete: true,
  fromSequence: feed.version + 1,
  refs: [],
});

const planTicks = (feed: ExistingFeed, command: Plan): FeedDecision => {
  if (!takesRecords(feed) || command.clock !== feed.config.clock) return accept();
  const draft = draftTicks(feed, batchLimits);
  planBefore(draft, command.beforeMs);
  const { ticks, idleCount, lastTickMs } = ticksOf(draft);
  if (lastTickMs === undefined) return accept();
  const chunks = ticks.length === 0 ? noChunks(feed) : chunksFor(feed, []);
  return accept(ticksPlanned({ ticks: [...ticks], idleCount, lastTickMs, chunks }));
};

const acknowledgeRuns = (feed: ExistingFeed, command: Acknowledge): FeedDecision => {
  const symbols = command.symbols.flatMap(({ symbol, runNo }) => {
    const known = feed.symbols.get(symbol);
    return known && known.acknowledged < Math.min(runNo, known.runNo)
      ? [{ symbol, runNo: Math.min(runNo, known.runNo) }]
      : [];
  });
  const { firstUnacknowledgedSequence, consumed } = command;
  const isFurther = (firstUnacknowledgedSequence ?? 0) > (feed.unacknowledged?.sequence ?? Infinity);
  if (symbols.length === 0 && !isFurther) return accept();
  return accept({
    type: 'RunsAcknowledged',
    idempotencyKey: `runs-acknowledged:${feed.version}`,
    data: {
      symbols,
      ...(firstUnacknowledgedSequence === undefined ? {} : { firstUnacknowledgedSequence }),
      ...(consumed === undefined ? {} : { consumed }),
    },
  });
};

const decide = (command: FeedCommand, feed: Feed, { stream }: DecideContext): FeedDecision => {
  if (command.type === 'CreateFeed') return createFeed(feed, command.config, command.start, stream);
  return feed.status === 'none' ? notFound() : decideExisting(command, feed);
};

const decideExisting = (
  command: Exclude<FeedCommand, { readonly type: 'CreateFeed' }>,
  feed: ExistingFeed,
): FeedDecision => {
  switch (command.type) {
    case 'StartFeed':
      return startFeed(feed);
    case 'DrainFeed':
      return drainFeed(feed);
    case 'StopFeed':
      return stopFeed(feed);
    case 'DegradeFeed':
      return degradeFeed(feed, command);
    case 'ConfirmBatch':
      return confirmBatch(feed, command);
    case 'IngestBatch':
      return ingestBatch(feed, command);
    case 'SpillRecords':
      return spill(feed, command);
    case 'PlanTicks':
      return planTicks(feed, command);
    case 'AcknowledgeRuns':
      return acknowledgeRuns(feed, command);
    case 'PauseIngestion':
      return pauseIngestion(feed, command);
    case 'PauseScheduling':
      return pauseScheduling(feed, command);
    case 'ResumeScheduling':
      return resumeScheduling(feed);
    case 'RecordDispatch':
      return recordDispatch(feed, command);
    case 'HaltPublication':
      return haltPublication(feed.halts, command);
    case 'ResumeFeed':
      return resumeFeed(feed, command);
    case 'ConfirmPublication':
      return confirmPublication(feed.halts, command);
    case 'RemindRecovery':
      return remindRecovery(feed, command);
    case 'RestartRecovery':
      return restartRecovery(feed, command);
    case 'EndRecovery':
      return endRecovery(feed, command);
    case 'PruneChunks':
      return pruneChunks(feed, command);
    case 'ConfirmDeletion':
      return confirmDeletion(feed, command);
  }
};

/** A feed never ends; it is at rest when no run is unacknowledged and no timer drives it. */
export const feedAggregate: Aggregate<Feed, FeedCommand, ProposedEvent> = {
  kind: 'feed',
  foldVersion: 8,
  eventTypes: new Set(Object.keys(feedEvents)),
  initialState: () => ({ status: 'none' }),
  decide,
  evolve: evolveFeed,
  outstanding: outstandingOf,
  waiting: waitingOf,
  sweepCommand: (nowMs) => ({ type: 'PlanTicks', clock: 'arrival', beforeMs: nowMs }),
  isTerminal: () => false,
  encodeState: encodeFeed,
  decodeState: decodeFeed,
};
