/** The commands of `sluice` against a stack in this process: what they print for people and for programs. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

import { describe, expect, it, vi } from 'vitest';

import type { Cloud } from '#local/boot/cloud.ts';
import { sluice, startTestStack } from '#test/support/cli.ts';
import { testFolder } from '#test/support/folders.ts';
import type { Said } from '#test/support/cli.ts';
import { apiOf } from '#test/support/cloud.ts';
import type { TestCloud } from '#test/support/cloud.ts';
import { claimOne, fail, listedRun, succeed } from '#test/support/cloud-assets.ts';
import { putRecords, snapshotInputs, trade } from '#test/support/cloud-market.ts';
import { itemsOf } from '#test/support/cloud-stores.ts';

const manifest = 'events/demo.manifest.json';

const stage = async () => {
  const stack = await startTestStack();
  const { stateDir } = stack;
  const say = (...args: readonly string[]): Promise<Said> => sluice(...args, '--state', stateDir);
  /** The one JSON document of a command that must succeed. */
  const json = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await say(...args, '--json');
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  return { stack, api: apiOf(stack.cloud as TestCloud), say, json };
};

const file = (name: string, text: string): string => {
  const place = path.join(testFolder(), name);
  writeFileSync(place, text);
  return place;
};

/** Waits until the list of feeds was asked for so many times more. */
const looks = async (cloud: Cloud, count: number): Promise<void> => {
  const asked = (): number => cloud.counts().functions['sluice-dev-api-feeds']?.invocations ?? 0;
  const before = asked();
  await vi.waitFor(() => expect(asked()).toBeGreaterThanOrEqual(before + count), { timeout: 5_000 });
};

/** Ends a command that runs until it is stopped. */
const interrupt = (): void => void process.emit('SIGINT', 'SIGINT');

