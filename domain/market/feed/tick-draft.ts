/** Walks a feed's schedule while records are placed, and cuts the buffer at every tick that passes. */
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { PlannedTick } from '#contracts/market/feed.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import { cutRuns, isSkipped } from '#domain/market/cut.ts';
import type { SymbolProgress } from '#domain/market/cut.ts';
import { listedSymbols } from '#domain/market/feed/simulated-config.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { cutKindOf, dueTicks, engineTimestamp } from '#domain/market/scheduler.ts';
import type { ScheduleState, TickRange } from '#domain/market/scheduler.ts';

/** How many ticks with runs one commit may hold, and how many bytes of them; one tick may exceed it alone. */
export interface TickLimits {
  readonly ticksMax: number;
  readonly tickBytesMax: number;
}

/** The ticks of one commit while they are being planned; it belongs to the plan that drafts it. */
export interface TickDraft {
  readonly config: FeedConfig;
  readonly limits: TickLimits;
  readonly listed: ReadonlySet<string>;
  readonly symbols: Map<string, SymbolProgress>;
  readonly ticks: PlannedTick[];
  /** Ticks that found nothing new. */
  idleCount: number;
  lastSeq: number;
  lastCutEnd: number;
  bytes: number;
  schedule: ScheduleState | undefined;
}

/** A draft that continues where a feed stands. A symbol that is no longer listed runs no more; its run number is kept. */
export const draftTicks = (feed: ExistingFeed, limits: TickLimits): TickDraft => {
  const listed = listedSymbols(feed.config);
  return {
    config: feed.config,
    limits,
    listed,
    symbols: new Map([...feed.symbols].filter(([symbol]) => listed.has(symbol))),
    ticks: [],
    idleCount: 0,
    lastSeq: feed.lastSeq,
    lastCutEnd: feed.lastCutEnd,
    bytes: 0,
    schedule: feed.schedule,
  };
};

/** Notes that the next place of the buffer is taken by a record of a symbol. */
export const noteRecord = (draft: TickDraft, symbol: string): void => {
  draft.lastSeq += 1;
  if (draft.listed.has(symbol) && !draft.symbols.has(symbol))
    draft.symbols.set(symbol, { firstSeq: draft.lastSeq, runNo: 0 });
};

const TICK_BYTES = 120;
const RUN_BYTES = 50;
const encoder = new TextEncoder();

const tickBytes = (tick: PlannedTick): number =>
  tick.runs.reduce(
    (bytes, run) => bytes + RUN_BYTES + encoder.encode(JSON.stringify(run.symbol)).length,
    TICK_BYTES,
  );

const cutAt = (draft: TickDraft, plannedTsMs: number): PlannedTick | undefined => {
  const runs = cutRuns(draft.symbols, draft.lastCutEnd, draft.lastSeq, draft.config.emit_skipped);
  if (runs.length === 0) return undefined;
  return {
    plannedTsMs,
    engineTimestampMs: engineTimestamp(draft.config.scheduler, plannedTsMs),
    cutKind: cutKindOf(draft.config.scheduler),
    cutEnd: draft.lastSeq,
    runs: runs.map((run) => ({ ...run, symbol: run.symbol as MarketSymbol })),
  };
};

const keep = (draft: TickDraft, tick: PlannedTick, bytes: number): void => {
  draft.ticks.push(tick);
  draft.bytes += bytes;
  draft.lastCutEnd = tick.cutEnd;
  for (const { symbol, runNo, cutStart } of tick.runs)
    draft.symbols.set(symbol, { firstSeq: cutStart, runNo });
};

const isFull = ({ ticks, bytes, limits }: TickDraft, more: number): boolean =>
  ticks.length > 0 && (ticks.length >= limits.ticksMax || bytes + more > limits.tickBytesMax);

/** Ticks of one silence that are planned with empty cuts, the last ones; those before are counted only. */
export const SKIPPED_TICKS_MAX = 1_000;

/** Lets the first ticks of a range pass without a plan. */
const pass = (draft: TickDraft, { firstMs, lastMs, count }: TickRange, passCount: number): void => {
  const intervalMs = count === 1 ? 0 : (lastMs - firstMs) / (count - 1);
  draft.idleCount += passCount;
  draft.schedule = {
    startMs: firstMs,
    ...draft.schedule,
    lastTickMs: firstMs + (passCount - 1) * intervalMs,
  };
};

/**
 * Plans every tick strictly before an instant, one after the other; false when the commit is full before the last of
 * them. No record comes between them, so whatever the first one cut is not new to the others: they are counted, or
 * planned with empty cuts where the feed says what it skips.
 */
export const planBefore = (draft: TickDraft, beforeMs: number): boolean => {
  for (;;) {
    const due = draft.schedule && dueTicks(draft.config.scheduler, draft.schedule, beforeMs);
    if (!draft.schedule || !due) return true;
    const tick = cutAt(draft, due.firstMs);
    if (!tick) {
      pass(draft, due, due.count);
      return true;
    }
    const silentCount = tick.runs.every((run) => isSkipped({ ...run, cutEnd: tick.cutEnd })) ? due.count : 0;
    if (silentCount > SKIPPED_TICKS_MAX) {
      pass(draft, due, silentCount - SKIPPED_TICKS_MAX);
      continue;
    }
    const bytes = tickBytes(tick);
    if (isFull(draft, bytes)) return false;
    keep(draft, tick, bytes);
    draft.schedule = { ...draft.schedule, lastTickMs: due.firstMs };
  }
};

/** What a draft adds to a commit; `lastTickMs` is absent when no tick passed. */
export interface PlannedTicks {
  readonly ticks: readonly PlannedTick[];
  readonly idleCount: number;
  readonly lastTickMs?: number;
}

/** The finished draft. */
export const ticksOf = ({ ticks, idleCount, schedule }: TickDraft): PlannedTicks => ({
  ticks,
  idleCount,
  ...(ticks.length + idleCount > 0 && schedule?.lastTickMs !== undefined
    ? { lastTickMs: schedule.lastTickMs }
    : {}),
});
