import { describe, expect, it } from 'vitest';

import type { RecordedEvent } from '#contracts/event.ts';
import type { EventId, StreamId } from '#contracts/ids.ts';
import type { Projection, Row, RowKey } from '#domain/kernel/projection.ts';
import type { LedgerScan, StoredCommit } from '#domain/ports/ledger.ts';
import type { FreshViews, LiveViews } from '#domain/ports/rebuild.ts';
import { awaitViews, isEqual, rebuildViews, verifyViews } from '#functions/shared/rebuild.ts';
import type { RebuildPorts } from '#functions/shared/rebuild.ts';

const STREAM = 'tally#t/w/one';

/** Counts events; every even one has a row of its own under a key that says nothing of the stream. */
const tally: Projection = {
  kind: 'tally',
  rowKinds: ['tally', 'even'],
  cursor: (stream) => ({ pk: stream, sk: 'tally' }),
  details: ({ sequence }) => (sequence % 2 === 0 ? [{ pk: 'even#t/w', sk: String(sequence) }] : []),
  apply: (row, key, event) => {
    if (event.data['isBad'] === true) throw new Error('cannot be shown');
    return key.sk === 'tally'
      ? {
          data: { count: Number(row?.data['count'] ?? 0) + 1, atMs: event.occurredAtMs },
          ...(event.data['isLast'] === true ? { expiresAtSec: 60 } : {}),
        }
      : { data: { id: event.id } };
  },
  operational: ['atMs'],
};

const commit = (sequence: number, data: Record<string, unknown> = {}, stream = STREAM): StoredCommit => {
  const event: RecordedEvent = {
    stream: stream as StreamId,
    sequence,
    id: `e${sequence}` as EventId,
    type: 'Counted',
    schemaVersion: 1,
    idempotencyKey: `k${sequence}`,
    data,
    occurredAtMs: sequence,
    actor: { kind: 'service', id: 'test' },
  };
  return {
    stream: event.stream,
    sequence,
    events: [event],
    committedAtMs: sequence,
    commandId: `c${sequence}`,
    correlationId: 'x',
  };
};

const idOf = ({ pk, sk }: RowKey): string => `${pk} ${sk}`;

/** Rows in memory with the guards the ports promise. */
const memoryTable = () => {
  const rows = new Map<string, Row>();
  const table: LiveViews & { readonly rows: Map<string, Row> } = {
    rows,
    get: async (key) => rows.get(idOf(key)),
    getMany: async (keys) => keys.flatMap((key) => rows.get(idOf(key)) ?? []),
    partition: () => Promise.reject(new Error('unused')),
    list: () => Promise.reject(new Error('unused')),
    put: async (row) => {
      if ((rows.get(idOf(row))?.version ?? 0) >= row.version) return false;
      rows.set(idOf(row), row);
      return true;
    },
    scan: async function* () {
      for (const row of [...rows.values()]) yield [row];
    },
    replace: async (row, seenVersion) => {
      if (rows.get(idOf(row))?.version !== seenVersion) return false;
      rows.set(idOf(row), row);
      return true;
    },
    remove: async (key, seenVersion) =>
      rows.get(idOf(key))?.version === seenVersion && rows.delete(idOf(key)),
  };
  return table;
};

/** One stage: a ledger of given commits, a live table, and a record of what became of the fresh one. */
const stage = (commits: StoredCommit[]) => {
  const live = memoryTable();
  const seen = { dropped: 0, nowMs: 0, pauses: [] as number[], onPause: (): void => undefined };
  const ledger: LedgerScan = {
    tail: () => Promise.reject(new Error('unused')),
    document: () => Promise.reject(new Error('unused')),
    read: async (stream, from, limit) =>
      commits
        .filter((one) => one.stream === stream && one.sequence >= from)
        .sort((one, other) => one.sequence - other.sequence)
        .slice(0, limit),
    scan: async function* () {
      for (const one of [...commits]) yield [one];
    },
  };
  const ports: RebuildPorts = {
    ledger,
    tables: {
      live,
      createFresh: async (): Promise<FreshViews> => ({
        ...memoryTable(),
        name: 'fresh',
        drop: async () => {
          seen.dropped += 1;
        },
      }),
    },
    telemetry: { log: () => undefined, count: () => undefined },
    nowMs: () => seen.nowMs,
    pause: async (waitMs) => {
      seen.pauses.push(waitMs);
      seen.onPause();
    },
  };
  return { ports, live, seen, commits };
};

