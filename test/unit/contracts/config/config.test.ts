import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { defaultLimits, environmentKeysOf, Limits, readEnvironment } from '#contracts/config.ts';
import {
  blobsBucketName,
  deadQueueNames,
  deadQueueOf,
  functionNames,
  ledgerStreamParameterName,
  physicalName,
  Stage,
  workQueueNames,
} from '#contracts/naming.ts';
import { inProject } from '#test/support/tracked-files.ts';
import { filesBelow } from '#tools/build/files.ts';

const sweeper = {
  STAGE: 'dev',
  TENANT_ID: 'local',
  LEDGER_TABLE: 'sluice-dev-ledger',
  CONTROL_TABLE: 'sluice-dev-control',
  SWEEP_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/sluice-dev-sweep',
};

describe('the environment of a function', () => {
  it('holds its own variables and no others', () => {
    const environment = readEnvironment('sweeper', {
      ...sweeper,
      VIEWS_TABLE: 'sluice-dev-views',
      PATH: '/bin',
    });

    expect(environment).toEqual({ ...sweeper, LIMITS: defaultLimits });
  });

  it('names every variable that is missing or malformed', () => {
    expect(() =>
      readEnvironment('sweeper', { ...sweeper, LEDGER_TABLE: undefined, SWEEP_QUEUE_URL: 'x' }),
    ).toThrow(/the environment of sweeper is not usable: .*LEDGER_TABLE: .*SWEEP_QUEUE_URL: /);
  });

  it('overrides single limits and keeps the defaults of the rest', () => {
    const { LIMITS } = readEnvironment('sweeper', { ...sweeper, LIMITS: '{"sweepOverlapMinutes":4}' });

    expect(LIMITS).toEqual({ ...defaultLimits, sweepOverlapMinutes: 4 });
  });

  it.each([
    ['no JSON', '{'],
    ['an unknown limit', '{"sweepOverlapMinute":4}'],
    ['a value out of bounds', '{"sweepOverlapMinutes":0}'],
  ])('refuses limits with %s', (_, LIMITS) => {
    expect(() => readEnvironment('sweeper', { ...sweeper, LIMITS })).toThrow('LIMITS');
  });

  it('is listed for every function, without repetition', () => {
    expect(Object.keys(environmentKeysOf).sort()).toEqual([...functionNames].sort());
    for (const keys of Object.values(environmentKeysOf)) expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('limits', () => {
  it('say what they bound and stay within their own bounds by default', () => {
    for (const [name, schema] of Object.entries(Limits.shape)) {
      expect(schema.description ?? schema.unwrap().description, name).toBeTruthy();
      expect(() => Limits.parse({ [name]: defaultLimits[name as keyof Limits] })).not.toThrow();
    }
  });

  it('let a body be as large as a payload of Lambda and no larger', () => {
    expect(Limits.parse({ requestBytesMax: 6_291_456 }).requestBytesMax).toBe(6_291_456);
    expect(() => Limits.parse({ requestBytesMax: 6_291_457 })).toThrow();
    expect(defaultLimits.manifestBytesMax).toBe(6_291_456);
    expect(() => Limits.parse({ manifestBytesMax: 6_291_457 })).toThrow();
  });

  it.each(Object.keys(Limits.shape))('are there because a function reads them: %s', (name) => {
    const source = filesBelow(inProject('functions'))
      .map((file) => readFileSync(inProject(`functions/${file}`), 'utf8'))
      .join('\n');

    expect(source).toMatch(new RegExp(`\\b${name}\\b`));
  });
});

describe('names', () => {
  it('carry the stage', () => {
    const stage = Stage.parse('dev');

    expect(physicalName(stage, 'commands.fifo')).toBe('sluice-dev-commands.fifo');
    expect(blobsBucketName(stage, '000000000000')).toBe('sluice-dev-blobs-000000000000');
    expect(ledgerStreamParameterName(stage)).toBe('/sluice/dev/ledger-stream-arn');
  });

  it('refuse a stage that AWS could not carry in every name', () => {
    expect(Stage.safeParse('a2345678901x').success).toBe(true);
    expect(Stage.safeParse('a2345678901xy').success).toBe(false);
    expect(Stage.safeParse('Dev').success).toBe(false);
    expect(Stage.safeParse('1dev').success).toBe(false);
  });

  it('give each work queue a dead-letter queue of its own kind', () => {
    for (const queue of workQueueNames)
      expect(deadQueueOf[queue].endsWith('.fifo')).toBe(queue.endsWith('.fifo'));
    expect(deadQueueOf['function-tasks']).toBe(deadQueueOf['inline-runs']);
    expect(new Set(Object.values(deadQueueOf))).toEqual(new Set(deadQueueNames));
  });
});
