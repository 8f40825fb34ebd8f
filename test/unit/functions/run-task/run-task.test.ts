import { beforeEach, describe, expect, it } from 'vitest';
import type { Invoked } from '#domain/ports/functions.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { FUNCTION_TIME_MS } from '#functions/run-task/run-task.ts';
import { END_MARGIN_MS } from '#functions/run-task/await-function.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { functionRig, startFunctionRun } from '#test/support/function-rig.ts';
import type { FunctionRig } from '#test/support/function-rig.ts';
import { eventsOf, historyOf } from '#test/support/inline-rig.ts';
import { commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { stream, sweep } from '#test/support/run-fixtures.ts';

const chain = { 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.b'] };
const answered = (answer: unknown): Promise<Invoked> => Promise.resolve({ kind: 'answered', answer });
const messagesOf = ({ ports }: FunctionRig): readonly unknown[] =>
  ports.performed.filter((effect) => effect.kind === 'send-message');

describe('having functions make tasks', () => {
  let stage: LocalStage;
  beforeEach(async () => {
    stage = await localStage();
  });
  const send = (command: RunCommand) =>
    mailbox(commandPorts(stage)).send(runAggregate, requestOf(stream, command));
  const keys = ({ invoked }: FunctionRig): readonly string[] => invoked.map(({ taskKey }) => taskKey);

  it('takes a chain to its end: one read, the first start, and a write a task', async () => {
    await startFunctionRun(stage, chain);
    const rig = functionRig(stage);
    stage.requests();

    await rig.take('m.a');

    expect(stage.requests()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.PutItem': 4 });
    expect(keys(rig)).toEqual(['m.a', 'm.b', 'm.c']);
    expect((await historyOf(stage)).at(-1)).toBe('RunCompleted SUCCEEDED');
    expect(messagesOf(rig)).toEqual([]);
    expect(rig.ports.telemetry.counted.get('FunctionTasksRun')).toBe(3);
  });

  it('goes on with one of what it made ready, and sends the others', async () => {
    await startFunctionRun(stage, { 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.a'] });
    const rig = functionRig(stage);

    await rig.take('m.a');

    expect(keys(rig)).toEqual(['m.a', 'm.b']);
    expect(messagesOf(rig)).toMatchObject([{ queue: 'function-tasks', body: { stream, taskKey: 'm.c' } }]);
  });

  it('invokes nothing for an attempt that is at work, over, or sent again since', async () => {
    await startFunctionRun(stage, { 'm.a': [] });
    stage.clock.jump(stage.clock.nowMs() + 61_000);
    await send(sweep(stage.clock.nowMs()));
    const rig = functionRig(stage);

    await rig.take('m.a', { sendNo: 1 });
    expect(rig.invoked).toHaveLength(0);
    await rig.take('m.a', { sendNo: 2 });
    await rig.take('m.a', { sendNo: 2 });
    await rig.take('m.a', { attempt: 2 });
    expect(rig.invoked).toHaveLength(1);
  });

  it('of two at once invokes one', async () => {
    await startFunctionRun(stage, { 'm.a': [] });
    const [one, other] = [functionRig(stage), functionRig(stage)];

    await Promise.all([one.take('m.a'), one.take('m.a'), other.take('m.a')]);

    expect([...one.invoked, ...other.invoked]).toHaveLength(1);
  });

  it('refuses a message about a task that no function makes', async () => {
    await startFunctionRun(stage, { 'm.a': [], 'm.n': [] }, { inline: ['m.n'] });

    await expect(functionRig(stage).take('m.n')).rejects.toThrow('no task that an execution location takes');
  });

  it.each([
    ['the bound is reached', { functionStepsMax: 1 }],
    ['little time is left', { remainingMs: () => FUNCTION_TIME_MS + END_MARGIN_MS - 1 }],
  ])('sends what follows when %s', async (_, options) => {
    await startFunctionRun(stage, chain);
    const rig = functionRig(stage, options);

    await rig.take('m.a');

    expect(keys(rig)).toEqual(['m.a']);
    expect(messagesOf(rig)).toMatchObject([{ queue: 'function-tasks', body: { taskKey: 'm.b', sendNo: 1 } }]);
  });

  it('goes on as long as the time is left that a function may count on', async () => {
    await startFunctionRun(stage, chain);
    const rig = functionRig(stage, { remainingMs: () => FUNCTION_TIME_MS + END_MARGIN_MS });

    await rig.take('m.a');

    expect(keys(rig)).toEqual(['m.a', 'm.b', 'm.c']);
  });

  it('begins nothing at a location that takes nothing, and nothing more at one that does no longer', async () => {
    await startFunctionRun(stage, chain);
    const closed = functionRig(stage, { isOpen: () => Promise.resolve(false) });
    await closed.take('m.a');
    expect(closed.invoked).toHaveLength(0);
    expect((await historyOf(stage)).at(-1)).toBe('TaskDispatched m.a 1');
    const answers = [Promise.resolve(true), Promise.resolve(false)];
    const closing = functionRig(stage, { isOpen: () => answers.shift() ?? Promise.resolve(false) });

    await closing.take('m.a');

    expect(keys(closing)).toEqual(['m.a']);
    expect(messagesOf(closing)).toMatchObject([{ queue: 'function-tasks', body: { taskKey: 'm.b' } }]);
  });

  it('leaves what follows to a message when it cannot be asked whether the location takes it', async () => {
    await startFunctionRun(stage, chain);
    const answers = [() => Promise.resolve(true), () => Promise.reject(new Error('no answer'))];
    const rig = functionRig(stage, { isOpen: () => (answers.shift() ?? (() => Promise.resolve(true)))() });

    await rig.take('m.a');

    expect(keys(rig)).toEqual(['m.a']);
    expect(messagesOf(rig)).toHaveLength(1);
  });

  it('beats while it waits, and stops waiting when the attempt is over', async () => {
    await startFunctionRun(stage, { 'm.a': [] });
    let beats = 0;
    let hasStopped = false;
    const rig = functionRig(stage, {
      invoke: (_, signal) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            hasStopped = true;
          });
        }),
      sleep: async (waitMs) => {
        stage.clock.jump(stage.clock.nowMs() + waitMs);
        if (++beats < 3) return;
        // Somebody else ends it: the function itself, say.
        const { attemptId, taskKey } = rig.invoked[0] ?? { attemptId: undefined, taskKey: undefined };
        if (!attemptId) throw new Error('not invoked');
        const report = { attempt: 1, attemptId, workerId: 'fn' as never, outcome: 'SUCCEEDED' as const };
        await send({ type: 'CompleteTask', taskKey, report });
      },
    });

    await rig.take('m.a');

    expect(hasStopped).toBe(true);
    expect((await historyOf(stage)).filter((line) => line.startsWith('TaskHeartbeat'))).toHaveLength(2);
    expect((await historyOf(stage)).at(-1)).toBe('RunCompleted SUCCEEDED');
  });

  it('goes on waiting although a beat cannot be recorded', async () => {
    await startFunctionRun(stage, { 'm.a': [] });
    let end: (invoked: Invoked) => void = () => undefined;
    let beats = 0;
    const rig = functionRig(stage, {
      invoke: () => new Promise((resolve) => (end = resolve)),
      sleep: (waitMs) => {
        stage.clock.jump(stage.clock.nowMs() + waitMs);
        if (++beats === 1)
          stage.inject({ service: 'dynamodb', operation: 'PutItem', kind: 'server-error', hitsMax: 1 });
        if (beats === 2) end({ kind: 'answered', answer: undefined });
        return beats === 2 ? new Promise(() => undefined) : Promise.resolve();
      },
    });

    await rig.take('m.a');

    expect(rig.ports.telemetry.logged).toMatchObject([{ level: 'warn' }]);
    expect((await historyOf(stage)).at(-1)).toBe('RunCompleted SUCCEEDED');
  });

  it('gives up what does not end while the invocation lasts', async () => {
    await startFunctionRun(stage, { 'm.a': [] }, { policy: { heartbeatTimeoutSec: 300 } });
    const endMs = stage.clock.nowMs() + 100_000;
    const rig = functionRig(stage, {
      invoke: () => new Promise(() => undefined),
      remainingMs: () => endMs - stage.clock.nowMs(),
      sleep: (waitMs) => {
        stage.clock.jump(stage.clock.nowMs() + waitMs);
        return Promise.resolve();
      },
    });

    await rig.take('m.a');

    expect((await eventsOf(stage)).find(({ type }) => type === 'TaskCompleted')?.data).toMatchObject({
      outcome: 'FAILED',
      error: { category: 'TIMEOUT', message: expect.stringContaining('after 85 s') as unknown },
    });
  });

  it('has an end that cannot be recorded at once recorded soon', async () => {
    await startFunctionRun(stage, chain);
    const rig = functionRig(stage, {
      invoke: () => {
        stage.inject({ service: 'dynamodb', operation: 'PutItem', kind: 'server-error', hitsMax: 1 });
        return answered({ outcome: 'SUCCEEDED' });
      },
    });

    await rig.take('m.a');

    const [message] = await stage.drain('commands.fifo');
    expect(JSON.parse(String(message?.['Body']))).toMatchObject({
      stream,
      command: { type: 'CompleteTask', taskKey: 'm.a', report: { outcome: 'SUCCEEDED' } },
    });
    expect(JSON.parse(String(message?.['Body']))).not.toHaveProperty('command.next');
    expect(streamedCommits(stage)).toHaveLength(2);
  });
});
