/** Losable coordination in the `control` table: offers to HTTP workers, delivery cursors, re-arms of the sweeper. */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { whileConditionHolds } from '#adapters/dynamodb/conditional-write.ts';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { number, requiredText, text } from '#adapters/dynamodb/attributes.ts';
import type { Item } from '#adapters/dynamodb/attributes.ts';
import { bucketEndMs } from '#domain/kernel/due.ts';
import type { Cursors, Offer, Offers, Rearms } from '#domain/ports/control.ts';

export interface ControlSetting {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly nowMs: () => number;
}

const OFFER_TTL_S = 86_400;
/** A re-arm outlives its minute by this much, so that a sweeper that stood still for days finds it. */
const REARM_TTL_S = 7 * 86_400;

type Place = Pick<
  Offer,
  'tenantId' | 'workspaceId' | 'queue' | 'priority' | 'readyAtMs' | 'runId' | 'taskKey' | 'attempt'
>;

const partition = ({
  tenantId,
  workspaceId,
  queue,
}: {
  tenantId: string;
  workspaceId: string;
  queue: string;
}): string => `offers#${tenantId}/${workspaceId}#${queue}`;

/** Sorts by urgency, then age, then identity; the key alone says which attempt is offered. */
const key = (offer: Place): Item => ({
  pk: { S: partition(offer) },
  sk: {
    S: `${offer.priority}#${String(offer.readyAtMs).padStart(15, '0')}#${offer.runId}#${offer.taskKey}#${offer.attempt}`,
  },
});

const seconds = (nowMs: number, ttl: number): { readonly N: string } => ({
  N: String(Math.floor(nowMs / 1000) + ttl),
});

/** Offers of work to HTTP workers. */
export const dynamoOffers = ({ client, table, nowMs }: ControlSetting): Offers => ({
  put: (offer) =>
    whileConditionHolds(
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            ...key(offer),
            offer: { S: JSON.stringify(offer) },
            expiresAt: seconds(nowMs(), OFFER_TTL_S),
          },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    ),
  withdraw: async (offer) => {
    await client.send(new DeleteItemCommand({ TableName: table, Key: key(offer) }));
  },
  exists: async (offer) => {
    const answer = await client.send(
      new GetItemCommand({ TableName: table, Key: key(offer), ConsistentRead: true }),
    );
    return answer.Item !== undefined;
  },
  peek: async (workspace, limit) => {
    const answer = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: partition(workspace) } },
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    return (answer.Items ?? []).map((item) => JSON.parse(requiredText(item, 'offer')) as Offer);
  },
  take: (offer) =>
    whileConditionHolds(
      client.send(
        new DeleteItemCommand({
          TableName: table,
          Key: key(offer),
          ConditionExpression: 'attribute_exists(pk)',
        }),
      ),
    ),
});

const cursorKey = (name: string): Item => ({ pk: { S: `cursor#${name}` }, sk: { S: 'cursor' } });

/** Positions up to which something was delivered or read, each with the place of the work that is under way. */
export const dynamoCursors = ({ client, table }: ControlSetting): Cursors => ({
  read: async (name) => {
    const input = { TableName: table, Key: cursorKey(name), ConsistentRead: true };
    const { Item: item = {} } = await client.send(new GetItemCommand(input));
    const [position, place] = [number(item, 'position'), text(item, 'place')];
    return { ...(position === undefined ? {} : { position }), ...(place === undefined ? {} : { place }) };
  },
  advance: async (name, position) => {
    await whileConditionHolds(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: cursorKey(name),
          UpdateExpression: 'SET #position = :position REMOVE #place',
          ConditionExpression: 'attribute_not_exists(#position) OR #position < :position',
          ExpressionAttributeNames: { '#position': 'position', '#place': 'place' },
          ExpressionAttributeValues: { ':position': { N: String(position) } },
        }),
      ),
    );
  },
  exchangePlace: (name, seen, next) =>
    whileConditionHolds(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: cursorKey(name),
          UpdateExpression: 'SET #place = :next',
          // What stands there already is our own exchange, whose answer was lost.
          ConditionExpression: `${seen === undefined ? 'attribute_not_exists(#place)' : '#place = :seen'} OR #place = :next`,
          ExpressionAttributeNames: { '#place': 'place' },
          ExpressionAttributeValues: {
            ':next': { S: next },
            ...(seen === undefined ? {} : { ':seen': { S: seen } }),
          },
        }),
      ),
    ),
  removePlace: (name, seen) =>
    whileConditionHolds(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: cursorKey(name),
          UpdateExpression: 'REMOVE #place',
          ConditionExpression: '#place = :seen',
          ExpressionAttributeNames: { '#place': 'place' },
          ExpressionAttributeValues: { ':seen': { S: seen } },
        }),
      ),
    ),
});

/** Streams the sweeper must look at again although no commit arms them. */
export const dynamoRearms = ({ client, table, nowMs }: ControlSetting): Rearms => ({
  put: async (bucket, stream) => {
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: {
          pk: { S: `due#${bucket}` },
          sk: { S: stream },
          expiresAt: seconds(Math.max(nowMs(), bucketEndMs(bucket)), REARM_TTL_S),
        },
      }),
    );
  },
  streams: async (bucket) => {
    const streams: string[] = [];
    let start: Item | undefined;
    do {
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { S: `due#${bucket}` } },
          ConsistentRead: true,
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      );
      streams.push(...(answer.Items ?? []).map((item) => requiredText(item, 'sk')));
      start = answer.LastEvaluatedKey;
    } while (start);
    return streams;
  },
});
