/**
 * Folds the whole ledger into a fresh table of read models, compares it with the live one, and repairs the live one
 * from it (docs/guide/design.md §4). The fold is compaction itself with another table to write to: page after page of the
 * ledger, so that memory is bounded, and a page read twice or in another order changes nothing.
 */
import { operationalOf } from '#domain/kernel/digest.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import { sequenceOf } from '#domain/kernel/projection.ts';
import type { LedgerScan, StoredCommit } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { FreshViews, LiveViews, ViewTable, ViewTables } from '#domain/ports/rebuild.ts';
import { compact } from '#functions/shared/compaction.ts';
import type { Projections } from '#functions/shared/compaction.ts';
import { compareViews } from '#functions/shared/view-comparison.ts';
import type { RowDifference, ViewComparison } from '#functions/shared/view-comparison.ts';

export interface RebuildPorts {
  readonly ledger: LedgerScan;
  readonly tables: ViewTables;
  readonly telemetry: Telemetry;
  readonly pause: (waitMs: number) => Promise<void>;
  readonly nowMs: () => number;
}

/** What a rebuild found at first, and what is left. */
export interface RebuildReport {
  readonly found: ViewComparison;
  /** Rows written or removed. */
  readonly repairedCount: number;
  /** The same as `found` when nothing was repaired. */
  readonly left: ViewComparison;
}

const REPAIRS_MAX = 20;

/** Whether nothing differs. */
export const isEqual = ({ live, rebuilt, differences, unnamedCount }: ViewComparison): boolean =>
  live.digest === rebuilt.digest && differences.length === 0 && unnamedCount === 0;

/** Compares only. The fresh table is gone afterwards, whatever happened. */
export const verifyViews = (ports: RebuildPorts, projections: Projections): Promise<ViewComparison> =>
  withFresh(ports, projections, (compare) => compare());

/** Compares, repairs the live table from the ledger, and compares again until nothing is left to repair. */
export const rebuildViews = (ports: RebuildPorts, projections: Projections): Promise<RebuildReport> =>
  withFresh(ports, projections, async (compare, fresh) => {
    const found = await compare();
    let left = found;
    let repairedCount = 0;
    for (let round = 1; round <= REPAIRS_MAX && !isEqual(left); round++) {
      repairedCount += await repair(ports.tables.live, fresh, left.differences);
      left = await compare();
    }
    return { found, repairedCount, left };
  });

/** Compares once and again until the live table has caught up with the ledger, or no longer comes nearer. */
export const awaitViews = (
  ports: RebuildPorts,
  projections: Projections,
  looksMax: number,
): Promise<ViewComparison> =>
  withFresh(ports, projections, async (compare) => {
    let comparison = await compare();
    for (let look = 1; look < looksMax && !isEqual(comparison); look++) comparison = await compare();
    return comparison;
  });

type Compare = () => Promise<ViewComparison>;

const withFresh = async <Result>(
  ports: RebuildPorts,
  projections: Projections,
  use: (compare: Compare, fresh: FreshViews) => Promise<Result>,
): Promise<Result> => {
  const fresh = await ports.tables.createFresh();
  try {
    const fold = folder(ports, projections, fresh);
    return await use(async () => {
      await fold.all();
      return compareViews({
        live: ports.tables.live,
        fresh,
        operationalOf: operationalOf(Object.values(projections)),
        foldAll: fold.all,
        foldStream: fold.stream,
        cursorOf: (pk) => projections[kindOf(pk)]?.cursor(pk),
        pause: ports.pause,
        nowMs: ports.nowMs,
      });
    }, fresh);
  } finally {
    await fresh.drop();
  }
};

const STREAMS_AT_ONCE = 8;
const COMMITS_PER_READ = 100;

const kindOf = (stream: string): string => stream.slice(0, stream.indexOf('#'));

/** Rows are folded as if none had expired: how far a stream is stands in its row, and comparing leaves the expired out. */
const folder = ({ ledger, telemetry }: RebuildPorts, projections: Projections, views: ViewTable) => {
  const fold = (commits: readonly StoredCommit[]): Promise<void> =>
    compact({ views, ledger, telemetry, nowMs: () => 0 }, projections, commits);
  return {
    /** Everything the ledger has now; what was folded before is passed over. */
    all: async (): Promise<void> => {
      for await (const page of ledger.scan()) {
        const lanes: StoredCommit[][] = Array.from({ length: STREAMS_AT_ONCE }, () => []);
        let next = 0;
        for (const commits of groupBy(page, ({ stream }) => stream).values())
          lanes[next++ % STREAMS_AT_ONCE]?.push(...commits);
        await Promise.all(lanes.map(fold));
      }
    },
    /** One stream from where its fresh rows are, no further than the commit that ends at the version. */
    stream: async (stream: string, untilVersion = Number.POSITIVE_INFINITY): Promise<void> => {
      const cursor = projections[kindOf(stream)]?.cursor(stream);
      const row = cursor && (await views.get(cursor));
      let next = sequenceOf(row) + 1;
      while (next <= untilVersion) {
        const commits = (await ledger.read(stream, next, COMMITS_PER_READ)).filter(
          (commit) => commit.sequence <= untilVersion,
        );
        const last = commits.at(-1);
        if (!last) return;
        await fold(commits);
        next = last.sequence + last.events.length;
      }
    },
  };
};

const REPAIRS_AT_ONCE = 25;

/** Moves the named rows to what the fresh table has; rows that moved since are left to the next comparison. */
const repair = async (
  live: LiveViews,
  fresh: ViewTable,
  differences: readonly RowDifference[],
): Promise<number> => {
  let repairedCount = 0;
  for (let start = 0; start < differences.length; start += REPAIRS_AT_ONCE) {
    const part = differences.slice(start, start + REPAIRS_AT_ONCE);
    const done = await Promise.all(part.map((difference) => repairOne(live, fresh, difference)));
    repairedCount += done.filter(Boolean).length;
  }
  return repairedCount;
};

const repairOne = async (live: LiveViews, fresh: ViewTable, difference: RowDifference): Promise<boolean> => {
  const { liveVersion, isMoving } = difference;
  if (isMoving) return false;
  const row = await fresh.get(difference);
  if (row) return live.replace(row, liveVersion);
  return liveVersion === undefined ? false : live.remove(difference, liveVersion);
};
