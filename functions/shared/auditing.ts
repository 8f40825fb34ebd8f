/**
 * Leaves an event for every request that may change something, done or refused, once its caller is known. Worker claims
 * and callbacks are not among them: what they do stands in the history of their run, under the worker's name.
 */
import { randomUUID } from 'node:crypto';
import { ulid } from 'ulid';
import type { Route } from '#contracts/routes.ts';
import { auditAggregate, auditStream } from '#domain/audit/audit.ts';
import { redactSecrets } from '#domain/kernel/redact.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { Principal } from '#functions/shared/admission.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

/** A request with its answer. */
export interface Answered {
  readonly route: Route;
  readonly principal: Principal;
  readonly requestId: string;
  readonly path: string;
  readonly status: number;
  readonly code?: string;
}

/** Records one; never throws, since its caller is answered for what was asked. */
export type Audit = (answered: Answered) => Promise<void>;

const RESOURCE_LENGTH_MAX = 512;

/** Whether requests of a route are audited. */
export const isAudited = ({ mutating, access, function: name }: Route): boolean =>
  mutating && access !== 'task-token' && name !== 'api-workers';

/** Audits into streams of this environment. */
export const auditOf = ({
  mailbox,
  telemetry,
  nowMs,
}: {
  readonly mailbox: Mailbox;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
}): Audit => {
  const environmentId = ulid(nowMs());
  return async ({ route, principal, requestId, path, status, code }) => {
    // A caller over their limit must not make the ledger write for each refusal.
    if (!isAudited(route) || code === 'rate_limited') return;
    const data = {
      requestId,
      operationId: route.operationId,
      resource: redactSecrets(path).slice(0, RESOURCE_LENGTH_MAX),
      status,
      ...(code === undefined ? {} : { code }),
    };
    const request = {
      stream: auditStream(principal.tenantId, environmentId),
      command: { type: 'AuditRequest' as const, data },
      commandId: `audit:${randomUUID()}`,
      actor: { kind: principal.kind, id: principal.userId },
      correlationId: requestId,
    };
    try {
      await mailbox.send(auditAggregate, request, { assumeNew: true });
    } catch (error) {
      telemetry.count('AuditsLost');
      telemetry.log('error', 'a request could not be audited', {
        requestId,
        route: route.operationId,
        status,
        code,
        errorMessage: error instanceof Error ? error.message : String(error),
      });
    }
  };
};
