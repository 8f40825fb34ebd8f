/** `sluice up` on a stack in this process: what it waits for, what it says, and how it ends. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

import { describe, expect, it } from 'vitest';

import { up } from '#cli/up/up.ts';
import type { Summary, UpSetting } from '#cli/up/up.ts';
import type { BootOptions } from '#local/boot/cloud.ts';
import { listening, startTestStack, testFolder } from '#test/support/cli.ts';
import { sourceModules } from '#test/support/cloud.ts';
import { snapshotInputs, trade } from '#test/support/cloud-market.ts';

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
  const start = () => startTestStack(testFolder(), options);
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
