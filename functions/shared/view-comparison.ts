/**
 * Compares the live read models with rebuilt ones, page by page, while compaction may go on. Each row of the one
 * table is read next to its twin of the other. What differs is looked at again: rows behind the ledger get time to
 * catch up, and rebuilt rows are folded exactly to the version their live stream has reached, so that a row that
 * still differs is wrong and not merely early or late.
 */
import {
  differingMembers,
  digestText,
  emptyDigest,
  rowHash,
  withRow,
  withoutRow,
} from '#domain/kernel/digest.ts';
import type { Digest, OperationalOf } from '#domain/kernel/digest.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import { isExpired, sequenceOf } from '#domain/kernel/projection.ts';
import type { Row, RowKey, RowVersion } from '#domain/kernel/projection.ts';
import type { ViewTable } from '#domain/ports/rebuild.ts';

/** A row that is not what the ledger makes of it. */
export interface RowDifference extends RowKey {
  /** `missing` in the live table, `surplus` there, or `differs` in the named members. */
  readonly kind: 'missing' | 'surplus' | 'differs';
  readonly members: readonly string[];
  readonly liveVersion?: RowVersion;
  /** The live row changed at every look: compare again when less is going on. */
  readonly isMoving: boolean;
}

/** One table as a whole. */
export interface TableDigest {
  readonly digest: string;
  readonly rowCount: number;
}

/** What a comparison found. */
export interface ViewComparison {
  readonly live: TableDigest;
  readonly rebuilt: TableDigest;
  /** By key; at most 100,000 are named. */
  readonly differences: readonly RowDifference[];
  /** Differences beyond those named. */
  readonly unnamedCount: number;
}

export interface ComparisonPorts {
  readonly live: ViewTable;
  readonly fresh: ViewTable;
  readonly operationalOf: OperationalOf;
  /** Folds what the ledger got meanwhile into the fresh table. */
  readonly foldAll: () => Promise<void>;
  /** The row that says how far a stream's rows are, when the partition key is a stream's. */
  readonly cursorOf: (pk: string) => RowKey | undefined;
  /** Folds one stream into the fresh table up to a version, the head when there is none. */
  readonly foldStream: (stream: string, untilVersion: number | undefined) => Promise<void>;
  readonly pause: (waitMs: number) => Promise<void>;
  /** Rows that have expired by now count as gone from either table. */
  readonly nowMs: () => number;
}

const NAMED_MAX = 100_000;
const LOOKS_MAX = 6;
const FIRST_PAUSE_MS = 100;
const LOOK_KEYS_MAX = 1_000;

interface Side {
  readonly hash: string;
  readonly version: RowVersion;
}

interface Pair extends RowKey {
  readonly live?: Side;
  readonly fresh?: Side;
  readonly members: readonly string[];
  /** The version the live row had when it was first seen to differ; undefined when it was missing. */
  readonly firstVersion: RowVersion | undefined;
}

interface Findings {
  live: Digest;
  fresh: Digest;
  readonly pairs: Map<string, Pair>;
  unnamedCount: number;
}

const idOf = ({ pk, sk }: RowKey): string => `${pk}\u0000${sk}`;

/** Compares both tables; a row counts as different only when it stays so after every look. */
export const compareViews = async (given: ComparisonPorts): Promise<ViewComparison> => {
  const ports = { ...given, live: lasting(given.live, given), fresh: lasting(given.fresh, given) };
  const findings: Findings = { live: emptyDigest, fresh: emptyDigest, pairs: new Map(), unnamedCount: 0 };
  for await (const rows of ports.live.scan()) {
    const twins = byId(await ports.fresh.getMany(rows));
    for (const row of rows) note(findings, pairOf(ports, row, twins.get(idOf(row))));
  }
  for await (const rows of ports.fresh.scan()) {
    const twins = byId(await ports.live.getMany(rows));
    for (const row of rows) if (!twins.has(idOf(row))) note(findings, pairOf(ports, undefined, row));
  }
  await lookAgain(ports, findings);
  return {
    live: { digest: digestText(findings.live), rowCount: findings.live.rowCount },
    rebuilt: { digest: digestText(findings.fresh), rowCount: findings.fresh.rowCount },
    differences: [...findings.pairs.values()].map(differenceOf).sort(byKey),
    unnamedCount: findings.unnamedCount,
  };
};

