import { describe, expect, it } from 'vitest';

import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { isVirtual } from '#local/boot/time.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import type { Answer, Api } from '#test/support/cloud.ts';
import {
  callback,
  claimOne,
  deploy,
  fail,
  readRun,
  runEvents,
  succeed,
  taskStates,
  trigger,
  workOff,
} from '#test/support/cloud-assets.ts';

const DAY_MS = 86_400_000;

/** Lets time pass without anything that would happen meanwhile. */
const jump = ({ cloud: { clock } }: Api, byMs: number): Promise<void> => {
  if (isVirtual(clock)) clock.jump(clock.nowMs() + byMs);
  return Promise.resolve();
};

const stage = async () => {
  const api = apiOf(await bootTestCloud());
  await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } }, b: ['a'] });
  const runId = await trigger(api, ['a', 'b']);
  return { api, runId, task: await claimOne(api) };
};

interface LateReport {
  /** What happens before the report. */
  readonly before: (api: Api, task: DispatchEnvelope) => Promise<unknown>;
  readonly report: (api: Api, task: DispatchEnvelope) => Promise<Answer>;
  readonly status: number;
  readonly body: object;
}

const reports: Readonly<Record<string, LateReport>> = {
  'the same completion again': {
    before: (api, task) => succeed(api, task, { rowCount: 1 }),
    report: (api, task) =>
      callback(api, 'completed', task, {
        outcome: 'SUCCEEDED',
        output: { rowCount: 1 },
        completedAt: '2026-11-20T00:00:09Z',
        traceparent: '00-another',
      }),
    status: 200,
    body: { acknowledged: true, finalState: 'SUCCEEDED', duplicate: true },
  },
  'the same failure again while its retry waits': {
    before: (api, task) => fail(api, task),
    report: (api, task) => fail(api, task),
    status: 200,
    body: { finalState: 'FAILED', duplicate: true },
  },
  'another completion of an ended task': {
    before: (api, task) => succeed(api, task, { rowCount: 1 }),
    report: (api, task) => succeed(api, task, { rowCount: 2 }),
    status: 409,
    body: { code: 'task_already_terminal', error: 'task_already_terminal', state: 'SUCCEEDED' },
  },
  'another completion of an ended attempt': {
    before: (api, task) => fail(api, task),
    report: (api, task) => succeed(api, task),
    status: 409,
    body: { code: 'attempt_already_completed' },
  },
  'a heartbeat of an ended task': {
    before: (api, task) => succeed(api, task),
    report: (api, task) => callback(api, 'heartbeat', task),
    status: 410,
    body: { code: 'task_expired', error: 'task_expired', state: 'SUCCEEDED' },
  },
  'a completion of a superseded attempt': {
    before: async (api, task) => {
      await fail(api, task);
      await api.cloud.advance(1_000);
    },
    report: (api, task) => succeed(api, task),
    status: 409,
    body: { code: 'stale_attempt', expectedAttempt: 2, receivedAttempt: 1 },
  },
  'a report whose token has expired': {
    before: (api) => jump(api, DAY_MS + 61_000),
    report: (api, task) => succeed(api, task),
    status: 401,
    body: { code: 'token_expired', error: 'token_expired' },
  },
};

describe('a report that comes late or twice', () => {
  it.each(Object.entries(reports))('for %s is answered as promised and appends nothing', async (_, late) => {
    const { api, runId, task } = await stage();
    await late.before(api, task);
    const before = (await runEvents(api, runId)).length;
    const answer = await late.report(api, task);
    expect(answer).toMatchObject({ status: late.status, body: late.body });
    expect(await runEvents(api, runId)).toHaveLength(before);
  });

  it('does not keep the run from its end', async () => {
    const { api, runId, task } = await stage();
    await fail(api, task);
    await fail(api, task);
    await api.cloud.advance(1_000);
    await succeed(api, task);
    await workOff(api);
    expect(taskStates(await readRun(api, runId))).toEqual({ a: 'SUCCEEDED', b: 'SUCCEEDED' });
    expect(await succeed(api, task)).toMatchObject({ status: 409, body: { code: 'stale_attempt' } });
  });
});
