import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { stubBundles } from '#test/support/kept-assembly.ts';
import { idleCosts, idleTotal, readPrices, readTemplates } from '#tools/build/idle-cost.ts';
import { synth } from '#tools/build/synth.ts';

const root = process.cwd();
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sluice-synth-'));
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const idleDollars = async (context: Readonly<Record<string, string>>, outDir: string): Promise<number> => {
  const { assemblyDir } = await synth({ root, outDir, dist: await stubBundles(), context });
  return idleTotal(idleCosts(readTemplates(assemblyDir), readPrices(root)));
};

it('passes the checks of the CDK and of AWS Solutions, without credentials', async () => {
  const report = await synth({
    root,
    outDir: join(scratch, 'checked'),
    dist: await stubBundles(),
    isChecked: true,
  });

  expect(report.isSynthesised).toBe(true);
});

it('does nothing when no input has changed, and starts anew when the context has', async () => {
  const options = { root, outDir: join(scratch, 'quick'), dist: await stubBundles() };

  const first = await synth(options);
  const second = await synth(options);
  const third = await synth({ ...options, context: { stage: 'qa' } });

  expect([first, second, third].map(({ isSynthesised }) => isSynthesised)).toEqual([true, false, true]);
});

it('keeps the old assembly when the new one cannot be made', async () => {
  const outDir = join(scratch, 'kept');
  const { assemblyDir } = await synth({ root, outDir, dist: await stubBundles() });
  const before = readTemplates(assemblyDir);

  const failing = synth({ root, outDir, dist: await stubBundles(), context: { stage: 'Not A Stage' } });

  await expect(failing).rejects.toThrow('lower-case name');
  expect(readTemplates(assemblyDir)).toEqual(before);
});

it('costs at most 30 dollars a month while idle in dev, and 6 with feeds off', async () => {
  expect(await idleDollars({}, join(scratch, 'on'))).toBeLessThanOrEqual(30);
  expect(await idleDollars({ feeds: 'off' }, join(scratch, 'off'))).toBeLessThanOrEqual(6);
});

it('refuses a price that the table does not have', () => {
  const templates = [{ Resources: { Key: { Type: 'AWS::KMS::Key', Properties: {} } } }];

  expect(() => idleCosts(templates, { hoursPerMonth: 730, idle: {} })).toThrow(
    'the price table has no kmsKeyMonth',
  );
});

it('charges for extended retention and for what is beyond the free count only', () => {
  const stream = { Type: 'AWS::Kinesis::Stream', Properties: { ShardCount: 2, RetentionPeriodHours: 168 } };
  const alarm = { Type: 'AWS::CloudWatch::Alarm', Properties: {} };

  const costs = idleCosts([{ Resources: { stream, one: alarm, two: alarm } }], {
    hoursPerMonth: 100,
    idle: {
      kinesisShardHour: { dollars: 1 },
      kinesisExtendedRetentionShardHour: { dollars: 2 },
      alarmMonth: { dollars: 5, freeCount: 1 },
    },
  });

  expect(costs.map(({ price, dollarsPerMonth }) => [price, dollarsPerMonth])).toEqual([
    ['kinesisShardHour', 200],
    ['kinesisExtendedRetentionShardHour', 400],
    ['alarmMonth', 5],
  ]);
});
