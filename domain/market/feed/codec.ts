/**
 * The state of a feed as compact text. Symbols are written once and named by their place; the ticks of the last
 * commit, of which there may be a thousand, are columns of numbers.
 */
import { FeedStateText } from '#contracts/market/feed-state.ts';
import type { PlannedTicksText } from '#contracts/market/feed-state.ts';
import type { TicksPlanned } from '#contracts/market/feed.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { Halts } from '#domain/market/feed/halts.ts';
import { nothingGone } from '#domain/market/feed/pruning.ts';
import type { GoneChunks } from '#domain/market/feed/pruning.ts';
import type { Recovery } from '#domain/market/feed/recovery.ts';
import type { Spill } from '#domain/market/feed/spill.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';

const encodePlanned = (planned: TicksPlanned, places: ReadonlyMap<string, number>): PlannedTicksText => ({
  t: planned.ticks.map((tick) => [
    tick.plannedTsMs,
    tick.engineTimestampMs,
    tick.cutKind,
    tick.cutEnd,
    tick.runs.map((run) => [places.get(run.symbol) ?? -1, run.runNo, run.cutStart]),
  ]),
  i: planned.idleCount,
  l: planned.lastTickMs,
  c: planned.chunks,
});

const decodePlanned = (text: PlannedTicksText, symbols: readonly MarketSymbol[]): TicksPlanned => ({
  ticks: text.t.map(([plannedTsMs, engineTimestampMs, cutKind, cutEnd, runs]) => ({
    plannedTsMs,
    engineTimestampMs,
    cutKind,
    cutEnd,
    runs: runs.flatMap(([place, runNo, cutStart]) =>
      symbols.slice(place, place + 1).map((symbol) => ({ symbol, runNo, cutStart })),
    ),
  })),
  idleCount: text.i,
  lastTickMs: text.l,
  chunks: text.c,
});

/** Writes a feed; the text of a feed that does not exist is `null`. */
export const encodeFeed = (feed: Feed): string => {
  if (feed.status === 'none') return 'null';
  const symbols = [...feed.symbols];
  const places = new Map(symbols.map(([symbol], place) => [symbol, place]));
  const { schedule, planned, unacknowledged, openChunksFrom } = feed;
  const text: FeedStateText = {
    status: feed.status,
    stream: feed.stream,
    config: feed.config,
    configured: feed.configSequence,
    ...(feed.simulatedSequence === feed.configSequence ? {} : { simulated: feed.simulatedSequence }),
    version: feed.version,
    planVersion: feed.planVersion,
    seq: feed.lastSeq,
    ts: feed.lastIngestTsMs,
    cut: feed.lastCutEnd,
    ...(schedule ? { schedule: [schedule.startMs, schedule.lastTickMs ?? null] } : {}),
    symbols: symbols.map(([symbol, known]) => [
      symbol as MarketSymbol,
      known.firstSeq,
      known.runNo,
      known.acknowledged,
    ]),
    shards: [...feed.shards],
    open: [...feed.openChunks],
    ...(openChunksFrom === undefined ? {} : { openFrom: openChunksFrom }),
    ...(planned ? { planned: encodePlanned(planned, places) } : {}),
    timer: feed.isTimerOwed,
    ...(unacknowledged ? { waits: [unacknowledged.sequence, unacknowledged.sinceMs] } : {}),
    ...(feed.halts.size === 0 ? {} : { halts: encodeHalts(feed.halts) }),
    ...(feed.recovery ? { recovery: encodeRecovery(feed.recovery) } : {}),
    ...(feed.spill ? { spill: encodeSpill(feed.spill) } : {}),
    ...(feed.gone.seq === 0 ? {} : { gone: encodeGone(feed.gone) }),
    ...encodeFlow(feed),
  };
  return JSON.stringify(text);
};

const encodeHalts = (halts: Halts): NonNullable<FeedStateText['halts']> =>
  [...halts].map(([symbol, { blockedSinceMs, status, sinceMs, errorDetail }]) => [
    symbol as MarketSymbol,
    blockedSinceMs,
    status,
    sinceMs,
    errorDetail,
  ]);

const decodeHalts = (halts: NonNullable<FeedStateText['halts']>): Halts =>
  new Map(
    halts.map(([symbol, blockedSinceMs, status, sinceMs, errorDetail]) => [
      symbol,
      { blockedSinceMs, status, sinceMs, errorDetail },
    ]),
  );

const encodeRecovery = (recovery: Recovery): NonNullable<FeedStateText['recovery']> => [
  recovery.openedSequence,
  recovery.generation,
  recovery.reminderCount,
  recovery.seenAtMs,
  recovery.status === 'over',
];

