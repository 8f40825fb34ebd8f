/** The ledger on DynamoDB: one conditional put per commit, one reverse query per load (docs/guide/design.md §3). */
import { GetItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { itemBytes, packText, requiredText, unpackText } from '#adapters/dynamodb/attributes.ts';
import type { Item } from '#adapters/dynamodb/attributes.ts';
import {
  commitFromItem,
  commitItem,
  isCommitItem,
  stateFromItem,
  stateItem,
} from '#adapters/dynamodb/commit-item.ts';
import { putOnce } from '#adapters/dynamodb/put-once.ts';
import type { BlobStore } from '#domain/ports/blobs.ts';
import type {
  AppendResult,
  DueIndex,
  DuePage,
  Ledger,
  LedgerScan,
  StateItem,
  StoredCommit,
  Tail,
} from '#domain/ports/ledger.ts';

export interface LedgerSetting {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** Takes documents above 64 KB; absent in functions that read and write commits only. */
  readonly blobs?: BlobStore;
  readonly nowMs: () => number;
}

const DOCUMENT_INLINE_MAX_BYTES = 64 * 1024;
const COMMIT_MAX_BYTES = 256 * 1024;

/** Reads and appends commits in the named table. */
export const dynamoLedger = (setting: LedgerSetting): Ledger & LedgerScan & DueIndex => ({
  tail: (stream, limit, before) => tail(setting, { stream, limit, before }),
  read: (stream, fromSequence, limit) => read(setting, { stream, fromSequence, limit }),
  append: (commit) => append(setting, commit),
  keepState: (stream, item) => keepState(setting, stream, item),
  putDocument: (stream, text, options = {}) => putDocument(setting, { stream, body: text, ...options }),
  document: (stream, location) => document(setting, stream, location),
  scan: () => scan(setting),
  streamsDue: (bucket) => streamsDue(setting, bucket),
  everyStreamDue: (page) => everyStreamDue(setting, page),
});

const append = async ({ client, table }: LedgerSetting, commit: StoredCommit): Promise<AppendResult> => {
  const item = commitItem(commit);
  const bytes = itemBytes(item);
  if (bytes > COMMIT_MAX_BYTES) throw new CommitTooLargeError(commit.stream, bytes);
  const put = await putOnce(client, table, item);
  if (put.kind === 'put') return { kind: 'appended' };
  if (!put.standing) return { kind: 'conflict' };
  const winner = commitFromItem(put.standing);
  // Our own command id in the stored item: the first try was written and only its answer was lost.
  const isOurs = winner.commandId === commit.commandId && winner.events[0]?.id === commit.events[0]?.id;
  return isOurs ? { kind: 'appended' } : { kind: 'conflict', winner };
};

/** A command proposed more than one commit can hold; nothing was written. */
export class CommitTooLargeError extends Error {
  readonly code = 'commit_too_large';
  constructor(stream: string, bytes: number) {
    super(`commit of ${bytes} bytes on ${stream} exceeds ${COMMIT_MAX_BYTES}; send less at once`);
    this.name = 'CommitTooLargeError';
  }
}

const tail = async (
  { client, table }: LedgerSetting,
  { stream, limit, before }: { stream: string; limit: number; before: number | undefined },
): Promise<Tail> => {
  const answer = await client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: '#stream = :stream AND #sequence BETWEEN :first AND :last',
      ExpressionAttributeNames: { '#stream': 'stream', '#sequence': 'sequence' },
      ExpressionAttributeValues: {
        ':stream': { S: stream },
        // Documents stand at sequence 0 and are no part of the tail.
        ':first': { N: '0.5' },
        ':last': { N: String(before === undefined ? Number.MAX_SAFE_INTEGER : before - 0.25) },
      },
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: limit,
    }),
  );
  const items = answer.Items ?? [];
  const commits = items.filter(isCommitItem).map(commitFromItem);
  const states = items.map(stateFromItem).filter((item) => item !== undefined);
  return { commits, states, isWhole: answer.LastEvaluatedKey === undefined };
};

