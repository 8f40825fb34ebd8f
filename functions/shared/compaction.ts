/**
 * Runs projections over commits from the ledger stream (docs/guide/design.md §4). The cursor row of an aggregate says
 * what its rows reflect: an older commit is skipped, a gap is read from the ledger, and detail rows are written
 * before the cursor, each guarded by the last event it reflects; rows that several streams share are merged. What a projection remarks of an event is told when
 * its row has been written, so that a commit that comes again tells nothing.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import { isExpired, sequenceOf } from '#domain/kernel/projection.ts';
import type { Projection, Remark, Row, RowContent, RowKey } from '#domain/kernel/projection.ts';
import type { LedgerReader, StoredCommit } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { ViewWriter } from '#domain/ports/views.ts';
import { LedgerGapError } from '#functions/shared/ledger-gap.ts';
import { reportFault } from '#functions/shared/projection-fault.ts';
import { tellRemarks } from '#functions/shared/remarks.ts';
import { mergeShared, sharedStatements } from '#functions/shared/shared-rows.ts';

export interface CompactionPorts {
  readonly views: ViewWriter;
  readonly ledger: LedgerReader;
  readonly telemetry: Telemetry;
  /** Rows that have expired by now are not written again. */
  readonly nowMs: () => number;
}

export type Projections = Readonly<Record<string, Projection>>;

const GAP_READ_LIMIT = 100;
const STREAMS_AT_ONCE = 8;
const WRITES_AT_ONCE = 25;

/**
 * Brings the read models of the commits' streams up to date. Fails when the infrastructure does, and with
 * `LedgerGapError`, after all the others, for a stream that lacks events.
 */
export const compact = async (
  ports: CompactionPorts,
  projections: Projections,
  commits: readonly StoredCommit[],
): Promise<void> => {
  const batches = [...groupBy(commits, (commit) => commit.stream)].flatMap(([stream, group]) => {
    const projection = projections[kindOf(stream)];
    return projection ? [{ stream, commits: group, projection, cursorKey: projection.cursor(stream) }] : [];
  });
  const gaps: LedgerGapError[] = [];
  for (let start = 0; start < batches.length; start += STREAMS_AT_ONCE)
    gaps.push(...(await compactStreams(ports, batches.slice(start, start + STREAMS_AT_ONCE))));
  for (const gap of gaps) throw gap;
};

/**
 * The same for a batch of the ledger's stream: a stream that lacks events is reported, keeps the rows it has and holds
 * up no other. It is found behind again and again.
 */
export const compactBatch = async (
  ports: CompactionPorts,
  projections: Projections,
  commits: readonly StoredCommit[],
): Promise<void> => {
  try {
    await compact(ports, projections, commits);
  } catch (error) {
    if (!(error instanceof LedgerGapError)) throw error;
    ports.telemetry.count('ProjectionFailures', 1);
    ports.telemetry.log('error', 'a stream of the ledger lacks events', { errorMessage: error.message });
  }
};

/** Brings the read models of one stream up to the head of the ledger, because a message asked for it. */
export const compactStream = async (
  ports: CompactionPorts,
  projections: Projections,
  stream: string,
): Promise<void> => {
  const projection = projections[kindOf(stream)];
  if (!projection) return;
  const row = await ports.views.get(projection.cursor(stream));
  let next = sequenceOf(row) + 1;
  for (;;) {
    const commits = await ports.ledger.read(stream, next, GAP_READ_LIMIT);
    const last = commits.at(-1);
    if (!last) return;
    await compact(ports, projections, commits);
    next = last.sequence + last.events.length;
    ports.telemetry.count('CommitsRepaired', commits.length);
  }
};

const kindOf = (stream: string): string => stream.slice(0, stream.indexOf('#'));

interface Batch {
  readonly stream: string;
  readonly commits: readonly StoredCommit[];
  readonly projection: Projection;
  readonly cursorKey: RowKey;
}

/** What the read models hold under each key that was asked for; undefined where there is no row. */
type Seen = Map<string, Row | undefined>;

/** All rows the commits may change are read at once: most requests of a compactor are reads otherwise. */
const compactStreams = async (
  ports: CompactionPorts,
  batches: readonly Batch[],
): Promise<readonly LedgerGapError[]> => {
  const seen: Seen = new Map();
  await look(
    ports.views,
    seen,
    batches.flatMap(({ projection, commits, cursorKey }) => [
      cursorKey,
      ...commits.flatMap(({ events }) => [
        ...events.flatMap((event) => detailKeys(projection, event)),
        ...sharedStatements(projection, events),
      ]),
    ]),
  );
  const results = await Promise.allSettled(batches.map((batch) => compactOne(ports, batch, seen)));
  const gaps: LedgerGapError[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    if (!(result.reason instanceof LedgerGapError)) throw result.reason;
    gaps.push(result.reason);
  }
  return gaps;
};

