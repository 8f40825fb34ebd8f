/** What a feed said, told again by the commands of `sluice feed` against a stack in this process. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { sluice, startTestStack } from '#test/support/cli.ts';
import { testFolder } from '#test/support/folders.ts';
import type { Said } from '#test/support/cli.ts';
import { putRecords, snapshotInputs } from '#test/support/cloud-market.ts';

const config = {
  sources: [{ source_id: 'venue', symbols: ['AAA'] }],
  scheduler: { mode: 'timer', timer_interval_ms: 1_000 },
  clock: 'record',
};

it('is written, computed again, captured and compared, with one hash', async () => {
  const { stateDir, cloud } = await startTestStack();
  const folder = testFolder();
  const at = (name: string): string => path.join(folder, name);
  const feed = (...args: readonly string[]): Promise<Said> => sluice('feed', ...args, '--state', stateDir);
  writeFileSync(at('feed.json'), JSON.stringify(config));
  await feed('create', 'spot', at('feed.json'));
  await putRecords(
    cloud,
    [1_000, 2_000, 3_000, 4_000].map((instant) => snapshotInputs('AAA', instant, instant + 1)),
  );
  await cloud.settle();

  const told = await feed('outputs', 'spot', '--out', at('outputs.jsonl'));
  const [, hash = ''] = /hash {2}([0-9a-f]{64})/.exec(told.stdout) ?? [];
  const text = readFileSync(at('outputs.jsonl'), 'utf8');
  expect(text.trim().split('\n').length).toBeGreaterThan(3);

  expect((await feed('replay', 'spot')).stdout).toMatch(
    new RegExp(`hash +${hash}\\nrecorded +${hash} equal`),
  );
  expect(
    (await feed('replay', 'spot', '--from', '2000', '--to', '3000', '--out', at('part.jsonl'))).code,
  ).toBe(0);
  const backwards = await feed('replay', 'spot', '--from', '3000', '--to', '2000');
  expect([backwards.code, backwards.stderr]).toEqual([1, expect.stringContaining('invalid_request')]);
  expect((await feed('replay', 'spot', '--from', 'soon')).code).toBe(2);

  expect((await feed('capture', 'spot', at('capture.jsonl'))).stdout).toContain('records of spot');
  await feed('replay', 'spot', '--out', at('replayed.jsonl'));
  expect((await feed('diff', at('outputs.jsonl'), at('replayed.jsonl'))).stdout).toBe(
    `equal\nhash  ${hash}\n`,
  );

  const simulated = await feed('simulate', '--log', at('capture.jsonl'), '--json');
  expect(JSON.parse(simulated.stderr)).toEqual({ outputHash: hash });
  expect((await feed('simulate', '--config', at('gone.json'), '--log', at('capture.jsonl'))).code).toBe(2);
  expect((await feed('outputs', 'spot', '--json')).stderr).toContain(hash);

  const lines = text.trim().split('\n');
  writeFileSync(at('shorter.jsonl'), lines.slice(0, -1).join('\n'));
  writeFileSync(at('other.jsonl'), text.replace('"cut_kind":"', '"cut_kind":"x'));
  const differing = await feed('diff', at('outputs.jsonl'), at('other.jsonl'));
  expect([differing.code, differing.stdout, differing.stderr]).toEqual([
    1,
    expect.stringMatching(/^not equal\nfirst +[0-9a-f]{64}\nsecond +[0-9a-f]{64}\n$/),
    expect.stringContaining('which differs in cut_kind'),
  ]);
  for (const [one, other, place] of [
    ['outputs.jsonl', 'shorter.jsonl', 'outputs'],
    ['shorter.jsonl', 'outputs.jsonl', 'outputs'],
  ] as const) {
    const { stderr } = await feed('diff', at(one), at(other));
    expect(stderr).toContain(`which is only in ${at(place)}`);
  }
});
