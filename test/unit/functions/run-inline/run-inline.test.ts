import { beforeEach, describe, expect, it } from 'vitest';
import { functionSettings } from '#infra/function-settings.ts';
import { runTiming } from '#contracts/runs/limits.ts';
import type { InlineOutcome } from '#domain/ports/runner.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { runners } from '#functions/run-inline/runners.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { eventsOf, historyOf, inlineRig, startRun } from '#test/support/inline-rig.ts';
import type { InlineRig, RigOptions } from '#test/support/inline-rig.ts';
import { commandPorts, requestOf, streamedCommits } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { claim, retry, stream, succeed, sweep } from '#test/support/run-fixtures.ts';
import type { Edges } from '#test/support/run-fixtures.ts';
import { rejectWith } from '#test/support/thrown.ts';

const chainOf = (count: number): Edges =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`m.t${index}`, index === 0 ? [] : [`m.t${index - 1}`]]),
  );

const commitCount = (stage: LocalStage): number => streamedCommits(stage).length;
const messagesOf = ({ ports }: InlineRig): readonly unknown[] =>
  ports.performed.filter((effect) => effect.kind === 'send-message');
const failed = (category: 'INFRASTRUCTURE' | 'CONFIGURATION'): InlineOutcome => ({
  outcome: 'FAILED',
  error: { category, message: 'it broke' },
});

