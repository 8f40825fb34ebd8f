/**
 * Finds streams whose deadline has passed and asks for each to be looked at: one message per stream to `sweep`.
 * It knows nothing of the aggregates; what a look does is the ordinary command (docs/guide/design.md §5).
 */
import * as z from 'zod';
import { dueBuckets } from '#domain/kernel/due.ts';
import type { Cursors, Rearms } from '#domain/ports/control.ts';
import type { DueIndex } from '#domain/ports/ledger.ts';
import type { Queues, Telemetry } from '#domain/ports/outside.ts';

export interface SweeperPorts {
  readonly due: DueIndex;
  readonly rearms: Rearms;
  readonly cursors: Cursors;
  readonly queues: Queues;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
}

export interface SweeperLimits {
  /** Minutes read again, so that a commit that was slow to reach the index is found; default 3. */
  readonly sweepOverlapMinutes: number;
  /** Streams after which a pass ends; the next one goes on where it stopped. Default 1000. */
  readonly sweepMessagesMax: number;
}

const CURSOR = 'sweeper';
const MINUTE_MS = 60_000;
/** Minutes one pass reads at most; a longer outage is caught up over several passes. */
const MINUTES_PER_PASS_MAX = 30;
/** Pages of the whole index one pass reads at most, however few of their deadlines have passed. */
const PAGES_PER_PASS_MAX = 50;

/** One pass; answers how many streams it asked to be looked at. */
export const sweepOnce = async (ports: SweeperPorts, limits: SweeperLimits): Promise<number> => {
  const { position, place } = await ports.cursors.read(CURSOR);
  // Without a cursor (first pass, or `control` was lost) the whole sparse index is read once.
  const count =
    position === undefined
      ? await sweepEverything(ports, limits, place)
      : await sweepMinutes(ports, limits, position);
  ports.telemetry.count('Sweeps');
  ports.telemetry.count('StreamsSwept', count);
  return count;
};

/**
 * The minutes since the cursor. A pass ends with the minute that is full; the minutes it reads again do not count, so
 * that every pass gets on.
 */
const sweepMinutes = async (
  ports: SweeperPorts,
  { sweepOverlapMinutes, sweepMessagesMax }: SweeperLimits,
  cursorMs: number,
): Promise<number> => {
  const untilMs = Math.min(ports.nowMs(), cursorMs + MINUTES_PER_PASS_MAX * MINUTE_MS);
  const newFromMs = startOfMinute(cursorMs);
  let count = 0;
  let newCount = 0;
  let minuteMs = newFromMs - sweepOverlapMinutes * MINUTE_MS;
  while (minuteMs <= untilMs && newCount < sweepMessagesMax) {
    const sent = await ask(ports, await dueInMinute(ports, minuteMs));
    count += sent;
    if (minuteMs >= newFromMs) newCount += sent;
    minuteMs += MINUTE_MS;
  }
  await ports.cursors.advance(CURSOR, Math.min(minuteMs, untilMs));
  return count;
};

const startOfMinute = (ms: number): number => Math.floor(ms / MINUTE_MS) * MINUTE_MS;

/** The streams of a minute's buckets. */
const dueInMinute = async ({ due, rearms }: SweeperPorts, minuteMs: number): Promise<readonly string[]> => {
  const found = await Promise.all(
    dueBuckets(minuteMs, minuteMs).flatMap((bucket) => [due.streamsDue(bucket), rearms.streams(bucket)]),
  );
  return found.flat();
};

/** How far a reading of the whole index has come that takes several passes. */
const Place = z.strictObject({ startedAtMs: z.number(), after: z.string() });

/** The whole index, as far as one pass may; the cursor begins where the reading began once it came to its end. */
const sweepEverything = async (
  ports: SweeperPorts,
  { sweepMessagesMax }: SweeperLimits,
  place: string | undefined,
): Promise<number> => {
  const kept = placeOf(place);
  const startedAtMs = kept?.startedAtMs ?? ports.nowMs();
  let [after, seen] = [kept?.after, place];
  let count = 0;
  for (let pages = 0; pages < PAGES_PER_PASS_MAX && count < sweepMessagesMax; pages++) {
    const request = { dueMs: startedAtMs, limit: sweepMessagesMax - count };
    const page = await ports.due.everyStreamDue(after === undefined ? request : { ...request, after });
    count += await ask(ports, page.streams);
    if (page.next === undefined) {
      await ports.cursors.advance(CURSOR, startedAtMs);
      return count;
    }
    after = page.next;
    const next = JSON.stringify({ startedAtMs, after });
    // Another pass that came further keeps its place.
    if (!(await ports.cursors.exchangePlace(CURSOR, seen, next))) return count;
    seen = next;
  }
  return count;
};

const placeOf = (text: string | undefined): z.infer<typeof Place> | undefined =>
  text === undefined ? undefined : Place.parse(JSON.parse(text));

/** Sends one message per stream; answers how many. */
const ask = async ({ queues }: SweeperPorts, found: readonly string[]): Promise<number> => {
  const streams = [...new Set(found)];
  await queues.send(streams.map((stream) => ({ queue: 'sweep', body: { stream } })));
  return streams.length;
};
