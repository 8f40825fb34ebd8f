/**
 * The feed: an endless stream that takes in market records and plans engine runs. A batch is planned and its
 * chunk stored before the commit (`planBatch`); the decider then only checks that nothing moved meanwhile.
 */
import type { FeedCommand, IngestBatch, PlanTicks } from '#contracts/market/feed.ts';
import type { AcknowledgeRuns, CutChunks, TicksPlanned } from '#contracts/market/feed.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { Aggregate, DecideContext, ProposedEvent, Rejection } from '#domain/kernel/aggregate.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import { outstandingOf, waitingOf } from '#domain/market/feed/effects.ts';
import { confirmPublication, haltPublication, resumeFeed } from '#domain/market/feed/halts.ts';
import { batchLimits, compareSequenceNumbers } from '#domain/market/feed/plan-batch.ts';
import { evolveFeed } from '#domain/market/feed/state.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
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
  if (canonicalJson(feed.config) !== canonicalJson(config))
    return reject({
      code: 'feed_exists',
      message: 'a feed of this name exists with another configuration; choose another name',
    });
  return start && feed.status === 'created' ? accept(startedEvent(stream)) : accept();
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
    message: `the feed is ${feed.status}; start it before it takes in records`,
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

const ingestBatch = (feed: Feed, command: Ingest): FeedDecision => {
  if (feed.status === 'none') return notFound();
  if (feed.status === 'created') return notStarted(feed);
  const { ingested, ticks, idleCount, lastTickMs } = command;
  const taken = feed.shards.get(ingested.shardId);
  if (taken !== undefined && compareSequenceNumbers(ingested.lastSequenceNumber, taken) <= 0) return accept();
  if (command.basedOnVersion !== feed.planVersion)
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
  if (lastTickMs === undefined) return accept(appended);
  const chunks = ticks.length === 0 ? noChunks(feed) : chunksFor(feed, [ingested.chunk]);
  return accept(appended, ticksPlanned({ ticks, idleCount, lastTickMs, chunks }));
};

const noChunks = (feed: ExistingFeed): CutChunks => ({
  isComplete: true,
  fromSequence: feed.version + 1,
  refs: [],
});

const planTicks = (feed: Feed, command: Plan): FeedDecision => {
  if (feed.status === 'none') return notFound();
  if (feed.status === 'created' || command.clock !== feed.config.clock) return accept();
  const draft = draftTicks(feed, batchLimits);
  planBefore(draft, command.beforeMs);
  const { ticks, idleCount, lastTickMs } = ticksOf(draft);
  if (lastTickMs === undefined) return accept();
  const chunks = ticks.length === 0 ? noChunks(feed) : chunksFor(feed, []);
  return accept(ticksPlanned({ ticks: [...ticks], idleCount, lastTickMs, chunks }));
};

const acknowledgeRuns = (feed: Feed, command: Acknowledge): FeedDecision => {
  if (feed.status === 'none') return notFound();
  const symbols = command.symbols.flatMap(({ symbol, runNo }) => {
    const known = feed.symbols.get(symbol);
    return known && known.acknowledged < Math.min(runNo, known.runNo)
      ? [{ symbol, runNo: Math.min(runNo, known.runNo) }]
      : [];
  });
  if (symbols.length === 0) return accept();
  const { firstUnacknowledgedSequence } = command;
  return accept({
    type: 'RunsAcknowledged',
    idempotencyKey: `runs-acknowledged:${feed.version}`,
    data: {
      symbols,
      ...(firstUnacknowledgedSequence === undefined ? {} : { firstUnacknowledgedSequence }),
    },
  });
};

const decide = (command: FeedCommand, feed: Feed, context: DecideContext): FeedDecision => {
  switch (command.type) {
    case 'CreateFeed':
      return createFeed(feed, command.config, command.start, context.stream);
    case 'StartFeed':
      if (feed.status === 'none') return notFound();
      return feed.status === 'started' ? accept() : accept(startedEvent(context.stream));
    case 'IngestBatch':
      return ingestBatch(feed, command);
    case 'PlanTicks':
      return planTicks(feed, command);
    case 'AcknowledgeRuns':
      return acknowledgeRuns(feed, command);
    case 'HaltPublication':
      return feed.status === 'none' ? notFound() : haltPublication(feed.halts, command);
    case 'ResumeFeed':
      return feed.status === 'none' ? notFound() : resumeFeed(feed.halts, command);
    case 'ConfirmPublication':
      return feed.status === 'none' ? notFound() : confirmPublication(feed.halts, command);
  }
};

/** A feed never ends; it is at rest when no run is unacknowledged and no timer drives it. */
export const feedAggregate: Aggregate<Feed, FeedCommand, ProposedEvent> = {
  kind: 'feed',
  foldVersion: 2,
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
