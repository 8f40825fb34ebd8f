/** `sluice limit` and `sluice run why` against a stack in this process. */
import { expect, it } from 'vitest';

import { apiOf } from '#test/support/cloud.ts';
import { deploy, trigger } from '#test/support/cloud-assets.ts';
import { sluice, startTestStack } from '#test/support/cli.ts';

it('sets limits, shows who holds and who waits, and removes them', async () => {
  const { stateDir, cloud } = await startTestStack();
  const api = apiOf({ ...cloud, logged: [], isFaulty: false, faultLines: () => [] });
  const say = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await sluice(...args, '--state', stateDir);
    expect([args, code, stderr]).toEqual([args, 0, '']);
    await cloud.settle();
    return stdout;
  };
  await deploy(api, { a: { execution: { queue: 'etl' } } });

  expect(await say('limit', 'set', 'queue:etl', '1')).toBe(
    'limit queue:etl: capacity 1, 0 held, 0 waiting\n',
  );
  const [first, second] = [await trigger(api, ['a']), await trigger(api, ['a'])];
  await cloud.settle();

  expect(await say('limit', 'list')).toMatch(/queue:etl +1 +api +1 +1/);
  const detail = await say('limit', 'get', 'queue:etl');
  expect(detail).toMatch(new RegExp(`held +${first} +demo.a +1`));
  expect(detail).toMatch(new RegExp(`1 +${second} +demo.a +1 +5`));
  expect(await say('run', 'why', second)).toMatch(/concurrency_limit +demo.a.*queue:etl, 1 of 1/);
  expect(await say('limit', 'remove', 'queue:etl')).toMatch(/^limit queue:etl: capacity none/);
  expect(await say('run', 'why', second)).toMatch(/worker +demo.a/);
  expect(await sluice('limit', 'set', 'queue:etl', 'many', '--state', stateDir)).toMatchObject({ code: 2 });
  expect(await sluice('limit', 'set', 'queue:etl', '-1', '--state', stateDir)).toMatchObject({ code: 1 });
});