describe('runs', () => {
  it('are deployed, started once by their key, shown with their tasks, and say why they wait', async () => {
    const { say, json, stack } = await stage();

    expect(await json('deploy', manifest)).toMatchObject({ assetCount: 4 });
    expect((await say('deploy', manifest)).stdout).toMatch(/^deployed 4 assets as man_\S+\n$/);
    const start = [
      'run',
      'start',
      '--select',
      'demo.bars, demo.regimes',
      '--run-key',
      'k',
      '--label',
      'a=b=c',
    ];
    const { runId } = await json(...start);
    expect((await say(...start)).stdout).toBe(`found ${String(runId)}\n`);
    expect((await say('run', 'start', '--select', 'demo.bars', '--upstream')).stdout).toMatch(
      /^started run_/,
    );
    await stack.cloud.settle();
    expect((await say('run', 'list', '--limit', '1')).stdout).toMatch(
      /^RUN .*\nrun_.* RUNNING .*\nmore with --cursor \S+\n$/,
    );
    expect(await json('run', 'get', String(runId))).toMatchObject({ runId, labels: { a: 'b=c' } });
    expect((await say('run', 'why', String(runId))).stdout).toMatch(
      /^WAITS FOR +SUBJECT +LOOKED AT BY +LIMIT\n(.*\n)*worker /,
    );
  });

  it('are waited for, to their end', async () => {
    const { api, say } = await stage();
    await say('deploy', file('one.yaml', oneAsset));

    const waiting = say('run', 'start', '--select', 'demo.a', '--upstream', '--downstream', '--wait');
    await vi.waitFor(async () => succeed(api, await claimOne(api)));
    const { code, stdout } = await waiting;

    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/ SUCCEEDED\nTASK +STATE .*\ndemo.a +SUCCEEDED +1\n$/),
    ]);
    const [, runId = ''] = /^(run_\w+) /.exec(stdout) ?? [];
    expect((await say('run', 'why', runId)).stdout).toBe('it waits for nothing\n');
  });

  it('leave partitions, which are listed and counted; what is removed stays listed', async () => {
    const { api, say, json, stack } = await stage();
    await say(
      'deploy',
      file('two.yaml', `${oneAsset}schedules: [{id: early, cron: 0 6 * * *, assets: [demo.a]}]\n`),
    );
    await say('run', 'start', '--select', 'demo.a');
    await succeed(api, await claimOne(api));
    await stack.cloud.settle();

    expect((await say('partition', 'list', '--asset', 'demo/a')).stdout).toMatch(
      /^ASSET +PARTITION +STATE .*\ndemo.a +MATERIALIZED +2\S+Z\n$/,
    );
    expect(await json('partition', 'list', '--stale')).toEqual({ partitions: [] });
    expect((await say('partition', 'summary', 'demo/a')).stdout).toBe(
      'demo/a 1 partitions: 1 materialized, 0 of them stale, 0 missing\n',
    );
    expect((await say('partition', 'summary', 'demo.z')).stderr).toMatch(/^partitions_not_found: /);

    await say('deploy', manifest);
    await stack.cloud.settle();
    expect((await say('asset', 'list', '--limit', '1')).stdout).toMatch(
      /^ASSET .*\ndemo.a +REMOVED +2\S+Z\nmore with --cursor \S+\n$/,
    );
    expect((await say('schedule', 'list')).stdout).toMatch(/^SCHEDULE .*\nearly +REMOVED +2\S+Z\n/);
    expect((await say('partition', 'list', '--limit', '1')).stdout).toMatch(/MATERIALIZED/);
    expect((await json('asset', 'list'))['assets']).toHaveLength(5);
  });

  it('are cancelled, run again and found by what they are', async () => {
    const { say, json, stack } = await stage();
    await say('deploy', file('one.yaml', oneAsset));
    const { runId } = await json(
      'run',
      'start',
      '--select',
      'demo.a',
      '--timeout',
      '60',
      '--label',
      'desk=x',
    );
    expect((await say('run', 'rerun', String(runId), '--from-failure')).stderr).toMatch(
      /^rerun_not_allowed: /,
    );

    expect((await say('run', 'cancel', String(runId), '--reason', 'wrong day')).stdout).toBe(
      `${String(runId)} CANCELLED\n`,
    );
    expect((await say('run', 'rerun', String(runId), '--from-failure')).stdout).toMatch(/^started run_/);
    expect((await say('run', 'rerun', String(runId), '--select', 'demo.a', '--downstream')).stdout).toMatch(
      /^started run_/,
    );
    await stack.cloud.settle();
    const list = async (...filters: readonly string[]) =>
      ((await json('run', 'list', ...filters))['runs'] as readonly { runId: string }[]).map(
        (run) => run.runId,
      );
    expect(await list('--in-state', 'CANCELLED')).toEqual([runId]);
    expect(await list('--label', 'desk=x', '--asset', 'demo/a')).toEqual([runId]);
    expect(await list('--until', '2000-01-01T00:00:00Z')).toEqual([]);
    for (const wrong of [[], ['--from-failure', '--select', 'demo.a'], ['--from-failure', '--upstream']])
      expect((await say('run', 'rerun', String(runId), ...wrong)).code).toBe(2);
    expect((await say('run', 'start', '--select', 'demo.a', '--timeout', 'soon')).stderr).toContain(
      'timeoutSec',
    );
  });

  it('show the error of an attempt that failed', async () => {
    const { api, say, json } = await stage();
    await say('deploy', file('one.yaml', oneAsset));
    const { runId } = await json('run', 'start', '--select', 'demo.a');
    await fail(api, await claimOne(api), 'USER_CODE');

    expect((await say('run', 'get', String(runId))).stdout).toMatch(/demo.a +PENDING +1 +it broke\n$/);
  });
});

const oneAsset = `
manifestVersion: '1.0'
codeVersionId: one
assets:
  - key: { namespace: demo, name: a }
    id: a
`;

describe('the example worker', () => {
  it('does the work of its queue until it is stopped', async () => {
    const { api, say, json } = await stage();
    await say('feed', 'create', 'demo', 'events/tapes/demo.feed.json');
    await say('deploy', file('one.yaml', oneAsset));
    const { runId } = await json('run', 'start', '--select', 'demo.a');

    const working = say('worker', '--concurrency', '1');
    await vi.waitFor(
      async () => expect(await listedRun(api, String(runId))).toMatchObject({ state: 'SUCCEEDED' }),
      {
        timeout: 10_000,
      },
    );
    interrupt();
    const { code, stderr } = await working;

    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^worker claims from default-queue; stop it with Ctrl-C\ndemo.a attempt 1 started\n/,
    );
    expect(stderr).toContain('demo.a attempt 1 succeeded');
  });
});

