/** `sluice location` against a stack in this process. */
import { expect, it } from 'vitest';
import { sluice, startTestStack } from '#test/support/cli.ts';

it('registers execution locations, lists and removes them, and refuses a queue out of reach', async () => {
  const { stateDir } = await startTestStack();
  const location = (...args: readonly string[]) => sluice('location', ...args, '--state', stateDir);
  const sent = ['--queue', 'gpu', '--sqs'];

  expect(await location('set', 'pool', ...sent, 'sluice-dev-worker-yw3l55s5hy-gpu')).toMatchObject({
    code: 0,
    stdout: 'pool: tasks of gpu are sent to sluice-dev-worker-yw3l55s5hy-gpu\n',
  });
  const { stdout } = await location('list');
  expect(stdout).toMatch(/pool +managed_queue +gpu +sluice-dev-worker-yw3l55s5hy-gpu/);
  expect(stdout).toMatch(/names of queues and functions begin with sluice-dev-worker-yw3l55s5hy-$/m);
  expect(await location('set', 'pool', ...sent, 'another-queue')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('queue_not_allowed'),
  });
  const fn = ['--queue', 'rows', '--function', 'sluice-dev-worker-yw3l55s5hy-rows'];
  expect(await location('set', 'runner', ...fn)).toMatchObject({
    code: 0,
    stdout: 'runner: tasks of rows are sent to sluice-dev-worker-yw3l55s5hy-rows\n',
  });
  expect((await location('list')).stdout).toMatch(/runner +lambda +rows +sluice-dev-worker-yw3l55s5hy-rows/);
  expect(
    await location('set', 'runner', ...fn, '--can', 'cancel', 'logs', '--cannot', 'heartbeat'),
  ).toMatchObject({
    code: 0,
  });
  const { stdout: listed } = await location('list', '--json');
  expect(JSON.parse(listed)).toMatchObject({
    executionLocations: [{}, { capabilities: { cancel: true, logs: true, heartbeat: false } }],
  });
  expect(await location('set', 'runner', ...fn, '--can', 'logs', '--cannot', 'logs')).toMatchObject({
    code: 2,
  });
  expect(await location('set', 'runner', ...fn, '--can', 'fly')).toMatchObject({ code: 2 });
  expect(await location('set', 'runner', ...fn, '--lifecycle', 'archived')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('(archived)') as unknown,
  });
  expect((await location('list')).stdout).not.toContain('runner');
  expect((await location('list', '--archived')).stdout).toMatch(/runner .* archived *$/m);
  expect(await location('set', 'runner', '--queue', 'rows')).toMatchObject({ code: 2 });
  expect(await location('set', 'runner', ...fn, '--sqs', 'x')).toMatchObject({ code: 2 });
  expect(await location('remove', 'pool')).toMatchObject({ code: 0, stdout: 'removed pool\n' });
  expect(await location('remove', 'pool')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('location_not_found'),
  });
});
