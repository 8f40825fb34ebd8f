import { beforeEach, describe, expect, it } from 'vitest';
import { bucketEndMs, dueBucket } from '#domain/kernel/due.ts';
import type { Offer } from '#domain/ports/control.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const place = { tenantId: 'acme', workspaceId: 'prod', queue: 'default-queue' };

const offer = (taskKey: string, over: Partial<Offer> = {}): Offer => ({
  ...place,
  priority: 5,
  runId: 'run_00000000000000000000000001',
  taskKey,
  attempt: 1,
  attemptId: 'att_000000000000000000000001',
  readyAtMs: START_MS,
  ...over,
});

describe('control on DynamoDB', () => {
  let stage: LocalStage;
  let adapters: ReturnType<typeof adaptersOf>;
  beforeEach(async () => {
    stage = await localStage();
    adapters = adaptersOf(stage);
  });

  it('puts an offer once and says whether it was missing', async () => {
    expect(await adapters.offers.put(offer('m.a'))).toBe(true);
    expect(await adapters.offers.put(offer('m.a'))).toBe(false);
    expect(await adapters.offers.exists(offer('m.a'))).toBe(true);
    expect(await adapters.offers.exists(offer('m.a', { attempt: 2 }))).toBe(false);
  });

  it('lists a queue by priority, then by age, and nothing of other queues and workspaces', async () => {
    await adapters.offers.put(offer('m.late', { readyAtMs: START_MS + 1 }));
    await adapters.offers.put(offer('m.early'));
    await adapters.offers.put(offer('m.idle', { priority: 9, readyAtMs: 0 }));
    await adapters.offers.put(offer('m.urgent', { priority: 0, readyAtMs: START_MS + 2 }));
    await adapters.offers.put(offer('m.other', { queue: 'gpu', priority: 0 }));
    await adapters.offers.put(offer('m.foreign', { workspaceId: 'dev', priority: 0 }));

    const keys = async (limit: number): Promise<readonly string[]> =>
      (await adapters.offers.peek(place, limit)).map(({ taskKey }) => taskKey);

    expect(await keys(10)).toEqual(['m.urgent', 'm.early', 'm.late', 'm.idle']);
    expect(await keys(2)).toEqual(['m.urgent', 'm.early']);
  });

  it('lets exactly one of many take an offer', async () => {
    await adapters.offers.put(offer('m.a'));

    const takes = await Promise.all(Array.from({ length: 20 }, () => adapters.offers.take(offer('m.a'))));

    expect(takes.filter(Boolean)).toHaveLength(1);
    expect(await adapters.offers.peek(place, 10)).toEqual([]);
  });

  it('keeps what a claim took for a day, the first of all who try', async () => {
    const [mine, other] = ['m.a', 'm.b'].map((name) => ({ requestHash: name, offers: [offer(name)] }));
    if (!mine || !other) throw new Error('two claims expected');
    expect(await adapters.claims.get('k')).toBeUndefined();
    expect(await adapters.claims.keep('k', mine)).toEqual(mine);
    expect(await adapters.claims.keep('k', other)).toEqual(mine);
    expect(await adapters.claims.get('k')).toEqual(mine);

    await adapters.claims.replace('k', { ...mine, offers: [] });
    expect(await adapters.claims.get('k')).toEqual({ ...mine, offers: [] });

    // Expired items stay until DynamoDB gets round to them.
    stage.clock.jump(START_MS + 86_399_000);
    expect(await adapters.claims.get('k')).toBeDefined();
    stage.clock.jump(START_MS + 86_400_000);
    expect(await adapters.claims.get('k')).toBeUndefined();
    expect(await adapters.claims.keep('k', other)).toEqual(other);
  });

  it('tells a failure of the store from a claim that stands', async () => {
    stage.inject({ service: 'dynamodb', operation: 'PutItem', kind: 'server-error', calls: [1] });

    await expect(adapters.claims.keep('k', { requestHash: 'h', offers: [] })).rejects.toMatchObject({
      name: 'InternalServerError',
    });
  });

  it('withdraws an offer whether it stands or not', async () => {
    await adapters.offers.put(offer('m.a'));

    await adapters.offers.withdraw(offer('m.a'));
    await adapters.offers.withdraw(offer('m.a'));

    expect(await adapters.offers.exists(offer('m.a'))).toBe(false);
  });

  it('lets an offer go after a day', async () => {
    await adapters.offers.put(offer('m.a'));

    stage.clock.jump(START_MS + 86_400_000 + 1_000);

    expect(stage.dynamo.sweepTtl()).toBe(1);
  });

  it('throws when the table cannot be reached, instead of answering that an offer is gone', async () => {
    await adapters.offers.put(offer('m.a'));
    stage.inject({ service: 'dynamodb', kind: 'server-error' });

    await expect(adapters.offers.take(offer('m.a'))).rejects.toMatchObject({ name: 'InternalServerError' });
    await expect(adapters.offers.put(offer('m.b'))).rejects.toMatchObject({ name: 'InternalServerError' });
  });

  it('moves cursors forward only', async () => {
    expect(await adapters.cursors.read('a')).toEqual({});
    await adapters.cursors.advance('a', 5);
    await adapters.cursors.advance('a', 3);
    expect(await adapters.cursors.read('a')).toEqual({ position: 5 });
    await adapters.cursors.advance('a', 6);
    expect(await adapters.cursors.read('a')).toEqual({ position: 6 });
    expect(await adapters.cursors.read('b')).toEqual({});
  });

  it('keeps the place of a cursor until the cursor moves', async () => {
    await adapters.cursors.exchangePlace('a', undefined, 'one');
    await adapters.cursors.exchangePlace('a', 'one', 'two');
    expect(await adapters.cursors.read('a')).toEqual({ place: 'two' });

    await adapters.cursors.advance('a', 5);

    expect(await adapters.cursors.read('a')).toEqual({ position: 5 });
    expect(await adapters.cursors.read('b')).toEqual({});
  });

  it('lets one of all who saw the same place put the next one there', async () => {
    await adapters.cursors.exchangePlace('a', undefined, 'one');

    expect(await adapters.cursors.exchangePlace('a', undefined, 'late')).toBe(false);
    expect(await adapters.cursors.exchangePlace('a', 'one', 'two')).toBe(true);
    expect(await adapters.cursors.exchangePlace('a', 'one', 'three')).toBe(false);
    expect(await adapters.cursors.read('a')).toEqual({ place: 'two' });
  });

  it('knows its own place again when the answer was lost', async () => {
    stage.inject({ service: 'dynamodb', operation: 'UpdateItem', kind: 'lost-answer', calls: [1] });
    await expect(adapters.cursors.exchangePlace('a', undefined, 'one')).rejects.toThrow();

    expect(await adapters.cursors.exchangePlace('a', undefined, 'one')).toBe(true);
  });

  it('keeps a re-arm until long after its minute, however far that is ahead', async () => {
    const deadlineMs = START_MS + 30 * 86_400_000;
    const bucket = dueBucket('counter#acme/prod/one', deadlineMs);
    await adapters.rearms.put(bucket, 'counter#acme/prod/one');
    await adapters.rearms.put(bucket, 'counter#acme/prod/one');

    stage.clock.jump(deadlineMs + 6 * 86_400_000);
    expect(stage.dynamo.sweepTtl()).toBe(0);
    expect(await adapters.rearms.streams(bucket)).toEqual(['counter#acme/prod/one']);

    stage.clock.jump(bucketEndMs(bucket) + 7 * 86_400_000 + 1_000);
    expect(stage.dynamo.sweepTtl()).toBe(1);
    expect(await adapters.rearms.streams(bucket)).toEqual([]);
  });

  it('keeps a re-arm for a minute that has passed already', async () => {
    const bucket = dueBucket('counter#acme/prod/one', START_MS - 86_400_000 * 30);
    await adapters.rearms.put(bucket, 'counter#acme/prod/one');

    stage.clock.jump(START_MS + 86_400_000);

    expect(stage.dynamo.sweepTtl()).toBe(0);
  });

  it('reads every stream of a bucket, over pages', async () => {
    const streams = Array.from(
      { length: 900 },
      (_, index) => `${'x'.repeat(900)}${String(index).padStart(4, '0')}`,
    );
    for (const stream of streams) await adapters.rearms.put('1#1', stream);

    expect(await adapters.rearms.streams('1#1')).toEqual(streams);
  });
});
