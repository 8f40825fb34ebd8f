/** The machine that waits for a person as it is shipped, on the local engine and its virtual clock. */
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { FeedRecoveryCall } from '#contracts/market/feed-recovery.ts';
import type { Json } from '#local/kernel/engine.ts';
import { StateError } from '#local/stepfunctions/state-error.ts';
import { startBench } from '#test/unit/local/stepfunctions/states-bench.ts';

const file = new URL('../../statemachines/feed-recovery.asl.json', import.meta.url);
const definition = JSON.parse(readFileSync(file, 'utf8')) as Json;
const HOUR_MS = 3_600_000;

const ref = { tenantId: 'local', workspaceId: 'main', feedId: 'demo', openedSequence: 6, generation: 1 };
const input = { ...ref, reminderSeconds: 3_600, remindersMax: 3 };

/** The machine with a function that answers as told; its calls as the function would parse them. */
const machineWith = async (answer: (call: FeedRecoveryCall, index: number) => unknown) => {
  const calls: FeedRecoveryCall[] = [];
  const bench = startBench({
    runTask: (_resource, given) => {
      const call = FeedRecoveryCall.parse((given as { readonly Payload: unknown }).Payload);
      calls.push(call);
      const payload = answer(call, calls.length);
      return payload instanceof Error ? Promise.reject(payload) : Promise.resolve({ Payload: payload });
    },
  });
  await bench.start(definition, input);
  const token = (): string => {
    const last = calls.findLast(({ kind }) => kind === 'wait');
    return last?.kind === 'wait' ? last.taskToken : '';
  };
  return { bench, calls, token, kinds: () => calls.map(({ kind }) => kind) };
};

const alive = ({ kind }: FeedRecoveryCall) => ({ outcome: kind === 'end' ? 'over' : 'waiting' });

describe('feed-recovery', () => {
  it('waits by token, and ends when it is answered', async () => {
    const { bench, calls, token, kinds } = await machineWith(alive);
    await bench.advance(HOUR_MS - 1);

    await bench.call('SendTaskSuccess', { taskToken: token(), output: '{}' });

    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: { outcome: 'over' } });
    expect(kinds()).toEqual(['wait', 'end']);
    expect(calls.at(-1)).toEqual({ kind: 'end', ...ref });
  });

  it('reminds at each interval and not before, and waits by a new token then', async () => {
    const { bench, calls, token, kinds } = await machineWith(alive);
    const first = token();
    await bench.advance(HOUR_MS - 1);
    expect(kinds()).toEqual(['wait']);
    await bench.advance(1);

    expect(kinds()).toEqual(['wait', 'remind', 'wait']);
    expect(calls[1]).toEqual({ kind: 'remind', ...ref, reminderNo: 1 });
    expect(token()).not.toBe(first);
    await expect(bench.call('SendTaskSuccess', { taskToken: first, output: '{}' })).rejects.toMatchObject({
      code: 'TaskTimedOut',
    });
  });

  it('gives up after its last reminder', async () => {
    const { bench, kinds } = await machineWith(alive);

    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: { outcome: 'expired' } });
    expect(kinds().filter((kind) => kind === 'remind')).toHaveLength(3);
    expect(kinds()).not.toContain('end');
  });

  it('ends at once when there is nothing to wait for', async () => {
    const { bench, kinds } = await machineWith((call) =>
      call.kind === 'wait' ? new StateError('RecoveryOverError', 'over') : alive(call),
    );

    expect(await bench.finish()).toEqual({ status: 'SUCCEEDED', output: { outcome: 'over' } });
    expect(kinds()).toEqual(['wait', 'end']);
  });

  it('ends by itself at a reminder after the halt', async () => {
    const { bench, kinds } = await machineWith(() => ({ outcome: 'over' }));

    expect((await bench.finish()).status).toBe('SUCCEEDED');
    expect(kinds()).toEqual(['wait', 'remind', 'end']);
  });

  it('tries again when its function fails, and fails after its bound', async () => {
    const once = await machineWith((call, index) => (index === 1 ? new Error('down') : alive(call)));
    await once.bench.advance(10_000);
    expect(once.kinds()).toEqual(['wait', 'wait']);

    const never = await machineWith(() => new Error('down'));
    expect((await never.bench.finish()).status).toBe('FAILED');
    expect(never.kinds()).toHaveLength(9);
  });
});