const projections = { tally };
const commits = (count: number): StoredCommit[] =>
  Array.from({ length: count }, (_, index) => commit(index + 1));

const built = async (count: number) => {
  const made = stage(commits(count));
  await rebuildViews(made.ports, projections);
  made.seen.pauses.length = 0;
  return made;
};

describe('rebuildViews', () => {
  it('fills an empty table and finds it equal afterwards', async () => {
    const { ports, live, seen } = stage(commits(4));
    const report = await rebuildViews(ports, projections);
    expect(report.found.differences.map(({ kind, sk }) => [kind, sk])).toEqual([
      ['missing', '2'],
      ['missing', '4'],
      ['missing', 'tally'],
    ]);
    expect(report.repairedCount).toBe(3);
    expect(isEqual(report.left)).toBe(true);
    expect(live.rows.get(`${STREAM} tally`)).toMatchObject({ version: 4, data: { count: 4 } });
    expect(seen.dropped).toBe(1);
  });

  it('takes what has expired for gone, whether it is deleted yet or not', async () => {
    const { ports, live, seen } = stage([commit(1), commit(1, { isLast: true }, 'tally#t/w/two')]);
    const ended = 'tally#t/w/two tally';
    await rebuildViews(ports, projections);
    expect(live.rows.get(ended)).toMatchObject({ expiresAtSec: 60 });
    seen.nowMs = 59_999;
    expect((await verifyViews(ports, projections)).live.rowCount).toBe(2);

    seen.nowMs = 60_000;
    for (const isDeleted of [false, true]) {
      if (isDeleted) live.rows.delete(ended);
      const { found, repairedCount } = await rebuildViews(ports, projections);
      expect(found).toMatchObject({ differences: [], live: { rowCount: 1 }, rebuilt: { rowCount: 1 } });
      expect([isEqual(found), repairedCount, live.rows.has(ended)]).toEqual([true, 0, !isDeleted]);
    }
  });

  it('repairs nothing and compares once when nothing differs', async () => {
    const { ports } = await built(3);
    const report = await rebuildViews(ports, projections);
    expect(report.repairedCount).toBe(0);
    expect(report.left).toBe(report.found);
  });

  it('gives the same digest whatever order the ledger is read in', async () => {
    const forward = await verifyViews((await built(7)).ports, projections);
    const backward = await verifyViews(stage(commits(7).reverse()).ports, projections);
    expect(backward.rebuilt).toEqual(forward.rebuilt);
  });

  it('passes over streams without a projection and keeps what a faulty projection marked', async () => {
    const { ports, live } = stage([commit(1), commit(2, { isBad: true }), commit(1, {}, 'other#t/w/x')]);
    const report = await rebuildViews(ports, projections);
    expect(isEqual(report.left)).toBe(true);
    expect(live.rows.get(`${STREAM} tally`)?.data).toMatchObject({ count: 1, projectionFailedAt: 2 });
  });

  it('leaves out what only an operational member tells apart', async () => {
    const { ports, live } = await built(1);
    const row = await live.get({ pk: STREAM, sk: 'tally' });
    if (row) live.rows.set(idOf(row), { ...row, data: { ...row.data, atMs: 99 } });
    expect(isEqual(await verifyViews(ports, projections))).toBe(true);
  });

  it('drops the fresh table when the ledger cannot be read', async () => {
    const { ports, seen } = stage([]);
    const broken = {
      ...ports,
      ledger: {
        ...ports.ledger,
        scan: () => {
          throw new Error('no ledger');
        },
      },
    };
    await expect(verifyViews(broken, projections)).rejects.toThrow('no ledger');
    expect(seen.dropped).toBe(1);
  });
});