describe('feeds and what happens', () => {
  it('are created, listed and shown, and followed with their engine runs', async () => {
    const { stack, say, json } = await stage();
    const feed = file(
      'feed.json',
      JSON.stringify({
        sources: [{ source_id: 'venue', symbols: ['AAA'] }],
        scheduler: { mode: 'boundary', boundary_interval_ms: 60_000, boundary_delay_ms: 0 },
        engine: { engine_mode: 'truth' },
        clock: 'record',
      }),
    );

    expect((await say('feed', 'create', 'spot', feed)).stdout).toBe('feed spot is started\n');
    await stack.cloud.settle();
    expect((await say('feed', 'list')).stdout).toMatch(/^FEED .*\nspot +started +0 +0 +none yet\n$/);
    await putRecords(stack.cloud, [snapshotInputs('AAA', 60_000, 1_000), trade('AAA', 60_001)]);
    await stack.cloud.settle();
    expect((await say('feed', 'get', 'spot')).stdout).toMatch(
      /^spot started\nrecords {2}2\nticks {4}1, the last planned for 1970-01-01T00:01:00.000Z\n$/,
    );
    expect(await json('feed', 'get', 'spot')).toMatchObject({ recordCount: 2, tickCount: 1 });
    expect((await say('tail', '--once')).stdout).toBe('spot AAA 1970-01-01T00:01:00.000Z completed\n');
    for (const [layer, line] of [
      ['gates', /^SYMBOL .*\nAAA +OPEN +READY +1970-01-01T00:01:00.000Z *\n$/],
      ['analysis', /^SYMBOL .*\nAAA +SUCCESS *\n$/],
      ['regimes', /^SYMBOL .*\nAAA +CHOP_BALANCED +1970-01-01T00:01:00.000Z +1 +0 *\n$/],
      ['dashboard', /^spot OK at .*\n(.*\n)*AAA +OPEN +CHOP_BALANCED +0.50 +PARTIAL *\n$/],
    ] as const)
      expect((await say('feed', layer, 'spot')).stdout).toMatch(line);
    expect((await say('feed', 'gates', 'spot', '--symbol', 'AAA')).stdout).toMatch(/\n1 +1970.* OPEN *\n$/);
    const following = say('feed', 'dashboard', 'spot', '--follow', '--every', '1');
    await looks(stack.cloud, 2);
    interrupt();
    const followed = await following;
    expect(followed.stdout).toMatch(/^spot OK at .*\n(.*\n)*spot OK at /);
    expect(followed.stderr).toContain('"dashboards.renderer.frames":');
  });

  it('are followed as they change, until it is stopped', async () => {
    const { say, json, api, stack } = await stage();
    await say('deploy', file('one.yaml', oneAsset));
    const { runId } = await json('run', 'start', '--select', 'demo.a');
    await stack.cloud.settle();

    const tailing = say('tail');
    await looks(stack.cloud, 1);
    await succeed(api, await claimOne(api));
    await stack.cloud.settle();
    await looks(stack.cloud, 2);
    interrupt();

    expect((await tailing).stdout).toBe(`${String(runId)} RUNNING\n${String(runId)} SUCCEEDED\n`);
  });
});

describe('what is not there', () => {
  it('is refused by the name of the server, as text and as a document', async () => {
    const { say } = await stage();

    const feed = await say('feed', 'get', 'none');
    expect([feed.code, feed.stdout, feed.stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/^feed_not_found: /),
    ]);
    const run = await say('run', 'get', 'run_none', '--json');
    expect([run.code, run.stdout, JSON.parse(run.stderr)]).toMatchObject([1, '', { code: 'run_not_found' }]);
  });
});

describe('status', () => {
  it('tells where the stack listens and what it is called', async () => {
    const { say, json, stack } = await stage();

    expect(await json('status')).toMatchObject({ url: stack.url, workspace: 'main', ready: true });
    expect((await say('status')).stdout).toMatch(
      /^WHAT +VALUE\n[^]*\nqueues +sluice-dev-engine-runs.fifo\n +sluice-/,
    );
  });

  it('of a stack elsewhere knows its address alone', async () => {
    const { stack } = await stage();
    vi.stubEnv('SLUICE_URL', `${stack.url}/`).stubEnv('SLUICE_TOKEN', stack.token);
    vi.stubEnv('SLUICE_WORKSPACE', 'other');

    const { code, stdout } = await sluice('status', '--state', testFolder(), '--json').finally(() =>
      vi.unstubAllEnvs(),
    );

    expect([code, JSON.parse(stdout)]).toEqual([0, { url: stack.url, workspace: 'other', ready: true }]);
  });
});

