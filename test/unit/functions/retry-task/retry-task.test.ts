import { beforeEach, describe, expect, it } from 'vitest';
import { attemptId } from '#domain/kernel/ids.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { AssetPlane, Claimed } from '#test/support/ports-assets.ts';

describe('retrying a task', () => {
  let plane: AssetPlane;
  let runId: string;
  let called: unknown[];
  beforeEach(async () => {
    called = [];
    plane = await assetPlane({
      runTask: (_resource, input) => {
        called.push(input);
        return Promise.resolve({});
      },
    });
    await plane.deploy({ a: [] }, { execution: { retry: { maxAttempts: 3, baseMs: 30_000 } } });
    runId = String((await plane.trigger(['m.a'])).body['runId']);
  });

  const failOnce = async (): Promise<Claimed> => {
    const [task] = await plane.claim();
    if (!task) throw new Error('nothing to claim');
    await plane.fail(task);
    return task;
  };
  const executions = async (): Promise<readonly Json[]> =>
    (
      await plane.stage.dispatcher.call('states', 'ListExecutions', {
        stateMachineArn: plane.stage.environment['RETRY_TASK_MACHINE_ARN'],
      })
    )['executions'] as readonly Json[];
  const inputOf = async (execution: Json | undefined): Promise<unknown> => {
    const { executionArn } = execution ?? {};
    const { input } = await plane.stage.dispatcher.call('states', 'DescribeExecution', { executionArn });
    return JSON.parse(String(input));
  };
  const attempts = async (): Promise<unknown> => {
    const { tasks } = (await plane.getRun(runId)) as { tasks: readonly Json[] };
    return tasks.map(({ state, attempt }) => `${String(state)} ${String(attempt)}`);
  };

  it('starts one execution for its instant and makes the next attempt when it calls', async () => {
    await failOnce();
    const [execution, ...more] = await executions();
    expect(more).toEqual([]);
    const input = await inputOf(execution);
    // A clock behind the one that fired: the machine's own retry calls again a moment later.
    await expect(plane.handlers.retryTask(input)).rejects.toThrow('is due in 30000 ms');

    plane.pass(30_000);
    expect(await plane.handlers.retryTask(input)).toEqual({ outcome: 'retried' });

    expect(await plane.handlers.retryTask(input)).toEqual({ outcome: 'already' });
    expect(await plane.claim()).toMatchObject([
      { attempt: 2, attemptId: attemptId({ runId, taskKey: 'm.a', attempt: 2 }) },
    ]);
  });

  it('fails when its effects fail, so that the machine calls again and the offer is made', async () => {
    await failOnce();
    const input = await inputOf((await executions())[0]);
    plane.pass(30_000);
    plane.stage.inject({ service: 'dynamodb', operation: 'PutItem', resource: 'control', kind: 'throttle' });

    await expect(plane.handlers.retryTask(input)).rejects.toMatchObject({ code: 'effects_failed' });
    plane.stage.inject();

    expect(await plane.handlers.retryTask(input)).toEqual({ outcome: 'already' });
    expect(await plane.claim()).toMatchObject([{ attempt: 2 }]);
  });

  it('refuses an input nobody would send', async () => {
    await expect(plane.handlers.retryTask({ runId: 'x' })).rejects.toThrow();
  });

  describe('whose execution', () => {
    /** What an undisturbed run has after the sweeper or the machine did their work. */
    const EXPECTED = ['QUEUED 2'];

    it('was closed before its time is retried by the sweeper, with the same outcome', async () => {
      await failOnce();
      const [execution] = await executions();
      await plane.stage.dispatcher.call('states', 'StopExecution', {
        executionArn: execution?.['executionArn'],
      });

      // The name is closed for 90 days: whoever performs the effect again is told so and goes on.
      const { name, input } = await plane.stage.dispatcher.call('states', 'DescribeExecution', {
        executionArn: execution?.['executionArn'],
      });
      const again = {
        name: String(name),
        machine: 'retry-task' as const,
        input: JSON.parse(String(input)) as Json,
      };
      expect(await adaptersOf(plane.stage).workflow.start(again)).toBe('closed');
      await plane.sweepNow();
      plane.pass(60_000);
      await plane.sweepNow();

      expect(called).toEqual([]);
      expect(await executions()).toHaveLength(1);
      expect(await attempts()).toEqual(EXPECTED);
      expect(await plane.claim()).toMatchObject([{ attempt: 2 }]);
    });

    it('never started is retried by the sweeper, with the same outcome', async () => {
      plane.stage.inject({ service: 'states', operation: 'StartExecution', kind: 'server-error' });
      await failOnce();
      expect(await executions()).toEqual([]);

      plane.pass(60_000);
      await plane.sweepNow();

      expect(await attempts()).toEqual(EXPECTED);
    });

    it('comes after the sweeper changes nothing any more', async () => {
      await failOnce();
      const input = await inputOf((await executions())[0]);
      plane.pass(60_000);
      await plane.sweepNow();

      expect(await plane.handlers.retryTask(input)).toEqual({ outcome: 'already' });
      expect(await attempts()).toEqual(EXPECTED);
    });
  });
});