describe('a comparison while compaction goes on', () => {
  const liveAt = async (count: number): Promise<readonly Row[]> => [
    ...(await built(count)).live.rows.values(),
  ];
  const setLive = (live: { rows: Map<string, Row> }, rows: readonly Row[]): void => {
    for (const row of rows) live.rows.set(idOf(row), row);
  };

  it('waits for rows that are behind the ledger', async () => {
    const { ports, live, seen, commits: ledger } = await built(3);
    ledger.push(commit(4), commit(5));
    const caughtUp = await liveAt(5);
    seen.onPause = () => {
      if (seen.pauses.length === 2) setLive(live, caughtUp);
    };
    const comparison = await verifyViews(ports, projections);
    expect(isEqual(comparison)).toBe(true);
    expect(seen.pauses).toEqual([100, 200]);
    expect(comparison.live.rowCount).toBe(3);
  });

  it('folds no further than the version a busy stream has reached', async () => {
    const { ports, live, seen, commits: ledger } = await built(3);
    ledger.push(commit(4), commit(5));
    // At every look one more commit has been made than compacted: they never meet at the head.
    let version = 5;
    const states = await Promise.all(
      [5, 6, 7, 8, 9, 10].map(async (count) => [count, await liveAt(count)] as const),
    );
    const byVersion = new Map(states);
    seen.onPause = () => {
      setLive(live, byVersion.get(version) ?? []);
      version += 1;
      ledger.push(commit(version));
    };
    expect(isEqual(await verifyViews(ports, projections))).toBe(true);
  });

  it('does not wait for a row that has the right version and the wrong content', async () => {
    const { ports, live, seen } = await built(3);
    setLive(live, [{ pk: STREAM, sk: 'tally', version: 3, data: { count: 7, atMs: 3 } }]);
    const { differences } = await verifyViews(ports, projections);
    expect(differences).toEqual([
      { kind: 'differs', pk: STREAM, sk: 'tally', members: ['data.count'], liveVersion: 3, isMoving: false },
    ]);
    expect(seen.pauses).toEqual([]);
  });

  it('calls a row moving that changed at every look, and does not repair it', async () => {
    const { ports, live, seen } = await built(3);
    let version = 100;
    const move = (): void =>
      setLive(live, [{ pk: STREAM, sk: 'tally', version: version++, data: { count: 0 } }]);
    move();
    seen.onPause = move;
    const comparison = await verifyViews(ports, projections);
    expect(comparison.differences).toMatchObject([{ kind: 'differs', sk: 'tally', isMoving: true }]);
    const report = await rebuildViews(ports, projections);
    expect([report.repairedCount, isEqual(report.left)]).toEqual([0, false]);
  });

  it('leaves a row alone that moved between comparison and repair', async () => {
    const { ports, live, commits: ledger } = await built(3);
    setLive(live, [{ pk: STREAM, sk: 'tally', version: 3, data: { count: 7, atMs: 3 } }]);
    let isFirst = true;
    const racing: RebuildPorts = {
      ...ports,
      tables: {
        ...ports.tables,
        live: {
          ...live,
          replace: async (row, seenVersion) => {
            if (isFirst) {
              isFirst = false;
              ledger.push(commit(4));
              setLive(live, await liveAt(4));
            }
            return live.replace(row, seenVersion);
          },
        },
      },
    };
    const report = await rebuildViews(racing, projections);
    expect([report.repairedCount, isEqual(report.left)]).toEqual([0, true]);
    expect(live.rows.get(`${STREAM} tally`)).toMatchObject({ version: 4, data: { count: 4 } });
  });

  it('forgets a row that was there at first and is gone', async () => {
    const { ports, live, seen } = await built(3);
    setLive(live, [{ pk: 'even#t/w', sk: '90', version: 90, data: {} }]);
    const scan = live.scan;
    const leaving: RebuildPorts = {
      ...ports,
      tables: {
        ...ports.tables,
        live: {
          ...live,
          scan: async function* () {
            yield* scan();
            live.rows.delete('even#t/w 90');
          },
        },
      },
    };
    const comparison = await verifyViews(leaving, projections);
    expect(isEqual(comparison)).toBe(true);
    expect(comparison.live.rowCount).toBe(2);
    expect(seen.pauses).toEqual([]);
  });
});

describe('awaitViews', () => {
  it('compares until the live table has caught up', async () => {
    const { ports, live, seen } = stage(commits(2));
    const done = (await built(2)).live.rows;
    seen.onPause = () => {
      if (seen.pauses.length > 10) for (const [id, row] of done) live.rows.set(id, row);
    };
    expect(isEqual(await awaitViews(ports, projections, 10))).toBe(true);
  });

  it('gives up after so many looks', async () => {
    const { ports, seen } = stage(commits(1));
    expect(isEqual(await awaitViews(ports, projections, 2))).toBe(false);
    expect(seen.pauses).toHaveLength(10);
  });
});
