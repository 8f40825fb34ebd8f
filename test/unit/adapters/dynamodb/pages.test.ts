/** Whatever DynamoDB answers in several pages is read to its end, and pages without items are no end. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { EventId, StreamId } from '#contracts/ids.ts';
import { dynamoOffers, dynamoRearms } from '#adapters/dynamodb/control.ts';
import { commitFromItem, commitItem } from '#adapters/dynamodb/commit-item.ts';
import { dynamoLedgerItems } from '#adapters/dynamodb/ledger-items.ts';
import { dynamoLedger } from '#adapters/dynamodb/ledger.ts';
import { dynamoViewReader } from '#adapters/dynamodb/views.ts';

const client = new DynamoDBClient({});
const mock = mockClient(client);
beforeEach(() => {
  mock.reset();
});

const nowMs = (): number => 1_000;
const LastEvaluatedKey = { stream: { S: 's' }, sequence: { N: '1' } };
const ledger = dynamoLedger({ client, table: 'ledger', nowMs });
const commit = commitItem({
  stream: StreamId.parse('run#a'),
  sequence: 1,
  events: [
    {
      stream: StreamId.parse('run#a'),
      sequence: 1,
      id: EventId.parse('01J00000000000000000000000'),
      type: 'RunTriggered',
      schemaVersion: 1,
      idempotencyKey: 'k',
      data: {},
      occurredAtMs: 1,
      actor: { kind: 'service', id: 'x' },
    },
  ],
  committedAtMs: 1,
  commandId: 'c',
  correlationId: 'c',
});

const collected = async <Value>(pages: AsyncIterable<readonly Value[]>): Promise<readonly Value[]> => {
  const values: Value[] = [];
  for await (const page of pages) values.push(...page);
  return values;
};

describe('pages', () => {
  it('of a scan of the ledger are read to the end', async () => {
    mock
      .on(ScanCommand)
      .resolvesOnce({ LastEvaluatedKey })
      .resolvesOnce({ Items: [commit], LastEvaluatedKey })
      .resolves({ Items: [{ document: { S: 'x' } }] });

    expect(await collected(ledger.scan())).toMatchObject([{ stream: 'run#a' }]);
    expect(mock.commandCalls(ScanCommand).map(({ args: [{ input }] }) => input.ExclusiveStartKey)).toEqual([
      undefined,
      LastEvaluatedKey,
      LastEvaluatedKey,
    ]);
  });

  it('of its items, for a backup, are read to the end', async () => {
    mock
      .on(ScanCommand)
      .resolvesOnce({ LastEvaluatedKey })
      .resolves({ Items: [commit] });

    expect(await collected(dynamoLedgerItems(client, 'ledger').scan())).toEqual([commit]);
  });

  it('of a stream are read until there is enough', async () => {
    mock
      .on(QueryCommand)
      .resolvesOnce({ LastEvaluatedKey })
      .resolves({ Items: [commit], LastEvaluatedKey });

    expect(await ledger.read('run#a', 1, 1)).toHaveLength(1);
    expect(mock.commandCalls(QueryCommand)).toHaveLength(2);
  });

  it('of a bucket of deadlines are read to the end, each stream once', async () => {
    const due = { stream: { S: 'run#a' }, due: { S: '1#0' } };
    mock
      .on(QueryCommand)
      .resolvesOnce({ Items: [due], LastEvaluatedKey })
      .resolvesOnce({ LastEvaluatedKey })
      .resolves({ Items: [due] });

    expect(await ledger.streamsDue('1#0')).toEqual(['run#a']);
  });

  it('of every deadline are given one at a time, with the place of the next', async () => {
    const items = [
      { stream: { S: 'run#a' }, due: { S: '1#0' } },
      { stream: { S: 'run#b' }, due: { S: '9#0' } },
    ];
    mock.on(ScanCommand).resolvesOnce({ Items: items, LastEvaluatedKey }).resolves({});

    const first = await ledger.everyStreamDue({ dueMs: 60_000, limit: 2 });
    const second = await ledger.everyStreamDue({ dueMs: 60_000, limit: 2, after: first.next ?? '' });

    expect([first, second]).toEqual([
      { streams: ['run#a'], next: JSON.stringify(LastEvaluatedKey) },
      { streams: [] },
    ]);
    expect(mock.commandCalls(ScanCommand)[1]?.args[0].input.ExclusiveStartKey).toEqual(LastEvaluatedKey);
  });

  it('of re-arms are read to the end', async () => {
    mock
      .on(QueryCommand)
      .resolvesOnce({ LastEvaluatedKey })
      .resolves({ Items: [{ sk: { S: 'run#a' } }] });

    expect(await dynamoRearms({ client, table: 'control', nowMs }).streams('1#0')).toEqual(['run#a']);
  });

  it('of rows are read until the page that was asked for is full', async () => {
    const row = { pk: { S: 'p' }, sk: { S: 'a' }, version: { N: '1' }, data: { S: '{}' } };
    mock
      .on(QueryCommand)
      .resolvesOnce({ LastEvaluatedKey })
      .resolves({ Items: [row], LastEvaluatedKey });
    const views = dynamoViewReader({ client, table: 'views' });

    expect(await views.partition('p', undefined, 1)).toMatchObject({ rows: [{ sk: 'a' }], next: 'a' });
  });

  it('without items are empty, not missing', async () => {
    mock.on(QueryCommand).resolves({});
    mock.on(ScanCommand).resolves({});

    expect(await ledger.tail('run#a', 9)).toEqual({ commits: [], states: [], isWhole: true });
    expect(await dynamoLedgerItems(client, 'ledger').isEmpty()).toBe(true);
    const place = { tenantId: 't', workspaceId: 'w', queue: 'q' };
    expect(await dynamoOffers({ client, table: 'control', nowMs }).peek(place, 1)).toEqual([]);
  });
});

describe('an item put once', () => {
  const taken = (Item?: Record<string, { S: string } | { B: Uint8Array }>) =>
    new ConditionalCheckFailedException({ $metadata: {}, message: 'taken', ...(Item ? { Item } : {}) });
  const items = dynamoLedgerItems(client, 'ledger');
  const item = { stream: { S: 'run#a' }, events: { B: Uint8Array.from([1]) } };

  it('is there when the same item stands, in whatever order of its attributes', async () => {
    mock
      .on(PutItemCommand)
      .resolvesOnce({})
      .rejects(taken({ events: { B: Uint8Array.from([1]) }, stream: { S: 'run#a' } }));

    expect([await items.put(item), await items.put(item)]).toEqual([true, true]);
  });

  it('is not when another stands, or the store cannot tell which', async () => {
    mock
      .on(PutItemCommand)
      .rejectsOnce(taken({ stream: { S: 'run#a' } }))
      .rejectsOnce(taken())
      .rejects(new Error('down'));

    expect([await items.put(item), await items.put(item)]).toEqual([false, false]);
    await expect(items.put(item)).rejects.toThrow('down');
  });

  it('is a conflict without a winner when the store cannot tell which', async () => {
    mock.on(PutItemCommand).rejects(taken());

    expect(await ledger.append(commitFromItem(commit))).toEqual({ kind: 'conflict' });
  });
});

describe('what is no part of the contract between us and a table', () => {
  it('is a commit without events, read or written', () => {
    const { events: _, ...empty } = commit;

    expect(() => commitFromItem(empty)).toThrow('ledger item run#a 1 has no events');
    expect(() => commitItem({ ...commitFromItem(commit), events: [] })).toThrow('at least one event');
  });

  it('is a body where a function was given no bucket', async () => {
    mock
      .on(GetItemCommand)
      .resolvesOnce({ Item: { blob: { S: 'documents/x' } } })
      .resolves({});

    await expect(ledger.document('chunk#x')).rejects.toThrow('no bucket for documents');
    expect(await ledger.document('chunk#x')).toBeUndefined();
  });
});
