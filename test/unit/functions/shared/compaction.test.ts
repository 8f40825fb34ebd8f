import { beforeEach, describe, expect, it } from 'vitest';
import type { Projection } from '#domain/kernel/projection.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { compact, compactBatch, compactStream } from '#functions/shared/compaction.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { adaptersOf, commandPorts, requestOf, streamedCommits, witness } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

/** A row with the total, and one row for each parity with what it got. */
const totals: Projection = {
  kind: 'counter',
  cursor: (stream) => ({ pk: stream, sk: 'total' }),
  details: (event) =>
    event.type === 'Added' ? [{ pk: event.stream, sk: `parity#${Number(event.data['amount']) % 2}` }] : [],
  apply: (row, _key, event) =>
    event.type === 'Added'
      ? { data: { sum: Number(row?.data['sum'] ?? 0) + Number(event.data['amount']) } }
      : { data: { ...row?.data, isClosed: true } },
  operational: [],
};

const projections = { counter: totals };

describe('compaction', () => {
  let stage: LocalStage;
  let adapters: ReturnType<typeof adaptersOf>;
  beforeEach(async () => {
    stage = await localStage();
    adapters = adaptersOf(stage);
  });

  const write = async (amounts: readonly number[], stream = counterStream): Promise<void> => {
    const box = mailbox(commandPorts(stage));
    for (const amount of amounts)
      await box.send(counter, requestOf<CounterCommand>(stream, { type: 'Add', amount }));
  };
  const run = (commits: readonly StoredCommit[], projection: Projection = totals) => {
    const telemetry = witness();
    const { views, ledger } = adapters;
    return compact(
      { views, ledger, telemetry, nowMs: stage.clock.nowMs },
      { counter: projection },
      commits,
    ).then(() => telemetry);
  };
  const rows = async (stream = counterStream) =>
    (await adapters.views.partition(stream)).rows.map(({ sk, version, data }) => [sk, version, data]);

  const EXPECTED = [
    ['parity#0', 2, { sum: 2 }],
    ['parity#1', 3, { sum: 4 }],
    ['total', 3, { sum: 6 }],
  ];

  it('brings the rows of a batch up to date, the cursor with the last version', async () => {
    await write([1, 2, 3]);

    await run(streamedCommits(stage));

    expect(await rows()).toEqual(EXPECTED);
  });

  it('skips what a duplicate or late batch brings again', async () => {
    await write([1, 2, 3]);
    const commits = streamedCommits(stage);
    await run(commits);
    stage.requests();

    await run(commits);
    await run(commits.slice(0, 1));

    expect(await rows()).toEqual(EXPECTED);
    expect(stage.requests()).toEqual({ 'dynamodb.BatchGetItem': 2, 'dynamodb.Query': 1 });
  });

  it('reads the rows of all streams of a batch with one request', async () => {
    const streams = [1, 2, 3].map((number) => `${counterStream}-${number}`);
    for (const stream of streams) await write([1, 2, 3], stream);
    const commits = streamedCommits(stage);
    stage.requests();

    await run(commits);

    expect(stage.requests()).toEqual({ 'dynamodb.BatchGetItem': 1, 'dynamodb.PutItem': 9 });
    for (const stream of streams) expect(await rows(stream)).toEqual(EXPECTED);
  });

  it('reads the rows that only the events of a gap touch', async () => {
    await write([1, 2, 3]);
    const commits = streamedCommits(stage);
    stage.requests();

    await run(commits.slice(2));

    expect(await rows()).toEqual(EXPECTED);
    expect(stage.requests()).toMatchObject({ 'dynamodb.BatchGetItem': 2 });
  });

  it('sorts a batch that came out of order', async () => {
    await write([1, 2, 3]);

    await run([...streamedCommits(stage)].reverse());

    expect(await rows()).toEqual(EXPECTED);
  });

  it('reads a gap from the ledger, also one longer than a page', async () => {
    await write(Array.from({ length: 250 }, () => 1));
    const last = streamedCommits(stage).at(-1);

    await run(last ? [last] : []);

    expect(await rows()).toEqual([
      ['parity#1', 250, { sum: 250 }],
      ['total', 250, { sum: 250 }],
    ]);
  });

  it('fails for a stream that lacks events, after its neighbours; a batch only reports it', async () => {
    const neighbour = `${counterStream}-2`;
    await write([1, 2]);
    await write([1, 2, 3], neighbour);
    const [first, ...others] = streamedCommits(stage);
    const beyond = first
      ? { ...first, sequence: 9, events: first.events.map((event) => ({ ...event, sequence: 9 })) }
      : undefined;
    const commits = [...(beyond ? [beyond] : []), ...others.slice(1)];

    await expect(run(commits)).rejects.toThrow(`ledger stream ${counterStream} has no event 3`);
    expect(await rows(neighbour)).toEqual(EXPECTED);
    const telemetry = witness();
    await compactBatch({ ...adapters, telemetry, nowMs: stage.clock.nowMs }, projections, commits);

    expect(telemetry.counted.get('ProjectionFailures')).toBe(1);
  });

  it('marks the row a projection fails on and goes on', async () => {
    await write([1, 2, 3]);
    const faulty: Projection = {
      ...totals,
      apply: (row, key, event) => {
        if (event.sequence === 2 && key.sk === 'total') throw new Error('cannot count to two');
        return totals.apply(row, key, event);
      },
    };

    const telemetry = await run(streamedCommits(stage), faulty);

    expect(await rows()).toEqual([
      ['parity#0', 2, { sum: 2 }],
      ['parity#1', 3, { sum: 4 }],
      ['total', 3, { sum: 4 }],
    ]);
    expect(telemetry.counted.get('ProjectionFailures')).toBe(1);
    expect(telemetry.logged).toMatchObject([
      { fields: { sequence: 2, errorMessage: 'cannot count to two' } },
    ]);
  });

  it('leaves the mark on a row until it is built anew', async () => {
    await write([1]);
    const faulty: Projection = {
      ...totals,
      details: () => {
        throw new Error('no details');
      },
      apply: () => {
        throw new Error('no row');
      },
    };

    await run(streamedCommits(stage), faulty);

    expect(await rows()).toEqual([['total', 1, { projectionFailedAt: 1 }]]);
  });

  it('goes on with other streams when one cannot be compacted, and fails the batch', async () => {
    const two = 'counter#local/main/two';
    await write([1]);
    await write([2], two);
    const { views, ledger } = adapters;
    const telemetry = witness();
    const broken = {
      ...views,
      put: (row: Parameters<typeof views.put>[0]) =>
        row.pk === counterStream ? Promise.reject(new Error('throttled')) : views.put(row),
    };

    await expect(
      compact(
        { views: broken, ledger, telemetry, nowMs: stage.clock.nowMs },
        projections,
        streamedCommits(stage),
      ),
    ).rejects.toThrow('throttled');

    expect(await rows(two)).toHaveLength(2);
    await run(streamedCommits(stage));
    expect(await rows()).toHaveLength(2);
  });

  it('repeats details whose cursor was not written, without counting twice', async () => {
    await write([1, 2, 3]);
    const { views, ledger } = adapters;
    const crashing = {
      ...views,
      put: (row: Parameters<typeof views.put>[0]) =>
        row.sk === 'total' ? Promise.reject(new Error('crashed')) : views.put(row),
    };
    await expect(
      compact(
        { views: crashing, ledger, telemetry: witness(), nowMs: stage.clock.nowMs },
        projections,
        streamedCommits(stage),
      ),
    ).rejects.toThrow('crashed');

    await run(streamedCommits(stage));

    expect(await rows()).toEqual(EXPECTED);
  });

  describe('with remarks', () => {
    const remarking: Projection = {
      ...totals,
      apply: (row, key, event) => ({
        ...totals.apply(row, key, event),
        data: { ...totals.apply(row, key, event)?.data },
        remarks:
          key.sk === 'total'
            ? [
                { kind: 'metric', metric: 'state_gate.resets', value: event.sequence },
                { kind: 'line', level: 'info', message: 'added', fields: { sequence: event.sequence } },
              ]
            : [],
      }),
    };

    it('tells each once for each event that was folded, and stores none', async () => {
      await write([1, 2, 3]);
      const commits = streamedCommits(stage);

      const first = await run(commits.slice(0, 2), remarking);
      const again = await run(commits.slice(0, 2), remarking);
      const rest = await run(commits, remarking);

      expect(first.counted.get('state_gate.resets')).toBe(1 + 2);
      expect(first.logged).toEqual([
        { level: 'info', message: 'added', fields: { sequence: 1 } },
        { level: 'info', message: 'added', fields: { sequence: 2 } },
      ]);
      expect([again.counted.has('state_gate.resets'), again.logged]).toEqual([false, []]);
      expect(rest.counted.get('state_gate.resets')).toBe(3);
      expect(await rows()).toEqual(EXPECTED);
    });

    it('tells none of a row that was not written, because the write failed or a newer one stands', async () => {
      await write([1]);
      const commits = streamedCommits(stage);
      const { views, ledger } = adapters;
      const telemetry = witness();
      const put = async (row: Parameters<typeof views.put>[0]) => {
        await views.put(row);
        return views.put(row);
      };

      await compact(
        { views: { ...views, put }, ledger, telemetry, nowMs: stage.clock.nowMs },
        { counter: remarking },
        commits,
      );
      const crashing = { ...views, put: () => Promise.reject(new Error('crashed')) };
      await write([2]);
      await expect(
        compact(
          { views: crashing, ledger, telemetry, nowMs: stage.clock.nowMs },
          { counter: remarking },
          streamedCommits(stage),
        ),
      ).rejects.toThrow('crashed');

      expect(telemetry.counted.has('state_gate.resets')).toBe(false);
      expect(telemetry.logged).toEqual([]);
    });
  });

  describe('of one stream by message', () => {
    const catchUp = async (stream = counterStream) => {
      const telemetry = witness();
      const { views, ledger } = adapters;
      await compactStream({ views, ledger, telemetry, nowMs: stage.clock.nowMs }, projections, stream);
      return telemetry.counted.get('CommitsRepaired');
    };

    it('brings its rows from where they are to the head, page by page', async () => {
      const amounts = Array.from({ length: 120 }, (_, index) => index + 1);
      await write(amounts);
      await run(streamedCommits(stage).slice(0, 3));

      expect(await catchUp()).toBe(117);

      expect(await rows()).toContainEqual(['total', 120, { sum: 7_260 }]);
    });

    it('finds nothing to do where nothing is behind, there is no stream, or none reads it', async () => {
      await write([1, 2, 3]);
      await run(streamedCommits(stage));

      expect(await catchUp()).toBeUndefined();
      expect(await catchUp('counter#local/main/none')).toBeUndefined();
      expect(await catchUp('comet#local/main/one')).toBeUndefined();
    });
  });

  it('does not bring back a row that has expired, and writes one that has not', async () => {
    const expiresAtSec = stage.clock.nowMs() / 1000 + 10;
    const lasting: Projection = {
      ...totals,
      apply: (...given) => {
        const row = totals.apply(...given);
        return row && { ...row, expiresAtSec };
      },
    };
    await write([1]);
    stage.clock.jump(stage.clock.nowMs() + 9_999);
    const commits = streamedCommits(stage);
    await run(commits, lasting);
    expect((await adapters.views.partition(counterStream)).rows.map((row) => row.expiresAtSec)).toEqual([
      expiresAtSec,
      expiresAtSec,
    ]);

    stage.clock.jump(stage.clock.nowMs() + 1_001);
    expect(stage.dynamo.sweepTtl()).toBe(2);
    await write([2]);
    await run([...commits, ...streamedCommits(stage)], lasting);
    expect(await rows()).toEqual([]);
  });

  it('leaves streams without a projection alone', async () => {
    await write([1]);
    stage.requests();

    await compact(
      { views: adapters.views, ledger: adapters.ledger, telemetry: witness(), nowMs: stage.clock.nowMs },
      {},
      streamedCommits(stage),
    );

    expect(stage.requests()).toEqual({});
  });
});
