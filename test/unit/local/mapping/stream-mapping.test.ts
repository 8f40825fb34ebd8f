import { describe, expect, it } from 'vitest';

import { memoryJournal } from '#local/kernel/journal.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { mappingCheckpoints } from '#local/mapping/checkpoints.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { streamMapping } from '#local/mapping/stream-mapping.ts';
import { bench, dataOf, sequencesOf, setting, testStream } from '#test/unit/local/mapping/mapping-fixture.ts';
import type { Batch } from '#test/unit/local/mapping/mapping-fixture.ts';

const start = (given: Partial<MappingSetting>, answer?: (batch: Batch, call: number) => unknown) => {
  const table = bench(answer);
  const source = testStream(table.clock.nowMs);
  const checkpoints = mappingCheckpoints(memoryJournal);
  const mapping = streamMapping({ setting: setting(given), source, checkpoints, context: table.context });
  return { ...table, source, checkpoints, mapping };
};
const addAll = (source: ReturnType<typeof testStream>, values: readonly unknown[]): void =>
  values.forEach((value) => source.add(value));

describe('a stream mapping', () => {
  it('delivers what was there before it started, in batches of at most the batch size', async () => {
    const { mapping, source, settle, batches } = start({ batchSize: 2 });
    addAll(source, [1, 2, 3]);

    mapping.start();
    await settle();

    expect(batches.map(dataOf)).toEqual([[1, 2], [3]]);
    expect(mapping.counts()).toMatchObject({ invocations: 2, delivered: 3 });
    expect(mapping.idle()).toBe(true);
  });

  it('skips what was there before when it starts at LATEST, and remembers that place', async () => {
    const { mapping, source, settle, batches, checkpoints } = start({ startsAt: 'LATEST' });
    source.add('old');
    mapping.start();
    await settle();
    source.add('new');
    await settle();

    expect(batches.map(dataOf)).toEqual([['new']]);
    expect(checkpoints.position('stack/Mapping', 'shardId-000000000000')).toBe(2);
  });

  it('waits for the batching window unless the batch is full', async () => {
    const { mapping, source, advance, settle, batches } = start({ batchSize: 3, batchingWindowMs: 1000 });
    mapping.start();
    source.add(1);
    await advance(999);
    expect(batches).toEqual([]);
    source.add(2);
    await advance(1);
    expect(batches.map(dataOf)).toEqual([[1, 2]]);

    addAll(source, [3, 4, 5]);
    await settle();
    expect(batches.map(dataOf)).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it('retries a failed batch with growing waits and blocks the shard until it succeeds', async () => {
    const { mapping, source, advance, settle, batches } = start({ batchSize: 1 }, (_, call) => {
      if (call < 3) throw new Error('not yet');
    });
    addAll(source, ['poison', 'next']);
    mapping.start();
    await settle();
    expect(batches.map(dataOf)).toEqual([['poison']]);
    await advance(199);
    expect(batches).toHaveLength(1);
    await advance(1);
    expect(batches).toHaveLength(2);
    await advance(400 + 800);

    expect(batches.map(dataOf)).toEqual([['poison'], ['poison'], ['poison'], ['poison'], ['next']]);
    expect(mapping.counts()).toMatchObject({ delivered: 2, failedInvocations: 3, discarded: 0 });
  });

  it('gives a batch up after its retries and tells the failure queue', async () => {
    const failureQueueArn = 'arn:aws:sqs:us-east-1:000000000000:dead';
    const { mapping, source, advance, batches, failures } = start(
      { retriesMax: 1, failureQueueArn },
      (batch) => {
        if (dataOf(batch).includes('bad')) throw new Error('refused');
      },
    );
    source.add('bad');
    mapping.start();
    await advance(1000);
    source.add('good');
    await advance(0);

    expect(batches.map(dataOf)).toEqual([['bad'], ['bad'], ['good']]);
    expect(failures).toMatchObject([
      {
        queueArn: failureQueueArn,
        body: {
          requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 2 },
          KinesisBatchInfo: { batchSize: 1, startSequenceNumber: '1000', endSequenceNumber: '1000' },
        },
      },
    ]);
    expect(mapping.counts()).toMatchObject({ discarded: 1, delivered: 1 });
  });

  it('bisects down to the poison record, so that its neighbours go through', async () => {
    const { mapping, source, advance, batches } = start({ bisects: true, retriesMax: 0 }, (batch) => {
      if (dataOf(batch).includes(3)) throw new Error('refused');
    });
    addAll(source, [1, 2, 3, 4]);
    mapping.start();
    await advance(60_000);

    expect(batches.map(dataOf)).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]);
    expect(mapping.counts()).toMatchObject({ delivered: 3, discarded: 1, bisections: 2 });
  });

  it('retries from the first reported failure on, and wholly when the report names an unknown record', async () => {
    const { mapping, source, advance, batches } = start({ reportsItemFailures: true }, (batch, call) => {
      if (call === 0) return { batchItemFailures: [{ itemIdentifier: sequencesOf(batch)[2] }] };
      if (call === 1) return { batchItemFailures: [{ itemIdentifier: 'elsewhere' }] };
      return { batchItemFailures: [] };
    });
    addAll(source, [1, 2, 3, 4]);
    mapping.start();
    await advance(10_000);

    expect(batches.map(dataOf)).toEqual([
      [1, 2, 3, 4],
      [3, 4],
      [3, 4],
    ]);
    expect(mapping.counts().delivered).toBe(4);
  });

  it('ignores a report the mapping did not ask for', async () => {
    const { mapping, source, settle, batches } = start({}, () => ({
      batchItemFailures: [{ itemIdentifier: '1000' }],
    }));
    source.add(1);
    mapping.start();
    await settle();
    expect(batches).toHaveLength(1);
  });

  it('gives up records older than the maximum age, and only those', async () => {
    const { mapping, source, advance, clock, batches } = start({ recordAgeMaxMs: 60_000 });
    source.add('old');
    clock.jump(clock.nowMs() + 60_001);
    source.add('young');
    mapping.start();
    await advance(0);

    expect(batches.map(dataOf)).toEqual([['young']]);
    expect(mapping.counts()).toMatchObject({ discarded: 1, delivered: 1 });
  });

  it('delivers a record of exactly the maximum age', async () => {
    const { mapping, source, advance, clock, batches } = start({ recordAgeMaxMs: 60_000 });
    source.add('just');
    clock.jump(clock.nowMs() + 60_000);
    mapping.start();
    await advance(0);
    expect(batches.map(dataOf)).toEqual([['just']]);
  });

  it('passes over what its filter does not want without calling the function', async () => {
    const { mapping, source, settle, batches } = start({ patterns: ['{"data":{"kind":["tick"]}}'] });
    addAll(source, [{ kind: 'other' }, { kind: 'tick' }, 'text']);
    mapping.start();
    await settle();

    expect(batches.map(dataOf)).toEqual([[{ kind: 'tick' }]]);
    expect(mapping.counts().filteredOut).toBe(2);
    expect(mapping.idle()).toBe(true);
  });

  it('keeps records of one key in order when several lanes work at once', async () => {
    const { mapping, source, settle, batches } = start({ parallelizationFactor: 4, batchSize: 10 });
    addAll(source, ['a', 'b', 'a', 'c', 'b', 'a', 'd', 'e']);
    mapping.start();
    await settle();

    const flat = batches.flatMap(dataOf);
    expect([...flat].sort()).toEqual(['a', 'a', 'a', 'b', 'b', 'c', 'd', 'e']);
    for (const key of ['a', 'b']) {
      const holding = batches.filter((batch) => dataOf(batch).includes(key));
      expect(holding).toHaveLength(1);
    }
  });

  it('takes up where a restored checkpoint stands, or at the trim horizon when that is later', async () => {
    const first = start({ batchSize: 1 });
    addAll(first.source, [1, 2, 3]);
    const entries: JournalEntry[] = [['checkpoint', 'stack/Mapping', 'shardId-000000000000', 1]];
    entries.forEach(first.checkpoints.restore);
    first.mapping.start();
    await first.settle();
    expect(first.batches.map(dataOf)).toEqual([[2], [3]]);
    expect([...first.checkpoints.snapshot()]).toEqual([
      ['checkpoint', 'stack/Mapping', 'shardId-000000000000', 3],
    ]);

    const trimmed = start({ batchSize: 1 });
    addAll(trimmed.source, [1, 2, 3]);
    trimmed.source.trim(2);
    entries.forEach(trimmed.checkpoints.restore);
    trimmed.mapping.start();
    await trimmed.settle();
    expect(trimmed.batches.map(dataOf)).toEqual([[3]]);
  });

  it('delivers again after success, split differently, when told to', async () => {
    const { mapping, source, settle, batches } = start({ batchSize: 10 });
    addAll(source, [1, 2, 3]);
    mapping.inject({
      redeliver: ({ delivery }) => delivery === 0,
      take: ({ delivery }) => (delivery === 1 ? 2 : undefined),
    });
    mapping.start();
    await settle();
    expect(batches.map(dataOf)).toEqual([[1, 2, 3], [1, 2], [3]]);
  });

  it('repeats a batch whose answer was lost after the handler ran', async () => {
    const { mapping, source, advance, batches } = start({});
    source.add(1);
    mapping.inject({ loseAnswer: ({ delivery }) => delivery === 0 });
    mapping.start();
    await advance(1000);
    expect(batches.map(dataOf)).toEqual([[1], [1]]);
  });

  it('does nothing when it is disabled', async () => {
    const { mapping, source, settle, batches } = start({ isEnabled: false });
    source.add(1);
    mapping.start();
    await settle();
    expect(batches).toEqual([]);
    expect(mapping.idle()).toBe(true);
  });

  it('delivers nothing before what it read is on disk', async () => {
    let flush: () => void = () => undefined;
    const table = bench();
    const source = testStream(table.clock.nowMs);
    const journal = {
      append: () => undefined,
      durable: () => new Promise<void>((resolve) => (flush = resolve)),
    };
    const mapping = streamMapping({
      setting: setting(),
      source,
      checkpoints: mappingCheckpoints(journal),
      context: { ...table.context, journal },
    });
    source.add(1);
    mapping.start();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
    expect(table.batches).toEqual([]);
    flush();
    await table.settle();
    expect(table.batches).toHaveLength(1);
  });
});