describe('running the in-process tasks of a run', () => {
  let stage: LocalStage;
  beforeEach(async () => {
    stage = await localStage();
  });
  const send = (command: RunCommand) =>
    mailbox(commandPorts(stage)).send(runAggregate, requestOf(stream, command));

  it('takes a chain of ten to its end: one read, and a write a step', async () => {
    await startRun(stage, chainOf(10));
    const rig = inlineRig(stage);
    stage.requests();

    await rig.take();

    expect(stage.requests()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.PutItem': 10 });
    expect(commitCount(stage)).toBe(11);
    expect((await historyOf(stage)).at(-1)).toBe('RunCompleted SUCCEEDED');
    expect(rig.asked.map(({ taskKey }) => taskKey)).toEqual(Object.keys(chainOf(10)));
    expect(rig.ports.performed).toEqual([]);
  });

  it('records the start, the end and what follows of each step as one commit', async () => {
    await startRun(stage, chainOf(3));

    await inlineRig(stage).take();

    expect(streamedCommits(stage).map(({ events }) => events.map(({ type }) => type))).toEqual([
      ['RunTriggered', 'PlanCreated', 'TaskDispatched'],
      ['TaskStarted', 'TaskCompleted', 'TaskDispatched'],
      ['TaskStarted', 'TaskCompleted', 'TaskDispatched'],
      ['TaskStarted', 'TaskCompleted', 'RunCompleted'],
    ]);
  });

  it('runs what is ready side by side one after another', async () => {
    await startRun(stage, { 'm.a': [], 'm.b': [], 'm.c': [], 'm.z': ['m.a', 'm.b', 'm.c'] });
    const rig = inlineRig(stage);

    await rig.take();

    expect(rig.asked.map(({ taskKey }) => taskKey)).toEqual(['m.a', 'm.b', 'm.c', 'm.z']);
    expect((await historyOf(stage)).at(-1)).toBe('RunCompleted SUCCEEDED');
  });

  it('hands tasks of workers to workers, and goes on with others meanwhile', async () => {
    await startRun(stage, { 'm.a': [], 'm.b': [], 'm.w': ['m.a'] }, { inline: ['m.a', 'm.b'] });
    const rig = inlineRig(stage);

    await rig.take();

    expect(rig.asked.map(({ taskKey }) => taskKey)).toEqual(['m.a', 'm.b']);
    expect(rig.ports.performed).toMatchObject([{ kind: 'offer-task', taskKey: 'm.w' }]);
  });

  it('does nothing for a run that has nothing for it, has ended or does not exist', async () => {
    const rig = inlineRig(stage);
    await rig.take();
    await startRun(stage, { 'm.w': [] }, {});
    await rig.take();
    await send(claim('m.w'));
    await send(succeed('m.w'));
    await rig.take();

    expect(rig.asked).toEqual([]);
    expect(rig.ports.performed).toEqual([]);
  });

  it('counts what it ran, and how long each task had waited', async () => {
    await startRun(stage, chainOf(3));
    stage.clock.jump(stage.clock.nowMs() + 70);
    const rig = inlineRig(stage);

    await rig.take();

    expect(rig.ports.telemetry.counted.get('InlineTasksRun')).toBe(3);
    expect(rig.ports.telemetry.counted.get('ReadyToStartedMs')).toBe(70);
  });

  it('has a runner that does nothing, and succeeds without an output', async () => {
    await startRun(stage, { 'm.a': [] });

    await inlineRig(stage, { run: (task) => runners.noop.run(task) }).take();

    const completed = (await eventsOf(stage)).find(({ type }) => type === 'TaskCompleted');
    expect(completed?.data).toMatchObject({ outcome: 'SUCCEEDED', workerId: 'run-inline' });
    expect(completed?.data).not.toHaveProperty('output');
  });

  it('takes less time than after which its message is sent again', () => {
    expect(functionSettings['run-inline'].timeoutSeconds * 1000).toBeLessThan(runTiming.resendIntervalMs);
  });

  describe('with a bound', () => {
    it('sends itself the rest after it, once', async () => {
      await startRun(stage, chainOf(10));
      const rig = inlineRig(stage, { inlineStepsMax: 4 });

      await rig.take();
      expect(rig.asked).toHaveLength(4);
      expect(messagesOf(rig)).toEqual([expect.objectContaining({ queue: 'inline-runs', body: { stream } })]);
      await rig.take();
      await rig.take();

      expect(rig.asked).toHaveLength(10);
      expect(messagesOf(rig)).toHaveLength(2);
      expect((await historyOf(stage)).at(-1)).toBe('RunCompleted SUCCEEDED');
    });

    it('sends nothing when the last step within it was the last of all', async () => {
      await startRun(stage, chainOf(4));
      const rig = inlineRig(stage, { inlineStepsMax: 4 });

      await rig.take();

      expect(messagesOf(rig)).toEqual([]);
    });
  });

  describe('when a runner', () => {
    it('fails, leaves the retry to the ordinary timer and goes on', async () => {
      await startRun(stage, { 'm.a': [], 'm.b': [] });
      const rig = inlineRig(stage, {
        run: ({ taskKey, attempt }) =>
          Promise.resolve(
            taskKey === 'm.a' && attempt === 1 ? failed('INFRASTRUCTURE') : { outcome: 'SUCCEEDED' },
          ),
      });

      await rig.take();
      expect(rig.ports.performed).toMatchObject([{ kind: 'start-execution', machine: 'retry-task' }]);
      stage.clock.jump(stage.clock.nowMs() + 30_000);
      await send(retry('m.a'));
      await rig.take();

      expect(rig.asked.map(({ taskKey, attempt }) => [taskKey, attempt])).toEqual([
        ['m.a', 1],
        ['m.b', 1],
        ['m.a', 2],
      ]);
      expect((await historyOf(stage)).at(-1)).toBe('RunCompleted SUCCEEDED');
    });

    it('fails for good, ends the run as failed', async () => {
      await startRun(stage, chainOf(3));

      await inlineRig(stage, { run: () => Promise.resolve(failed('CONFIGURATION')) }).take();

      expect(await historyOf(stage)).toEqual([
        'RunTriggered',
        'PlanCreated',
        'TaskDispatched m.t0 1',
        'TaskStarted m.t0 1',
        'TaskCompleted m.t0 1 FAILED',
        'TaskSkipped m.t1',
        'TaskSkipped m.t2',
        'RunCompleted FAILED',
      ]);
    });

    it.each([
      ['an error', () => Promise.reject(new Error('password=hunter2 was wrong'))],
      ['anything else', () => rejectWith('password=hunter2 was wrong')],
      [
        'before it answers a promise',
        () => {
          throw new Error('password=hunter2 was wrong');
        },
      ],
    ])('throws %s, has failed the attempt and not the message', async (_, run) => {
      await startRun(stage, { 'm.a': [], 'm.b': [] });
      const rig = inlineRig(stage, {
        run: (task) => (task.taskKey === 'm.a' ? run() : Promise.resolve({ outcome: 'SUCCEEDED' })),
      });

      await rig.take();

      const [first] = (await eventsOf(stage)).filter(({ type }) => type === 'TaskCompleted');
      expect(first?.data).toMatchObject({
        outcome: 'FAILED',
        error: { category: 'INFRASTRUCTURE', message: 'password=[redacted] was wrong', retryable: true },
      });
      expect(rig.asked).toHaveLength(2);
      expect(rig.ports.telemetry.logged).toMatchObject([{ level: 'error', fields: { taskKey: 'm.a' } }]);
    });
  });

  describe('whatever is lost or comes twice', () => {
    const STEPS = 4;
    let expected: readonly string[];
    beforeEach(async () => {
      const calm = await localStage();
      await startRun(calm, chainOf(STEPS));
      await inlineRig(calm).take();
      expected = await historyOf(calm);
      await startRun(stage, chainOf(STEPS));
    });
    const ends = async (): Promise<void> => expect(await historyOf(stage)).toEqual(expected);

    it('runs each task once when its message is delivered twice', async () => {
      const rig = inlineRig(stage);
      await rig.take();
      await rig.take(true);
      await inlineRig(stage).take();

      await ends();
      expect(rig.asked).toHaveLength(STEPS);
    });

    it.each(['same environment', 'two environments'])(
      'comes to the same end when two take it at once, in the %s',
      async (where) => {
        const one = inlineRig(stage);
        const other = where === 'same environment' ? one : inlineRig(stage);

        await Promise.all([one.take(), other.take()]);

        await ends();
      },
    );

    it('lets the slower of two stop, with its outcome discarded', async () => {
      const quick = inlineRig(stage);
      let isFirst = true;
      const slow = inlineRig(stage, {
        run: async () => {
          if (isFirst) await quick.take();
          isFirst = false;
          return failed('CONFIGURATION');
        },
      });

      await slow.take();

      await ends();
      expect(slow.asked).toHaveLength(1);
    });

    it.each(Array.from({ length: STEPS }, (_, step) => step + 1))(
      'goes on where it stopped when it crashes at append %i, before or after it',
      async (call) => {
        for (const kind of ['server-error', 'lost-answer'] as const) {
          const own = await localStage();
          await startRun(own, chainOf(STEPS));
          own.inject({ service: 'dynamodb', operation: 'PutItem', kind, calls: [call] });
          await expect(inlineRig(own).take()).rejects.toThrow();
          own.inject();

          await inlineRig(own).take(true);

          expect(await historyOf(own), kind).toEqual(expected);
        }
      },
    );

    it('is sent again by the sweep when its message was lost, and ends the same but for the repeat', async () => {
      stage.clock.jump(stage.clock.nowMs() + 60_000);
      const sweeper = commandPorts(stage);
      await mailbox(sweeper).send(runAggregate, requestOf(stream, sweep(stage.clock.nowMs())));
      expect(sweeper.performed).toMatchObject([{ queue: 'inline-runs', body: { stream } }]);

      await inlineRig(stage).take();

      const history = await historyOf(stage);
      expect(history).toContain('TaskRedispatched m.t0 1');
      expect(history.filter((line) => !line.startsWith('TaskRedispatched'))).toEqual(expected);
    });

    it('comes again when a commit owes what could not be done, and does it then', async () => {
      const own = await localStage();
      await startRun(own, { 'm.a': [], 'm.b': ['m.a'], 'm.w': ['m.a'] }, { inline: ['m.a', 'm.b'] });
      const rig = inlineRig(own);
      rig.ports.failure = new Error('offers cannot be made');
      await expect(rig.take()).rejects.toMatchObject({ code: 'effects_failed' });
      rig.ports.failure = undefined;

      await rig.take(true);

      expect(rig.ports.performed).toMatchObject([{ kind: 'offer-task', taskKey: 'm.w' }]);
      expect(rig.asked.map(({ taskKey }) => taskKey)).toEqual(['m.a', 'm.b']);
    });
  });

  it('comes again when this version of Sluice may not decide', async () => {
    await startRun(stage, chainOf(2));
    const options: RigOptions = {
      run: async () => {
        const { ledger } = commandPorts(stage);
        const [newest] = (await ledger.tail(stream, 1)).commits;
        const event = newest?.events.at(-1);
        if (!newest || !event) throw new Error('the run has no events');
        const { state: _state, due: _due, ...bare } = newest;
        const split = {
          ...event,
          sequence: event.sequence + 1,
          type: 'Split',
          mustUnderstand: true as const,
        };
        await ledger.append({ ...bare, sequence: split.sequence, events: [split], commandId: 'split' });
        return { outcome: 'SUCCEEDED' };
      },
    };

    await expect(inlineRig(stage, options).take()).rejects.toMatchObject({ code: 'unknown_event' });
  });

  it('refuses a message that names no run', async () => {
    await expect(inlineRig(stage).take(false, 'feed#a/b/c')).rejects.toThrow();
  });
});
