/** What `sluice run` tells of what tasks wrote and what happened. */
import { expect, it } from 'vitest';

import { sluice, startTestStack } from '#test/support/cli.ts';
import { apiOf } from '#test/support/cloud.ts';
import type { TestCloud } from '#test/support/cloud.ts';
import { callback, claim, deploy, trigger } from '#test/support/cloud-assets.ts';

it('prints the logs of a run page by page, and of one task', async () => {
  const stack = await startTestStack();
  const api = apiOf(stack.cloud as TestCloud);
  await deploy(api, { a: [], b: [] });
  const runId = await trigger(api, ['a', 'b']);
  for (const task of await claim(api))
    await callback(api, 'logs', task, { stdout: `${'\u0001'.repeat(600_000)}by ${task.taskKey}` });
  await stack.cloud.settle();

  const say = (...args: readonly string[]) => sluice('run', 'logs', ...args, '--state', stack.stateDir);
  const { stdout } = await say(runId);
  expect(stdout.match(/--- .* ---|by \S+/g)).toEqual([
    `--- logs/${runId}/demo.a/attempt-1.log ---`,
    'by demo.a',
    `--- logs/${runId}/demo.b/attempt-1.log ---`,
    'by demo.b',
  ]);
  expect((await say(runId, '--task', 'demo.b')).stdout).not.toContain('demo.a');
  expect((await say(runId, '--json')).stdout.split('\n')).toHaveLength(3);
  expect(await say(runId, '--task', 'demo.c')).toMatchObject({ code: 1, stderr: /log_not_found/ });
});

it('prints the events of a run, behind a number, and follows it to its end', async () => {
  const stack = await startTestStack();
  const api = apiOf(stack.cloud as TestCloud);
  await deploy(api, { a: [] });
  const runId = await trigger(api, ['a']);
  const say = (...args: readonly string[]) => sluice('run', 'events', ...args, '--state', stack.stateDir);

  const { stdout } = await say(runId);
  expect(stdout.replaceAll(/ \d{4}-\S+Z/g, '')).toBe(
    '1 RunTriggered\n2 PlanCreated\n3 TaskDispatched demo.a#1\n',
  );
  expect((await say(runId, '--after', '2', '--json')).stdout.split('\n')).toHaveLength(2);

  const following = say(runId, '--follow', '--after', '3');
  for (const task of await claim(api)) await callback(api, 'completed', task, { outcome: 'SUCCEEDED' });
  expect((await following).stdout.replaceAll(/ \d{4}-\S+Z/g, '')).toBe(
    '4 TaskStarted demo.a#1\n5 TaskCompleted demo.a#1\n6 RunCompleted\n',
  );
});
