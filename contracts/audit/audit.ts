/** What was asked of Sluice by whom, and how it was answered: facts of `audit#tenant/environment` and how they are read. */
import * as z from 'zod';
import { Actor } from '#contracts/event.ts';
import { EventId } from '#contracts/ids.ts';

const request = {
  requestId: z.string(),
  operationId: z.string(),
  /** What it was asked of, as in the request: `/v1/workspaces/main/runs`. */
  resource: z.string(),
  /** The HTTP status of the answer. */
  status: z.int().min(200).max(599),
  /** The code of a refusal; absent when it was done. */
  code: z.string().optional(),
};

/** A request that may change something was answered. */
export const RequestAudited = z.strictObject({
  type: z.literal('RequestAudited'),
  idempotencyKey: z.string(),
  data: z.strictObject(request).readonly(),
});
export type RequestAudited = Readonly<z.infer<typeof RequestAudited>>;

/** One audited request, as admins read it. */
export const AuditItem = z.strictObject({
  auditId: EventId,
  ...request,
  at: z.iso.datetime(),
  /** The person or API key that asked. */
  actor: Actor,
});
export type AuditItem = z.infer<typeof AuditItem>;

/** Answer of `GET /v1/audit`. */
export const AuditPage = z.strictObject({ requests: z.array(AuditItem), nextCursor: z.string().optional() });
