import { BatchGetItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { dynamoViewReader } from '#adapters/dynamodb/views.ts';
import type { Row } from '#domain/kernel/projection.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const row = (sk: string, over: Partial<Row> = {}): Row => ({
  pk: 'p',
  sk,
  version: 1,
  data: { sk },
  ...over,
});
const pad = (index: number): string => String(index).padStart(4, '0');

describe('read models on DynamoDB', () => {
  let stage: LocalStage;
  let views: ReturnType<typeof adaptersOf>['views'];
  beforeEach(async () => {
    stage = await localStage();
    ({ views } = adaptersOf(stage));
  });

  it('gives a row back as it was put', async () => {
    const large = row('a', { data: { text: 'long '.repeat(2_000) }, listKey: 'l', listSort: '1' });

    expect(await views.put(large)).toBe(true);

    expect(await views.get({ pk: 'p', sk: 'a' })).toEqual(large);
    expect(await views.get({ pk: 'p', sk: 'b' })).toBeUndefined();
  });

  it('replaces a row only by one that reflects more', async () => {
    await views.put(row('a', { version: 5 }));

    expect(await views.put(row('a', { version: 5, data: { lost: true } }))).toBe(false);
    expect(await views.put(row('a', { version: 4, data: { lost: true } }))).toBe(false);
    expect(await views.put(row('a', { version: 6, data: { won: true } }))).toBe(true);
    expect(await views.get({ pk: 'p', sk: 'a' })).toMatchObject({ version: 6, data: { won: true } });
  });

  it('reads many rows, more than one request takes', async () => {
    const keys = Array.from({ length: 230 }, (_, index) => ({ pk: 'p', sk: pad(index) }));
    for (const { sk } of keys) await views.put(row(sk));
    stage.requests();

    const rows = await views.getMany([...keys, { pk: 'p', sk: 'none' }]);

    expect(rows.map(({ sk }) => sk).sort()).toEqual(keys.map(({ sk }) => sk));
    expect(stage.requests()).toEqual({ 'dynamodb.BatchGetItem': 3 });
    expect(await views.getMany([])).toEqual([]);
  });

  it('pages through a partition in order', async () => {
    for (let index = 0; index < 5; index++) await views.put(row(pad(index)));

    const first = await views.partition('p', undefined, 2);
    const second = await views.partition('p', first.next, 2);
    const third = await views.partition('p', second.next, 2);

    expect([first, second, third].map((page) => page.rows.map(({ sk }) => sk))).toEqual([
      ['0000', '0001'],
      ['0002', '0003'],
      ['0004'],
    ]);
    expect(third.next).toBeUndefined();
  });

  it('pages through a list in either direction', async () => {
    for (let index = 0; index < 5; index++)
      await views.put(row(pad(index), { listKey: 'l', listSort: pad(index) }));
    await views.put(row('other', { listKey: 'm', listSort: '0' }));

    const down = await views.list({ listKey: 'l', limit: 3 });
    const rest = await views.list({ listKey: 'l', limit: 3, after: down.next ?? '' });
    const up = await views.list({ listKey: 'l', limit: 2, descending: false, after: pad(2) });

    expect(down.rows.map(({ sk }) => sk)).toEqual(['0004', '0003', '0002']);
    expect(rest.rows.map(({ sk }) => sk)).toEqual(['0001', '0000']);
    expect(rest.next).toBeUndefined();
    expect(up.rows.map(({ sk }) => sk)).toEqual(['0003', '0004']);
  });

  it('throws what is no older row', async () => {
    stage.inject({ service: 'dynamodb', operation: 'PutItem', kind: 'throttle' });

    await expect(views.put(row('a'))).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    });
  });
});

describe('read models under pressure', () => {
  it('asks again for keys left unprocessed, and gives up after a bound', async () => {
    const client = new DynamoDBClient({});
    const mock = mockClient(client);
    const unprocessed = { views: { Keys: [{ pk: { S: 'p' }, sk: { S: 'a' } }] } };
    const item = { pk: { S: 'p' }, sk: { S: 'a' }, version: { N: '1' }, data: { S: '{}' } };
    const views = dynamoViewReader({ client, table: 'views' });
    mock
      .on(BatchGetItemCommand)
      .resolvesOnce({ UnprocessedKeys: unprocessed })
      .resolvesOnce({ Responses: { views: [item] } })
      .resolves({ UnprocessedKeys: unprocessed });

    expect(await views.get({ pk: 'p', sk: 'a' })).toMatchObject({ sk: 'a' });
    await expect(views.get({ pk: 'p', sk: 'a' })).rejects.toThrow('could not be read in 21 requests');
  });
});
