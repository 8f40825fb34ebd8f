/** Every event the ledger may hold, by the kind of its stream and its type, as it is read back. */
import * as z from 'zod';
import { AccessEvent } from '#contracts/access/access-events.ts';
import { RequestAudited } from '#contracts/audit/audit.ts';
import { LedgerEvent } from '#contracts/event.ts';
import { StreamId } from '#contracts/ids.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import { feedSymbolEvents } from '#contracts/market/feed-symbol.ts';
import { LimitEvent } from '#contracts/runs/limit-events.ts';
import { ManifestEvent } from '#contracts/runs/manifest-events.ts';
import { RunEvent } from '#contracts/runs/run-events.ts';
import { TaskLogStored } from '#contracts/runs/task-log.ts';

/** The shapes of `data` by stream kind and event type; all are of schema version 1. */
export const ledgerEventData: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  run: Object.fromEntries(RunEvent.options.map(({ shape }) => [shape.type.value, shape.data])),
  manifests: Object.fromEntries(ManifestEvent.options.map(({ shape }) => [shape.type.value, shape.data])),
  limit: Object.fromEntries(LimitEvent.options.map(({ shape }) => [shape.type.value, shape.data])),
  feed: feedEvents,
  'feed-symbol': feedSymbolEvents,
  'task-log': { TaskLogStored: TaskLogStored.shape.data },
  audit: { RequestAudited: RequestAudited.shape.data },
  access: Object.fromEntries(AccessEvent.options.map(({ shape }) => [shape.type.value, shape.data])),
};

/** One stored event with its envelope and its place in its stream. */
export const ledgerEvent = (kind: string, type: string, data: z.ZodType): z.ZodType =>
  z.strictObject({
    stream: StreamId.regex(new RegExp(`^${kind}#`)),
    /** Position in the stream, from 1 on. */
    sequence: z.int().min(1),
    ...LedgerEvent.shape,
    type: z.literal(type),
    schemaVersion: z.literal(1),
    data,
  });
