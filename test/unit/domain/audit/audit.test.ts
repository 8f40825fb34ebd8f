import { expect, it } from 'vitest';
import { auditListKeys, auditProjection } from '#domain/audit/audit-projection.ts';
import { auditAggregate, auditStream } from '#domain/audit/audit.ts';
import { given as givenAny } from '#test/support/decider.ts';

const stream = auditStream('acme', '01J');
const data = { requestId: 'r', operationId: 'deployManifest', resource: '/v1/x', status: 201 };
const given = () => givenAny(auditAggregate, { stream, nowMs: 5_000 });

it('records every request, the same one twice as well', () => {
  const ask = { type: 'AuditRequest', data } as const;

  const { state } = given()
    .when(ask)
    .thenRecords({ type: 'RequestAudited', idempotencyKey: 'audit:r:1', data })
    .when(ask)
    .thenRecords({ type: 'RequestAudited', idempotencyKey: 'audit:r:2', data });

  expect(state()).toEqual({ requestCount: 2 });
});

it('waits for nothing, owes nothing and never ends', () => {
  const { state } = given();
  const { outstanding, waiting, isTerminal, sweepCommand } = auditAggregate;

  given().when(sweepCommand(0)).thenRecordsNothing();
  expect([outstanding(state(), 0), waiting(state()), isTerminal(state())]).toEqual([[], [], false]);
});

it('is one row a request, in a list of its tenant, and a cursor', () => {
  const [event] = given().after({ type: 'AuditRequest', data }).history();
  if (!event) throw new Error('nothing was recorded');
  const cursor = auditProjection.cursor(stream);
  const [key = cursor, ...others] = auditProjection.details(event);

  expect(others).toEqual([]);
  expect(auditProjection.apply(undefined, cursor, event)).toEqual({ data: { requestCount: 1 } });
  const row = auditProjection.apply(undefined, key, event);
  expect(row?.data).toEqual({
    auditId: event.id,
    ...data,
    at: '1970-01-01T00:00:05.000Z',
    actor: { kind: 'service', id: 'test' },
  });
  expect(auditListKeys('acme')).toContain(row?.listKey);
  expect(auditListKeys('acm')).not.toContain(row?.listKey);
});
