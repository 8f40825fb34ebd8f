/**
 * Who asked for which change and how it was answered. Each environment of a function has a stream of its own, so that
 * auditing never waits for somebody else's append.
 */
import type { RequestAudited } from '#contracts/audit/audit.ts';
import type { Aggregate } from '#domain/kernel/aggregate.ts';
import { accept } from '#domain/kernel/decision.ts';

export type AuditCommand =
  | { readonly type: 'AuditRequest'; readonly data: RequestAudited['data'] }
  /** Does nothing: an audit waits for nothing, but every aggregate can be swept. */
  | { readonly type: 'SweepAudit' };

/** How many requests the stream has seen. */
export interface Audit {
  readonly requestCount: number;
}

/** The stream of one environment in a tenant. */
export const auditStream = (tenantId: string, environmentId: string): string =>
  `audit#${tenantId}/${environmentId}`;

/** An audit stream, as the command handler knows it. */
export const auditAggregate: Aggregate<Audit, AuditCommand, RequestAudited> = {
  kind: 'audit',
  foldVersion: 1,
  eventTypes: new Set(['RequestAudited']),
  initialState: () => ({ requestCount: 0 }),
  decide: (command, { requestCount }) =>
    command.type === 'SweepAudit'
      ? accept()
      : accept({
          type: 'RequestAudited',
          idempotencyKey: `audit:${command.data.requestId}:${requestCount + 1}`,
          data: command.data,
        }),
  evolve: ({ requestCount }) => ({ requestCount: requestCount + 1 }),
  outstanding: () => [],
  waiting: () => [],
  sweepCommand: () => ({ type: 'SweepAudit' }),
  isTerminal: () => false,
  encodeState: (audit) => JSON.stringify(audit),
  decodeState: (text) => JSON.parse(text) as Audit,
};
