import { BatchGetItemCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { dynamoViewReader, rowItem } from '#adapters/dynamodb/views.ts';
import type { Row } from '#domain/kernel/projection.ts';
import type { Json } from '#local/kernel/engine.ts';
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

  it('lists rows as they are now, and neither those that are gone nor those that are listed elsewhere', async () => {
    for (let index = 0; index < 5; index++)
      await views.put(row(pad(index), { listKey: 'l', listSort: pad(index) }));
    const stale = await stage.dispatcher.call('dynamodb', 'Query', {
      TableName: 'views',
      IndexName: 'by-list',
      KeyConditionExpression: 'listKey = :key',
      ExpressionAttributeValues: { ':key': { S: 'l' } },
    });
    const client = new DynamoDBClient({});
    const late = mockClient(client);
    late.on(QueryCommand).resolvesOnce(stale);
    // What happens between the index and the rows.
    late.on(BatchGetItemCommand).callsFake(async (input: Json) => {
      await views.put(row('0000', { version: 2, data: { is: 'new' }, listKey: 'l', listSort: '0000' }));
      await views.put(row('0001', { version: 2, listKey: 'other', listSort: '0001' }));
      await views.put(row('0002', { version: 2, listKey: 'l', listSort: '9' }));
      await stage.dispatcher.call('dynamodb', 'DeleteItem', {
        TableName: 'views',
        Key: { pk: { S: 'p' }, sk: { S: '0003' } },
      });
      return stage.dispatcher.call('dynamodb', 'BatchGetItem', input);
    });

    const reader = dynamoViewReader({ client, table: 'views' });
    const { rows, next } = await reader.list({ listKey: 'l', limit: 5, descending: false });

    expect(rows.map(({ sk, data }) => [sk, data])).toEqual([
      ['0000', { is: 'new' }],
      ['0004', { sk: '0004' }],
    ]);
    expect(next).toBeUndefined();
  });

  it('reads on when nothing of a page is left', async () => {
    const client = new DynamoDBClient({});
    const mock = mockClient(client);
    const keys = (sk: string) => ({
      pk: { S: 'p' },
      sk: { S: sk },
      listKey: { S: 'l' },
      listSort: { S: sk },
    });
    const LastEvaluatedKey = keys('0001');
    mock
      .on(QueryCommand)
      .resolvesOnce({ Items: [keys('0001')], LastEvaluatedKey })
      .resolvesOnce({ Items: [keys('0002')] });
    mock
      .on(BatchGetItemCommand)
      .resolvesOnce({ Responses: { views: [] } })
      .resolvesOnce({ Responses: { views: [rowItem(row('0002', { listKey: 'l', listSort: '0002' }))] } });

    const reader = dynamoViewReader({ client, table: 'views' });
    const page = await reader.list({ listKey: 'l', limit: 1, descending: false });

    expect(page.rows.map(({ sk }) => sk)).toEqual(['0002']);
    expect(page.next).toBeUndefined();
    expect(mock.calls()).toHaveLength(4);
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