describe('the stores', () => {
  it('are verified and repaired', async () => {
    const { stack, say, json } = await stage();
    await say('deploy', manifest);
    await stack.cloud.settle();
    expect((await say('rebuild', '--verify')).stdout).toMatch(/the read models are what the ledger says\n$/);
    expect(await json('rebuild')).toMatchObject({ isEqual: true, repairedCount: 0 });
    const [row] = await itemsOf(stack.cloud, 'views');
    await stack.cloud.call('dynamodb', 'DeleteItem', {
      TableName: 'sluice-dev-views',
      Key: { pk: row?.['pk'], sk: row?.['sk'] },
    });

    const differing = await say('rebuild', '--verify');
    expect([differing.code, differing.stderr]).toEqual([
      1,
      'views_differ: the read models differ from the ledger\n',
    ]);
    expect(differing.stdout).toMatch(/^missing .*\n[^]*"sluice rebuild" repairs them\n$/);
  });

  it('are backed up and restored elsewhere', async () => {
    const one = await stage();
    await one.say('deploy', manifest);
    await one.stack.cloud.settle();
    const backup = path.join(testFolder(), 'backup.jsonl.gz');
    expect((await one.say('backup', backup)).stdout).toMatch(/^\d+ items and \d+ bodies in .*, as of \S+\n$/);
    const other = await stage();

    const { code, stdout, stderr } = await other.say('restore', backup);

    expect([code, stderr]).toEqual([0, expect.stringMatching(/restored; waiting for the read models\n$/)]);
    expect(stdout).toMatch(
      /^restored what .* held as of .*\n[^]*the read models are what the ledger says\n$/,
    );
    expect((await other.say('restore', backup)).code).not.toBe(0);
  });

  it('are not those of a stage that is none, is not there, or runs nowhere', async () => {
    const { say } = await stage();

    expect((await say('rebuild', '--stage', 'NONE')).stderr).toMatch(/^usage: stage NONE is none: /);
    expect((await say('rebuild', '--stage', 'other')).stderr).toMatch(
      /^not_found: .*is the stage right \(--stage\)\?\n$/,
    );
    expect(await sluice('rebuild', '--state', testFolder())).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^not_found: no Sluice runs from .*or say --aws\n$/) as string,
    });
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
    const lost = await say('rebuild').finally(() => vi.unstubAllEnvs());
    expect([lost.code, lost.stderr]).toEqual([
      3,
      expect.stringMatching(/^unavailable: the AWS endpoint does not answer/),
    ]);
  });

  it('of an account are found by the name of the bucket', async () => {
    const { stack } = await stage();
    const environment = { AWS_ENDPOINT_URL: stack.awsUrl, AWS_ENDPOINT_URL_S3: stack.awsUrl };
    const inAccount = async (...args: readonly string[]): Promise<Said> => {
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
      return sluice(...args, '--aws', '--state', testFolder()).finally(() => vi.unstubAllEnvs());
    };

    expect((await inAccount('rebuild', '--verify')).code).toBe(0);
    expect(await inAccount('rebuild', '--stage', 'other')).toMatchObject({
      code: 3,
      stderr: 'not_found: the account has 0 buckets named sluice-other-blobs-…, not one\n',
    });
  });
});

describe('doctor', () => {
  it('finds nothing wrong with a running stack', async () => {
    const { stack, say } = await stage();
    const { port } = new URL(stack.url);
    const ports = ['--port', port, '--aws-port', new URL(stack.awsUrl).port];

    const { code, stdout } = await say('doctor', ...ports);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {6}node: [^]*serves http/);
    const document = await say('doctor', ...ports, '--json');
    expect(JSON.parse(document.stdout)).toMatchObject({ findings: expect.any(Array) as unknown[] });
  });

  it('names what is wrong and ends with 3 for a port that is taken', async () => {
    const { stack } = await stage();
    const { port } = new URL(stack.url);

    const { code, stdout, stderr } = await sluice('doctor', '--port', port, '--state', testFolder());

    expect([code, stderr]).toEqual([3, expect.stringMatching(/^problems_found: look at: .*port/)]);
    expect(stdout).toMatch(/problem .*port.*\n {8}to do: /);
    expect((await sluice('doctor', '--port', '0')).code).toBe(2);
  });
});
