import { expect, it } from 'vitest';
import { Limits } from '#contracts/config.ts';
import { routes } from '#contracts/routes.ts';
import type { OperationId, Route } from '#contracts/routes.ts';
import type { RateBuckets, Take } from '#domain/ports/control.ts';
import { rateLimitOf } from '#functions/shared/rate-limit.ts';
import { witness } from '#test/support/ledger.ts';
import { person } from '#test/support/principals.ts';
import { rejectWith } from '#test/support/thrown.ts';

const routeOf = (id: OperationId): Route => {
  const route = routes.find(({ operationId }) => operationId === id);
  if (!route) throw new Error(id);
  return route;
};
const read = routeOf('listRuns');
const claim = routeOf('claimTasks');

const rig = (take?: RateBuckets['take'], over: object = {}) => {
  const takes: Take[] = [];
  const telemetry = witness();
  const buckets: RateBuckets = {
    take: (wish) => {
      takes.push(wish);
      return take ? take(wish) : Promise.resolve({ kind: 'taken' });
    },
  };
  return { takes, telemetry, limit: rateLimitOf({ buckets, telemetry }, Limits.parse(over)) };
};

it('takes one request of the principal from a bucket of 50 that gains 500 a minute', async () => {
  const { limit, takes } = rig();

  await limit(person(), read);
  await limit(person(), read);
  await limit({ ...person(), kind: 'api-key' }, read);
  await limit(person({ tenantId: 'other' }), read);

  const bucket = { count: 1, eachMs: 120, burst: 50 };
  expect(takes).toEqual([
    { name: 'requests#acme/user/ada', ...bucket },
    { name: 'requests#acme/user/ada', ...bucket },
    { name: 'requests#acme/api-key/ada', ...bucket },
    { name: 'requests#other/user/ada', ...bucket },
  ]);
});

it('draws claims twenty at a time from a budget of their own', async () => {
  const { limit, takes } = rig();

  for (let count = 0; count < 21; count++) await limit(person(), claim);

  const bucket = { name: 'claims#acme/user/ada', count: 20, eachMs: 5, burst: 20_000 };
  expect(takes).toEqual([bucket, bucket]);
});

it('keeps what each of several callers at once has drawn', async () => {
  const { limit, takes } = rig();
  await Promise.all([limit(person(), claim), limit(person(), claim)]);

  for (let count = 0; count < 38; count++) await limit(person(), claim);
  expect(takes).toHaveLength(2);

  await limit(person(), claim);
  expect(takes).toHaveLength(3);
});

it('draws no more claims than may be made at once', async () => {
  const { limit, takes } = rig(undefined, { claimBurstMax: 3 });

  await limit(person(), claim);

  expect(takes).toMatchObject([{ count: 3, burst: 3 }]);
});

it('says when to come again, and serves nobody meanwhile', async () => {
  const { limit, telemetry } = rig(() => Promise.resolve({ kind: 'refused', retryAfterMs: 120 }));

  for (let tries = 0; tries < 2; tries++)
    await expect(limit(person(), read)).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 120,
      details: { budget: 'requests', perMinute: 500, burst: 50 },
    });
  expect(telemetry.counted.get('RequestsLimited')).toBe(2);
});

it.each([
  ['an error', new Error('away')],
  ['a text', 'away'],
])('lets everybody in while its buckets are lost to %s', async (_name, thrown) => {
  const { limit, telemetry } = rig(() => rejectWith(thrown));

  await limit(person(), read);

  expect(telemetry.logged).toMatchObject([{ level: 'warn', fields: { errorMessage: 'away' } }]);
});

it('forgets what was drawn rather than grow without bound', async () => {
  const { limit, takes } = rig();
  for (let index = 0; index <= 1_000; index++) await limit(person({ userId: `w${index}` }), claim);

  await limit(person({ userId: 'w1000' }), claim);
  expect(takes).toHaveLength(1_001);
  await limit(person({ userId: 'w0' }), claim);
  expect(takes).toHaveLength(1_002);
});
