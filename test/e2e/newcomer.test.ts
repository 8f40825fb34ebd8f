import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSluice, serve, temporaryFolder } from '#test/support/process.ts';
import type { Finished, Serving } from '#test/support/process.ts';
import { repositoryRoot } from '#tools/torture/sluice-process.ts';

const folder = temporaryFolder();
const stateDir = path.join(folder, 'state');
const file = (name: string, content: unknown): string => {
  writeFileSync(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return path.join(folder, name);
};
const manifest = path.join(repositoryRoot, 'events/demo.manifest.json');
const feedFile = path.join(repositoryRoot, 'events/tapes/demo.feed.json');

let serving: Serving;
beforeAll(async () => {
  serving = await serve(['--state', stateDir]);
});
afterAll(() => serving.stop());

const sluice = (...args: readonly string[]): Promise<Finished> => runSluice([...args, '--state', stateDir]);

/** The one JSON document of a command that must succeed. */
const json = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await sluice(...args, '--json');
  expect([code, stdout.length, stderr]).toEqual([0, 1, []]);
  return JSON.parse(stdout[0] ?? '') as Record<string, unknown>;
};

/** What a command refuses with, as text and with `--json`. */
const refusal = async (environment: Readonly<Record<string, string>>, ...args: readonly string[]) => {
  const [text, document] = await Promise.all([
    runSluice([...args, '--state', stateDir], { environment }),
    runSluice([...args, '--state', stateDir, '--json'], { environment }),
  ]);
  expect([text.stdout, document.stdout, document.code]).toEqual([[], [], text.code]);
  expect(document.stderr).toHaveLength(1);
  const { code } = JSON.parse(document.stderr[0] ?? '') as { code: string };
  return { exitCode: text.code, code, lines: text.stderr };
};

