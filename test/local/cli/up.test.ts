/** `sluice up` on a stack in this process: what it waits for, what it says, and how it ends. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

import { describe, expect, it, vi } from 'vitest';

import { up } from '#cli/up/up.ts';
import type { Summary, UpSetting } from '#cli/up/up.ts';
import type { StackSetting } from '#cli/up/stack.ts';
import type { BootOptions } from '#local/boot/cloud.ts';
import type { CreateHandler } from '#local/lambda/function-contract.ts';
import { listening, startTestStack } from '#test/support/cli.ts';
import { testFolder } from '#test/support/folders.ts';
import { apiOf, sourceModules } from '#test/support/cloud.ts';
import type { TestCloud } from '#test/support/cloud.ts';
import { published, snapshotInputs, trade } from '#test/support/cloud-market.ts';

const MINUTE_MS = 60_000;

const setting = (more: Partial<UpSetting> = {}): UpSetting => ({
  root: process.cwd(),
  stateDir: 'unused',
  isEphemeral: true,
  port: 0,
  awsPort: 0,
  format: 'jsonl',
  speed: 'max',
  isDemo: false,
  hasWorker: false,
  isExiting: true,
  patienceMs: 60_000,
  isJson: true,
  ...more,
});

/** A tape of three records that plans one run. */
const tape = (): string => {
  const file = path.join(testFolder(), 'small.jsonl');
  const records = [
    snapshotInputs('AAA', 3 * MINUTE_MS, 1_000),
    trade('AAA', 2_000),
    trade('AAA', 3 * MINUTE_MS + 1),
  ];
  writeFileSync(file, records.map(({ data }) => `${data as string}\n`).join(''));
  return file;
};

const run = async (more: Partial<UpSetting>, options: Partial<BootOptions> = {}) => {
  const start = ({ log }: StackSetting) => startTestStack(testFolder(), { log, ...options });
  return listening(async () => {
    try {
      await up(setting(more), start);
      return undefined;
    } catch (error) {
      return error;
    }
  });
};
const summaryIn = (stdout: string): Summary => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Summary;

describe('up --exit', () => {
  it('plays a tape, waits for all that follows, and counts it', async () => {
    const { value, stdout } = await run({ tape: tape() });

    expect(value).toBeUndefined();
    expect(summaryIn(stdout)).toMatchObject({
      events: 3,
      engineRuns: 1,
      published: 2,
      failedRuns: 0,
      assetRuns: 0,
    });
  });

  it('without a tape has nothing to wait for', async () => {
    const { value, stdout } = await run({ hasWorker: true });

    expect(value).toBeUndefined();
    expect(summaryIn(stdout)).toMatchObject({ events: 0, engineRuns: 0, assetRuns: 0, seconds: 0 });
  });

  it('shows faults of functions, and none of their routine', async () => {
    const talking: BootOptions['importModule'] = async (fn) => {
      if (fn.name !== 'sluice-dev-ingest-market') return sourceModules(fn);
      const { createHandler } = (await sourceModules(fn)) as { createHandler: CreateHandler };
      return {
        createHandler: (...given: Parameters<CreateHandler>) => {
          given[1]?.write?.('{"level":"error","message":"a fault"}');
          given[1]?.write?.('{"level":"info","message":"routine"}');
          given[1]?.write?.('plain text');
          return createHandler(...given);
        },
      };
    };

    const { stderr } = await run({ tape: tape() }, { importModule: talking });

    expect(stderr).toContain('a fault');
    expect(stderr).toContain('plain text');
    expect(stderr).not.toContain('routine');
  });

  it('gives up on an ingest that does not move, and says what it waited for', async () => {
    const broken: BootOptions['importModule'] = (fn) =>
      fn.name === 'sluice-dev-ingest-market'
        ? Promise.resolve({ createHandler: () => () => Promise.reject(new Error('broken')) })
        : sourceModules(fn);

    const { value } = await run({ tape: tape(), patienceMs: 1_000 }, { importModule: broken });

    expect(value).toMatchObject({
      code: 'no_progress',
      exitCode: 1,
      message: expect.stringMatching(
        /^nothing has moved for \d s while waiting for deliveries to functions: .*MarketEventsToIngest.* deliveries failed/,
      ) as string,
    });
  });

  it('gives up on engine runs that never come out', async () => {
    const silent: BootOptions['importModule'] = (fn) =>
      fn.name === 'sluice-dev-publish'
        ? Promise.resolve({ createHandler: () => () => Promise.resolve({ batchItemFailures: [] }) })
        : sourceModules(fn);

    const { value } = await run({ tape: tape(), patienceMs: 1_000 }, { importModule: silent });

    expect(value).toMatchObject({
      code: 'no_progress',
      details: { waitsFor: '1 of 1 engine runs' },
    });
  });

  it('gives up on a feed that is never listed', async () => {
    const idle: BootOptions['importModule'] = (fn) =>
      fn.name === 'sluice-dev-compact'
        ? Promise.resolve({ createHandler: () => () => Promise.resolve({ batchItemFailures: [] }) })
        : sourceModules(fn);

    const { value } = await run({ tape: tape(), patienceMs: 1_000 }, { importModule: idle });

    expect(value).toMatchObject({
      code: 'no_progress',
      details: { waitsFor: expect.stringMatching(/^the feed tape-.* in the list of feeds$/) as string },
    });
  });
});

