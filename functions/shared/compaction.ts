/**
 * Runs projections over commits from the ledger stream (DESIGN section 4). The cursor row of an aggregate says
 * what its rows reflect: an older commit is skipped, a gap is read from the ledger, and detail rows are written
 * before the cursor, each guarded by the last event it reflects.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Projection, Row, RowContent, RowKey } from '#domain/kernel/projection.ts';
import type { LedgerReader, StoredCommit } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { ViewWriter } from '#domain/ports/views.ts';

export interface CompactionPorts {
  readonly views: ViewWriter;
  readonly ledger: LedgerReader;
  readonly telemetry: Telemetry;
}

export type Projections = Readonly<Record<string, Projection>>;

const GAP_READ_LIMIT = 100;
const STREAMS_AT_ONCE = 8;
const WRITES_AT_ONCE = 25;

/** Brings the read models of the commits' streams up to date; throws only when the infrastructure fails. */
export const compact = async (
  ports: CompactionPorts,
  projections: Projections,
  commits: readonly StoredCommit[],
): Promise<void> => {
  const streams = [...groupBy(commits, (commit) => commit.stream)];
  for (let start = 0; start < streams.length; start += STREAMS_AT_ONCE) {
    const results = await Promise.allSettled(
      streams.slice(start, start + STREAMS_AT_ONCE).map(async ([stream, group]) => {
        const projection = projections[stream.slice(0, stream.indexOf('#'))];
        if (projection) await compactStream(ports, projection, { stream, commits: group });
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
};

interface Batch {
  readonly stream: string;
  readonly commits: readonly StoredCommit[];
}

const compactStream = async (ports: CompactionPorts, projection: Projection, batch: Batch): Promise<void> => {
  const cursorKey = projection.cursor(batch.stream);
  const cursor = await ports.views.get(cursorKey);
  const version = cursor?.version ?? 0;
  const events = await pendingEvents(ports.ledger, batch, version);
  if (events.length === 0) return;
  const rows = await loadRows(ports.views, projection, { events, cursorKey, cursor });
  const changed = applyEvents(ports.telemetry, projection, { rows, events, cursorKey });
  const details = changed.filter((row) => row.pk !== cursorKey.pk || row.sk !== cursorKey.sk);
  for (let start = 0; start < details.length; start += WRITES_AT_ONCE) {
    await Promise.all(details.slice(start, start + WRITES_AT_ONCE).map((row) => ports.views.put(row)));
  }
  const cursorRow = changed.find((row) => !details.includes(row));
  if (cursorRow) await ports.views.put(cursorRow);
  ports.telemetry.count('RowsWritten', changed.length);
};

/** Events behind the cursor in order; commits the batch lacks are read from the ledger. */
const pendingEvents = async (
  ledger: LedgerReader,
  { stream, commits }: Batch,
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
      if (next === before) throw new Error(`ledger stream ${stream} has no event ${next}`);
    }
    take(commit);
  }
  return events;
};

const idOf = ({ pk, sk }: RowKey): string => `${pk}\u0000${sk}`;

const loadRows = async (
  views: ViewWriter,
  projection: Projection,
  {
    events,
    cursorKey,
    cursor,
  }: { events: readonly RecordedEvent[]; cursorKey: RowKey; cursor: Row | undefined },
): Promise<Map<string, Row>> => {
  const keys = new Map<string, RowKey>();
  for (const event of events) for (const key of detailKeys(projection, event)) keys.set(idOf(key), key);
  keys.delete(idOf(cursorKey));
  const details = keys.size === 0 ? [] : await views.getMany([...keys.values()]);
  return new Map([...details, ...(cursor ? [cursor] : [])].map((row) => [idOf(row), row]));
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
    rows,
    events,
    cursorKey,
  }: { rows: Map<string, Row>; events: readonly RecordedEvent[]; cursorKey: RowKey },
): readonly Row[] => {
  const changed = new Map<string, Row>();
  for (const event of events) {
    const keys = [...detailKeys(projection, event).filter((key) => idOf(key) !== idOf(cursorKey)), cursorKey];
    for (const key of keys) {
      const row = changed.get(idOf(key)) ?? rows.get(idOf(key));
      if (row && row.version >= event.sequence) continue;
      const next = applyOne(telemetry, projection, { row, key, event });
      if (next) changed.set(idOf(key), next);
    }
  }
  return [...changed.values()];
};

const applyOne = (
  telemetry: Telemetry,
  projection: Projection,
  { row, key, event }: { row: Row | undefined; key: RowKey; event: RecordedEvent },
): Row | undefined => {
  let content: RowContent | undefined;
  try {
    content = projection.apply(row, key, event);
  } catch (error) {
    // A fault in a projection marks its row and never holds up the stream; `rebuild` repairs it after a fix.
    telemetry.count('ProjectionFailures', 1);
    telemetry.log('error', 'projection failed', {
      stream: event.stream,
      sequence: event.sequence,
      eventType: event.type,
      errorMessage: error instanceof Error ? error.message : String(error),
    });
    content = { ...row, data: { ...row?.data, projectionFailedAt: event.sequence } };
  }
  if (!content) return undefined;
  const { data, listKey, listSort } = content;
  return {
    ...key,
    version: event.sequence,
    data,
    ...(listKey === undefined || listSort === undefined ? {} : { listKey, listSort }),
  };
};
