import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Outcome } from '#tools/torture/outcome.ts';
import { startSluice } from '#tools/torture/sluice-process.ts';
import { torture } from '#tools/torture/torture.ts';
import type { TortureSetting } from '#tools/torture/torture.ts';
import { tortureOptions } from '#tools/torture/torture-options.ts';

/** A job of steps: it says that it is ready, does a step every few milliseconds, and goes on where it was killed. */
const job = (steps: number, end: string): string => `
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
const folder = process.argv[process.argv.indexOf('--state') + 1];
mkdirSync(folder, { recursive: true });
const file = folder + '/steps';
const step = () => {
  const done = existsSync(file) ? readFileSync(file, 'utf8').length : 0;
  if (done >= ${steps}) { console.log('{"done":true}'); ${end}; return; }
  appendFileSync(file, 'x');
  setTimeout(step, 5);
};
console.log(JSON.stringify({ ready: true, url: 'http://127.0.0.1:9', awsUrl: 'http://127.0.0.1:9', tokenFile: 't', stateDir: folder, readySeconds: 0 }));
step();
`;

const outcomeOf = (stateDir: string): Promise<Outcome> => {
  const steps = readFileSync(path.join(stateDir, 'steps'), 'utf8');
  return Promise.resolve({ market: [steps], events: [], witnessed: new Set(), tasks: [], rows: [] });
};

const tortured = (program: string, more: Partial<TortureSetting> = {}) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-torture-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const entry = [path.join(folder, 'job.mjs')];
  writeFileSync(entry[0] ?? '', program);
  const said: string[] = [];
  const report = torture({
    ...{ kills: 2, seed: 3, tapeArguments: ['--speed', 'max'], folder },
    say: (line) => void said.push(line),
    start: (args) => startSluice(args, { entry }),
    read: outcomeOf,
    ...more,
  });
  return { report, said, folder };
};

describe('torture', () => {
  it('kills a job at its moments, lets it end, and finds what it left the same', async () => {
    const { report, said } = tortured(job(60, ''));

    expect(await report).toEqual({ kills: 2, endings: 1, events: 0, acknowledged: 1, differences: [] });
    expect(said).toMatchObject(
      [
        /^undisturbed: ready in [\d.]+ s, done [\d.]+ s later$/,
        /^kill 1 of 2: (booting|working) for [\d.]+ s$/,
        /^kill 2 of 2: (booting|working) for [\d.]+ s$/,
        /^done after 2 kills: \{"done":true\}$/,
      ].map((pattern) => expect.stringMatching(pattern) as string),
    );
  });

  it('names what a kill has changed', async () => {
    const { report } = tortured(job(5, ''), {
      kills: 0,
      read: async (stateDir) =>
        stateDir.endsWith('killed')
          ? { ...(await outcomeOf(stateDir)), market: ['other'] }
          : outcomeOf(stateDir),
    });

    expect((await report).differences).not.toEqual([]);
  });

  it('tells of a job that was over before its kill, and kills the next one while it boots', async () => {
    const { report, said } = tortured(job(1, ''), { kills: 1, seed: 1 });

    const { endings } = await report;
    expect(endings).toBeGreaterThanOrEqual(1);
    expect(said.at(-1)).toMatch(/^done after \d kills/);
  });

  it.each([
    [
      'fails by itself',
      job(1, "console.error('because'); process.exit(4)"),
      /the job ended with 4:\nbecause$/,
    ],
    [
      'is killed by somebody else',
      job(1, "process.kill(process.pid, 'SIGTERM')"),
      /the job ended with SIGTERM/,
    ],
  ])('gives up on a job that %s', async (_, program, said) => {
    await expect(tortured(program).report).rejects.toThrow(said);
  });

  it('gives up on a job that does not end', async () => {
    const once = `${job(1, '')}
if (folder.endsWith('killed')) setInterval(() => undefined, 1_000);`;

    await expect(tortured(once, { kills: 0, patienceMs: 300 }).report).rejects.toThrow(
      'the job ended with SIGKILL',
    );
  });
});

describe('the options of torture', () => {
  it('are five kills of the demo by seed 1 unless told otherwise', () => {
    expect(tortureOptions([])).toEqual({ kills: 5, seed: 1, tapeArguments: [] });
    expect(tortureOptions(['--kills', '0', '--seed', '9', '--bars', '100'])).toEqual({
      kills: 0,
      seed: 9,
      bars: 100,
      tapeArguments: [],
    });
    expect(
      tortureOptions(['--tape', 'x.csv', '--format', 'bars-csv', '--symbol', 'A']).tapeArguments,
    ).toEqual([...['--tape', path.resolve('x.csv'), '--format', 'bars-csv', '--symbol', 'A']]);
  });

  it.each([
    [['--kills', 'many'], '--kills must be a whole number'],
    [['--seed', '-1'], /seed/],
    [['--seed', '99999999999999999999'], '--seed must be a whole number'],
    [['--bars', '1.5'], '--bars must be a whole number'],
    [['--magic'], /magic/],
  ])('%j is refused', (args, said) => {
    expect(() => tortureOptions(args)).toThrow(said);
  });
});