/** A table without what has expired: the time to live of a table deletes within days. */
const lasting = (table: ViewTable, { nowMs }: Pick<ComparisonPorts, 'nowMs'>): ViewTable => {
  const left = (rows: readonly Row[]): readonly Row[] => rows.filter((row) => !isExpired(row, nowMs()));
  return {
    ...table,
    getMany: async (keys) => left(await table.getMany(keys)),
    scan: async function* () {
      for await (const rows of table.scan()) yield left(rows);
    },
  };
};

const byId = (rows: readonly Row[]): ReadonlyMap<string, Row> => new Map(rows.map((row) => [idOf(row), row]));

const byKey = (one: RowKey, other: RowKey): number => (idOf(one) < idOf(other) ? -1 : 1);

const pairOf = ({ operationalOf }: ComparisonPorts, live: Row | undefined, fresh: Row | undefined): Pair => {
  const row = live ?? fresh;
  if (!row) throw new Error('a pair has at least one row');
  const operational = operationalOf(row);
  const side = (one: Row): Side => ({ hash: rowHash(one, operational), version: one.version });
  return {
    pk: row.pk,
    sk: row.sk,
    ...(live ? { live: side(live) } : {}),
    ...(fresh ? { fresh: side(fresh) } : {}),
    members: live && fresh ? differingMembers(live, fresh, operational) : [],
    firstVersion: live?.version,
  };
};

const isEqual = ({ live, fresh }: Pair): boolean => live?.hash === fresh?.hash;

/** Same versions, other content: no compaction to come explains it. */
const isCertain = ({ live, fresh }: Pair): boolean =>
  live !== undefined && fresh !== undefined && live.version === fresh.version;

const note = (findings: Findings, pair: Pair): void => {
  add(findings, pair);
  if (isEqual(pair)) return;
  if (findings.pairs.size >= NAMED_MAX) findings.unnamedCount += 1;
  else findings.pairs.set(idOf(pair), pair);
};

const add = (findings: Findings, { live, fresh }: Pair): void => {
  if (live) findings.live = withRow(findings.live, live.hash);
  if (fresh) findings.fresh = withRow(findings.fresh, fresh.hash);
};

const subtract = (findings: Findings, { live, fresh }: Pair): void => {
  if (live) findings.live = withoutRow(findings.live, live.hash);
  if (fresh) findings.fresh = withoutRow(findings.fresh, fresh.hash);
};

const lookAgain = async (ports: ComparisonPorts, findings: Findings): Promise<void> => {
  for (let look = 1; look <= LOOKS_MAX; look++) {
    const open = [...findings.pairs.values()].filter((pair) => !isCertain(pair));
    if (open.length === 0) return;
    if (look > 1) await ports.pause(FIRST_PAUSE_MS * 2 ** (look - 2));
    const groups = groupBy(open, ({ pk }) => pk);
    // Rows that several streams share say nothing of their stream: one more fold of everything covers them, since
    // whatever a live row reflected when it was read is in the ledger by now.
    if (look === 1 && [...groups.keys()].some((pk) => !ports.cursorOf(pk))) await ports.foldAll();
    for (const [pk, pairs] of groups) await lookAt(ports, findings, { pk, pairs });
  }
};

const lookAt = async (
  ports: ComparisonPorts,
  findings: Findings,
  { pk, pairs }: { readonly pk: string; readonly pairs: readonly Pair[] },
): Promise<void> => {
  const cursor = ports.cursorOf(pk);
  for (let start = 0; start < pairs.length; start += LOOK_KEYS_MAX) {
    const part = pairs.slice(start, start + LOOK_KEYS_MAX);
    const keys = new Map(
      [...part, ...(cursor ? [cursor] : [])].map(({ pk, sk }) => [idOf({ pk, sk }), { pk, sk }]),
    );
    const live = byId(await ports.live.getMany([...keys.values()]));
    const reached = cursor && live.get(idOf(cursor));
    if (cursor) await ports.foldStream(pk, reached && sequenceOf(reached));
    const fresh = byId(await ports.fresh.getMany(part));
    for (const before of part) {
      subtract(findings, before);
      findings.pairs.delete(idOf(before));
      const [left, right] = [live.get(idOf(before)), fresh.get(idOf(before))];
      if (!left && !right) continue;
      note(findings, { ...pairOf(ports, left, right), firstVersion: before.firstVersion });
    }
  }
};

const differenceOf = (pair: Pair): RowDifference => ({
  kind: pair.live === undefined ? 'missing' : pair.fresh === undefined ? 'surplus' : 'differs',
  pk: pair.pk,
  sk: pair.sk,
  members: pair.members,
  ...(pair.live === undefined ? {} : { liveVersion: pair.live.version }),
  isMoving: !isCertain(pair) && pair.live?.version !== pair.firstVersion,
});
