import { spawn } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { anyPorts, runSluice, temporaryFolder } from '#test/support/process.ts';
import type { Finished } from '#test/support/process.ts';
import { orderFaults } from '#tools/torture/compare.ts';
import { readOutcome } from '#tools/torture/outcome.ts';
import type { Outcome } from '#tools/torture/outcome.ts';
import { ReadyLine, repositoryRoot } from '#tools/torture/sluice-process.ts';

/** `npm start -- ARGS…`, as a user types it. */
const npmStart = async (args: readonly string[]): Promise<Finished> => {
  const child = spawn('npm', ['start', '--silent', '--', ...args], { cwd: repositoryRoot });
  let out = '';
  let err = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString('utf8')));
  child.stderr.on('data', (part: Buffer) => (err += part.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout: out.trimEnd().split('\n'), stderr: err.trimEnd().split('\n') };
};

type Summary = Readonly<Record<string, number>>;
const summaryOf = ({ stdout }: Finished): Summary => JSON.parse(stdout.at(-1) ?? '') as Summary;

describe('the main job', () => {
  const stateDir = path.join(temporaryFolder(), 'state');
  let first: Finished;
  let again: Finished;
  let left: Outcome;

  beforeAll(async () => {
    first = await npmStart([...anyPorts, '--state', stateDir, '--exit', '--json']);
    again = await runSluice([
      'up',
      '--demo',
      '--worker',
      ...anyPorts,
      '--state',
      stateDir,
      '--exit',
      '--json',
    ]);
    left = await readOutcome(stateDir);
  });

  it('says on standard output where it listens, then what it did, and nothing else', () => {
    expect(first.stderr.join('\n')).not.toMatch(/unexpected/);
    expect([first.code, first.stdout.length]).toEqual([0, 2]);
    const ready = ReadyLine.parse(JSON.parse(first.stdout[0] ?? ''));
    expect(Object.keys(ready)).toEqual(['ready', 'url', 'awsUrl', 'tokenFile', 'stateDir', 'readySeconds']);
    expect([ready.stateDir, ready.tokenFile]).toEqual([stateDir, path.join(stateDir, 'token')]);
    expect(Object.keys(summaryOf(first))).toEqual([
      ...['events', 'engineRuns', 'published', 'failedRuns'],
      ...['assetRuns', 'commits', 'awsRequests', 'seconds', 'outputHash'],
    ]);
  });

  it('counts what a reader of the streams finds', () => {
    const ended = left.events.filter(({ event_type }) => event_type !== 'EngineRunStarted');
    const failed = ended.filter(({ event_type }) => event_type === 'EngineRunFailed');

    expect(summaryOf(first)).toMatchObject({
      events: left.market.length,
      engineRuns: new Set(ended.map(({ run_id }) => run_id)).size,
      published: left.events.length,
      failedRuns: failed.length,
      assetRuns: 1,
    });
    const { events = 0, engineRuns = 0, commits = 0, awsRequests = 0, seconds = 0 } = summaryOf(first);
    expect(Math.min(events, engineRuns, failed.length, commits, awsRequests, seconds)).toBeGreaterThan(0);
  });

  it('publishes the runs of each symbol in the order of engine time, each started before it ends', () => {
    expect(orderFaults(left.events)).toEqual([]);
    const distinct = new Set(left.events.map(({ run_id, event_type }) => `${run_id} ${event_type}`));
    expect(left.events).toHaveLength(distinct.size);
    expect(new Set(left.events.map(({ symbol }) => symbol)).size).toBe(3);
  });

  it('retries the task that fails once and brings every asset to its end', () => {
    expect(first.stderr.filter((line) => /demo\.regimes attempt \d \w+$/.test(line))).toEqual([
      'worker: demo.regimes attempt 1 started',
      'worker: demo.regimes attempt 1 failed',
      'worker: demo.regimes attempt 2 started',
      'worker: demo.regimes attempt 2 succeeded',
    ]);
    expect(left.tasks.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'demo demo.bars SUCCEEDED',
      'demo demo.coverage SUCCEEDED',
      'demo demo.regimes SUCCEEDED',
      'demo demo.report SUCCEEDED',
    ]);
  });

  it('does not play a finished tape again', () => {
    const { events, engineRuns, published, failedRuns, assetRuns } = summaryOf(first);

    expect([again.code, again.stdout.length]).toEqual([0, 2]);
    expect(summaryOf(again)).toMatchObject({ events, engineRuns, published, failedRuns, assetRuns });
    expect(left.market).toHaveLength(events ?? 0);
  });
});
