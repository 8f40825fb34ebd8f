import { beforeEach, expect, it } from 'vitest';
import { dynamoRateBuckets } from '#adapters/dynamodb/rate-buckets.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import type { Take, Taken } from '#domain/ports/control.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

/** Three at once, and one more each second. */
const one: Take = { name: 'ada', count: 1, eachMs: 1_000, burst: 3 };
const taken: Taken = { kind: 'taken' };
const refused = (retryAfterMs: number): Taken => ({ kind: 'refused', retryAfterMs });

let stage: LocalStage;
const buckets = () =>
  dynamoRateBuckets({ client: dynamodbClient(stage.plugin), table: 'control', nowMs: stage.clock.nowMs });
beforeEach(async () => {
  stage = await localStage();
});

it('gives the burst at once, then one when its time has come, and no sooner', async () => {
  const { take } = buckets();

  expect([await take(one), await take(one), await take(one)]).toEqual([taken, taken, taken]);
  expect(await take(one)).toEqual(refused(1_000));
  stage.clock.jump(START_MS + 999);
  expect(await take(one)).toEqual(refused(1));
  stage.clock.jump(START_MS + 1_000);
  expect(await take(one)).toEqual(taken);
  expect(await take(one)).toEqual(refused(1_000));
});

it('is full again after a rest, and no fuller', async () => {
  const { take } = buckets();
  await take({ ...one, count: 3 });
  stage.clock.jump(START_MS + 3_600_000);

  expect(await take({ ...one, count: 3 })).toEqual(taken);
  expect(await take({ ...one, count: 2 })).toEqual(refused(2_000));
});

it('is one bucket for all environments, and one for each name', async () => {
  const [left, right] = [buckets(), buckets()];
  await left.take({ ...one, count: 2 });

  expect(await right.take(one)).toEqual(taken);
  expect(await left.take(one)).toEqual(refused(1_000));
  expect(await left.take({ ...one, name: 'bob' })).toEqual(taken);
});

it('costs one write while the guess at its state is right, and one more when it is not', async () => {
  const { take } = buckets();
  stage.requests();

  await take(one);
  await take(one);
  expect(stage.requests()).toEqual({ 'dynamodb.UpdateItem': 2 });
  stage.clock.jump(START_MS + 60_000);
  await take(one);
  expect(stage.requests()).toEqual({ 'dynamodb.UpdateItem': 1 });
  await buckets().take(one);
  expect(stage.requests()).toEqual({ 'dynamodb.UpdateItem': 2 });
});

it('forgets what was taken when it is lost', async () => {
  const { take } = buckets();
  await take({ ...one, count: 3 });
  const Key = { pk: { S: 'bucket#ada' }, sk: { S: 'bucket' } };
  await stage.dispatcher.call('dynamodb', 'DeleteItem', { TableName: 'control', Key });

  expect(await take(one)).toEqual(taken);
});

it('refuses nobody because others took at the same instant', async () => {
  const many = Array.from({ length: 40 }, () => buckets());

  const answers = await Promise.all(many.map(({ take }) => take({ ...one, burst: 100 })));

  expect(answers).toEqual(many.map(() => taken));
});

it('keeps a guess of a thousand names', async () => {
  const { take } = buckets();
  for (let index = 0; index <= 1_000; index++) await take({ ...one, name: `name-${index}` });
  stage.requests();

  await take({ ...one, name: 'name-0' });
  expect(stage.requests()).toEqual({ 'dynamodb.UpdateItem': 2 });
});

it('passes on what is wrong with the store', async () => {
  stage.inject({ service: 'dynamodb', operation: 'UpdateItem', kind: 'throttle' });

  await expect(buckets().take(one)).rejects.toThrow();
});