const decodeRecovery = (recovery: NonNullable<FeedStateText['recovery']>): Recovery => {
  const [openedSequence, generation, reminderCount, seenAtMs, isOver] = recovery;
  return { status: isOver ? 'over' : 'waiting', openedSequence, generation, reminderCount, seenAtMs };
};

const encodeSpill = (spill: Spill): NonNullable<FeedStateText['spill']> => [
  spill.sequence,
  spill.index,
  spill.recordCount,
  spill.sinceMs,
  spill.movedMs,
];

const decodeSpill = ([sequence, index, recordCount, sinceMs, movedMs]: NonNullable<
  FeedStateText['spill']
>): Spill => ({
  sequence,
  index,
  recordCount,
  sinceMs,
  movedMs,
});

const encodeGone = ({ seq, nextSequence, deleting }: GoneChunks): NonNullable<FeedStateText['gone']> => [
  seq,
  nextSequence,
  deleting ? [deleting.fromSequence, deleting.throughSequence, deleting.sinceMs] : null,
];

const decodeGone = ([seq, nextSequence, deleting]: NonNullable<FeedStateText['gone']>): GoneChunks => {
  if (!deleting) return { seq, nextSequence };
  const [fromSequence, throughSequence, sinceMs] = deleting;
  return { seq, nextSequence, deleting: { fromSequence, throughSequence, sinceMs } };
};

type Flow = Pick<ExistingFeed, 'buffer' | 'ingestionPaused' | 'schedulingPaused' | 'held'>;

const encodeFlow = ({
  buffer,
  ingestionPaused: full,
  schedulingPaused: slow,
  held,
}: Flow): Pick<FeedStateText, 'buffer' | 'full' | 'slow' | 'held'> => ({
  buffer: [buffer.prunedSeq, buffer.prunedTsMs, buffer.consumed.map(({ seq, tsMs }) => [seq, tsMs])],
  ...(full ? { full: [full.reason, full.sinceMs] } : {}),
  ...(slow ? { slow: [slow.reason, slow.sinceMs] } : {}),
  ...(held ? { held: [held.fromSequence, held.lastSequence, held.sinceMs] } : {}),
});

const decodeFlow = ({ buffer: [prunedSeq, prunedTsMs, marks], full, slow, held }: FeedStateText): Flow => ({
  buffer: { prunedSeq, prunedTsMs, consumed: marks.map(([seq, tsMs]) => ({ seq, tsMs })) },
  ...(full ? { ingestionPaused: { reason: full[0], sinceMs: full[1] } } : {}),
  ...(slow ? { schedulingPaused: { reason: slow[0], sinceMs: slow[1] } } : {}),
  ...(held ? { held: { fromSequence: held[0], lastSequence: held[1], sinceMs: held[2] } } : {}),
});

const decodeSchedule = ([startMs, lastTickMs]: readonly [number, number | null]) =>
  lastTickMs === null ? { startMs } : { startMs, lastTickMs };

/** Reads what `encodeFeed` wrote. */
export const decodeFeed = (encoded: string): Feed => {
  const text = FeedStateText.nullable().parse(JSON.parse(encoded));
  if (!text) return { status: 'none' };
  const symbols = text.symbols.map(([symbol]) => symbol);
  const { schedule, planned, openFrom, waits } = text;
  return {
    status: text.status,
    stream: text.stream,
    config: text.config,
    configSequence: text.configured,
    simulatedSequence: text.simulated ?? text.configured,
    version: text.version,
    planVersion: text.planVersion,
    lastSeq: text.seq,
    lastIngestTsMs: text.ts,
    lastCutEnd: text.cut,
    ...(schedule ? { schedule: decodeSchedule(schedule) } : {}),
    symbols: new Map(
      text.symbols.map(([symbol, firstSeq, runNo, acknowledged]) => [
        symbol,
        { firstSeq, runNo, acknowledged },
      ]),
    ),
    shards: new Map(text.shards),
    openChunks: text.open,
    ...(openFrom === undefined ? {} : { openChunksFrom: openFrom }),
    ...(planned ? { planned: decodePlanned(planned, symbols) } : {}),
    isTimerOwed: text.timer,
    ...(waits ? { unacknowledged: { sequence: waits[0], sinceMs: waits[1] } } : {}),
    halts: decodeHalts(text.halts ?? []),
    gone: text.gone ? decodeGone(text.gone) : nothingGone,
    ...(text.spill ? { spill: decodeSpill(text.spill) } : {}),
    ...(text.recovery ? { recovery: decodeRecovery(text.recovery) } : {}),
    ...decodeFlow(text),
  };
};
