import { describe, expect, it } from 'vitest';

import { HOPS_MAX, currentLineage, readTraceHeader, traceHeader } from '#local/mapping/lineage.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import { queueMapping } from '#local/mapping/queue-mapping.ts';
import { bench, setting, testQueue } from '#test/unit/local/mapping/mapping-fixture.ts';
import type { Batch } from '#test/unit/local/mapping/mapping-fixture.ts';

const start = (
  given: Partial<MappingSetting>,
  answer?: (batch: Batch, call: number) => unknown,
  mayLoop = false,
) => {
  const table = bench(answer);
  const source = testQueue();
  const mapping = queueMapping({
    setting: setting({ batchSize: 10, ...given }),
    source,
    context: table.context,
    functionName: 'fn',
    mayLoop,
  });
  return { ...table, source, mapping };
};
const bodiesOf = (batch: Batch): readonly unknown[] => batch.map(({ body }) => body);

describe('a queue mapping', () => {
  it('delivers messages and deletes them after success', async () => {
    const { mapping, source, settle, batches } = start({});
    source.send('a');
    source.send('b');
    mapping.start();
    await settle();

    expect(batches.map(bodiesOf)).toEqual([['a', 'b']]);
    expect(source.bodies()).toEqual([]);
    expect(batches[0]?.[0]).toMatchObject({
      messageId: 'message-1',
      eventSource: 'aws:sqs',
      awsRegion: 'us-east-1',
      eventSourceARN: source.arn,
    });
    expect(mapping.idle()).toBe(true);
  });

  it('leaves a failed batch to its visibility timeout', async () => {
    const { mapping, source, settle, batches } = start({}, (_, call) => {
      if (call === 0) throw new Error('not yet');
    });
    source.send('a');
    mapping.start();
    await settle();
    expect(source.bodies()).toEqual(['a']);
    expect(batches).toHaveLength(1);

    source.expire();
    await settle();
    expect(batches).toHaveLength(2);
    expect(source.bodies()).toEqual([]);
  });

  it('keeps only the reported items', async () => {
    const { mapping, source, settle } = start({ reportsItemFailures: true }, () => ({
      batchItemFailures: [{ itemIdentifier: 'message-2' }],
    }));
    ['a', 'b', 'c'].forEach((body) => source.send(body));
    mapping.start();
    await settle();
    expect(source.bodies()).toEqual(['b']);
    expect(mapping.counts()).toMatchObject({ delivered: 2, failedInvocations: 1 });
  });

  it('fails the whole batch when the report names an item that is not in it', async () => {
    const { mapping, source, settle } = start({ reportsItemFailures: true }, () => ({
      batchItemFailures: [{ itemIdentifier: '' }],
    }));
    source.send('a');
    mapping.start();
    await settle();
    expect(source.bodies()).toEqual(['a']);
  });

  it('never has more batches in flight than its maximum concurrency', async () => {
    let inFlight = 0;
    let most = 0;
    const { mapping, source, settle, batches } = start({ batchSize: 1, concurrencyMax: 2 }, async () => {
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight--;
    });
    Array.from({ length: 7 }, (_, index) => source.send(String(index)));
    mapping.start();
    await settle();
    expect(batches).toHaveLength(7);
    expect(most).toBe(2);
  });

  it('works on several groups at once and on one batch of a group at a time', async () => {
    const open = new Set<string>();
    const overlaps: string[] = [];
    let most = 0;
    const { mapping, source, settle, batches } = start({ batchSize: 1 }, async (batch) => {
      const group = (batch[0]?.['attributes'] as Record<string, string>)['MessageGroupId'] ?? '';
      if (open.has(group)) overlaps.push(group);
      open.add(group);
      most = Math.max(most, open.size);
      await new Promise((resolve) => setImmediate(resolve));
      open.delete(group);
    });
    ['a1', 'b1', 'a2', 'b2', 'a3'].forEach((body) => source.send(body, { group: body.slice(0, 1) }));
    mapping.start();
    await settle();

    expect(overlaps).toEqual([]);
    expect(most).toBe(2);
    const order = batches.flatMap(bodiesOf);
    expect(order.filter((body) => String(body).startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(order.filter((body) => String(body).startsWith('b'))).toEqual(['b1', 'b2']);
  });

  it('collects a batch larger than one receive while its window is open', async () => {
    const { mapping, source, advance, batches } = start({ batchSize: 25, batchingWindowMs: 1000 });
    mapping.start();
    for (let index = 0; index < 12; index++) source.send(String(index));
    await advance(500);
    for (let index = 12; index < 20; index++) source.send(String(index));
    await advance(500);
    expect(batches.map((batch) => batch.length)).toEqual([20]);

    for (let index = 0; index < 30; index++) source.send(String(index));
    await advance(0);
    expect(batches.map((batch) => batch.length)).toEqual([20, 25]);
    await advance(1000);
    expect(batches.map((batch) => batch.length)).toEqual([20, 25, 5]);
  });

  it('deletes what its filter does not want', async () => {
    const { mapping, source, settle, batches } = start({ patterns: ['{"body":{"kind":["due"]}}'] });
    source.send('{"kind":"due"}');
    source.send('{"kind":"other"}');
    source.send('no json');
    mapping.start();
    await settle();
    expect(batches.map(bodiesOf)).toEqual([['{"kind":"due"}']]);
    expect(source.bodies()).toEqual([]);
    expect(mapping.counts().filteredOut).toBe(2);
  });

  it('counts the hops of a chain and stops the seventeenth', async () => {
    const seen: number[] = [];
    const { mapping, source, settle } = start({}, () => {
      const lineage = currentLineage();
      seen.push(lineage.get('fn') ?? 0);
      source.send('again', { traceHeader: traceHeader(lineage) });
    });
    source.send('first');
    mapping.start();
    await settle();

    expect(seen).toEqual(Array.from({ length: HOPS_MAX }, (_, index) => index + 1));
    expect(source.discarded).toEqual(['again']);
    expect(mapping.counts().loopsStopped).toBe(1);
  });

  it('lets a function loop that asked for it', async () => {
    const { mapping, source, settle, batches } = start(
      {},
      (_, call) => {
        if (call < 40) source.send('again', { traceHeader: traceHeader(currentLineage()) });
      },
      true,
    );
    source.send('first');
    mapping.start();
    await settle();
    expect(batches).toHaveLength(41);
  });

  it('reads a trace header it wrote, and takes a foreign one as a new chain', () => {
    expect(
      readTraceHeader(
        traceHeader(
          new Map([
            ['a', 3],
            ['b', 1],
          ]),
        ),
      ),
    ).toEqual(
      new Map([
        ['a', 3],
        ['b', 1],
      ]),
    );
    expect(readTraceHeader('Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1').size).toBe(0);
    expect(readTraceHeader(undefined).size).toBe(0);
  });
});