const compactOne = async (ports: CompactionPorts, batch: Batch, seen: Seen): Promise<void> => {
  const { projection, cursorKey } = batch;
  const events = await pendingEvents(ports.ledger, batch, sequenceOf(seen.get(idOf(cursorKey))));
  if (events.length === 0) return;
  const statements = sharedStatements(projection, events, ports.telemetry);
  // Events read from the ledger to close a gap may touch rows the batch does not.
  await look(ports.views, seen, [...events.flatMap((event) => detailKeys(projection, event)), ...statements]);
  const changed = applyEvents(ports.telemetry, projection, { seen, events, cursorKey });
  const details = changed.filter(({ row }) => row.pk !== cursorKey.pk || row.sk !== cursorKey.sk);
  for (let start = 0; start < details.length; start += WRITES_AT_ONCE) {
    await Promise.all(details.slice(start, start + WRITES_AT_ONCE).map((change) => write(ports, change)));
  }
  const seenOf = (key: RowKey): Row | undefined => seen.get(idOf(key));
  const mergedCount = await mergeShared(ports.views, projection, { statements, seenOf });
  const cursorChange = changed.find((change) => !details.includes(change));
  if (cursorChange) await write(ports, cursorChange);
  ports.telemetry.count('RowsWritten', changed.length + mergedCount);
};

/** A row to write, and what to tell of the events that changed it. */
interface Change {
  readonly row: Row;
  readonly remarks: readonly Remark[];
}

/** A row that is not written because a newer one stands was told of by whoever wrote that. */
const write = async (ports: CompactionPorts, { row, remarks }: Change): Promise<void> => {
  const { views, telemetry, nowMs } = ports;
  if (isExpired(row, nowMs())) return;
  if (await views.put(row)) tellRemarks(telemetry, remarks);
};

/** Events behind the cursor in order; commits the batch lacks are read from the ledger. */
const pendingEvents = async (
  ledger: LedgerReader,
  { stream, commits }: Pick<Batch, 'stream' | 'commits'>,
  version: number,
): Promise<readonly RecordedEvent[]> => {
  const events: RecordedEvent[] = [];
  let next = version + 1;
  const take = (commit: StoredCommit): void => {
    for (const event of commit.events) {
      if (event.sequence !== next) continue;
      events.push(event);
      next = event.sequence + 1;
    }
  };
  for (const commit of [...commits].sort((one, other) => one.sequence - other.sequence)) {
    while (next < commit.sequence) {
      const missing = await ledger.read(stream, next, GAP_READ_LIMIT);
      const before = next;
      for (const stored of missing) if (stored.sequence <= commit.sequence) take(stored);
      if (next === before) throw new LedgerGapError(stream, next);
    }
    take(commit);
  }
  return events;
};

const idOf = ({ pk, sk }: RowKey): string => `${pk}\u0000${sk}`;

/** Reads what was not looked at yet. */
const look = async (views: ViewWriter, seen: Seen, keys: readonly RowKey[]): Promise<void> => {
  const unknown = new Map(keys.filter((key) => !seen.has(idOf(key))).map((key) => [idOf(key), key]));
  if (unknown.size === 0) return;
  const rows = await views.getMany([...unknown.values()]);
  for (const id of unknown.keys()) seen.set(id, undefined);
  for (const row of rows) seen.set(idOf(row), row);
};

const detailKeys = (projection: Projection, event: RecordedEvent): readonly RowKey[] => {
  try {
    return projection.details(event);
  } catch {
    // `applyEvents` meets the same fault and reports it; here it only means that no detail row is read.
    return [];
  }
};

const applyEvents = (
  telemetry: Telemetry,
  projection: Projection,
  {
    seen,
    events,
    cursorKey,
  }: {
    readonly seen: ReadonlyMap<string, Row | undefined>;
    readonly events: readonly RecordedEvent[];
    readonly cursorKey: RowKey;
  },
): readonly Change[] => {
  const changed = new Map<string, Change>();
  for (const event of events) {
    const keys = [...detailKeys(projection, event).filter((key) => idOf(key) !== idOf(cursorKey)), cursorKey];
    for (const key of keys) {
      const before = changed.get(idOf(key));
      const row = before?.row ?? seen.get(idOf(key));
      if (sequenceOf(row) >= event.sequence) continue;
      const next = applyOne(telemetry, projection, { row, key, event });
      if (next) changed.set(idOf(key), { ...next, remarks: [...(before?.remarks ?? []), ...next.remarks] });
    }
  }
  return [...changed.values()];
};

const applyOne = (
  telemetry: Telemetry,
  projection: Projection,
  { row, key, event }: { row: Row | undefined; key: RowKey; event: RecordedEvent },
): Change | undefined => {
  let content: RowContent | undefined;
  try {
    content = projection.apply(row, key, event);
  } catch (error) {
    // A fault in a projection marks its row and never holds up the stream.
    reportFault(telemetry, event, error);
    content = { ...row, data: { ...row?.data, projectionFailedAt: event.sequence } };
  }
  if (!content) return undefined;
  const { data, listKey, listSort, expiresAtSec, remarks = [] } = content;
  const next = {
    ...key,
    version: event.sequence,
    data,
    ...(listKey === undefined || listSort === undefined ? {} : { listKey, listSort }),
    ...(expiresAtSec === undefined ? {} : { expiresAtSec }),
  };
  return { row: next, remarks };
};
