import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler as apiWorkers } from '#functions/api-workers/handler.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane, Claimed } from '#test/support/ports-assets.ts';

/** Each request to the cloud takes a turn, so that reports that come at once read alike and race to append. */
const racingPlane = (): Promise<AssetPlane> => assetPlane({ gate: () => turn() });

describe('claims that bring reports at once', () => {
  let plane: AssetPlane;
  /** Environments of the function, as the cloud starts several. */
  let environments: readonly AssetPlane['handlers']['workers'][];
  beforeEach(async () => {
    plane = await racingPlane();
    const source = { ...plane.stage.environment, LIMITS: JSON.stringify({ requestBurstMax: 10_000 }) };
    environments = [plane.handlers.workers, apiWorkers(source, plane.stage.plugin)];
  });

  const ask = (environment: number, task: Claimed, workerId: string): Promise<Answer> => {
    const { taskId, taskToken, attempt, attemptId } = task;
    const report = { attempt, attemptId, workerId, outcome: 'SUCCEEDED' };
    return plane.call(
      environments[environment] ?? plane.handlers.workers,
      plane.inWorkspace('/workers/claim', {
        method: 'POST',
        body: { workerId, completed: { taskId, taskToken, report } },
      }),
    );
  };
  const tasksOf = ({ body }: Answer): readonly Claimed[] => body['tasks'] as readonly Claimed[];
  const keysOf = (answers: readonly Answer[]): readonly string[] =>
    answers.flatMap((answer) => tasksOf(answer).map(({ taskKey }) => taskKey)).sort();

  it('hand the same attempt to the same worker, however many environments hear of it', async () => {
    await plane.deploy({ a: [], b: ['a'] });
    await plane.trigger(['m.a', 'm.b']);
    const [first] = await plane.claim(1, { workerId: 'wk-1' });
    if (!first) throw new Error('a task should be offered');

    const answers = await Promise.all([0, 1, 0, 1].map((place) => ask(place, first, 'wk-1')));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(answers.flatMap((answer) => tasksOf(answer).map(({ attemptId }) => attemptId))).size).toBe(
      1,
    );
    expect(keysOf(answers)).toEqual(['m.b', 'm.b', 'm.b', 'm.b']);
    expect(answers.filter(({ body }) => !('duplicate' in (body['completed'] as object)))).toHaveLength(1);
  });

  it('leave nothing in nobody’s hands, and nothing in two', async () => {
    await plane.deploy({ a: [], b: [], c: ['a'], d: ['b'], e: ['a', 'b'] });
    const runId = String((await plane.trigger(['m.a', 'm.b', 'm.c', 'm.d', 'm.e'])).body['runId']);
    const [one] = await plane.claim(1, { workerId: 'wk-1' });
    const [two] = await plane.claim(1, { workerId: 'wk-2' });
    if (!one || !two) throw new Error('two tasks should be offered');

    const answers = await Promise.all([ask(0, one, 'wk-1'), ask(1, two, 'wk-2')]);
    await plane.deliver('commands');
    const offered = await plane.claim(10);

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect([...keysOf(answers), ...offered.map(({ taskKey }) => taskKey)].sort()).toEqual([
      'm.c',
      'm.d',
      'm.e',
    ]);
    for (const task of [...answers.flatMap(tasksOf), ...offered]) await plane.succeed(task);
    expect(await plane.getRun(runId)).toMatchObject({ state: 'SUCCEEDED' });
  });
});
