import { beforeEach, expect, it } from 'vitest';
import { routes } from '#contracts/routes.ts';
import type { OperationId, Route } from '#contracts/routes.ts';
import { auditOf } from '#functions/shared/auditing.ts';
import type { Answered } from '#functions/shared/auditing.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { commandPorts, streamedCommits } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { person } from '#test/support/principals.ts';
import { rejectWith } from '#test/support/thrown.ts';

let stage: LocalStage;
let ports: RememberingPorts;
beforeEach(async () => {
  stage = await localStage();
  ports = commandPorts(stage);
});

const routeOf = (id: OperationId): Route => {
  const route = routes.find(({ operationId }) => operationId === id);
  if (!route) throw new Error(id);
  return route;
};

const answered = (over: Partial<Answered> = {}): Answered => ({
  route: routeOf('triggerRun'),
  principal: person(),
  requestId: 'r1',
  path: '/v1/workspaces/prod/runs',
  status: 201,
  ...over,
});
const audit = () =>
  auditOf({ mailbox: mailbox(ports), telemetry: ports.telemetry, nowMs: stage.clock.nowMs });
const events = () => streamedCommits(stage).flatMap((commit) => commit.events);

it('keeps who asked for what and how it was answered, with one write and no read', async () => {
  const tell = audit();
  await tell(answered());
  await tell(
    answered({ status: 409, code: 'run_key_conflict', path: `/v1/x/token=abcdefgh;/${'y'.repeat(600)}` }),
  );

  expect(events()).toMatchObject([
    {
      type: 'RequestAudited',
      actor: { kind: 'user', id: 'ada' },
      data: { requestId: 'r1', operationId: 'triggerRun', resource: '/v1/workspaces/prod/runs', status: 201 },
    },
    { data: { status: 409, code: 'run_key_conflict', resource: expect.stringMatching(/^.{512}$/) } },
  ]);
  expect(JSON.stringify(events())).not.toContain('abcdefgh');
  expect(stage.requests()['dynamodb.Query']).toBeUndefined();
});

it('has a stream of its own for each environment', async () => {
  await Promise.all([audit()(answered()), audit()(answered())]);

  expect(new Set(events().map(({ stream }) => stream)).size).toBe(2);
});

it.each<readonly [string, Partial<Answered>]>([
  ['reads', { route: routeOf('listRuns') }],
  ['claims', { route: routeOf('claimTasks') }],
  ['callbacks', { route: routeOf('reportTaskCompleted') }],
  ['callers over their limit', { status: 429, code: 'rate_limited' }],
])('leaves out %s', async (_name, over) => {
  await audit()(answered(over));

  expect(events()).toEqual([]);
});

it.each([
  ['an error', new Error('away')],
  ['a text', 'away'],
])('tells people and nobody else that one was lost to %s', async (_name, thrown) => {
  const lost = auditOf({
    mailbox: { send: () => rejectWith(thrown) },
    telemetry: ports.telemetry,
    nowMs: stage.clock.nowMs,
  });
  await lost(answered());

  expect(ports.telemetry.counted.get('AuditsLost')).toBe(1);
  expect(ports.telemetry.logged).toMatchObject([
    { level: 'error', fields: { requestId: 'r1', errorMessage: 'away' } },
  ]);
});
