/** Commits out of a DynamoDB stream event; anything but an insert is tampering and is counted, never folded. */
import type { AttributeValue as StreamValue, DynamoDBRecord } from 'aws-lambda';
import { isCommitItem, commitFromItem } from '#adapters/dynamodb/commit-item.ts';
import type { Item } from '#adapters/dynamodb/attributes.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';

/** The commits of a batch in stream order. */
export const commitsOf = (
  records: readonly DynamoDBRecord[],
  telemetry: Telemetry,
): readonly StoredCommit[] => {
  const commits: StoredCommit[] = [];
  for (const record of records) {
    if (record.eventName !== 'INSERT') {
      reportTampering(record, telemetry);
      continue;
    }
    const item = itemOf(record.dynamodb?.NewImage ?? {});
    if (isCommitItem(item)) commits.push(commitFromItem(item));
  }
  return commits;
};

/** Stream events carry binary as base64 text; items carry bytes. */
const itemOf = (image: Readonly<Record<string, StreamValue>>): Item => {
  const item: Item = {};
  for (const [name, value] of Object.entries(image)) {
    if (value.B !== undefined) item[name] = { B: Buffer.from(value.B, 'base64') };
    else if (value.S !== undefined) item[name] = { S: value.S };
    else if (value.N !== undefined) item[name] = { N: value.N };
  }
  return item;
};

/** The ledger is append-only: only a state kept apart may leave, by its time to live. */
const reportTampering = (record: DynamoDBRecord, telemetry: Telemetry): void => {
  const identity = record.userIdentity as { readonly principalId?: string } | undefined;
  const isExpiry = record.eventName === 'REMOVE' && identity?.principalId === 'dynamodb.amazonaws.com';
  if (isExpiry) return;
  telemetry.count('LedgerTampered');
  telemetry.log('error', 'a ledger item was changed or removed', {
    stream: record.dynamodb?.Keys?.['stream']?.S,
    sequence: record.dynamodb?.Keys?.['sequence']?.N,
    eventType: record.eventName,
  });
};
