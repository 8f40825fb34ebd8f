/** Reports that go with the claim of what comes next. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Execute } from '#cli/worker-kit/attempt.ts';
import type { Answer } from '#cli/worker-kit/request.ts';
import { again, sampleTask, startWorker, taken, taskNumber, unwanted } from '#test/support/worker-server.ts';
import type { Rig } from '#test/support/worker-server.ts';

afterEach(() => vi.useRealTimers());

const keysOf = ({ asked }: Rig): readonly (string | undefined)[] =>
  asked.filter(({ kind }) => kind === 'claim').map(({ request }) => request.idempotencyKey);
const lasting =
  (ms: number): Execute =>
  () =>
    new Promise((resolve) => setTimeout(() => resolve({}), ms));

/** A task of the API the worker talks to, so that its report may go with a claim. */
const own = (n: number) => ({ ...taskNumber(n), callbackBaseUrl: 'https://api.test/dev' });
const completed = { acknowledged: true, finalState: 'SUCCEEDED', serverTime: '2026-01-05T09:30:00.000Z' };
interface ClaimBody {
  readonly completed?: { readonly taskId: string; readonly report: object };
}
const reportsOf = (rig: Rig) =>
  (rig.bodies('claim') as readonly ClaimBody[]).flatMap((body) => body.completed ?? []);

describe('a report', () => {
  it('goes with the claim of what comes next, which takes its place', async () => {
    const rig = startWorker({
      claim: (_, count) => {
        if (count === 1) return taken({ tasks: [own(1)] });
        return count <= 4 ? taken({ tasks: count < 4 ? [own(count)] : [], completed }) : undefined;
      },
    });
    await rig.pass(1_000);
    rig.stop.abort();
    await rig.ended();

    expect(rig.asked.map(({ kind }) => kind)).toEqual(['claim', 'claim', 'claim', 'claim', 'claim']);
    expect(reportsOf(rig)).toEqual(
      [1, 2, 3].map((n) => ({
        ...{ taskId: own(n).taskId, taskToken: own(n).taskToken },
        report: { attempt: 1, attemptId: own(n).attemptId, workerId: 'wk-1', outcome: 'SUCCEEDED' },
      })),
    );
    expect(rig.bodies('claim')[1]).toMatchObject({ maxTasks: 1, waitMs: 0 });
    expect(rig.said.filter((text) => text.endsWith('succeeded'))).toHaveLength(3);
  });

  it('that is not answered is repeated under its key with its claim', async () => {
    const rig = startWorker({
      claim: (_, count) => {
        if (count === 1) return taken({ tasks: [own(1)] });
        if (count === 2) return again;
        return count === 3 ? taken({ tasks: [], completed }) : undefined;
      },
    });
    await rig.pass(2_000);
    rig.stop.abort();
    await rig.ended();

    expect(keysOf(rig)[2]).toBe(keysOf(rig)[1]);
    expect(rig.bodies('claim')[2]).toEqual(rig.bodies('claim')[1]);
    expect(rig.bodies('completed')).toEqual([]);
  });

  it.each([
    ['is refused', unwanted('stale_attempt')],
    ['has a fault', { kind: 'faulty', code: 'invalid_request', message: 'no' }],
    ['is to come later', { kind: 'again', code: 'rate_limited', message: 'too many', afterMs: 30_000 }],
  ] as const)('whose claim %s goes to its callback at once', async (_case, refusal) => {
    const rig = startWorker({
      claim: (_, count) => {
        if (count === 1) return taken({ tasks: [own(1)] });
        return count === 2 ? refusal : undefined;
      },
    });
    await rig.pass(100);
    rig.stop.abort();
    await rig.ended();

    expect(rig.asked.map(({ kind, atMs }) => [kind, atMs])).toEqual([
      ['claim', 0],
      ['claim', 0],
      ['completed', 0],
      ['claim', 0],
    ]);
  });

  it('waits as it is told behind a try whose answer was lost, since that may have begun what comes next', async () => {
    const later: Answer = { kind: 'again', code: 'rate_limited', message: 'too many', afterMs: 3_000 };
    const rig = startWorker({
      claim: (_, count) => {
        if (count === 1) return taken({ tasks: [own(1)] });
        if (count === 2) return again;
        if (count === 3) return later;
        return count === 4 ? taken({ tasks: [own(2)], completed }) : undefined;
      },
    });
    await rig.pass(4_000);
    rig.stop.abort();
    await rig.ended();

    expect(rig.asked.slice(0, 4).map(({ kind, atMs }) => [kind, atMs])).toEqual([
      ['claim', 0],
      ['claim', 0],
      ['claim', 1_000],
      ['claim', 4_000],
    ]);
    expect(rig.said.filter((text) => text.endsWith('succeeded'))).toHaveLength(2);
  });

  it('goes to its callback when there is no token of the API any more', async () => {
    let isGone = false;
    const rig = startWorker(
      { claim: (_, count) => (count === 1 ? taken({ tasks: [own(1)] }) : undefined) },
      {
        token: () => {
          if (isGone) throw new Error('no stack is running');
          return 'key';
        },
        execute: (...work) => {
          isGone = true;
          return lasting(1_000)(...work);
        },
      },
    );

    await expect(rig.ended()).rejects.toThrow('no stack is running');
    expect(rig.asked.at(-1)).toMatchObject({ kind: 'completed', atMs: 1_000 });
    expect(rig.bodies('heartbeat')).toEqual([]);
  });

  it('takes nothing more from a worker whose claims were refused', async () => {
    const rig = startWorker(
      {
        claim: (_, count) => {
          if (count === 1) return taken({ tasks: [own(1)] });
          return count === 2 ? unwanted('invalid_token') : taken({ tasks: [own(count)], completed });
        },
      },
      { concurrency: 2, execute: lasting(1_000) },
    );
    const ended = rig.ended();

    await expect(ended).rejects.toMatchObject({ name: 'ClaimRefused', code: 'invalid_token' });
    expect(rig.asked.map(({ kind }) => kind)).toEqual(['claim', 'claim', 'completed']);
  });

  it('takes nothing more from a worker that ends, nor from another API', async () => {
    const ending = startWorker({ claim: () => taken({ tasks: [own(1)] }) }, { execute: lasting(1_000) });
    await ending.pass(0);
    ending.stop.abort();
    await ending.ended();
    expect(ending.asked.map(({ kind }) => kind)).toEqual(['claim', 'completed']);

    const foreign = startWorker({
      claim: (_, count) => (count === 1 ? taken({ tasks: [sampleTask] }) : undefined),
    });
    await foreign.pass(0);
    foreign.stop.abort();
    await foreign.ended();
    expect(reportsOf(foreign)).toEqual([]);
  });
});
