/** The stored forms of the decision states of feeds and their symbols; no other program reads them. */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';
import { ChunkRef, CutKind } from '#contracts/market/engine-run.ts';
import { FeedConfig, FeedRetry } from '#contracts/market/feed-config.ts';
import { SeenCandle } from '#contracts/market/feed-symbol.ts';
import { DecisionState, HysteresisState } from '#contracts/market/hysteresis.ts';
import { FeedStatus } from '#contracts/market/feed-health.ts';
import { CutChunks, IngestionPaused, SchedulingPaused } from '#contracts/market/feed.ts';

/** How far a symbol's runs have come. */
export const FeedSymbolState = z.strictObject({
  /** The last terminal run, 0 before the first. */
  runNo: z.int().min(0),
  engineTimestampMs: z.int().optional(),
  /** What decision or belief hysteresis remembers, and the last closed candles. */
  decision: DecisionState.optional(),
  belief: HysteresisState.optional(),
  candles: z.array(SeenCandle).optional(),
  /** The hash of what the later layers were last configured with; absent while that is the defaults. */
  layers: z.string().optional(),
  /** How refused outputs are tried again; absent while that is the defaults. */
  publishRetry: FeedRetry.optional(),
});
export type FeedSymbolState = z.infer<typeof FeedSymbolState>;

/** The ticks of a feed's last commit, as columns. */
export const PlannedTicksText = z.strictObject({
  /** Planned, engine timestamp, kind, cut end, and per run: place of the symbol, number, cut start. */
  t: z.array(z.tuple([z.int(), z.int(), CutKind, z.int(), z.array(z.tuple([z.int(), z.int(), z.int()]))])),
  i: z.int(),
  l: z.int(),
  c: CutChunks,
});
export type PlannedTicksText = z.infer<typeof PlannedTicksText>;

/** The decision state of a feed as commits embed it. */
export const FeedStateText = z.strictObject({
  status: FeedStatus,
  stream: z.string(),
  config: FeedConfig,
  configured: z.int().min(1),
  /** The event since which one simulation tells the feed, where it is not the one that configured it. */
  simulated: z.int().min(1).optional(),
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
  planned: PlannedTicksText.optional(),
  timer: z.boolean(),
  waits: z.tuple([z.int(), z.int()]).optional(),
  /** Pruned up to, younger than, and the marks that wait for the replay window. */
  buffer: z.tuple([z.int(), z.int(), z.array(z.tuple([z.int(), z.int()]))]),
  full: z.tuple([IngestionPaused.shape.reason, z.int()]).optional(),
  slow: z.tuple([SchedulingPaused.shape.reason, z.int()]).optional(),
  /** First and last event whose runs are held, and since when. */
  held: z.tuple([z.int(), z.int(), z.int()]).optional(),
  /** Symbol, since when blocked, how it stands, since when it stands so, and what was wrong. */
  halts: z
    .array(z.tuple([MarketSymbol, z.int(), z.enum(['halted', 'resumed', 'recovered']), z.int(), z.string()]))
    .optional(),
  /** How the wait for a person stands: the event that began it, generation, reminders, last sign, whether it is over. */
  recovery: z.tuple([z.int(), z.int(), z.int(), z.int(), z.boolean()]).optional(),
  /** Spilled records: the event of the next one, how many of its were taken in, how many wait, and since when. */
  spill: z.tuple([z.int(), z.int(), z.int(), z.int(), z.int()]).optional(),
  /** Records that are gone, the first event whose chunk is left, and what is being deleted: from, through, since. */
  gone: z.tuple([z.int(), z.int(), z.tuple([z.int(), z.int(), z.int()]).nullable()]).optional(),
});
export type FeedStateText = z.infer<typeof FeedStateText>;