describe('up', () => {
  it('works off the demo with its worker, and tells people what was done', async () => {
    const { value, stdout, stderr } = await run({ isDemo: true, tape: tape(), isJson: false });

    expect(value).toBeUndefined();
    expect(stdout).toMatch(/^done\n {2}events {6}3\n[^]* {2}assetRuns {3}1\n/);
    expect(stderr).toMatch(/^ready in \S+ s: HTTP API http:\S+, AWS endpoint http:\S+, token \S+\n/);
    expect(stderr).toContain('worker: demo.regimes attempt 1 failed\n');
    expect(stderr).toMatch(/records 3 {2}engine runs 1 {2}published 2 {2}run SUCCEEDED 4\/4 {2}AAA /);
  }, 30_000);

  it('that is not to end goes on serving when all is done, until it is stopped', async () => {
    const stack = await startTestStack();
    const serving = listening(() =>
      up(setting({ isExiting: false, isJson: true, tape: tape() }), () => Promise.resolve(stack)),
    );
    const api = apiOf(stack.cloud as TestCloud);
    await vi.waitFor(async () => expect(await published(stack.cloud)).toHaveLength(2), { timeout: 10_000 });

    expect((await api.ask('GET', '/health')).status).toBe(200);
    process.emit('SIGTERM', 'SIGTERM');
    const { stdout } = await serving;

    expect(stdout).toMatch(/^\{"ready":true,.*\}\n$/);
    await expect(fetch(`${stack.url}/health`)).rejects.toThrow();
  });

  it('plays a tape of bars, in the time of the tape, and again only what is missing', async () => {
    const file = path.join(testFolder(), 'bars.csv');
    const row = (minute: number): string =>
      [`2022-01-01 00:0${minute}:00`, 100, 101, 99, 100.5, 10].join(',');
    const header = 'timestamp,open,high,low,close,volume';
    const rows = Array.from({ length: 6 }, (_, minute) => row(minute));
    writeFileSync(file, `${[header, ...rows].join('\n')}\n`);
    const bars = { tape: file, format: 'bars-csv', symbol: 'AAA', speed: 600 } as const;
    const stack = await startTestStack();
    const start = () => Promise.resolve({ ...stack, close: () => Promise.resolve() });

    const first = await listening(() => up(setting(bars), start));
    const again = await listening(() => up(setting(bars), start));

    const { events, published: count } = summaryIn(first.stdout);
    expect(events).toBeGreaterThan(6);
    expect(summaryIn(again.stdout)).toMatchObject({ events, published: count });
  }, 20_000);

  it('refuses a tape that is not there, or malformed, before anything is started', async () => {
    const broken = path.join(testFolder(), 'broken.csv');
    writeFileSync(broken, 'no,bars\n1,2\n');
    const never = () => Promise.reject(new Error('started'));

    await expect(up(setting({ tape: '/nowhere.jsonl' }), never)).rejects.toMatchObject({
      code: 'tape_missing',
      exitCode: 2,
    });
    await expect(up(setting({ tape: broken, format: 'bars-csv', symbol: 'A' }), never)).rejects.toMatchObject(
      {
        exitCode: 2,
      },
    );
  });

  it('takes a tape in by the feed that stands beside it, and an empty one by a feed of its own', async () => {
    const file = tape();
    const config = {
      sources: [{ source_id: 'venue', symbols: ['AAA'] }],
      scheduler: { mode: 'boundary', boundary_interval_ms: 30 * MINUTE_MS, boundary_delay_ms: 0 },
      engine: { engine_mode: 'truth' },
      clock: 'record',
    };
    writeFileSync(file.replace('.jsonl', '.feed.json'), JSON.stringify(config));
    const empty = path.join(testFolder(), 'empty.jsonl');
    writeFileSync(empty, '{"raw": "no event", "partition_key": "k"}\n');

    const { value, stdout } = await run({ tape: file });
    expect(value).toBeUndefined();
    expect(summaryIn(stdout)).toMatchObject({ events: 3, engineRuns: 0 });
    expect(summaryIn((await run({ tape: empty })).stdout)).toMatchObject({ events: 1, engineRuns: 0 });
  }, 20_000);

  it('ends with the fault of a stack that does not start what it was asked for', async () => {
    const broken: BootOptions['importModule'] = (fn) =>
      fn.name === 'sluice-dev-api-runs' ? Promise.resolve({}) : sourceModules(fn);

    const { value } = await run({ isDemo: true, tape: tape() }, { importModule: broken });

    expect(value).toMatchObject({ code: 'internal' });
  });
});
