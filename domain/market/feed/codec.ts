/**
 * The state of a feed as compact text. Symbols are written once and named by their place; the ticks of the last
 * commit, of which there may be a thousand, are columns of numbers.
 */
import * as z from 'zod';
import { ChunkRef, CutKind } from '#contracts/market/engine-run.ts';
import { FeedConfig } from '#contracts/market/feed-config.ts';
import type { TicksPlanned } from '#contracts/market/feed.ts';
import { CutChunks } from '#contracts/market/feed.ts';
import { MarketSymbol } from '#contracts/ids.ts';
import type { Feed } from '#domain/market/feed/state.ts';

const Planned = z.strictObject({
  /** Planned, engine timestamp, kind, cut end, and per run: place of the symbol, number, cut start. */
  t: z.array(z.tuple([z.int(), z.int(), CutKind, z.int(), z.array(z.tuple([z.int(), z.int(), z.int()]))])),
  i: z.int(),
  l: z.int(),
  c: CutChunks,
});

const StateText = z.strictObject({
  status: z.enum(['created', 'started']),
  stream: z.string(),
  config: FeedConfig,
  version: z.int(),
  planVersion: z.int(),
  seq: z.int(),
  ts: z.int(),
  cut: z.int(),
  schedule: z.tuple([z.int(), z.int().nullable()]).optional(),
  /** Symbol, first sequence, last run planned, last run acknowledged. */
  symbols: z.array(z.tuple([MarketSymbol, z.int(), z.int(), z.int()])),
  shards: z.array(z.tuple([z.string(), z.string()])),
  open: z.array(ChunkRef.extend({ sequence: z.int() })),
  openFrom: z.int().optional(),
  planned: Planned.optional(),
  timer: z.boolean(),
  waits: z.tuple([z.int(), z.int()]).optional(),
});
type StateText = z.infer<typeof StateText>;

const encodePlanned = (
  planned: TicksPlanned,
  places: ReadonlyMap<string, number>,
): z.infer<typeof Planned> => ({
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

const decodePlanned = (text: z.infer<typeof Planned>, symbols: readonly MarketSymbol[]): TicksPlanned => ({
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
  const text: StateText = {
    status: feed.status,
    stream: feed.stream,
    config: feed.config,
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
  };
  return JSON.stringify(text);
};

const decodeSchedule = ([startMs, lastTickMs]: readonly [number, number | null]) =>
  lastTickMs === null ? { startMs } : { startMs, lastTickMs };

/** Reads what `encodeFeed` wrote. */
export const decodeFeed = (encoded: string): Feed => {
  const text = StateText.nullable().parse(JSON.parse(encoded));
  if (!text) return { status: 'none' };
  const symbols = text.symbols.map(([symbol]) => symbol);
  const { schedule, planned, openFrom, waits } = text;
  return {
    status: text.status,
    stream: text.stream,
    config: text.config,
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
  };
};
