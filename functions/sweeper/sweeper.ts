/**
 * Finds streams whose deadline has passed and asks for each to be looked at: one message per stream to `sweep`.
 * It knows nothing of the aggregates; what a look does is the ordinary command (DESIGN section 5).
 */
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
}

const CURSOR = 'sweeper';
const MINUTE_MS = 60_000;
/** Minutes one pass reads at most; a longer outage is caught up over several passes. */
const MINUTES_PER_PASS_MAX = 30;
const QUERIES_AT_ONCE = 16;

/** One pass; answers how many streams it asked to be looked at. */
export const sweepOnce = async (ports: SweeperPorts, limits: SweeperLimits): Promise<number> => {
  const nowMs = ports.nowMs();
  const cursorMs = await ports.cursors.get(CURSOR);
  const untilMs =
    cursorMs === undefined ? nowMs : Math.min(nowMs, cursorMs + MINUTES_PER_PASS_MAX * MINUTE_MS);
  // Without a cursor (first pass, or `control` was lost) the whole sparse index is read once.
  const found =
    cursorMs === undefined
      ? ports.due.everyStreamDue(nowMs)
      : dueBetween(ports, cursorMs - limits.sweepOverlapMinutes * MINUTE_MS, untilMs);
  let count = 0;
  for await (const page of found) {
    const streams = [...new Set(page)];
    await ports.queues.send(streams.map((stream) => ({ queue: 'sweep', body: { stream } })));
    count += streams.length;
  }
  await ports.cursors.advance(CURSOR, untilMs);
  ports.telemetry.count('Sweeps');
  ports.telemetry.count('StreamsSwept', count);
  return count;
};

/** The streams of the buckets between two instants, minute by minute; a bucket belongs to one page only. */
async function* dueBetween(
  { due, rearms }: SweeperPorts,
  fromMs: number,
  toMs: number,
): AsyncIterable<readonly string[]> {
  const buckets = dueBuckets(fromMs, toMs);
  for (let start = 0; start < buckets.length; start += QUERIES_AT_ONCE) {
    const found = await Promise.all(
      buckets
        .slice(start, start + QUERIES_AT_ONCE)
        .flatMap((bucket) => [due.streamsDue(bucket), rearms.streams(bucket)]),
    );
    yield found.flat();
  }
}
