/**
 * Pressure both ways (market reference, section 6.3). Towards the venue: a buffer that is full, or too old, takes
 * nothing in, and the records wait in their stream. Towards the engine: when its queue is too long or too slow, or
 * outputs are halted, ticks are still planned, because a plan is what makes a cut final, but their runs are held back
 * and go out in order afterwards.
 */
import type { PauseIngestion, PauseScheduling, RecordDispatch } from '#contracts/market/feed.ts';
import type { IngestionPaused, SchedulingPaused } from '#contracts/market/feed.ts';
import type { ProposedEvent, Rejection, Waiting } from '#domain/kernel/aggregate.ts';
import { accept } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { SendMessage } from '#domain/kernel/effect.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type * as z from 'zod';

/** Runs that were planned and not sent: the first and the last event of the feed that planned some. */
export interface HeldRuns {
  readonly fromSequence: number;
  readonly lastSequence: number;
  readonly sinceMs: number;
}

/** Why something is paused, and since when. */
export interface Pause<Reason> {
  readonly reason: Reason;
  readonly sinceMs: number;
}

/** How far the buffer is consumed, and the marks of consumption that the promised replay window still keeps back. */
export interface BufferState {
  /** Records up to here count no more. */
  readonly prunedSeq: number;
  /** Every record behind `prunedSeq` is younger than this. */
  readonly prunedTsMs: number;
  readonly consumed: readonly ConsumedMark[];
}

/** Every run whose cut ends at `seq` or earlier is terminal; the tick that cut there was planned for `tsMs`. */
export interface ConsumedMark {
  readonly seq: number;
  readonly tsMs: number;
}

/** The buffer of a feed that has taken nothing in. */
export const emptyBuffer: BufferState = { prunedSeq: 0, prunedTsMs: 0, consumed: [] };

/** Marks kept while they wait for the replay window to pass; beyond that, pruning is only coarser. */
const MARKS_MAX = 64;

/** The buffer after more of it was consumed, or more time has passed. */
export const pruneBuffer = (
  buffer: BufferState,
  mark: ConsumedMark | undefined,
  { lastIngestTsMs, replayWindowMs }: { readonly lastIngestTsMs: number; readonly replayWindowMs: number },
): BufferState => {
  const isNewer = mark !== undefined && mark.seq > (buffer.consumed.at(-1)?.seq ?? buffer.prunedSeq);
  const consumed = isNewer ? [...buffer.consumed, mark] : buffer.consumed;
  const isOutside = ({ tsMs }: ConsumedMark): boolean =>
    replayWindowMs === 0 || tsMs < lastIngestTsMs - replayWindowMs;
  const pruned = consumed.findLast(isOutside);
  if (!pruned) return isNewer ? { ...buffer, consumed: thinned(consumed) } : buffer;
  return {
    prunedSeq: pruned.seq,
    prunedTsMs: pruned.tsMs,
    consumed: thinned(consumed.filter(({ seq }) => seq > pruned.seq)),
  };
};

/** A mark may be left out: the one after it prunes what it would have. */
const thinned = (marks: readonly ConsumedMark[]): readonly ConsumedMark[] =>
  marks.length > MARKS_MAX ? marks.filter((_, index) => index % 2 === 1) : marks;

/** Room in the buffer for records up to an instant, or why there is none. */
export type Room =
  | { readonly kind: 'room'; readonly recordsMax: number }
  | { readonly kind: 'full'; readonly pause: IngestionPaused };

/** How many records the buffer takes whose feed time is `timeMs`. */
export const roomAt = ({ config, buffer, lastSeq }: ExistingFeed, timeMs: number | undefined): Room => {
  const { max_records: recordsMax, max_age_ms: ageMaxMs } = config.buffer_retention;
  const depth = lastSeq - buffer.prunedSeq;
  if (depth >= recordsMax)
    return { kind: 'full', pause: { reason: 'capacity', observed: depth, limit: recordsMax } };
  const ageMs = depth === 0 || timeMs === undefined ? 0 : timeMs - buffer.prunedTsMs;
  if (ageMaxMs !== null && buffer.prunedSeq > 0 && ageMs > ageMaxMs)
    return { kind: 'full', pause: { reason: 'age', observed: ageMs, limit: ageMaxMs } };
  return { kind: 'room', recordsMax: recordsMax - depth };
};

/** Whether what is planned is held back: by a halted output, or by the pressure of the queue. */
export const isSchedulingPaused = ({ halts, schedulingPaused }: ExistingFeed): boolean =>
  schedulingPaused !== undefined || [...halts.values()].some(({ status }) => status === 'halted');

/** Whether records wait, in their stream or spilled. */
export const isIngestionPaused = ({ ingestionPaused, spill, status }: ExistingFeed): boolean =>
  ingestionPaused !== undefined || spill !== undefined || status === 'degraded';

type FlowDecision = Decision<ProposedEvent, Rejection>;

const named = (type: string, feed: ExistingFeed, data: object): FlowDecision =>
  accept({ type, idempotencyKey: `${type}:${feed.stream}:${feed.version}`, data });

/** Notes that the buffer has no room. */
export const pauseIngestion = (
  feed: ExistingFeed,
  { type: _type, ...data }: z.infer<typeof PauseIngestion>,
): FlowDecision => (feed.ingestionPaused ? accept() : named('IngestionPaused', feed, data));

/** Notes that the engine's queue has no room. */
export const pauseScheduling = (
  feed: ExistingFeed,
  { type: _type, ...data }: z.infer<typeof PauseScheduling>,
): FlowDecision =>
  feed.schedulingPaused ? accept() : named('SchedulingPaused', feed, data satisfies SchedulingPaused);

/** Notes that the engine's queue has room again. */
export const resumeScheduling = (feed: ExistingFeed): FlowDecision =>
  feed.schedulingPaused ? named('SchedulingResumed', feed, {}) : accept();

/** Notes that held runs were sent. */
export const recordDispatch = (
  feed: ExistingFeed,
  { throughSequence }: z.infer<typeof RecordDispatch>,
): FlowDecision =>
  feed.held && throughSequence >= feed.held.fromSequence
    ? named('HeldRunsDispatched', feed, { throughSequence })
    : accept();

/** What is left of the held runs after some were sent. */
export const heldAfter = (held: HeldRuns | undefined, throughSequence: number): HeldRuns | undefined =>
  held && throughSequence < held.lastSequence ? { ...held, fromSequence: throughSequence + 1 } : undefined;

/** How long a paused schedule may go without a look at what paused it. */
export const PRESSURE_DEADLINE_MS = 30_000;

/** The message that sends held runs, as soon as nothing holds them. */
export const dispatchHeld = (feed: ExistingFeed): readonly SendMessage[] =>
  feed.held && !isSchedulingPaused(feed)
    ? [
        {
          kind: 'send-message',
          name: `dispatch-${sha256Base32(feed.stream)}-${feed.held.fromSequence}`,
          queue: 'sweep',
          body: { stream: feed.stream },
        },
      ]
    : [];

/** What a feed under pressure waits for. */
export const flowWaiting = (feed: ExistingFeed): readonly Waiting[] => {
  const { held, schedulingPaused } = feed;
  return [
    ...(schedulingPaused
      ? [
          {
            reason: 'backpressure',
            subject: schedulingPaused.reason,
            deadlineMs: schedulingPaused.sinceMs + PRESSURE_DEADLINE_MS,
          },
        ]
      : []),
    ...(held && !isSchedulingPaused(feed) ? [{ reason: 'dispatch', deadlineMs: held.sinceMs }] : []),
  ];
};
