/** One row for each audited request, listed newest first over all streams of a tenant. */
import type { AuditItem, RequestAudited } from '#contracts/audit/audit.ts';
import type { RecordedEvent } from '#contracts/event.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { newestFirst } from '#domain/kernel/list-sort.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';

const CURSOR = 'audit';
const LIST_SHARDS = 4;

const listKey = (tenantId: string, shard: number): string => `audit#${tenantId}#${shard}`;

/** The index partitions that together list the audited requests of a tenant: read each ascending and merge. */
export const auditListKeys = (tenantId: string): readonly string[] =>
  Array.from({ length: LIST_SHARDS }, (_, shard) => listKey(tenantId, shard));

const shardOf = (stream: string): number => Number.parseInt(sha256Hex(stream).slice(0, 4), 16) % LIST_SHARDS;

const tenantOf = (stream: string): string => stream.slice('audit#'.length, stream.indexOf('/'));

const rowKey = (event: RecordedEvent): RowKey => ({
  pk: event.stream,
  sk: `request#${String(event.sequence).padStart(12, '0')}`,
});

const apply = (_row: RowContent | undefined, key: RowKey, event: RecordedEvent): RowContent => {
  if (key.sk === CURSOR) return { data: { requestCount: event.sequence } };
  const item: AuditItem = {
    auditId: event.id,
    ...(event.data as RequestAudited['data']),
    at: new Date(event.occurredAtMs).toISOString(),
    actor: event.actor,
  };
  return {
    data: { ...item },
    listKey: listKey(tenantOf(event.stream), shardOf(event.stream)),
    listSort: newestFirst(event.occurredAtMs, event.id),
  };
};

/** Folds audited requests into one row each. */
export const auditProjection: Projection = {
  kind: 'audit',
  cursor: (stream) => ({ pk: stream, sk: CURSOR }),
  details: (event) => [rowKey(event)],
  apply,
  operational: [],
};