describe('the command line of a newcomer', () => {
  it('says where the stack listens and that it is ready', async () => {
    const [status, text] = await Promise.all([json('status'), sluice('status')]);

    const { url, awsUrl } = serving;
    expect(status).toMatchObject({ url, awsUrl, stateDir, workspace: 'main', ready: true });
    expect(status['names']).toMatchObject({
      tables: ['sluice-dev-ledger', 'sluice-dev-views', 'sluice-dev-control'],
      streams: ['sluice-dev-market-events', 'sluice-dev-orchestrator-events'],
      queues: expect.arrayContaining(['sluice-dev-commands.fifo']),
      stateMachines: ['sluice-dev-retry-task', 'sluice-dev-feed-recovery'],
    });
    expect(text.stdout).toContainEqual(expect.stringMatching(/^streams +sluice-dev-market-events$/));
    expect([text.code, text.stdout.find((line) => line.startsWith('url'))?.split(/ +/)]).toEqual([
      0,
      ['url', url],
    ]);
  });

  it('deploys a manifest, starts a run once however often it is asked, and shows it', async () => {
    expect(await json('deploy', manifest)).toMatchObject({ assetCount: 4 });
    const start = [
      'run',
      'start',
      '--select',
      'demo.report',
      '--upstream',
      '--run-key',
      'k',
      '--label',
      'a=b',
    ];
    const first = await json(...start);
    const again = await json(...start);
    expect([first['created'], again['created'], again['runId']]).toEqual([true, false, first['runId']]);

    const runId = String(first['runId']);
    const [list, get, why, tail] = await Promise.all([
      json('run', 'list'),
      json('run', 'get', runId),
      json('run', 'why', runId),
      json('tail', '--once'),
    ]);
    expect(list['runs']).toMatchObject([{ runId, taskCount: 4 }]);
    expect(get).toMatchObject({ runId, labels: { a: 'b' }, taskCounts: { total: 4 } });
    expect(why['waiting']).toContainEqual(
      expect.objectContaining({ reason: 'worker', subject: 'demo.bars' }),
    );
    expect(tail).toMatchObject({ id: runId });
  });

  it('prints tables without colour where nobody looks on', async () => {
    const [list, help] = await Promise.all([sluice('run', 'list'), sluice('run', '--help')]);

    expect(list.stdout[0]).toMatch(/^RUN +STATE +CREATED +DONE +FAILED$/);
    expect(list.stdout).toHaveLength(2);

    expect([...list.stdout, ...help.stdout].join('\n')).not.toMatch(/\u001b/);
  });

  it('creates a feed, answers the same feed again, and refuses another of its name', async () => {
    const other = file('other.json', { sources: [{ source_id: 's', symbols: ['X'] }] });
    expect(await json('feed', 'create', 'spot', feedFile)).toMatchObject({
      feedId: 'spot',
      state: 'started',
    });
    const [again, get, taken] = await Promise.all([
      json('feed', 'create', 'spot', feedFile),
      json('feed', 'get', 'spot'),
      refusal({}, 'feed', 'create', 'spot', other),
    ]);

    expect([again, get]).toMatchObject([{ feedId: 'spot' }, { feedId: 'spot', recordCount: 0 }]);
    expect(taken).toMatchObject({ exitCode: 1, code: 'feed_exists' });
    const { stdout } = await sluice('feed', 'list');
    expect(stdout[0]).toMatch(/^FEED +STATE +RECORDS +TICKS +LAST TICK$/);
  });

  it('lists every fault of a bad manifest at once and names the cycle', async () => {
    const asset = (name: string, upstream: string) => ({
      key: { namespace: 'a', name },
      id: name,
      dependencies: [{ upstreamKey: { namespace: 'a', name: upstream } }],
    });
    const assets = [
      asset('one', 'two'),
      asset('two', 'one'),
      asset('three', 'nowhere'),
      asset('three', 'one'),
    ];
    const bad = file('bad.json', { manifestVersion: '1.0', codeVersionId: '', assets });

    const { exitCode, code, lines } = await refusal({}, 'deploy', bad);

    expect([exitCode, code]).toEqual([1, 'invalid_manifest']);
    expect(lines.join('\n')).toMatch(/4 faults/);
    expect(lines.slice(1)).toEqual([
      expect.stringContaining('codeVersionId: must not be blank'),
      expect.stringContaining('a.nowhere is not an asset'),
      expect.stringContaining('a.three is already assets[2]'),
      expect.stringContaining('a.one -> a.two -> a.one'),
    ]);
  });

  it.concurrent.each([
    ['a command that does not exist', {}, ['launch'], 2, 'usage'],
    ['a run that does not exist', {}, ['run', 'get', 'run_none'], 1, 'run_not_found'],
    ['a selection of nothing known', {}, ['run', 'start', '--select', 'a.none'], 1, 'invalid_selection'],
    ['a wrong token', { SLUICE_TOKEN: 'wrong' }, ['run', 'list'], 1, 'invalid_token'],
  ] as const)('refuses %s by name', async (...row) => {
    const [, environment, args, exitCode, code] = row;
    expect(await refusal(environment, ...args)).toMatchObject({ exitCode, code });
  });

  it('follows SLUICE_URL, SLUICE_TOKEN and SLUICE_WORKSPACE before what it finds', async () => {
    const nowhere = ['--state', path.join(folder, 'empty'), '--json'];
    const environment = { SLUICE_URL: serving.url, SLUICE_TOKEN: serving.token };
    const [lost, found, elsewhere] = await Promise.all([
      runSluice(['run', 'list', ...nowhere]),
      runSluice(['run', 'list', ...nowhere], { environment }),
      runSluice(['run', 'list', ...nowhere], { environment: { ...environment, SLUICE_WORKSPACE: 'other' } }),
    ]);

    expect([lost.code, lost.stderr.join('\n')]).toEqual([3, expect.stringContaining('start one with')]);
    const runsOf = ({ stdout }: Finished) => (JSON.parse(stdout[0] ?? '') as { runs: unknown[] }).runs;
    expect([runsOf(found).length, runsOf(elsewhere).length]).toEqual([1, 0]);
  });
});
