import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anyPorts, runSluice, serve, temporaryFolder } from '#test/support/process.ts';
import type { Finished, Serving } from '#test/support/process.ts';

const folder = temporaryFolder();
const inFolder = (name: string): string => path.join(folder, name);
const stateDir = inFolder('state');
let outputHash: string;
let serving: Serving;

beforeAll(async () => {
  const tape = ['--demo', '--exit', '--json'];
  const { stdout } = await runSluice(['up', ...anyPorts, '--state', stateDir, ...tape]);
  ({ outputHash } = JSON.parse(stdout.at(-1) ?? '') as { readonly outputHash: string });
  serving = await serve(['--state', stateDir]);
}, 120_000);
afterAll(() => serving.stop());

const feed = (...args: readonly string[]): Promise<Finished> =>
  runSluice(['--state', stateDir, '--json', 'feed', ...args]);
const last = ({ stdout }: Finished): unknown => JSON.parse(stdout.at(-1) ?? '');

it('prints one hash of what was played, replayed, recorded and simulated', async () => {
  expect(readFileSync('docs/guide/market-feeds.md', 'utf8')).toContain(`hash      ${outputHash}`);
  const [outputs, capture, log] = ['outputs.jsonl', 'capture.jsonl', 'simulated.jsonl'].map(inFolder);
  if (outputs === undefined || capture === undefined || log === undefined) throw new Error('no names');

  expect(last(await feed('replay', 'demo'))).toMatchObject({
    isEqual: true,
    outputHash,
    recordedHash: outputHash,
  });
  expect(last(await feed('outputs', 'demo', '--out', outputs))).toMatchObject({ outputHash });
  expect(await feed('capture', 'demo', capture)).toMatchObject({ code: 0 });
  const simulated = await feed('simulate', '--log', capture);
  expect(JSON.parse(simulated.stderr.at(-1) ?? '')).toEqual({ outputHash });
  writeFileSync(log, simulated.stdout.join('\n'));
  expect(last(await feed('diff', outputs, log))).toMatchObject({ isEqual: true, firstHash: outputHash });

  writeFileSync(log, readFileSync(log, 'utf8').replace('"engine_mode":"', '"engine_mode":"un'));
  const differing = await feed('diff', outputs, log);
  expect([differing.code, last(differing)]).toMatchObject([1, { difference: { members: ['engine_mode'] } }]);
  expect(JSON.parse(differing.stderr.at(-1) ?? '')).toMatchObject({ code: 'outputs_differ' });
});

it('changes the configuration of a drained feed only, and creates none', async () => {
  const config = inFolder('feed.json');
  const other = {
    ...(JSON.parse(readFileSync('events/tapes/demo.feed.json', 'utf8')) as object),
    emit_skipped: false,
  };
  const update = (changes: object) => {
    writeFileSync(config, JSON.stringify({ ...other, ...changes }));
    return feed('update', 'demo', config);
  };
  writeFileSync(config, JSON.stringify(other));
  const refusal = ({ stderr }: Finished): unknown => JSON.parse(stderr.at(-1) ?? '');

  expect(refusal(await feed('update', 'demo', config))).toMatchObject({ code: 'feed_exists' });
  expect(refusal(await feed('update', 'none', config))).toMatchObject({ code: 'feed_not_found' });
  expect(last(await feed('drain', 'demo'))).toMatchObject({ state: 'drained' });
  expect(last(await update({}))).toMatchObject({ config: { emit_skipped: false } });
  expect(last(await feed('start', 'demo'))).toMatchObject({ state: 'started' });
  expect(last(await feed('replay', 'demo'))).toMatchObject({ isEqual: true, outputHash });
  expect(last(await feed('capture', 'demo', inFolder('updated.jsonl')))).toMatchObject({ feedId: 'demo' });
  expect(last(await feed('drain', 'demo'))).toMatchObject({ state: 'drained' });
  expect(last(await update({ engine_options: { deduplicate: true } }))).toMatchObject({ feedId: 'demo' });
  expect(refusal(await feed('capture', 'demo', inFolder('none.jsonl')))).toMatchObject({
    code: 'feed_reconfigured',
  });
  expect(last(await feed('stop', 'demo'))).toMatchObject({ state: 'stopped' });
});