const read = async (
  { client, table }: LedgerSetting,
  { stream, fromSequence, limit }: { stream: string; fromSequence: number; limit: number },
): Promise<readonly StoredCommit[]> => {
  const commits: StoredCommit[] = [];
  let start: Item | undefined;
  do {
    const answer = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: '#stream = :stream AND #sequence >= :first',
        ExpressionAttributeNames: { '#stream': 'stream', '#sequence': 'sequence' },
        ExpressionAttributeValues: {
          ':stream': { S: stream },
          ':first': { N: String(Math.max(1, fromSequence)) },
        },
        ConsistentRead: true,
        Limit: limit,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    commits.push(...(answer.Items ?? []).filter(isCommitItem).map(commitFromItem));
    start = answer.LastEvaluatedKey;
  } while (start && commits.length < limit);
  return commits.slice(0, limit);
};

const keepState = async (
  { client, table, nowMs }: LedgerSetting,
  stream: string,
  item: StateItem,
): Promise<void> => {
  // A state once kept is never replaced: a changed item of the ledger is a page.
  await putOnce(client, table, stateItem(stream, item, nowMs()));
};

const storeOf = (blobs: BlobStore | undefined): BlobStore => {
  if (!blobs) throw new Error('this function was given no bucket for documents');
  return blobs;
};

/** Where the object store has the document of a stream. */
export const documentKey = (stream: string): string => `documents/${encodeURIComponent(stream)}`;

const putDocument = async (
  { client, table, blobs }: LedgerSetting,
  {
    stream,
    body,
    isDeletable = false,
  }: { readonly stream: string; readonly body: string; readonly isDeletable?: boolean },
): Promise<'item' | 'blob'> => {
  const blob = documentKey(stream);
  if (isDeletable) {
    await storeOf(blobs).put(blob, body);
    return 'blob';
  }
  const packed = packText(body);
  const isLarge = (packed.B?.length ?? Buffer.byteLength(body)) > DOCUMENT_INLINE_MAX_BYTES;
  if (isLarge) await storeOf(blobs).put(blob, body);
  // Documents are addressed by content: one that stands already is the same.
  await putOnce(client, table, {
    stream: { S: stream },
    sequence: { N: '0' },
    ...(isLarge ? { blob: { S: blob } } : { document: packed }),
  });
  return isLarge ? 'blob' : 'item';
};

const document = async (
  { client, table, blobs }: LedgerSetting,
  stream: string,
  location?: 'item' | 'blob',
): Promise<string | undefined> => {
  if (location === 'blob') return storeOf(blobs).get(documentKey(stream));
  const answer = await client.send(
    new GetItemCommand({
      TableName: table,
      Key: { stream: { S: stream }, sequence: { N: '0' } },
      ConsistentRead: true,
    }),
  );
  // What may be deleted has no item.
  if (!answer.Item) return blobs?.get(documentKey(stream));
  const blob = answer.Item['blob']?.S;
  return blob === undefined ? unpackText(answer.Item['document']) : storeOf(blobs).get(blob);
};

async function* scan({ client, table }: LedgerSetting): AsyncIterable<readonly StoredCommit[]> {
  let start: Item | undefined;
  do {
    const answer = await client.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    yield (answer.Items ?? []).filter(isCommitItem).map(commitFromItem);
    start = answer.LastEvaluatedKey;
  } while (start);
}

const streamsDue = async ({ client, table }: LedgerSetting, bucket: string): Promise<readonly string[]> => {
  const streams = new Set<string>();
  let start: Item | undefined;
  do {
    const answer = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'by-due',
        KeyConditionExpression: 'due = :due',
        ExpressionAttributeValues: { ':due': { S: bucket } },
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    for (const item of answer.Items ?? []) streams.add(requiredText(item, 'stream'));
    start = answer.LastEvaluatedKey;
  } while (start);
  return [...streams];
};

const everyStreamDue = async (
  { client, table }: LedgerSetting,
  { dueMs, limit, after }: Parameters<DueIndex['everyStreamDue']>[0],
): Promise<DuePage> => {
  const minute = Math.floor(dueMs / 60_000);
  const answer = await client.send(
    new ScanCommand({
      TableName: table,
      IndexName: 'by-due',
      Limit: limit,
      ...(after === undefined ? {} : { ExclusiveStartKey: JSON.parse(after) as Item }),
    }),
  );
  return {
    streams: (answer.Items ?? [])
      .filter((item) => Number(requiredText(item, 'due').split('#')[0]) <= minute)
      .map((item) => requiredText(item, 'stream')),
    // The keys of the index are strings and numbers, which JSON keeps as they are.
    ...(answer.LastEvaluatedKey ? { next: JSON.stringify(answer.LastEvaluatedKey) } : {}),
  };
};
